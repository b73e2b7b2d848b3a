"""Programs in NumPy that compilers get wrong or refuse: the same as interpreted, in part in kernels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import same

# mypy: disable-error-code="no-untyped-def"


def durbin(r):
    n = len(r)
    y = np.zeros(n)
    y[0] = -r[0]
    beta, alpha = 1.0, -r[0]
    for k in range(1, n):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


def seidel(a, steps):
    n = a.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            a[i, 1:-1] += a[i - 1, :-2] + a[i - 1, 1:-1] + a[i - 1, 2:]
            a[i, 1:-1] += a[i, 2:] + a[i + 1, :-2] + a[i + 1, 1:-1] + a[i + 1, 2:]
            for j in range(1, n - 1):
                a[i, j] += a[i, j - 1]
                a[i, j] /= 9.0
    return a


def relu(x):
    return np.maximum(x, 0.0)


def soft(x):
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def perceptron(x, first, low, second, high):
    hidden = relu(x @ first + low)
    return soft(hidden @ second + high)


def transform(x):
    n = x.shape[0]
    values = x.reshape(1, n).copy()
    while values.shape[0] < n:
        half = values.shape[1] // 2
        even, odd = values[:, :half], values[:, half:]
        rows = values.shape[0]
        turn = np.exp(-1j * np.pi * np.arange(rows) / rows)[:, None]
        moved = turn * odd
        values = np.vstack([even + moved, even - moved])
    return values.ravel()


def by_bins(data, weights, edges):
    counts = np.zeros(len(edges) - 1, np.int64)
    totals = np.zeros(len(edges) - 1)
    for k in range(len(edges) - 1):
        inside = (data >= edges[k]) & (data < edges[k + 1])
        counts[k] = np.count_nonzero(inside)
        totals[k] = np.sum(weights[inside])
    return counts, totals, np.histogram(data, edges)[0]


def on_a_grid(n, scale):
    rows, columns = np.mgrid[0:n, 0:n]
    far = np.sqrt((rows - n / 2) ** 2 + (columns - n / 2) ** 2) * scale
    return far, np.exp(-far)


def of_pairs(x, y):
    apart = np.add.outer(x, -y)
    return 1.0 / (1.0 + apart * apart)


def chosen(x, low):
    kept = x[x > low]
    scaled = (kept - kept.mean()) * 2.0
    return scaled, scaled * scaled + 1.0


def helped(u, v):
    first = relu(u - v) + 1.0
    return relu(first * v - u) * relu(u + v)


def random(*shape: int):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def layers():
    return random(40, 9), random(9, 16), random(16), random(16, 5), random(5)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (seidel, lambda: (random(19, 19), 2)),
        (perceptron, layers),
        (transform, lambda: (random(64) + 1j * random(64),)),
        (by_bins, lambda: (random(900), random(900) + 1.0, np.linspace(-2.0, 2.0, 9))),
        (on_a_grid, lambda: (31, 0.1)),
        (of_pairs, lambda: (random(60), random(41))),
        (chosen, lambda: (random(500), 0.3)),
        (helped, lambda: (random(40, 31), random(31))),
    ],
)
def test_what_compilers_refuse_is_the_same_and_runs_in_part_in_kernels(function, arguments):
    assert same(function, arguments).inspect_source()


def test_a_recurrence_of_slices_is_numpys():
    same(durbin, lambda: (0.02 * random(20),))
