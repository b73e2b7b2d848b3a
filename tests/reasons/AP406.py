"""AP406: A loop is a scan: a value is accumulated, and every partial value is kept or used."""


def bad(p, a, n):
    for i in range(1, n):
        p[i] = p[i - 1] + a[i]


def good(p, a, n):
    for i in range(1, n):
        p[i] = a[i - 1] + a[i]
