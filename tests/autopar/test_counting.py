"""Loops whose turns nobody knows: what the interpreter took informs what is decided next."""

from __future__ import annotations

import gc
import itertools
import sys
import weakref
from dataclasses import replace

import numpy as np
import pytest

import autopar
from autopar import counting
from autopar.codegen.rates import CURRENT, DEFAULTS
from autopar.cost import TURNS
from autopar.dispatch import Region
from autopar.patience import Patience
from tests.autopar import test_drivers as drivers
from tests.autopar.test_drivers import floats
from tests.sameness import loops_of, same


@pytest.fixture(autouse=True)
def _rates_of_the_reference(monkeypatch):
    monkeypatch.setattr(CURRENT, "rates", DEFAULTS)


def region_of(function) -> Region:
    (region,) = function._prepare().regions
    assert isinstance(region, Region)
    return region


def counting_in(function) -> counting.Counting:
    found = region_of(function).counting
    assert found is not None
    return found


# ----------------------------------------------------------------- left in the middle


def skipped(a, x):
    k, low = 0, 0
    while k < len(a):
        k += 1
        if a[k - 1] < x:
            low += 1
            continue
        if low > 9:
            break
        a[k - 1] = x
    return k, low


def returned(a, x):
    k = 0
    while True:
        if a[k] >= x:
            return k, a[k]
        a[k] = -a[k]
        k += 1


def unbound(a, x):
    k = 0
    while k < len(a):
        if a[k] > x:
            last = a[k]
        k += 1
    return last


def in_a_loop(a, x):
    total = 0
    for _ in range(3):
        while x < 1.0:
            x = x * 1.5
            total += 1
        x = x / 9.0
        print(total)
    return total, x


CASES = [
    (skipped, lambda: (floats(40), 0.5)),
    (returned, lambda: (np.sort(floats(40)), 0.9)),
    (returned, lambda: (floats(40), 2.0)),  # IndexError
    (unbound, lambda: (floats(40), 0.5)),
    (unbound, lambda: (floats(40), 2.0)),  # UnboundLocalError
    (in_a_loop, lambda: (floats(2), 0.01)),
    (drivers.halved, lambda: (1.0, 1e-9)),
    (drivers.greatest_divisor, lambda: (2**40, 3**20)),
    (drivers.converged, lambda: (floats(20), np.zeros(20), 0.5, 1e-6, 99)),
    (drivers.summed, lambda: (floats(20), np.zeros(20), 1e-2)),
    (drivers.while_with_else, lambda: (floats(60) + 0.1, 1e-2, 30)),
    (drivers.with_break, lambda: (floats(20), np.zeros(20), 0.5, 1e-6, 99)),
    (drivers.first_of_rows, lambda: (floats(9, 4), 2.2)),
    (drivers.position, lambda: (np.sort(floats(50)), 0.5)),
]


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_the_rest_of_a_loop_may_run_in_a_kernel(function, arguments, monkeypatch):
    asked = itertools.count()
    monkeypatch.setattr(Patience, "may_compile", lambda self, found: next(asked) > 0)
    monkeypatch.setattr(
        Region, "_price_ns", lambda self, key, values, found: found.interpreter_ns / 4
    )
    same(function, arguments, "auto")
    if function not in {drivers.with_break, drivers.first_of_rows, drivers.while_with_else}:
        assert next(asked) > 1  # it was left


def walked(a, x):
    k = 0
    while k < len(a) and a[k] < x:
        k += 1
    return k


def searched(a, x):
    for k in range(len(a)):
        if a[k] > x:
            return k
    return -1


def searched_values(a, x):
    for k, each in enumerate(a):
        if each > x:
            break
    return k


def test_a_long_first_run_is_left_for_a_kernel():
    monkeypatched = replace(DEFAULTS, compile=100_000.0)
    CURRENT.set(monkeypatched, is_calibrated=False)
    a = np.zeros(5000)
    decorated = autopar.parallel(walked, cache=False)
    assert 5000 == decorated(a, 1.0)
    (row,) = loops_of(decorated.last_run)
    assert "cpu" == row["ran"]["backend"]
    assert row["ran"]["note"].startswith("1 of 2 calls in the interpreter.")


@pytest.mark.parametrize("function", [walked, searched, searched_values])
def test_the_next_call_is_predicted_from_the_turns_of_the_last(function):
    a = np.zeros(400)
    decorated = autopar.parallel(function)
    decorated(a, 1.0)
    counts = counting_in(decorated)
    first_ns = region_of(decorated).interpreted_ns
    decorated(a, 1.0)
    assert 400 <= counts.factor * TURNS <= 401
    spent_ns = region_of(decorated).interpreted_ns
    assert 2 * 400 / 16 <= spent_ns / first_ns <= 2 * 402 / 16


def test_short_runs_are_believed_after_a_while():
    a = np.zeros(400)
    decorated = autopar.parallel(walked)
    decorated(a, 1.0)
    a[2] = 2.0
    for _ in range(12):
        assert 2 == decorated(a, 1.0)
    assert counting_in(decorated).factor < 1.0


def of_rows(a, out, x):
    for i in range(a.shape[0]):
        k = 0
        while k < a.shape[1] and a[i, k] < x:
            k += 1
        out[i] = k


def test_the_clock_is_read_where_turns_say_too_little(monkeypatch):
    clock = itertools.count(0, 1_000_000)
    monkeypatch.setattr(counting, "thread_time_ns", lambda: next(clock))
    a, out = np.zeros((7, 30)), np.zeros(7)
    decorated = autopar.parallel(of_rows)
    for _ in range(2):
        decorated(a, out, 1.0)
        assert [30.0] * 7 == out.tolist()
    # Three pieces of 1, 2 and 4 turns, a millisecond each.
    assert region_of(decorated).interpreted_ns > 3_000_000


def test_a_loop_that_a_tracer_sees_is_not_counted():
    a = np.zeros(50)
    decorated = autopar.parallel(walked)
    decorated(a, 1.0)
    counts = counting_in(decorated)
    sys.settrace(lambda *_: None)
    try:
        assert 50 == decorated(a, 1.0)
    finally:
        sys.settrace(None)
    assert counts.is_settled


def test_nothing_of_the_users_is_kept():
    a = np.zeros(50)
    gone = weakref.ref(a)
    decorated = autopar.parallel(searched_values)
    decorated(a, 1.0)
    assert counting_in(decorated)._run is not None
    del a
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("reads_clock", [True, False])
def test_loops_that_begin_at_the_same_time_have_turns_of_their_own(reads_clock):
    """As in two threads that both ask before either loop begins."""
    counts = counting.Counting(reads_clock=reads_clock)
    counts.begin(1000, 1e12)
    every = [(turn, turn) for turn in range(50)]
    assert every == list(zip(counts.counted(range(50)), counts.counted(range(50)), strict=True))

    def begun():
        return iter(counts.first(range(50)))

    assert every == list(zip(begun(), begun(), strict=True))
    turns = zip(counts.turns(), counts.turns(), strict=False)
    assert [((), ())] * 40 == list(itertools.islice(turns, 40))
