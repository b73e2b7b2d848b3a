"""AP213: A loop variable is assigned in the body of its loop, or read after it in the same nest."""


def bad(a, n):
    for i in range(n):
        i = i // 2
        a[i] = 0.0


def good(a, n):
    for i in range(n):
        k = 2 * i
        a[k] = 0.0
