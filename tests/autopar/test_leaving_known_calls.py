"""Short calls that come again are left by native code; what they take adds up to a kernel."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import autopar
from autopar import resting
from autopar.codegen.canonical import FEWEST_TERMS
from autopar.codegen.rates import CURRENT, DEFAULTS
from autopar.codegen.shortcut import is_possible
from autopar.dispatch import Region
from autopar.repeats import Repeats

needs_native = pytest.mark.skipif(not is_possible(), reason="this interpreter has no short way")
LONG_ENOUGH = resting.MOST_SHORT + resting.KNOWN_AT + 4


@pytest.fixture(autouse=True)
def _rates_of_the_reference(monkeypatch):
    monkeypatch.setattr(CURRENT, "rates", DEFAULTS)


@pytest.fixture
def asked(monkeypatch):
    """List the calls that Python is asked about."""
    calls = []
    find = Repeats.find

    def counted(self, values):
        calls.append(values)
        return find(self, values)

    monkeypatch.setattr(Repeats, "find", counted)
    return calls


def scaled(x, out, n):
    for i in range(n):
        out[i] = 2.0 * x[i]


def rooted(x, out, n):
    for i in range(n):
        out[i] = math.sqrt(x[i])


def summed(x):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i]
    return s


def following(a, n):
    for i in range(1, n):
        a[i] = 0.5 * a[i - 1] + a[i]


def following_with_last(a, n):
    s = 0.0
    for i in range(1, n):
        s = 0.5 * s + a[i]
        a[i] = s
    return s


def before(x, n):
    k = 0
    for i in range(n):
        if x[i] > 0.5:
            break
        k += 1
    return k


def region_of(function) -> Region:
    (region,) = function._prepare().regions
    assert isinstance(region, Region)
    return region


def ran(decorated):
    (loop,) = decorated.last_run.to_dict()["functions"][0]["loops"]
    return loop["ran"]


def left(function, *arguments):
    """`function` decorated, and called until native code leaves it."""
    decorated = autopar.parallel(function)
    for _ in range(LONG_ENOUGH):
        decorated(*arguments)
    return decorated


@needs_native
def test_python_is_not_asked_and_the_call_is_still_recorded(asked) -> None:
    x, out = np.arange(1.0, 6.0), np.zeros(5)
    decorated = left(scaled, x, out, 5)
    asked.clear()
    out[:] = 0.0
    decorated(x, out, 5)
    assert not asked
    assert (2.0 * x).tolist() == out.tolist()
    found = ran(decorated)
    assert ("interpreter", 1) == (found["backend"], found["calls"])
    assert "AP602" in found["note"]


@needs_native
def test_what_is_left_is_known_by_sizes_and_integers(asked) -> None:
    x, out = np.arange(1.0, 6.0), np.zeros(5)
    decorated = left(scaled, x, out, 5)
    for arguments in ((x, out, 4), (x[:4], out, 4), (x.astype("f4"), out, 5), (x, np.zeros(5), 5)):
        asked.clear()
        decorated(*arguments)
        assert asked
    with pytest.raises(IndexError):
        decorated(x, out, 6)


@needs_native
def test_the_interpreter_raises_what_it_raises() -> None:
    x, out = np.arange(1.0, 6.0), np.zeros(5)
    decorated = left(rooted, x, out, 5)
    x[3] = -1.0
    with pytest.raises(ValueError, match="math domain error"):
        decorated(x, out, 5)


@needs_native
def test_short_calls_repay_a_kernel_in_the_end(monkeypatch, asked) -> None:
    arguments = np.arange(1.0, 12.0), np.zeros(11), 11
    decorated = left(scaled, *arguments)
    region = region_of(decorated)
    assert region.patience.interpreted_ns >= resting.FEWEST_USES * 1000
    monkeypatch.setattr(resting, "FEWEST_USES", 3)
    monkeypatch.setattr(CURRENT, "rates", replace(DEFAULTS, compile=1e6))
    again = left(scaled, *arguments)
    for _ in range(1000):
        again(*arguments)
    assert "cpu" == ran(again)["backend"]
    asked.clear()
    again(*arguments)
    assert not asked  # what left it is used up, and what runs it stands behind that


def test_calls_of_nothing_never_do(monkeypatch) -> None:
    monkeypatch.setattr(CURRENT, "rates", replace(DEFAULTS, compile=0.0))
    decorated = left(scaled, np.arange(1.0), np.zeros(1), 1)
    assert "interpreter" == ran(decorated)["backend"]
    assert not region_of(decorated).kernels.made


def slow(monkeypatch, nanoseconds: int) -> None:
    """Let every way in take so long."""
    now = 0

    def clock() -> int:
        nonlocal now
        now += nanoseconds
        return now

    monkeypatch.setattr("autopar.dispatch.perf_counter_ns", clock)
    monkeypatch.setattr(CURRENT, "rates", replace(DEFAULTS, compile=0.0))


@pytest.mark.parametrize("native", [True, False])
def test_a_way_in_that_takes_longer_than_the_interpreter_is_left(monkeypatch, native) -> None:
    if not native:
        monkeypatch.setattr("autopar.shortcuts.is_possible", lambda: False)
    slow(monkeypatch, 30_000)
    a, expected = np.ones(80), np.ones(80)
    decorated = autopar.parallel(following_with_last)
    backends = []
    for _ in range(20):
        decorated(a, 80)
        following_with_last(expected, 80)
        backends.append(ran(decorated)["backend"])
        assert expected.tolist() == a.tolist()
    assert "cpu" in backends
    assert ["interpreter"] * 5 == backends[-5:]


def test_one_that_native_code_takes_is_not(monkeypatch) -> None:
    slow(monkeypatch, 30_000)
    decorated = left(following, np.ones(80), 80)
    assert "cpu" == ran(decorated)["backend"]


def test_one_that_takes_less_is_not(monkeypatch) -> None:
    slow(monkeypatch, 3_000)
    a = np.ones(80)
    decorated = left(following, a, 80)
    assert "cpu" == ran(decorated)["backend"]


def test_long_calls_are_never_left(monkeypatch) -> None:
    slow(monkeypatch, 10**9)
    a = np.ones(9000)
    decorated = left(following, a, 9000)
    assert "cpu" == ran(decorated)["backend"]


def test_sums_that_are_long_are_never_left(monkeypatch) -> None:
    slow(monkeypatch, 10**9)
    monkeypatch.setattr("autopar.dispatch._FEW_ENTRIES", 1e9)
    x = np.random.default_rng(1).random(FEWEST_TERMS)
    decorated = left(summed, x)
    assert "cpu" == ran(decorated)["backend"]
    assert autopar.parallel(summed, backend="cpu")(x) == decorated(x)


def test_loops_whose_turns_nobody_knows_are_never_left(monkeypatch) -> None:
    slow(monkeypatch, 10**9)
    x = np.zeros(4000)
    decorated = autopar.parallel(before)
    for _ in range(40):
        assert 4000 == decorated(x, 4000)
    assert "cpu" == ran(decorated)["backend"]
