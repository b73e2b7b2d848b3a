"""Calls of the user's functions that expressions make only at times."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.sameness import loops_of, same


def squared(x):
    y = x - 1.0
    return y * y


def root(x):
    y = math.sqrt(x)
    return y + y


def chosen(x, y):
    for i in range(len(x)):
        y[i] = root(x[i]) if x[i] >= 0 else squared(2 * x[i]) if x[i] < -0.5 else -1.0


def both(x, y):
    n = 0
    for i in range(len(x)):
        if x[i] >= 0 and root(x[i]) < 1.0 and squared(x[i] + y[i]) > 0.1:
            y[i] = x[i]
            n += 1
    return n


def scalar(x, y):
    for i in range(len(x)):
        t = root(x[i]) if x[i] >= 0 else 0.0
        y[i] = t * t
    return t


def inner(x):
    return root(x) if x > 0 else squared(x)


def nested(x, y):
    for i in range(len(x)):
        y[i] = inner(x[i]) if x[i] != 0 else 7.0


def until(x, y):
    for i in range(len(x)):
        if x[i] >= 0 and root(x[i]) > 1.7:
            break
        y[i] = x[i]
    return i


def numbers(size):
    x = np.linspace(-1.0, 1.0, size)
    x[size // 2] = 0.0
    return lambda: (x.copy(), np.zeros(size))


@pytest.mark.parametrize("function", [chosen, both, scalar, nested])
def test_they_are_put_in_place(function):
    rows = loops_of(same(function, numbers(41), ran="cpu").last_run)
    assert rows[0]["verdict"] in {"parallel", "reduction"}
    assert "inline" in rows[0]["transform"]


def test_tests_that_end_loops():
    same(until, numbers(41))


@pytest.mark.parametrize("function", [chosen, both])
def test_on_each_backend(function, backend):
    same(function, numbers(7), backend, ran="cpu")


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)
