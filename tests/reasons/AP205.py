"""AP205: Exceptions are caught inside the loop."""


def bad(a, b, n):
    for i in range(n):
        try:
            b[i] = 1 // a[i]
        except ZeroDivisionError:
            b[i] = 0


def good(a, b, n):
    for i in range(n):
        b[i] = 1 // max(a[i], 1)
