"""Loops that use what they accumulate on the way run in parallel passes, and leave what the interpreter leaves."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.canonical_order import scanned, small_shapes
from tests.launchers import AdversarialLauncher
from tests.sameness import freeze, loops_of, same


def prefix(p, a):
    for i in range(1, len(a)):
        p[i] = p[i - 1] + a[i]


def suffix(p, a):
    for i in range(len(a) - 2, -1, -1):
        p[i] = p[i + 1] + a[i]


def running(a, out, s):
    for i in range(len(a)):
        s += a[i]
        out[i] = s
    return s


def before(a, out, s):
    for i in range(len(a)):
        out[i] = s
        s = a[i] + s
    return s


def conditional(a, out, s):
    for i in range(len(a)):
        if a[i] > 0:
            s += a[i]
        out[i] = s
    return s


def product(a, out):
    s = 1
    for i in range(len(a)):
        s *= a[i]
        out[i] = s
    return s


def largest(a, out, m):
    for i in range(len(a)):
        m = max(m, a[i])
        out[i] = m
    return m


def smallest(a, out):
    m = np.inf
    for i in range(0, len(a), 2):
        m = min(m, a[i])
        out[i] = m
    return m


def numpy_largest(a, out, m):
    for i in range(len(a)):
        m = np.maximum(m, a[i])
        out[i] = m
    return m


def compact(a, out, t, k):
    for i in range(len(a)):
        if a[i] > t:
            out[k] = a[i]
            k += 1
    return k


def numbered(a, out):
    k = 0
    for i in range(len(a)):
        if a[i] > 0:
            k += 2
            out[k] = i
            out[k] = out.shape[0] - i
    return k, i


def rows_kept(u, out):
    k = 0
    for i in range(u.shape[0]):
        if u[i, 0] > 0:
            for j in range(u.shape[1]):
                out[k, j] = u[i, j]
            k += 1
    return k


def parted(a, low, high):
    k = m = 0
    for i in range(len(a)):
        if a[i] < 0:
            low[k] = a[i]
            k += 1
        else:
            high[m] = a[i]
            m += 1
    return k, m


def several(a, out, places):
    s = 0
    k = 0
    m = a[0]
    for i in range(len(a)):
        s += a[i]
        m = min(m, a[i])
        if a[i] == 2:
            places[k] = i
            k += 1
        out[i] = s + m
    return s, k, m


def rows_summed(u, out):
    s = 0
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            s += u[i, j]
        out[i, 0] = s
    return s


def rows_numbered(u, out, places):
    """Two of its statements run for themselves where the loop runs in order."""
    k = 0
    for i in range(u.shape[0]):
        big = u[i, 0] > 0
        for j in range(u.shape[1]):
            if big:
                out[i, j] = u[i, j]
        if big:
            places[k] = i
            k += 1
    return k


def in_steps(u, out):
    s = 0
    for t in range(u.shape[0]):
        for i in range(u.shape[1]):
            s += u[t, i]
            out[t, i] = s
        for i in range(1, u.shape[1]):
            u[t, i] = out[t, i - 1]
    return s


# ---------------------------------------------------------------- what is no scan, or one that is not told


def standing_still(a, out):
    k = 0
    for i in range(len(a)):
        if a[i] > 0:
            out[k] = a[i]
        if a[i] > 1:
            k += 1
    return k


def falling(a, out):
    k = 9
    for i in range(len(a)):
        if a[i] > 0:
            out[k] = a[i]
            k -= 1
    return k


def before_and_after(a, out):
    k = 0
    for i in range(len(a)):
        if a[i] > 0:
            out[k] = a[i]
            k += 1
        if a[i] > 1:
            k += 1
            out[k] = -a[i]
    return k


def read_again(a, out):
    k = 0
    for i in range(len(a)):
        if a[i] > 0:
            out[k] = a[i]
            k += 1
        a[i] = out[2]
    return k


def of_what_is_stored(a, out):
    s = 0
    for i in range(len(a)):
        a[i] = a[i] + 1
        s += a[i]
        out[i] = s
    return s


def of_a_scan(a, out):
    s = 0
    r = 0
    for i in range(len(a)):
        s += a[i]
        r += s
        out[i] = r
    return r


def by_a_scan(a, out):
    k = 0
    m = a[0]
    for i in range(len(a)):
        m = min(m, a[i])
        if a[i] == m:
            out[k] = i
            k += 1
    return k, m


def sometimes(p, a):
    for i in range(1, len(a)):
        if a[i] > 0:
            p[i] = p[i - 1] + a[i]


def decaying(p, a):
    for i in range(1, len(a)):
        p[i] = 2 * p[i - 1] + a[i]


def two_back(p, a):
    for i in range(2, len(a)):
        p[i] = p[i - 2] + a[i]


N = 50
NUMBERS = np.random.default_rng(5).integers(-4, 5, N)
Arguments = Callable[[], tuple[Any, ...]]
Cases = dict[str, tuple[Callable[..., Any], Arguments]]
SCANS: Cases = {
    "prefix": (prefix, lambda: (np.full(N, 7), NUMBERS.copy())),
    "prefix of int8, which wraps": (prefix, lambda: (np.full(N, 90, "i1"), NUMBERS.astype("i1"))),
    "prefix of bool": (prefix, lambda: (np.zeros(N, bool), NUMBERS > 3)),
    "suffix": (suffix, lambda: (np.full(N, 7), NUMBERS.copy())),
    "running": (running, lambda: (NUMBERS.copy(), np.zeros(N, int), 3)),
    "running in a list": (running, lambda: (NUMBERS.tolist(), np.zeros(N, int), 3)),
    "running, int32": (running, lambda: (NUMBERS.astype("i4"), np.zeros(N), np.int32(3))),
    "overflow": (running, lambda: (NUMBERS * 2**60, np.zeros(N, int), 0)),
    "int that outgrows": (running, lambda: (NUMBERS.tolist(), np.zeros(N), 2**63 - 9)),
    "before": (before, lambda: (NUMBERS.copy(), np.zeros(N, int), 3)),
    "conditional": (conditional, lambda: (NUMBERS.copy(), np.zeros(N, int), 3)),
    "conditional, never": (conditional, lambda: (-abs(NUMBERS), np.zeros(N, int), 3)),
    "conditional, late": (conditional, lambda: (np.arange(-44, 6), np.zeros(N, int), 3)),
    "product": (product, lambda: (NUMBERS.copy(), np.zeros(N, int))),
    "largest": (largest, lambda: (NUMBERS * 0.5, np.zeros(N), -2.0)),
    "largest, never chosen": (largest, lambda: (NUMBERS * 0.5, np.zeros(N), 99.0)),
    "largest from nan": (largest, lambda: (NUMBERS * 0.5, np.zeros(N), float("nan"))),
    "largest with nan": (largest, lambda: (with_nan(), np.zeros(N), -np.inf)),
    "largest of zeros": (largest, lambda: (NUMBERS * -0.0, np.zeros(N), -0.0)),
    "smallest": (smallest, lambda: (NUMBERS * 0.5, np.zeros(N))),
    "numpy's largest": (numpy_largest, lambda: (NUMBERS * 0.5, np.zeros(N), np.float64(-9))),
    "numpy's, with nan": (numpy_largest, lambda: (with_nan(), np.zeros(N), np.float64(-9))),
    "numpy's, of zeros": (numpy_largest, lambda: (NUMBERS * -0.0, np.zeros(N), np.float64(-9))),
    "compact": (compact, lambda: (NUMBERS * 0.5, np.zeros(N), 0.3, 0)),
    "compact, not from 0": (compact, lambda: (NUMBERS * 0.5, np.zeros(2 * N), 0.3, 5)),
    "compact, from below 0": (compact, lambda: (NUMBERS * 0.5, np.zeros(N), 0.3, -5)),
    "compact, from an int64": (compact, lambda: (NUMBERS * 0.5, np.zeros(N), 0.3, np.int64(2))),
    "compact, all": (compact, lambda: (NUMBERS * 0.5, np.zeros(N), -9, 0)),
    "compact, too short": (compact, lambda: (NUMBERS * 0.5, np.zeros(7), 0.3, 0)),
    "compact backwards": (compact, lambda: (NUMBERS * 0.5, np.zeros(N)[::-1], 0.3, 0)),
    "numbered": (numbered, lambda: (NUMBERS.copy(), np.zeros(2 * N, int))),
    "rows": (rows_kept, lambda: (np.outer(NUMBERS, [1, 2, 3]), np.zeros((N, 3), int))),
    "parted": (parted, lambda: (NUMBERS.copy(), np.zeros(N, int), np.zeros(N, int))),
    "several": (several, lambda: (NUMBERS.copy(), np.zeros(N, int), np.zeros(N, int))),
    "rows numbered": (
        rows_numbered,
        lambda: (np.outer(NUMBERS, [1, 2, 3]), np.zeros((N, 3), int), np.zeros(N, int)),
    ),
    "rows summed": (rows_summed, lambda: (np.outer(NUMBERS, [1, 2, 3]), np.zeros((N, 3), int))),
    "in steps": (in_steps, lambda: (NUMBERS.reshape(5, 10).copy(), np.zeros((5, 10), int))),
}
OTHERS: Cases = {
    "standing still": (standing_still, lambda: (NUMBERS.copy(), np.zeros(N, int))),
    "falling": (falling, lambda: (NUMBERS.copy(), np.zeros(12, int))),
    "before and after": (before_and_after, lambda: (NUMBERS.copy(), np.zeros(2 * N, int))),
    "read again": (read_again, lambda: (NUMBERS.copy(), np.zeros(N, int))),
    "sometimes": (sometimes, lambda: (np.zeros(N, int), NUMBERS.copy())),
    "decaying": (decaying, lambda: (np.zeros(N, int), NUMBERS.copy())),
    "two back": (two_back, lambda: (np.zeros(N, int), NUMBERS.copy())),
}
# Told to be scans, but run in order: what is accumulated asks for another pass.
LATER: Cases = {
    "of what is stored": (of_what_is_stored, lambda: (NUMBERS.copy(), np.zeros(N, int))),
    "of a scan": (of_a_scan, lambda: (NUMBERS.copy(), np.zeros(N, int))),
    "by a scan": (by_a_scan, lambda: (NUMBERS.copy(), np.zeros(N, int))),
    "overlap": (running, lambda: (*twice(NUMBERS.copy()), 3)),
    "shifted overlap": (prefix, lambda: shifted(NUMBERS.copy())),
}


def with_nan():
    found = NUMBERS * 0.5
    found[[3, 30]] = np.nan
    return found


def twice(a):
    return a, a


def shifted(a):
    return a[1:], a[:-1]


@pytest.fixture
def _hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = itertools.cycle(ORDERS.values())
    launcher: Callable[..., object] = lambda *_: AdversarialLauncher(next(orders))  # noqa: E731
    monkeypatch.setattr(machine.MACHINE, "launcher", launcher)


@pytest.mark.usefixtures("_hostile")
@pytest.mark.parametrize("name", SCANS)
def test_blocks_in_hostile_orders(name):
    function, arguments = SCANS[name]
    with small_shapes():
        decorated = same(function, arguments, cache=False)
    transforms = [each["transform"] for each in loops_of(decorated.last_run)]
    assert any("scan" in each for each in transforms)
    sources = "".join(decorated.inspect_source().values())
    assert "_starts[" in sources, sources


@pytest.mark.usefixtures("_hostile")
@pytest.mark.parametrize("name", SCANS)
def test_short_ones_in_order(name):
    function, arguments = SCANS[name]
    same(function, arguments, cache=False)


@pytest.mark.usefixtures("_hostile")
@pytest.mark.parametrize("name", [*OTHERS, *LATER])
def test_what_is_none_runs_in_order(name):
    function, arguments = OTHERS[name] if name in OTHERS else LATER[name]
    with small_shapes():
        decorated = same(function, arguments, cache=False)
    assert "_starts[" not in "".join(decorated.inspect_source().values())
    if name in OTHERS:
        assert not any("scan" in each["transform"] for each in loops_of(decorated.last_run))


def test_verdict_stays_sequential():
    (loop,) = loops_of(autopar.parallel(running).explain())
    found = loop["verdict"], loop["code"], loop["transform"], loop["reductions"]
    assert ("sequential", "AP406", ["scan"], []) == found


# ---------------------------------------------------------------- sums of floats


LONG = 40_000
REALS = np.random.default_rng(6).standard_normal(LONG)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_float_sums_have_one_order(dtype):
    a = REALS.astype(dtype)
    out = np.zeros_like(a)
    decorated = autopar.parallel(running, backend="cpu")
    last = decorated(a, out, a.dtype.type(0.5))
    expected = scanned(list(a), 0.5)
    assert np.array(expected, dtype).tobytes() == out.tobytes()
    assert freeze(expected[-1]) == freeze(last)
    assert "AP605" in str(decorated.last_run)


def test_prefix_of_floats_goes_on_from_the_element_before():
    p = np.full(LONG, 0.25)
    autopar.parallel(prefix, backend="cpu")(p, REALS)
    assert np.array([0.25, *scanned(list(REALS[1:]), 0.25)]).tobytes() == p.tobytes()


def test_short_float_sums_keep_their_order():
    same(running, lambda: (REALS[:32_767].copy(), np.zeros(LONG), 0.0))


def test_strict_float_sums_keep_their_order():
    same(running, lambda: (REALS.copy(), np.zeros(LONG), 0.0), strict=True)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1.7e308])
def test_what_is_not_finite_comes_in_order(value):
    def arguments():
        a = REALS.copy()
        a[[999, 1000]] = value, abs(value)
        if value == value:  # the sign of nan is anybody's
            a[30_000] = -value
        return a, np.zeros(LONG), 0.0

    same(running, arguments)


def test_first_call_has_the_bits_of_later_ones(monkeypatch):
    monkeypatch.setattr(
        machine.MACHINE, "launcher", lambda *_: AdversarialLauncher(ORDERS["reversed"])
    )
    decorated = autopar.parallel(running)
    found = []
    for _ in range(3):
        out = np.zeros(LONG)
        decorated(REALS, out, 0.0)
        found.append(out.tobytes())
    assert len(set(found)) == 1
