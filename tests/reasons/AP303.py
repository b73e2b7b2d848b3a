"""AP303: A condition inside the loop is not affine, and what it guards cannot be described."""


def bad(a, n):
    for i in range(n):
        if i * i < n:
            a[i] = 0.0


def good(a, n):
    for i in range(n):
        if 2 * i < n:
            a[i] = 0.0
