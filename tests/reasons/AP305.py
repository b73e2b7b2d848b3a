"""AP305: The name of an array is bound to another object inside the loop."""


def bad(a, b, n):
    for i in range(n):
        a[i] = 0.0
        if b[i] > 0.0:
            a = b


def good(a, b, n):
    for i in range(n):
        a[i] = 0.0
        b[i] = 0.0
