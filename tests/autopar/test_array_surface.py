"""What NumPy offers for whole arrays: loops where there are some, else a call between fused loops."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.array_entries import ArrayEntry
from tests.sameness import same

# mypy: disable-error-code="no-untyped-def"


def rolled(a, b, places):
    t = a * 2.0 + b
    u = np.roll(t, 1, axis=0) + np.concatenate([t[1:], a[:1]])
    v = np.sqrt(a + 1.0) * b
    return u, v


def gathered(a, b, places):
    t = a * 2.0 + b
    u = t[places]
    v = np.sqrt(a + 1.0) * b
    return u, v


def selected(a, b, places):
    t = a * 2.0 + b
    u = t[t > 0.5]
    v = np.sqrt(a + 1.0) * b
    return u, v


def scattered(a, b, places):
    t = a * 2.0 + b
    t[places] = 1.0
    t[places] += b[places]
    np.add.at(t, places, 1.0)
    v = np.sqrt(a + 1.0) * b
    return t, v


def named(a, b, places):
    t = a * 2.0 + b
    u = t[::-1]
    w = t.T
    v = np.sqrt(a + 1.0) * b
    return u, w, v, t


def returned(a, b, places):
    t = a * 2.0 + b
    v = np.sqrt(a + 1.0) * t
    return t[:, ::-1], v


def rounded(a, b, places):
    t = a * 2.0 + b
    u = np.round(t, 2) + np.conj(t)
    v = np.sqrt(a + 1.0) * b
    return u, v


def turned(a, b, places):
    t = a * 2.0 + b
    u = np.abs(t + 1j * a)
    v = np.sqrt(a + 1.0) * b
    return u, v


LEFT = [rolled, gathered, selected, scattered, named, returned, rounded, turned]


def given(dtype="float64"):
    draw = np.random.default_rng(1)
    a, b = (draw.random((6, 6)).astype(dtype) for _ in range(2))
    return a, b, np.array([3, 1, 4, 1])


@pytest.fixture(name="taken")
def _taken(monkeypatch):
    """The first and the last line of each run that kernels took over."""
    found: list[tuple[int, int]] = []
    enter = ArrayEntry.enter

    def noting(self, *values):
        left = enter(self, *values)
        if left:
            found.append((self.span.line, self.run.whole.end_line))
        return left

    monkeypatch.setattr(ArrayEntry, "enter", noting)
    return found


@pytest.mark.parametrize("function", LEFT)
def test_what_is_left_to_numpy_leaves_the_loops_around_it(function, taken):
    same(function, given)
    first = function.__code__.co_firstlineno
    lines = [line - first for begin, end in taken for line in range(begin, end + 1)]
    assert 1 in lines, taken
    assert max(lines) > 1, taken


def stored(a, b, places):
    t = np.empty_like(a)
    np.multiply(a, b, out=t)
    np.maximum(t, 0.25, out=t)
    u = np.zeros((6, 6), dtype=a.dtype)
    np.copyto(u, t)
    t.fill(2.0)
    u += t @ a + np.matmul(a, t)
    return t, u, a**0.5 + np.transpose(b)


def tiny(a, b, places):
    return np.add(a, b, out=a[0])  # of another shape


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_functions_may_be_told_where_to_store(dtype):
    same(stored, lambda: given(dtype))


def test_what_does_not_fit_is_refused_by_numpy():
    same(tiny, given)


def root(a):
    t = a * 1.0
    return t**0.5 + 0.0 * t


def test_roots_are_those_of_numpy():
    values = np.array([-0.0, 0.0, 1.0, 2.0, 1e-320, np.inf, 1e30])
    same(root, lambda: (values.copy(),))
    same(root, lambda: (values.astype("f4"),))
    same(root, lambda: (np.array([-1.0, -np.inf, np.nan]),))


# ------------------------------------------------- programs that compilers get wrong


def durbin(r):
    n = len(r)
    y = np.zeros(n)
    y[0] = -r[0]
    alpha, beta = -r[0], 1.0
    for k in range(1, n):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(r[:k][::-1], y[:k])) / beta
        y[:k] += alpha * y[:k][::-1]
        y[k] = alpha
    return y


def seidel(a, steps):
    n = a.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            a[i, 1:-1] += a[i - 1, :-2] + a[i - 1, 1:-1] + a[i - 1, 2:] + a[i, 2:] + a[i + 1, 1:-1]
            a[i, 1:-1] /= 6.0
            for j in range(1, n - 1):
                a[i, j] += a[i, j - 1] / 6.0
    return a


def softmax(x):
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def network(x, w1, b1, w2, b2):
    hidden = np.maximum(x @ w1 + b1, 0.0)
    scores = hidden @ w2 + b2
    return softmax(scores)


def fourier(x):
    n = len(x)
    j = np.arange(n)
    table = np.exp(-2j * np.pi * np.outer(j, j) / n)
    found = table @ x
    half = n // 2
    even = x[::2] + 0j
    return found[:half] * 2.0, even.real + 1.0


def histogram(x, bins):
    edges = np.linspace(x.min(), x.max(), bins + 1)
    counts = np.zeros(bins, dtype=np.int64)
    for k in range(bins):
        inside = (x >= edges[k]) & (x < edges[k + 1])
        counts[k] = np.count_nonzero(inside)
    counts[-1] += np.count_nonzero(x == edges[-1])
    return counts, np.histogram(x, bins)[0]


def spectrum(n):
    x, y = np.mgrid[0:n, 0:n] / n
    r = np.sqrt((x - 0.5) ** 2 + (y - 0.5) ** 2)
    table = np.add.outer(r[0], r[:, 0])
    return np.where(r < 0.3, table, 0.0), r[r > 0.6]


def survivors(x, limit):
    kept = x[np.abs(x) < limit]
    while kept.size > 3:
        centred = kept - kept.mean()
        kept = kept[np.abs(centred) < 0.8 * np.abs(centred).max()]
    return kept


def _rng(*shape):
    return np.random.default_rng(7).standard_normal(shape)


PROGRAMS: dict[str, Any] = {
    "durbin": (durbin, lambda: (0.4 * _rng(30),)),
    "seidel": (seidel, lambda: (_rng(14, 14), 3)),
    "network": (network, lambda: (_rng(8, 5), _rng(5, 7), _rng(7), _rng(7, 3), _rng(3))),
    "fourier": (fourier, lambda: (_rng(16),)),
    "histogram": (histogram, lambda: (_rng(500), 7)),
    "spectrum": (spectrum, lambda: (12,)),
    "survivors": (survivors, lambda: (_rng(300), 2.0)),
}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_programs_that_compilers_get_wrong_are_right(name):
    function, make = PROGRAMS[name]
    same(function, make)


# ------------------------------------------------------------------------------ memory


def long_chain(x, y):
    t = np.exp(-x) * y
    u = t * t + 0.5 * x
    w = np.where(u > 1.0, u, t)
    return np.sqrt(np.abs(w)) + t, w * u - x


def test_a_chain_takes_no_more_memory_than_what_it_returns():
    decorated = autopar.parallel(long_chain, backend="cpu")
    x, y = np.linspace(0.0, 1.0, 200_000), np.linspace(1.0, 3.0, 200_000)
    decorated(x, y)  # compiled
    tracemalloc.start()
    try:
        results = decorated(x, y)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most <= 1.1 * sum(each.nbytes for each in results)
