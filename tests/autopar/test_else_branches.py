"""Loops with an `else`, inside others and alone."""

from __future__ import annotations

import numpy as np
import pytest

from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, places, same


def primes(out, n):
    for i in range(2, n):
        for d in range(2, i):
            if i % d == 0:
                break
        else:
            out[i] = True


def found_at(a, t, out):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > t:
                out[i] = j
                break
        else:
            out[i] = -1
            for j in range(a.shape[1]):
                a[i, j] = 0.0


def never_left(a, b, n):
    for i in range(n):
        for j in range(3):
            a[i] += j
        else:
            b[i] = a[i]


def counted(x, out, limit):
    for i, y in enumerate(x):
        k = 0
        while y > 1.0:
            y = y * 0.5
            k += 1
            if k == limit:
                break
        else:
            out[i] = k


def two_levels(a, out):
    for i in range(a.shape[0]):
        s = 0.0
        for j in range(a.shape[1]):
            for k in range(j):
                if a[i, k] > a[i, j]:
                    break
            else:
                s += a[i, j]
                if s > 2.0:
                    out[i, 0] = s
            out[i, 1] += 1
        out[i, 2] = s


def alone(a, n):
    for i in range(n):
        a[i] += 1.0
    else:
        a[0] = -1.0
    return i


def alone_left(a, n):
    for i in range(n):
        if a[i] > 0.9:
            break
    else:
        for j in range(n):
            a[j] = 2.0
        return None
    return i


def goes_on(a, out):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > 0.9:
                break
        else:
            continue
        out[i] = j


def leaves_both(a, out):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > 0.9:
                break
        else:
            break
        out[i] = j
    return i


def floats(*shape):
    return np.random.default_rng(11).random(shape)


def returns(a, out):
    for i in range(a.shape[0]):
        out[i] += 1.0
        for j in range(a.shape[1]):
            if a[i, j] > 0.9:
                break
        else:
            return i
        out[i] += 10.0
        for j in range(a.shape[1]):
            out[i] += a[i, j]
    return -1


def may_return(a, out):
    for i in range(a.shape[0]):
        j = 0
        while j < a.shape[1]:
            if a[i, j] > 0.9:
                break
            j += 1
        else:
            if a[i, 0] > 0.1:
                return i
            out[i] = -5.0
        out[i] += 10.0
    return 1000


def returns_among_jumps(a, out):  # as tests of primes are written
    for i in range(a.shape[0]):
        if a[i, 0] > 0.5:
            continue
        for j in range(a.shape[1]):
            if a[i, j] > 0.9:
                break
        else:
            return False
        out[i] = 1.0
    return True


TAKEN = [
    (goes_on, lambda: (floats(30, 8), np.zeros(30))),
    (primes, lambda: (np.zeros(60, bool), 60)),
    (found_at, lambda: (floats(30, 8), 0.9, np.zeros(30, int))),
    (never_left, lambda: (floats(20), np.zeros(20), 20)),
    (counted, lambda: (floats(40) * 100, np.full(40, 9), 4)),
    (two_levels, lambda: (floats(12, 9), np.zeros((12, 3)))),
]


@pytest.mark.parametrize(("function", "arguments"), TAKEN)
def test_the_loop_around_is_taken_over(function, arguments):
    decorated = same(function, arguments, ran="cpu")
    assert loops_of(decorated.last_run)[0]["verdict"] in {"parallel", "conditional"}


@pytest.mark.parametrize(("function", "arguments"), TAKEN)
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_hostile_orders(function, arguments, order, monkeypatch):
    launcher = AdversarialLauncher(order)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
    same(function, arguments, ran="cpu")


@pytest.mark.parametrize("n", [0, 1, 9])
@pytest.mark.parametrize("function", [alone, alone_left])
def test_an_outermost_one_is_left_to_the_interpreter(function, n):
    decorated = same(function, lambda: (floats(max(n, 1)) * 0.8, n))
    assert {"unsupported"} >= {loops_of(decorated.last_run)[0]["verdict"]}


def test_what_its_branch_has_is_taken_over():
    assert places(same(alone_left, lambda: (floats(9) * 0.8, 9))) == ["cpu"]


@pytest.mark.parametrize(
    "function", [goes_on, leaves_both, returns, may_return, returns_among_jumps]
)
@pytest.mark.parametrize("columns", [3, 8, 40])
def test_a_jump_in_the_branch_is_one_of_the_loop_around(function, columns):
    same(function, lambda: (floats(30, columns), np.zeros(30)))


def test_nothing_after_a_branch_that_leaves_runs():
    assert ["cpu"] == places(same(leaves_both, lambda: (floats(30, 9), np.zeros(30))))[:1]
    assert ["cpu"] == places(same(returns, lambda: (floats(30, 9), np.zeros(30))))[:1]


def test_on_each_backend(backend):
    same(found_at, lambda: (floats(6, 4), 0.7, np.zeros(6, int)), backend, ran="cpu")
    same(primes, lambda: (np.zeros(12, bool), 12), backend)


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)
