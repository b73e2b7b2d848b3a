"""AP401: An iteration reads what an earlier iteration of the same loop wrote."""


def bad(a, b, n):
    for i in range(1, n):
        a[i] = 0.5 * a[i - 1] + b[i]


def good(a, b, old, n):
    for i in range(1, n):
        a[i] = 0.5 * old[i - 1] + b[i]
