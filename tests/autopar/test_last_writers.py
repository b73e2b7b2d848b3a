"""What scalars and loop variables hold after a loop that need not assign them in its last iteration."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, places, same


def copies(*arguments: Any) -> tuple[Any, ...]:
    return tuple(each.copy() if isinstance(each, np.ndarray) else each for each in arguments)


def last_above(a, t, b, last):
    found = False
    for i in range(a.shape[0]):
        b[i] = 2 * a[i]
        if a[i] > t:
            last = i
            found = True
    return last, found


def value_above(a, t):
    value = None
    for i in range(a.shape[0]):
        if a[i] > t:
            value = a[i]
    return value


def bound_or_not(a, t, before):
    if before:
        where: object = "nowhere"
    for i in range(a.shape[0]):
        if a[i] > t:
            where = i
    return where


def column(ptr, v, y, before):
    if before:
        j = 2**70
    for i in range(y.shape[0]):
        for j in range(ptr[i], ptr[i + 1]):
            y[i] += v[j]
    return i, j


def one_name_for_two_loops(a, b, n):
    for i in range(n):
        for j in range(3):
            a[i] += b[j]
        for j in range(b.shape[0]):
            a[i] += b[j]
    return i, j


def one_name_under_a_test(a, b, n):
    for i in range(n):
        for j in range(3):
            a[i] += b[j]
        if i < 5:
            for j in range(b.shape[0]):
                a[i] += b[j]
    return i, j


def read_after_its_loop(a, b, j):
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            a[i] += b[j]
        a[i] *= j
    return j


def changed_in_its_loop(a):
    for i in range(a.shape[0] // 2):
        i = 2 * i
        a[i] = i
    return i


def kept_otherwise(a, t, last):
    for i in range(a.shape[0]):
        last = last if a[i] <= t else i
    return last


def kept_or_unbound(a, t):
    if t > 9:
        last = -1
    for i in range(a.shape[0]):
        last = i if a[i] > t else last
    return last


def largest_by_choice(a, m):
    for i in range(a.shape[0]):
        m = a[i] if a[i] > m else m
    return m


A = np.random.default_rng(1).random(60)
THRESHOLDS = (0.5, 0.995, 2.0, -1.0)


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    """Make parts of one iteration, and run them in hostile orders."""
    if backend != "cpu":
        return
    orders = itertools.cycle(ORDERS.values())
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: AdversarialLauncher(next(orders)))


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_last_iteration_that_assigns_decides(threshold, backend):
    ran = "cpu" if backend == "cpu" else None
    b = np.zeros_like(A)
    same(last_above, partial(copies, A, threshold, b, -1), backend, ran=ran, cache=False)
    same(last_above, partial(copies, A, threshold, b, None), backend, ran=ran, cache=False)
    same(last_above, partial(copies, A[:0], threshold, b, -1), backend, cache=False)
    same(
        value_above, partial(copies, A.astype("float32"), threshold), backend, ran=ran, cache=False
    )


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("before", [False, True])
def test_a_name_that_no_iteration_assigns_stays_as_it_was(before, backend):
    ran = "cpu" if backend == "cpu" else None
    for threshold in THRESHOLDS:
        same(bound_or_not, partial(copies, A, threshold, before), backend, ran=ran, cache=False)
    counts = np.array([0, 3, 0, 2, 0, 0])
    for ptr in (np.cumsum(counts), np.zeros(6, int)):
        arguments = ptr, A, np.zeros(5), before
        same(column, partial(copies, *arguments), backend, ran=ran, cache=False)


@pytest.mark.usefixtures("hostile")
def test_loop_variables_that_are_variables(backend):
    b, n = A[:4], 9
    for function in (one_name_for_two_loops, one_name_under_a_test):
        same(function, partial(copies, A, b, n), backend, ran="cpu", cache=False)
        same(function, partial(copies, A, b[:0], n), backend, cache=False)
    ran = "cpu" if backend == "cpu" else None
    same(read_after_its_loop, partial(copies, A, b, 3), backend, ran=ran, cache=False)
    same(read_after_its_loop, partial(copies, A, b[:0], 3), backend, cache=False)
    same(changed_in_its_loop, partial(copies, A), backend, ran="cpu", cache=False)


@pytest.mark.usefixtures("hostile")
def test_a_choice_of_what_it_was_is_no_assignment(backend):
    ran = "cpu" if backend == "cpu" else None
    for threshold in THRESHOLDS:
        same(kept_otherwise, partial(copies, A, threshold, -1), backend, ran=ran, cache=False)
        same(kept_otherwise, partial(copies, A, threshold, None), backend, cache=False)
        same(kept_or_unbound, partial(copies, A, threshold), backend, cache=False)
        same(largest_by_choice, partial(copies, A, threshold), backend, ran=ran, cache=False)


def test_what_was_not_assigned_is_the_very_same_object():
    start = object()
    decorated = autopar.parallel(last_above, backend="cpu", cache=False)
    assert start is decorated(A, 2.0, np.zeros_like(A), start)[0]
    assert ["cpu"] == places(decorated)
    assert "parallel" == loops_of(decorated.last_run)[0]["verdict"]


def test_on_the_simulator(on_simulator):
    on_simulator(__file__)
