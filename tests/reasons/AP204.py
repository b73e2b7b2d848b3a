"""AP204: A loop runs over something whose values have no numbers."""


def bad(a, b):
    for i, x in a.items():
        b[i] = x


def good(a, b):
    for i, x in enumerate(a):
        b[i] = x
