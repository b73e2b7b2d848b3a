"""AP309: An array is used with different numbers of subscripts."""


def bad(a, b, n):
    for i in range(n):
        a[i, 0] = b[i]
        b[i] = a[i]


def good(a, b, n):
    for i in range(n):
        a[i, 0] = b[i]
        b[i] = a[i, 1]
