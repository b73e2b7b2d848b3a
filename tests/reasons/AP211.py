"""AP211: A statement works on whole arrays."""


def bad(u, v):
    v[1:-1] = 0.5 * (u[2:] + u[:-2])


def good(u, v, n):
    for i in range(1, n - 1):
        v[i] = 0.5 * (u[i + 1] + u[i - 1])
