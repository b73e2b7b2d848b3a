"""AP219: Random numbers are drawn where no loop before could draw them."""


def bad(a, rng, n):
    for r in range(n):
        if a[r] > 0.5:
            a[r] = rng.random()


def good(a, x, n):
    for r in range(n):
        if a[r] > 0.5:
            a[r] = x[r]
