"""AP203: A function is called whose effects are not known."""


def bad(a, n):
    for i in range(n):
        a[i] = 2.0 * a[i]
        print(a[i])


def good(a, n):
    for i in range(n):
        a[i] = 2.0 * a[i]
    print(a)
