"""AP405: A variable is updated by an operator whose uses may not be reordered."""


def bad(a, n):
    s = 0.0
    for i in range(n):
        s = a[i] - s
    return s


def good(a, b, n):
    for i in range(n):
        s = a[i] - b[i]
        a[i] = s
