"""`for` loops whose first turns the interpreter makes, and whose rest runs in a kernel."""

from __future__ import annotations

import itertools
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

import autopar
from autopar.codegen.rates import CURRENT, DEFAULTS
from autopar.dispatch import Region
from autopar.patience import Patience
from autopar.rests import Rest
from tests.autopar.test_drivers import floats
from tests.sameness import loops_of, same


def searched(a, x):
    for k in range(len(a)):
        if a[k] > x:
            return k, a[k]
        a[k] = -a[k]
    return -1, x


def broken(a, x):
    s = 0.0
    for k in range(3, len(a) - 1, 2):
        if a[k] < x:
            continue
        s += a[k]
        a[k + 1] = s
        if s > 5.0:
            break
    return s, k


def backwards(a, x):
    low = 0
    for k in range(len(a) - 1, -1, -1):
        if a[k] > x:
            break
        low += 1
        a[k] = low
    return low, k


def kept_name(a, x):
    for k in range(len(a)):
        if a[k] > x:
            last = a[k]
        if a[k] > 2.0 * x:
            break
    return last


def of_rows(a, out, x):
    for i in range(out.shape[0]):
        k = 0
        while k < a.shape[1] and a[i, k] < x:
            k += 1
        out[i] = k
    return i


def with_rows_inside(a, x):
    t = 0.0
    for i in range(a.shape[0]):
        s = 0.0
        for j in range(a.shape[1]):
            s += a[i, j]
        t = max(t, s)
        if s > x:
            break
    return t, s, i


def again_and_again(a, x):
    for turn in range(4):
        for k in range(turn, len(a)):
            if a[k] > x:
                break
            a[k] = a[k] + 0.125
        print(turn, k)
        x = x - 0.1
    return k


def past_the_end(a, x):
    for k in range(2 * len(a)):
        if a[k] > x:
            break
        a[k] = x
    return k


def with_else(a, x):
    for k in range(len(a)):
        if a[k] > x:
            break
    else:
        k = -1
    return k


def by_steps(a, x, step):
    for k in range(0, len(a), step):
        if a[k] > x:
            break
    return k


def over_values(a, x):
    for each in a:
        if each > x:
            break
    return each


CASES = [
    (searched, lambda: (floats(40), 2.0)),
    (searched, lambda: (floats(40), 0.95)),
    (broken, lambda: (floats(60), 0.25)),
    (broken, lambda: (floats(60), 3.0)),
    (broken, lambda: (floats(4), 3.0)),  # k is unbound
    (backwards, lambda: (floats(50), 0.98)),
    (backwards, lambda: (floats(50), 2.0)),
    (kept_name, lambda: (floats(40), 0.9)),
    (kept_name, lambda: (floats(40), 2.0)),  # UnboundLocalError
    (of_rows, lambda: (floats(30, 9), np.zeros(30), 0.8)),
    (of_rows, lambda: (floats(3, 9), np.zeros(9), 0.8)),  # IndexError
    (with_rows_inside, lambda: (floats(30, 9), 7.5)),
    (again_and_again, lambda: (floats(40), 1.3)),
    (past_the_end, lambda: (floats(40), 2.0)),  # IndexError
    (by_steps, lambda: (floats(50), 2.0, 3)),
]


@pytest.fixture
def rests(monkeypatch):
    """Let the first turns be made by the interpreter; list what was asked about the rest."""
    asked = itertools.count()
    monkeypatch.setattr(CURRENT, "rates", replace(DEFAULTS, compile=0.0, analysis=0.0, enter=1.0))
    monkeypatch.setattr(Patience, "may_compile", lambda self, found: next(asked) > 0)
    monkeypatch.setattr(
        Region, "_price_ns", lambda self, key, values, found: found.interpreter_ns / 4
    )
    ranges = []
    enter = Rest.enter

    def noted(self, left, *values):
        returned = enter(self, left, *values)
        ranges.append((left, bool(returned)))
        return returned

    monkeypatch.setattr(Rest, "enter", noted)
    return ranges


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_the_rest_runs_in_a_kernel(function, arguments, rests):
    same(function, arguments, "auto")
    if function not in {by_steps, past_the_end} and len(arguments()[0]) > 4:
        assert any(is_done for _, is_done in rests)


@pytest.mark.parametrize("function", [with_else, over_values])
def test_other_loops_are_run_as_a_whole(function, rests):
    same(function, lambda: (floats(50), 2.0), "auto")
    assert not rests


def nested(a, x, depth):
    k = -1
    if depth:
        k = nested(a, x - 0.02, depth - 1)
    for k in range(len(a)):
        if a[k] > x:
            break
        if depth and k == 30:
            nested(a, x, depth - 1)
    return k


def test_frames_have_rests_of_their_own(rests):
    expected = nested(floats(60), 2.0, 3)
    a = floats(60)
    decorated = autopar.parallel(nested)
    globals_of = nested.__globals__
    globals_of["nested"] = decorated
    try:
        assert expected == decorated(a, 2.0, 3)
    finally:
        globals_of["nested"] = decorated.__wrapped__


def test_threads_have_rests_of_their_own(rests):
    decorated = autopar.parallel(broken)
    wanted = [broken(floats(n), 3.0) for n in range(40, 60)]
    found = {}

    def work(number):
        for n in range(number, 60, 4):
            found[n] = decorated(floats(n), 3.0)

    threads = [threading.Thread(target=work, args=(40 + number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wanted == [found[n] for n in range(40, 60)]


def test_a_long_first_run_is_left_for_a_kernel(monkeypatch):
    monkeypatch.setattr(CURRENT, "rates", replace(DEFAULTS, compile=100_000.0, analysis=50_000.0))
    decorated = autopar.parallel(searched, cache=False)
    a = np.zeros(20_000)
    assert (-1, 1.0) == decorated(a, 1.0)
    (row,) = loops_of(decorated.last_run)
    assert "cpu" == row["ran"]["backend"]
    assert row["ran"]["note"].startswith("1 of 2 calls in the interpreter.")


def test_a_tracer_sees_all_turns(rests):
    decorated = autopar.parallel(searched)
    seen = []

    def trace(frame, event, _):
        if event == "line" and frame.f_code.co_name == "searched":
            seen.append(frame.f_lineno)
        return trace

    sys.settrace(trace)
    try:
        assert (-1, 2.0) == decorated(floats(40), 2.0)
    finally:
        sys.settrace(None)
    body = searched.__code__.co_firstlineno + 2
    assert 40 == seen.count(body)
