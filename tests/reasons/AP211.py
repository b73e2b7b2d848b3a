"""AP211: A statement works on whole arrays in a way that is not modelled."""


def bad(u, v):
    v[..., 0] = 0.5 * u


def good(u, v):
    v[:, 0] = 0.5 * u[:]
