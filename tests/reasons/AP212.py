"""AP212: A name is shared with code outside the function, which may read or bind it at any time."""


def bad(a, b, n):
    def show():
        print(t)

    for i in range(n):
        t = a[i]
        b[i] = t * t
    return show


def good(a, b, n):
    for i in range(n):
        t = a[i]
        b[i] = t * t
