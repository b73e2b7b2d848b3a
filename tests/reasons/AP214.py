"""AP214: A function of the user is called that does more than compute a value."""


def told(x):
    print(x)
    return 2.0 * x


def scaled(x):
    return 2.0 * x


def bad(a, b, n):
    for i in range(n):
        b[i] = told(a[i])


def good(a, b, n):
    for i in range(n):
        b[i] = scaled(a[i])
