"""AP303: A condition that is not affine decides whether a loop runs whose variable is used later."""


def bad(a, b, n):
    for i in range(n):
        if a[i] > 0:
            for j in range(n):
                b[i, j] = 0.0
    return j


def good(a, b, n):
    for i in range(n):
        if a[i] > 0:
            for j in range(n):
                b[i, j] = 0.0
