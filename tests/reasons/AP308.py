"""AP308: The step of a loop is not an integer constant."""


def bad(a, n, k):
    for i in range(0, n, k):
        a[i] = 0.0


def good(a, n):
    for i in range(0, n, 2):
        a[i] = 0.0
