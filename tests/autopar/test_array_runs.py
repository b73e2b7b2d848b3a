"""Runs of array statements: what NumPy makes of them, by fused loops, and what stays NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.array_entries import ArrayEntry
from autopar.dispatch import Region
from tests.sameness import same

# mypy: disable-error-code="no-untyped-def"

Arguments = Callable[[], tuple[Any, ...]]


def axpy(a, x, b):
    y = a * x + b
    return y


def returned(a, x, b):
    return (a * x - b) * x + b


def between(a):
    return (a - a.min()) / (a.max() - a.min())


def squares(x, y):
    return ((x - y) ** 2).sum() / len(x), abs(x - y).max()


def chain(x, a, b):
    t = np.exp(-x) * 2.0
    y = a * t + b
    w = np.where(y > 0, y, -t)
    m = np.max(np.abs(w - y))
    return y, w, m


def black_scholes(s, k, t, r, v):
    d1 = (np.log(s / k) + (r + 0.5 * v * v) * t) / (v * np.sqrt(t))
    d2 = d1 - v * np.sqrt(t)
    n1 = 1.0 / (1.0 + np.exp(-1.702 * d1))
    n2 = 1.0 / (1.0 + np.exp(-1.702 * d2))
    e = k * np.exp(-r * t)
    call = s * n1 - e * n2
    put = e * (1.0 - n2) - s * (1.0 - n1)
    return call, put


def red_black(red, black, w, steps):
    delta = 1.0
    while delta > 0.01 and steps > 0:
        old = red.copy()
        red[1:-1, 1:-1] += w * (0.5 * (black[:-2, 1:-1] + black[2:, 1:-1]) - red[1:-1, 1:-1])
        black[1:-1, 1:-1] += w * (0.5 * (red[:-2, 1:-1] + red[2:, 1:-1]) - black[1:-1, 1:-1])
        delta = np.max(np.abs(red - old))
        steps -= 1
    return red, black, delta, steps


def shifted(u, v):
    u[1:] = u[:-1]
    v[:-1] += v[1:]
    u[::2] = v[::2]
    return u


def mixed_up(u, v):
    t = u + 1.0
    u[:] = v
    v[:] = t
    return t


def pairs(x, y):
    dx = x[:, None] - x[None, :]
    dy = y[:, np.newaxis] - y[np.newaxis, :]
    r = np.sqrt(dx * dx + dy * dy + 1e-3)
    return dx / r, r


def pair_forces(x, y):
    dx = x[:, None] - x
    dy = y[:, None] - y
    r = np.sqrt(dx * dx + dy * dy + 1e-3)
    f = dx / (r * r * r)
    return f


def escape(z, c, n):
    live = np.abs(z) < 2.0
    z[live] = z[live] * z[live] + c[live]
    n[live] += 1
    return live


def escape_from_all(z, n):
    live = np.abs(z) < 2.0
    z[live] = z[live] - np.max(np.abs(z[live]))
    n[live] = np.sum(n[live])
    return z + n


def clipped(x, low):
    y = np.clip(x, low, 1.0)
    y = np.minimum(y, x * 2.0)
    y *= 0.5
    return y


def counted(m, k):
    low, high = np.min(k), np.max(k)
    total = np.sum(k + 1)
    some = np.any(m & (k > 3))
    every = (m | (k > 0)).all()
    return low, high, total, some, every


def counted_one_by_one(m, k):
    low = np.min(k)
    high = k.max()
    total = np.sum(k + 1)
    some = np.any(m & (k > 3))
    every = (m | (k > 0)).all()
    return low, high, total, some, every


def of_rows(a, row, column):
    b = a * row + column
    c = b - row
    return b, c


def turned(a, b):
    a += b.T
    b[:] = a.T * 2.0
    return a, b


def in_another_order(a, b):
    c = a.T + 1.0
    d = c * 2.0
    return c, d + b


def extrema(u):
    low = np.min(u)
    v = u + low
    return low, v


def renamed(u, v):
    old = u
    u = v * 2.0
    v = old + u
    return old, u, v


def kept_on(u):
    v = u * 2.0
    w = v
    v += 1.0
    return v, w


def scalars_between(u, h):
    a = h * h
    v = u * a
    b = a / 3
    w = v + b
    top = np.max(np.abs(w))
    z = w / top
    return z, b


def counting(u, steps):
    v = u * 2.0
    steps = steps - 1
    top = np.max(v * v)
    w = v + steps
    return w, steps, top


def raises(u, v):
    w = u * 2.0
    u[0] = 7.0
    w = w + v
    return w


def divides(u, v):
    w = u / v
    x = np.sqrt(w - 1.0)
    return w, x


def integers(i, j):
    k = i * j + 3
    k //= 2
    m = k % 5
    n = i / j
    return k, m, n


def wrapping(i, j):
    k = i * j + i
    k = k - j * 7
    m = -k * k
    return m, k + 1


def elements(u):
    u[0] = u[1] * 2.0
    u[1] = u[0] + u[2]
    u[-1] = 0.0
    v = u - u[0]
    return v


def helped(x, w):
    """The weighted squares."""
    y = x * w
    y *= x
    return y, y - w


def of_helper(u, v):
    a, b = helped(u + v, 2.0)
    part = a[1:]
    part += b[:-1]
    a, b = b, a
    return a * 2.0, b - v


def spread(x):
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    far = np.abs(z) > 1.0
    return np.sum(z * z), np.count_nonzero(far), far.any(axis=1), z.var()


def soft(x):
    p = np.exp(x - x.max(axis=-1, keepdims=True))
    p = p / p.sum(axis=-1, keepdims=True)
    return -np.mean(np.log(p[:, 0] + 1e-12)), p


def products(a, b, x):
    y = (a * 2.0) @ (x + 1.0)
    z = (a @ b) * 0.5 + y
    return z, y


def step(x, r, p, bound):
    square = np.sum(r * r)
    alpha = square / np.sum(p * p)
    x += alpha * p
    r -= alpha * p
    after = np.sum(r * r)
    p = r + after / square * p
    if np.sqrt(np.mean(p * p)) < bound:
        return p - x
    return x + p * 2.0


def complex_parts(x, y):
    c = x + 1j * y
    near = c.real**2 + c.imag**2 < 4.0
    c[near] = c[near] * c[near] + 1.0
    return c, near


def passed_on(x, y):
    total = float(np.sum(np.fft.rfft(x * 2.0 + y).real))
    return np.sort(x * y + 1.0), total, len(x - y)


def overflows(x):
    y = x * 2.0
    total = np.sum(y * 1e308)
    return y, total, np.mean(y)


def branches(u, on):
    if on:
        v = u * 2.0
        w = v + 1.0
    else:
        v = u - 2.0
        w = v * v
    return v + w


def life(grid):
    n = grid[:-2, :-2] + grid[:-2, 1:-1] + grid[:-2, 2:] + grid[1:-1, :-2] + grid[1:-1, 2:]
    n = n + grid[2:, :-2] + grid[2:, 1:-1] + grid[2:, 2:]
    born = (n == 3) & (grid[1:-1, 1:-1] == 0)
    stays = ((n == 2) | (n == 3)) & (grid[1:-1, 1:-1] == 1)
    grid[:, :] = 0
    grid[1:-1, 1:-1] = np.where(born | stays, 1, 0)
    return n


def random(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(seed)
    if dtype == "bool":
        return generator.random(shape) > 0.5
    if np.dtype(dtype).kind in "iu":
        return generator.integers(0, 9, shape).astype(dtype)
    return (4 * generator.random(shape) + 0.25).astype(dtype)


def extreme(dtype: str) -> np.ndarray[Any, Any]:
    limits = np.iinfo(dtype)
    near = [limits.min, limits.min + 1, limits.min // 3, 0, 1, 7, limits.max // 5, limits.max]
    return np.array(near, dtype=dtype)


TAKEN: list[tuple[Callable[..., Any], Arguments]] = [
    (axpy, lambda: (1.5, random(40), -1)),
    (axpy, lambda: (np.float64(1.5), random(4, 9, dtype="float32"), 1)),
    (axpy, lambda: (random(5, 1), random(4, 5, 9), random(9))),
    (axpy, lambda: (2, random(60)[::3], random(20)[::-1])),
    (chain, lambda: (random(40) - 2, 2.0, -1.0)),
    (black_scholes, lambda: tuple(random(30, seed=n) for n in range(5))),
    (red_black, lambda: (random(7, 8), random(7, 8, seed=1), 0.8, 9)),
    (shifted, lambda: (random(21), random(21, seed=1))),
    (mixed_up, lambda: (random(21), random(21, seed=1))),
    (between, lambda: (random(9, 7),)),
    (squares, lambda: (random(900), random(900, seed=1))),
    (returned, lambda: (0.5, random(21), random(21, seed=1))),
    (pair_forces, lambda: (random(9), random(9, seed=1))),
    (escape, lambda: (random(30) - 2, random(30, seed=1), random(30, dtype="int64"))),
    (clipped, lambda: (random(30) - 2, 0)),
    (counted_one_by_one, lambda: (random(9, 5, dtype="bool"), random(9, 5, dtype="int32"))),
    (of_rows, lambda: (random(6, 7), random(7), random(6, 1))),
    (turned, lambda: (random(6, 7), random(7, 6))),
    (renamed, lambda: (random(9), random(9, seed=1))),
    (kept_on, lambda: (random(9),)),
    (scalars_between, lambda: (random(9, 4), 0.25)),
    (counting, lambda: (random(9), 4)),
    (divides, lambda: (random(9) - 2, random(9, seed=1))),
    (integers, lambda: (random(20, dtype="int16"), random(20, dtype="int16", seed=1) + 1)),
    (elements, lambda: (random(20),)),
    (of_helper, lambda: (random(20), random(20, seed=1))),
    (spread, lambda: (random(300, 7),)),
    (spread, lambda: (random(40, 9, dtype="float32"),)),
    (soft, lambda: (random(9, 200),)),
    (products, lambda: (random(8, 8), random(8, 8, seed=1), random(8))),
    (step, lambda: (*(random(40, 5, seed=n) for n in range(3)), 1e-3)),
    (passed_on, lambda: (random(64), random(64, seed=1))),
    (wrapping, lambda: (extreme("int8"), extreme("int8")[::-1])),
    (wrapping, lambda: (extreme("int64"), extreme("int64")[::-1])),
    (wrapping, lambda: (extreme("uint32"), extreme("uint32")[::-1])),
    (wrapping, lambda: (extreme("int32"), extreme("int64")[::-1])),
    (branches, lambda: (random(20), True)),
    (life, lambda: (random(9, 12, dtype="int64") % 2,)),
]


@pytest.mark.parametrize(("function", "arguments"), TAKEN)
def test_a_run_is_what_numpy_makes_of_it(
    function: Callable[..., Any], arguments: Arguments
) -> None:
    decorated = same(function, arguments)
    assert_fused(decorated, arguments)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (axpy, lambda: (1.5, 2.5, 1)),  # numbers
        (axpy, lambda: (1.5, [1.0, 2.0], 1)),
        (axpy, lambda: (1.5, random(4, 5).T, 1)),  # of which NumPy keeps the order
        (axpy, lambda: (1.5, random(4, dtype="float16"), 1)),
        (axpy, lambda: (random(3), random(4), 1.0)),  # does not broadcast
        (axpy, lambda: (1.5, np.ma.masked_array(random(4), random(4) > 2), 1)),
        (axpy, lambda: (1.5, np.float64(2.0), np.array(1.0))),
        (axpy, lambda: (1.5, random(0), 1)),
        (in_another_order, lambda: (random(4, 5), random(5, 4))),
        (extrema, lambda: (np.array([0.0, 1.0, -0.0, 0.0]),)),
        (axpy, lambda: (300, random(9, dtype="uint8"), 1)),  # out of range
        (raises, lambda: (random(9), random(8))),
        (shifted, lambda: (random(9), random(0))),
        (kept_on, lambda: (random(9, dtype="int64"),)),
        (divides, lambda: (random(9), random(9) * 0)),  # warns
        (escape, lambda: (random(9), random(9), random(9, 2))),
        (counted, lambda: (random(9, dtype="bool"), random(0, dtype="int32"))),
        (overflows, lambda: (random(64),)),
        (spread, lambda: (random(7, 0),)),
        (spread, lambda: (random(5),)),
        (soft, lambda: (np.array([[0.0, -0.0], [np.nan, 1.0], [np.inf, 1.0]]),)),
        (products, lambda: (random(8, 8), random(8, 8), random(7))),
        (products, lambda: (random(8, 8), random(8, 8), random(8, dtype="float32"))),
        (complex_parts, lambda: (random(20) - 2, random(20, seed=1))),
        (passed_on, lambda: (random(64), random(63))),
        (escape_from_all, lambda: (random(30) - 2, random(30, dtype="int64"))),
    ],
)
def test_what_no_run_takes_is_what_it_was(
    function: Callable[..., Any], arguments: Arguments
) -> None:
    same(function, arguments)


def overlapping() -> tuple[Any, ...]:
    base = random(30)
    return base[:-1], base[1:]


@pytest.mark.parametrize("function", [shifted, mixed_up, renamed])
def test_arguments_that_share_memory(function: Callable[..., Any]) -> None:
    same(function, overlapping)


def test_new_arrays_are_nobody_elses() -> None:
    decorated: Any = autopar.parallel(kept_on, backend="cpu")
    given = random(20)
    first, alias = decorated(given)
    second, _ = decorated(given)
    assert first is alias
    assert first.flags.owndata
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, given)


def entries_of(decorated: Any) -> list[ArrayEntry]:
    found = [each for each in decorated._prepare().regions if isinstance(each, ArrayEntry)]
    assert found
    return found


def regions_of(decorated: Any) -> list[Region]:
    return [region for each in entries_of(decorated) for region in each.regions()]


def assert_fused(decorated: Any, arguments: Arguments) -> None:
    """Fail unless every run that was entered ran as a kernel."""
    del arguments
    found = regions_of(decorated)
    assert found, [each.again._found for each in entries_of(decorated)]
    assert any(region.kernels.made for region in found)
    for region in found:
        for variant in region.kernels.made.values():
            assert hasattr(variant, "run"), variant


def one_element(a, r, k):
    norm = np.dot(a[:, k], a[:, k])
    r[k, k] = np.sqrt(norm)


def element_of_itself(x, a):
    half = x[1] * 0.5
    x[1] = half - x[1] * a[0]
    a[:] = x


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (one_element, lambda: (np.arange(12.0).reshape(4, 3), np.zeros((3, 3)), 1)),
        (element_of_itself, lambda: (np.arange(5.0), np.ones(5))),
    ],
    ids=["alone", "of itself"],
)
def test_statements_about_single_elements_are_no_fault(function, arguments, caplog):
    same(function, arguments)
    assert not caplog.records  # of a fault of ours


def channels(a):
    sums = [np.sum((255 * a[:, :, i]).astype(np.uint8)) for i in range(3)]
    for half in [0.5 * a[:, :, i] for i in range(2)]:
        sums.append(half.max())
    names = {k: str((a[:, k] * 2.0).shape) for k in range(2)}
    return sums, names, sorted(abs(a[k, :, 0] - 1.0).sum() for k in range(2))


def test_arrays_within_a_comprehension_are_left_to_it(caplog):
    same(channels, lambda: (np.linspace(0.0, 1.0, 27).reshape(3, 3, 3),))
    decorated = autopar.parallel(channels, backend="cpu")
    decorated(np.ones((3, 3, 3)))
    assert decorated.last_run is not None
    (function,) = decorated.last_run.functions
    assert function.refusal is None
    assert not caplog.records
