"""AP404: A variable takes its value from one iteration to the next."""


def bad(a, b, x, n):
    for i in range(n):
        x = 0.5 * x + a[i]
        b[i] = x


def good(a, b, n):
    for i in range(n):
        x = 0.5 * a[i]
        b[i] = x
