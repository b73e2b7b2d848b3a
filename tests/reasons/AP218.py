"""AP218: Random numbers are drawn first, in their order."""


def bad(out, rng, mu, s, n):
    for r in range(n):
        x = rng.normal(mu, s)
        y = rng.random()
        out[r] = x * x + y


def good(out, x, y, n):
    for r in range(n):
        out[r] = x[r] * x[r] + y[r]
