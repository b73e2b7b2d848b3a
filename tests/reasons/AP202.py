"""AP202: A loop, or one of its iterations, can be left early."""


def bad(a, b, n):
    for i in range(n):
        if a[i] < 0:
            break
        b[i] = a[i]


def good(a, b, stop):
    for i in range(stop):
        b[i] = a[i]
