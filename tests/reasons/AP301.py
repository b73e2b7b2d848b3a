"""AP301: A subscript is not a quasi-affine function of the loop variables."""


def bad(a, n, m):
    for i in range(n):
        a[i * m] = 0.0


def good(a, n):
    for i in range(n):
        a[2 * i + 1] = 0.0
