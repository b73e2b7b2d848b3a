"""AP223: Turns of a loop run in kernels up to those in which the interpreter prints."""


def bad(a, n, m):
    for k in range(n):
        for i in range(m):
            a[k, i] = a[k, i] * 0.5 + i
        if k % 100 == 0:
            print(k, a[k, 0])


def good(a, n, m):
    for k in range(n):
        for i in range(m):
            a[k, i] = a[k, i] * 0.5 + i
    for k in range(0, n, 100):
        print(k, a[k, 0])
