"""AP403: Two iterations of a loop write the same element."""


def bad(a, b, n):
    for i in range(n):
        a[i // 2] = b[i]


def good(a, b, n):
    for k in range(n // 2):
        a[k] = b[2 * k + 1]
