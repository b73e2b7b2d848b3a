"""AP310: A name is subscripted in one place and used as a number in another."""


def bad(a, b, n):
    for i in range(n):
        b[i] = a[i] + a


def good(a, b, c, n):
    for i in range(n):
        b[i] = a[i] + c
