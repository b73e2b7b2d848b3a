"""AP302: A bound of a loop is not a quasi-affine function of the outer loop variables."""


def bad(a, n):
    for i in range(n):
        for j in range(i * i):
            a[i, j] = 0.0


def good(a, n):
    for i in range(n):
        for j in range(2 * i + 1):
            a[i, j] = 0.0
