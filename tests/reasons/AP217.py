"""AP217: What a loop computes runs ahead of the rest of it."""


def bad(a, x, n, m):
    for i in range(n):
        s = 0.0
        for j in range(m):
            s += a[i, j] * x[j]
        print(i, s)


def good(a, x, y, n, m):
    for i in range(n):
        s = 0.0
        for j in range(m):
            s += a[i, j] * x[j]
        y[i] = s
