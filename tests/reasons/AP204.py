"""AP204: A loop runs over something that is not known to be a range, an array or a list of numbers."""


def bad(a, b):
    for i, x in a.items():
        b[i] = x


def good(a, b):
    for i, x in enumerate(a):
        b[i] = x
