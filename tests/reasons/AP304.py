"""AP304: A bound of an inner loop is read from data inside the nest."""


def bad(y, value, start, n):
    for i in range(n):
        for k in range(start[i], start[i + 1]):
            y[i] += value[k]


def good(y, value, width, n):
    for i in range(n):
        for k in range(width):
            y[i] += value[i, k]
