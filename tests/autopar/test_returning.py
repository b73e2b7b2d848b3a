"""`return` inside an outermost loop: the interpreter runs it after a kernel that found it."""

from __future__ import annotations

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, same


def first(a, x):
    for i in range(len(a)):
        if a[i] == x:
            return i
    return -1


def with_value(a, x):
    total = 0.0
    for i, y in enumerate(a):
        if y > x:
            return i, y, total
        total += y
    return None, total


def two_ways(a, low, high):
    for i in range(len(a)):
        if a[i] < low:
            return "low", i
        if a[i] > high:
            return "high", i


def converged(v, new, tol):
    for it in range(9):
        err = 0.0
        for i in range(len(v)):
            new[i] = 1.0 + 0.5 * v[i]
            err = max(err, abs(new[i] - v[i]))
        for i in range(len(v)):
            v[i] = new[i]
        if err < tol:
            return it, err
    raise RuntimeError(f"not converged: {err}")


def endless(n):
    steps = 0
    while True:
        if n == 1:
            return steps
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1


def with_else(a, x):
    for i in range(len(a)):
        if a[i] > x:
            return i
        if a[i] < -x:
            break
    else:
        i = -5
    return -i


def is_sorted(a):
    for i in range(len(a) - 1):
        if a[i] > a[i + 1]:
            return False
    return True


def unbound_if_none(a, x):
    for i in range(len(a)):
        if a[i] > x:
            big = a[i]
            return big
    return big  # as in the interpreter


def fails_after(a, x, out):
    for i in range(len(a)):
        out[i] = 2 * a[i]
        if a[i] > x:
            return out[i] / 0
    return 0


def in_finally(a, x, log):
    try:
        for i in range(len(a)):
            if a[i] > x:
                return log
    finally:
        log.append(i)
    return None


def twice_nested(a, x):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > x:
                return i, j
    return None


def underscored(a):
    _ = 0.0
    for k in range(len(a)):
        _ = a[k]
        if _ > 0.5:
            return _
    return -_


class Walker:
    """Its attributes live on."""

    def __init__(self) -> None:
        self.last = 0.0

    def walk(self, a, x):
        for __i in range(len(a)):
            self.last = a[__i]
            if a[__i] > x:
                return __i
        return None


def walked(a, x):
    walker = Walker()
    return walker.walk(a, x), walker.last


def floats(*shape):
    return np.random.default_rng(3).random(shape)


TAKEN = [
    (first, lambda: (np.arange(50), 13)),
    (first, lambda: (np.arange(50), 99)),
    (with_value, lambda: (floats(50), 0.9)),
    (with_value, lambda: (floats(50), 1.5)),
    (two_ways, lambda: (floats(50), 0.01, 0.9)),
    (two_ways, lambda: (floats(50), 0.2, 0.99)),
    (two_ways, lambda: (floats(50), -1.0, 2.0)),
    (converged, lambda: (floats(60), np.zeros(60), 1e-6)),
    (converged, lambda: (floats(60), np.zeros(60), -1.0)),
    (with_else, lambda: (floats(50) - 0.5, 0.49)),
    (with_else, lambda: (floats(50) - 0.5, 0.4)),
    (with_else, lambda: (floats(50) - 0.5, 0.6)),
    (is_sorted, lambda: (np.arange(50),)),
    (is_sorted, lambda: (floats(50),)),
    (unbound_if_none, lambda: (floats(50), 0.9)),
    (unbound_if_none, lambda: (floats(50), 1.9)),
    (fails_after, lambda: (floats(50), 0.9, np.zeros(50))),
    (in_finally, lambda: (floats(50), 0.9, [])),
]
LEFT = [
    (first, lambda: (np.arange(0), 13)),
    (endless, lambda: (27,)),
    (twice_nested, lambda: (floats(9, 9), 0.9)),
    (underscored, lambda: (floats(50),)),
    (walked, lambda: (floats(50), 0.9)),
]


@pytest.mark.parametrize(("function", "arguments"), TAKEN)
def test_what_is_found_in_a_kernel_is_returned(function, arguments):
    rows = loops_of(same(function, arguments, ran="cpu").last_run)
    assert "sequential" == rows[0]["verdict"]


@pytest.mark.parametrize(("function", "arguments"), LEFT)
def test_what_cannot_be_left_by_a_pattern_is_as_in_the_interpreter(function, arguments):
    same(function, arguments)


def test_on_the_simulator(on_simulator):
    on_simulator(__file__)


@pytest.mark.parametrize("tol", [1e-1, -1.0])
def test_on_each_backend(tol, backend):
    same(converged, lambda: (floats(4), np.zeros(4), tol), backend, ran="cpu")


def test_the_reason_names_what_leaves_the_loop():
    def found(a, x):
        for i in range(len(a)):
            if a[i] > x:
                return i
        return -1

    def stopped(a, x):
        for i in range(len(a)):
            if a[i] > x:
                break
        return i

    for function, keyword in ((found, "return"), (stopped, "break")):
        (loop,) = loops_of(autopar.explain(function))
        assert f"The loop can be left early through '{keyword}'." == loop["reason"].split(";")[0]
