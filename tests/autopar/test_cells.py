"""Loops that accumulate into elements of arrays: histograms, sums kept in an element."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from autopar.codegen.canonical import BLOCK, FEWEST_TERMS
from autopar.codegen.pool import Pool
from tests.adversary import ORDERS
from tests.canonical_order import small_shapes, total
from tests.launchers import AdversarialLauncher, SerialLauncher
from tests.sameness import freeze, loops_of, same

# ------------------------------------------------------------------------------- kernels


def count(h, k):
    for i in range(k.shape[0]):
        h[k[i]] += 1


def weigh(h, k, w):
    for i in range(k.shape[0]):
        h[k[i]] += w[i]


def take_away(h, k, w):
    for i in range(k.shape[0]):
        h[k[i]] = h[k[i]] - w[i]


def in_a_plane(h, k, w):
    for i in range(k.shape[0]):
        h[k[i], w[i] % 3] += 1
        h[k[i], 0] += 2


def bits_of(h, k, w):
    for i in range(k.shape[0]):
        h[k[i]] |= w[i]


def common_bits(h, k, w):
    for i in range(k.shape[0]):
        h[k[i]] &= w[i]


def largest_of(h, k, w):
    for i in range(k.shape[0]):
        h[k[i]] = max(h[k[i]], w[i])


def where_positive(h, k, w):
    for i in range(k.shape[0]):
        if w[i] > 0:
            h[k[i]] += w[i]


def with_stores_and_sums(h, k, w):
    s = 0
    m = w[0]
    at = 0
    for i in range(k.shape[0]):
        t = 2 * w[i]
        h[k[i]] += 1
        w[i] = t
        s += 1
        if t > m:
            m = t
            at = i
    return s, m, at


def of_two(h, k, w):
    for i in range(k.shape[0]):
        h[k[i]] += 1
        w[k[i]] += i


def halves(h, k, w):
    for i in range(k.shape[0]):
        for j in range(w.shape[0]):
            h[(i + j) // 2] += w[j]


def read_meanwhile(h, k, w):
    for i in range(k.shape[0]):
        h[k[i]] += 1
        w[i] = h[0]


def element(s, a):
    for i in range(a.shape[0]):
        s[1] += a[i]


def element_of_two(s, a, b):
    for i in range(a.shape[0]):
        s[0, 1] -= a[i]
        s[0, 1] = s[0, 1] - b[i]


def two_elements(s, t, a):
    for i in range(a.shape[0]):
        s[0] += a[i]
        t[1] = max(t[1], a[i])


def sum_of_all(s, a):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            s[2] += a[i, j]


def below_steps(s, a, n):
    for t in range(n):
        for i in range(a.shape[0]):
            a[i] = a[i] * 0.5
        for i in range(a.shape[0]):
            s[t] += a[i]


HISTOGRAMS = [
    weigh, take_away, bits_of, common_bits, largest_of, where_positive, of_two, halves,
]  # fmt: skip

# ----------------------------------------------------------------------------- instruments

LAUNCHERS: dict[str, Callable[[], Any]] = {
    "one call": SerialLauncher,
    **{f"{threads} threads": partial(Pool, threads) for threads in (1, 2, 3)},
    **{name: partial(AdversarialLauncher, order) for name, order in ORDERS.items()},
}


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    def use(launcher: object) -> None:
        monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)

    return use


@pytest.fixture
def free_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let copies cost nothing, so that small loops make them too."""
    monkeypatch.setattr("autopar.codegen.heaps._BYTE_COST", 0)


def copies(*arguments: Any) -> tuple[Any, ...]:
    return tuple(each.copy() if isinstance(each, np.ndarray) else each for each in arguments)


def taken(function: Callable[..., Any], **options: Any) -> Any:
    return autopar.parallel(function, backend="cpu", cache=False, **options)


def is_shared(decorated: Any) -> bool:
    return "Copied(" in str(decorated.inspect_source())


def drawn(dtype: str, size: int = 77) -> tuple[Any, Any, Any]:
    """Return an array of 9 elements, places in it (negative ones too), and small weights."""
    generator = np.random.default_rng(7)
    places = generator.integers(-9, 9, size)
    weights = generator.integers(0, 5, size).astype(dtype)
    return generator.integers(0, 9, 120).astype(dtype), places, weights


def floats(size: int) -> Any:
    generator = np.random.default_rng(1)
    return generator.standard_normal(size) * 10.0 ** generator.integers(-4, 5, size)


# -------------------------------------------------------------------------------- integers


@pytest.mark.usefixtures("free_copies")
@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS.keys())
def test_every_order_counts_the_same(launcher, launch):
    launch(launcher())
    h, k, w = drawn("int64")
    with small_shapes():
        assert is_shared(same(count, partial(copies, h, k), ran="cpu", cache=False))
        for kernel in HISTOGRAMS:
            found = same(kernel, partial(copies, h, k, w), ran="cpu", cache=False)
            assert is_shared(found), kernel
        plane = partial(copies, h.reshape(40, 3), k, w)
        assert is_shared(same(in_a_plane, plane, ran="cpu", cache=False))
        found = same(with_stores_and_sums, partial(copies, h, k, w), ran="cpu", cache=False)
        assert is_shared(found)


@pytest.mark.usefixtures("free_copies")
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "bool"])
def test_every_width(dtype, launch):
    launch(AdversarialLauncher(ORDERS["reversed"]))
    h, k, w = drawn(dtype)
    with small_shapes():
        for kernel in HISTOGRAMS:
            # What wraps, in arrays that cannot be restored, warns once for several places.
            if kernel in (take_away, halves, of_two) and dtype in ("bool", "int8", "uint8"):
                continue
            same(kernel, partial(copies, h, k, w), cache=False)
        for layout in (h[::2], np.asfortranarray(h), h[::-1]):
            same(weigh, partial(_views, layout, k, w), cache=False)


def _views(h: Any, k: Any, w: Any) -> tuple[Any, ...]:
    base = np.zeros(3 * h.size, h.dtype)
    step = h.strides[0] // h.itemsize
    view = base[abs(step) - 1 :: step][: h.size] if step > 0 else base[h.size - 1 :: step]
    view[...] = h
    return view, k, w


@pytest.mark.usefixtures("free_copies")
def test_elements_that_wrap_warn_as_in_the_interpreter(launch):
    launch(AdversarialLauncher(ORDERS["reversed"]))
    h, k, w = drawn("int8", 100)
    with small_shapes():
        h[:3] = 126
        same(count, partial(copies, h, k), cache=False)
        same(weigh, partial(copies, h, k, w), cache=False)
        large = np.array([2**62, -(2**62), 2**62, 2**62] * 5)
        zeros = np.zeros(9, "int64")
        for values in (large, large[::-1]):
            places = np.zeros(20, "int64")
            same(weigh, partial(copies, zeros, places, values), cache=False)


def test_places_out_of_range_raise_as_in_the_interpreter():
    h, k, w = drawn("int64", 3000)
    for bad in (120, -121, 10**9):
        places = k.copy()
        places[2000] = bad
        same(weigh, partial(copies, h, places, w), cache=False)


def test_long_histograms_on_real_threads():
    generator = np.random.default_rng(0)
    k = generator.integers(0, 256, 400_000)
    w = generator.integers(-9, 9, 400_000)
    h = np.zeros(256, "int64")
    for kernel in (weigh, where_positive, with_stores_and_sums):
        assert is_shared(same(kernel, partial(copies, h, k, w), ran="cpu", cache=False))
    assert is_shared(same(count, partial(copies, h, k.astype("uint8")), ran="cpu", cache=False))


def test_what_does_not_fit_in_memory_runs_in_order(monkeypatch):
    monkeypatch.setattr("autopar.codegen.heaps.MOST_COPIED_BYTES", 100)
    h, k, w = drawn("int64", 300_000)
    same(weigh, partial(copies, h, k, w), ran="cpu", cache=False)


@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS.keys())
def test_sums_of_floats_keep_the_order_of_each_element(launcher, launch):
    launch(launcher())
    h, k, _ = drawn("float64", 500)
    with small_shapes():
        found = same(weigh, partial(copies, h, k, floats(500)), ran="cpu", cache=False)
    assert not is_shared(found)


def test_what_reads_the_array_meanwhile_keeps_its_order():
    h, k, w = drawn("int64")
    assert not is_shared(same(read_meanwhile, partial(copies, h, k, w), cache=False))


# -------------------------------------------------------------------------- single elements


@pytest.mark.parametrize("count", [FEWEST_TERMS - 1, FEWEST_TERMS + 3 * BLOCK + 7])
def test_a_long_sum_in_an_element_has_the_canonical_order(count):
    a = floats(count)
    s = np.array([1.0, 0.25, 2.0])
    function = taken(element)
    wanted = s.copy()
    if count < FEWEST_TERMS:
        element(wanted, a)
    else:
        wanted[1] = total(list(a), 0.25)
    for _ in range(2):
        found = s.copy()
        function(found, a)
        assert freeze(wanted) == freeze(found)
    (loop,) = loops_of(function.last_run)
    assert "'s' is computed in another order" in loop["ran"]["note"]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int8"])
@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS.keys())
def test_short_sums_and_exact_ones_in_elements(launcher, dtype, launch):
    launch(launcher())
    a, b = (floats(60) % 3).astype(dtype), (floats(60) % 2).astype(dtype)
    s = np.arange(4).astype(dtype)
    with small_shapes(fewest=FEWEST_TERMS):
        for size in (60, 1, 0):
            same(element, partial(copies, s, a[:size]), ran="cpu", cache=False)
        same(two_elements, partial(copies, s, s + s, a), ran="cpu", cache=False)
        same(element_of_two, partial(copies, s.reshape(2, 2), a, b), ran="cpu", cache=False)
        same(sum_of_all, partial(copies, s, a.reshape(6, 10)), ran="cpu", cache=False)


def test_an_empty_loop_looks_at_no_element():
    same(element, partial(copies, np.zeros(0), np.zeros(0)), ran="cpu", cache=False)


def test_elements_below_loops_of_the_host():
    a = floats(3 * BLOCK)
    same(below_steps, partial(copies, np.zeros(5), a, 5), ran="cpu", cache=False)
    strict = taken(element, strict=True)
    long, s = floats(FEWEST_TERMS + 5), np.zeros(2)
    wanted = s.copy()
    element(wanted, long)
    strict(s, long)
    assert freeze(wanted) == freeze(s)


def once_in_each_turn(a, b, c, m):
    for t in range(2):
        i = 0
        for j in range(1, i + 1):
            c[i] = b[j]
        for j in range(2, m + 2):
            a[i] = a[i] + c[j]
        for j in range(1, m, 2):
            c[j] = c[m]


@pytest.mark.parametrize("m", [0, 1, 30])
def test_an_element_that_a_loop_around_accumulates_into_as_well(m):
    c = floats(44)
    same(once_in_each_turn, lambda: (floats(44), c.copy(), c.copy(), m), cache=False)

    def sharing():
        own = c.copy()
        return floats(44), own, own, m

    same(once_in_each_turn, sharing, cache=False)


def twice_in_each_turn(u, w, m, n):
    for k in range(0, m, 2):
        i = 0
        for j in range(n):
            w[i, j] += u[k, i]
            w[i, j] += u[i, k]


@pytest.mark.parametrize("n", [1, 3])
def test_an_element_that_a_turn_of_a_loop_around_adds_to_twice(n):
    u = np.arange(64, dtype=np.int32).reshape(8, 8)
    same(twice_in_each_turn, lambda: (u.copy(), np.zeros((8, 8), np.int32), 8, n), cache=False)
