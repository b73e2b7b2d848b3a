"""AP304: A bound of a loop is data that the nest itself makes."""


def bad(y, value, count, n):
    for i in range(n):
        count[i] = 2 * count[i]
        for k in range(count[i]):
            y[i] += value[k]


def good(y, value, count, n):
    for i in range(n):
        for k in range(2 * count[i]):
            y[i] += value[k]
