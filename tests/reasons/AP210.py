"""AP210: A comprehension builds a list, set, dictionary or generator."""


def bad(a, n):
    return [a[i] * a[i] for i in range(n)]


def good(a, squares, n):
    for i in range(n):
        squares[i] = a[i] * a[i]
    return squares
