"""`return` in inner loops: it leaves all of them, whichever of them a kernel runs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import loops_of, same


def place(a, x):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > x:
                return i, j
    return None


def several(a, x):
    n = 0
    for i in range(a.shape[0]):
        if a[i, 0] > 3 * x:
            return "first", n
        for j in range(1, a.shape[1]):
            n += 1
            if a[i, j] > x:
                return "large", i, j, n
            if a[i, j] < -x:
                return "small", i, j
        if n > 40:
            return n
    return "none"


def three_deep(a, x):
    for i in range(a.shape[0]):
        for j in range(i):
            for k in range(a.shape[1]):
                if a[i, k] - a[j, k] > x:
                    return i, j, k
            a[j, 0] = a[j, 0] + 1.0
    return -1


def rows_then_more(a, x):
    total = 0.0
    for row in a:
        for v in row:
            if v > x:
                return total
            total += v
        while total > 1e3:
            total -= 1.0
            if total < 0:
                return -1.0
    return total


def until(a, x):
    turns = 0
    while True:
        for i in range(a.shape[0]):
            a[i, 0] = a[i, 0] * 1.5
            if a[i, 0] > x:
                return turns, i
        turns += 1


def with_prints(a, x):
    for i in range(a.shape[0]):
        print(i)
        for j in range(a.shape[1]):
            if a[i, j] > x:
                return i, j
    return None


def is_symmetric(a, x):
    n = min(a.shape)
    for i in range(n):
        for j in range(i):
            if abs(a[i, j] - a[j, i]) > x:
                return False
    return True


FUNCTIONS = [place, several, three_deep, rows_then_more, until, with_prints, is_symmetric]


def matrix(*places):
    def made():
        a = np.linspace(0.1, 0.9, 72).reshape(12, 6)
        for each in places:
            a[each] = 5.0
        return a, 2.0

    return made


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("places", [(), ((0, 0),), ((5, 3),), ((11, 5), (4, 0))])
def test_the_same_value_is_returned(function, places):
    same(function, matrix(*places))


@pytest.mark.parametrize("function", [place, several, until, is_symmetric])
def test_all_loops_are_one_region(function):
    rows = loops_of(same(function, matrix((5, 3)), ran="cpu").last_run)
    assert "sequential" == rows[0]["verdict"]


def test_on_each_backend(backend):
    same(place, matrix((2, 3)), backend)
    same(three_deep, matrix((2, 3)), backend)


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)
