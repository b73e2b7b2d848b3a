"""AP402: An iteration overwrites what an earlier iteration of the same loop had still to read."""


def bad(a, n):
    for i in range(n - 1):
        a[i] = a[i + 1]


def good(a, old, n):
    for i in range(n - 1):
        a[i] = old[i + 1]
