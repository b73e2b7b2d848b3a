"""AP204: A loop runs over something else than a `range`."""


def bad(a, b, positions):
    for i in positions:
        b[i] = a[i]


def good(a, b, positions):
    for i in range(len(a)):
        b[i] = a[i]
