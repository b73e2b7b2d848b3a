"""AP201: A statement of a kind that is not modelled."""


def bad(a, lock, n):
    for i in range(n):
        with lock:
            a[i] = 0.0


def good(a, lock, n):
    with lock:
        for i in range(n):
            a[i] = 0.0
