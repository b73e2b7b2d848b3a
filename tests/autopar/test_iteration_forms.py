"""Loops over values run as loops over positions: elements, rows, enumerate, zip, grids."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import same


def elements(a, s):
    for x in a:
        s += x
    return s, x


def rows(a):
    s = 0.0
    for row in a:
        for x in row:
            s += x
    return s, row, x


def stored_rows(a):
    for row in a:
        for j in range(len(row)):
            row[j] = j + row[j]
    return row


def numbered_rows(a, b):
    for i, row in enumerate(a):
        for j, x in enumerate(row):
            b[i, j] = x * row[0] + row.shape[-1]
    return i, row, j, x


def pairs(a, b, s):
    for x, y in zip(a, b):  # noqa: B905  # as people write
        s += x * y
    return s, x, y


def numbered_pairs(a, b, out, k):
    for i, (x, y) in enumerate(zip(a, b), k):  # noqa: B905
        out[i - k] = x - y + i
    return i, x, y


def numbers_and_elements(a, out, k, n):
    for i, x in zip(range(k, n), a):  # noqa: B905
        out[i] = x
    return i


def backwards(a, out, k, n):
    for i in reversed(range(k, n, 3)):
        out[i] = a[i] * 2
    return i


def upwards(a, out, k, n):
    for i in reversed(range(n, k, -3)):
        out[i] = a[i] * 2
    return i


def turned(a, out, k, n):
    for i in range(k, n)[::-1]:
        out[i] = a[i] * 2
    return i


def last_first(a, out):
    for i, x in enumerate(reversed(a)):
        out[i] = x
    return i, x


def positions(a, b):
    for i, j in np.ndindex(a.shape):
        b[i, j] = 2 * a[i, j]
    return i, j


def starred_positions(a, b):
    for i, j in np.ndindex(*a.shape):
        b[i, j] = 2 * a[i, j]


def literal_positions(a, b):
    for i, j in np.ndindex(4, 3):
        b[i, j] = 2 * a[i, j]


def numbered_elements(a, b):
    for (i, j), x in np.ndenumerate(a):
        b[i, j] = x * a[i, j]
    return i, j, x


def grid(a, b, n, m):
    for i, j in itertools.product(range(1, n), range(2, m)):
        b[i, j] = 2 * a[i, j]
    return i


def one_name_twice(a, b, out):
    for i, (_, _) in enumerate(zip(a, b)):  # noqa: B905
        out[i] = _
    return _


def own_names_changed(a, out):
    for i, x in enumerate(a):
        x = x * 2
        out[i] = x
        i = 3
    return i, x


def stored_ahead(a):
    for i, x in enumerate(a):
        if i + 1 < len(a):
            a[i + 1] = x + 1
    return a


def array_bound_anew(a, b):
    for i, x in enumerate(a):
        b[i] = x
        a = b
    return a


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).random(shape)


CASES: list[tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = [
    (elements, lambda: (floats(50), 0.0)),
    (elements, lambda: (floats(50)[::-2].astype("f4"), 0.0)),
    (rows, lambda: (floats(40, 30),)),
    (stored_rows, lambda: (floats(40, 30)[::2, ::3],)),
    (stored_rows, lambda: (np.arange(12).reshape(3, 4),)),
    (numbered_rows, lambda: (floats(40, 30), np.zeros((40, 30)))),
    (pairs, lambda: (floats(50), floats(40), 0.0)),
    (pairs, lambda: (floats(40), floats(50).astype("f4"), 0.0)),
    (numbered_pairs, lambda: (floats(50), floats(40), np.zeros(40), 3)),
    (numbered_pairs, lambda: (floats(50), floats(40), np.zeros(40), np.int64(-3))),
    (numbers_and_elements, lambda: (floats(50), np.zeros(50), 3, 40)),
    (numbers_and_elements, lambda: (floats(20), np.zeros(50), 3, 40)),
    *(
        (function, lambda k=k: (floats(50), np.zeros(50), k, 20))
        for function in (backwards, upwards, turned)
        for k in (0, 1, 2, 19)
        if (function, k) != (upwards, 20)
    ),
    (last_first, lambda: (floats(50), np.zeros(50))),
    (positions, lambda: (floats(40, 30), np.zeros((40, 30)))),
    (starred_positions, lambda: (floats(40, 30), np.zeros((40, 30)))),
    (literal_positions, lambda: (floats(40, 30), np.zeros((40, 30)))),
    (numbered_elements, lambda: (floats(40, 30), np.zeros((40, 30)))),
    (grid, lambda: (floats(40, 30), np.zeros((40, 30)), 40, 30)),
    (one_name_twice, lambda: (floats(50), floats(40), np.zeros(40))),
    (own_names_changed, lambda: (floats(50), np.zeros(50))),
    (stored_ahead, lambda: (floats(50),)),
    (elements, lambda: ((1.0, 2.0), 0.0)),
    (pairs, lambda: (floats(50), range(50), 0.0)),
    (pairs, lambda: (floats(50), range(90, -10, -2), 0.0)),
]
LEFT: list[tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = [
    (elements, lambda: ((1.0, 2), 0.0)),
    (elements, lambda: (floats(0), 0.0)),
    (elements, lambda: (floats(3, 2), 0.0)),
    (elements, lambda: (np.float64(3), 0.0)),
    (rows, lambda: (floats(0, 3),)),
    (rows, lambda: (floats(3, 0),)),
    (rows, lambda: (floats(3, 4).tolist(),)),
    (numbered_rows, lambda: (floats(40, 30), np.zeros((40, 20)))),
    (pairs, lambda: (floats(50), floats(0), 0.0)),
    (numbered_pairs, lambda: (floats(50), floats(40), np.zeros(40), 1.5)),
    (numbered_pairs, lambda: (floats(50), floats(40), np.zeros(30), -3)),
    (numbers_and_elements, lambda: (floats(60), np.zeros(50), 3, 60)),
    (numbers_and_elements, lambda: (floats(60), np.zeros(50), 3, 2)),
    (backwards, lambda: (floats(50), np.zeros(50), 20, 20)),
    (upwards, lambda: (floats(50), np.zeros(50), 21, 20)),
    (turned, lambda: (floats(50), np.zeros(50), 21, 20)),
    (positions, lambda: (floats(40, 30), np.zeros((40, 20)))),
    (positions, lambda: (floats(0, 3), np.zeros((40, 20)))),
    (positions, lambda: (floats(3, 0), np.zeros((40, 20)))),
    (positions, lambda: (floats(3, 4, 5), np.zeros((40, 20)))),
    (numbered_elements, lambda: (floats(3, 4, 5), np.zeros((40, 20)))),
    (grid, lambda: (floats(40, 30), np.zeros((40, 30)), 40, 2)),
]


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_a_loop_over_values_is_taken_over(function, arguments):
    same(function, arguments, ran="cpu")


@pytest.mark.parametrize(("function", "arguments"), LEFT)
def test_what_is_not_as_assumed_runs_in_the_interpreter(function, arguments):
    same(function, arguments, ran="interpreter")


def test_an_array_that_is_bound_anew_is_left_alone():
    same(array_bound_anew, lambda: (floats(5), np.zeros(5)))


SHARED = [
    (stored_rows, lambda: (floats(8, 5),)),
    (numbered_rows, lambda: (floats(8, 5), np.zeros((8, 5)))),
    (positions, lambda: (floats(8, 5), np.zeros((8, 5)))),
    (numbered_elements, lambda: (floats(8, 5), np.zeros((8, 5)))),
    (upwards, lambda: (floats(50), np.zeros(50), 1, 20)),
    (last_first, lambda: (floats(50), np.zeros(50))),
    (numbered_pairs, lambda: (floats(50), floats(40), np.zeros(40), 3)),
]


@pytest.mark.parametrize(("function", "arguments"), SHARED)
def test_on_each_backend(function, arguments, backend):
    same(function, arguments, backend, ran="cpu")


@pytest.mark.parametrize(("function", "arguments"), SHARED)
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_hostile_orders(function, arguments, order, monkeypatch):
    launcher = AdversarialLauncher(order)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
    same(function, arguments, ran="cpu")


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)


def range_of_another(a, b):
    range = reversed  # noqa: A001
    for i in range(a):
        b[i] = i


def crossed(a, b):
    return [(b, a)]


def hidden(a, b, zip):  # noqa: A002
    for x, y in zip(a, b):
        x[0] = y[0]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (range_of_another, lambda: (np.arange(3), np.zeros(5))),
        (hidden, lambda: (floats(3, 3), floats(3, 3), crossed)),
    ],
)
def test_a_local_name_hides_the_builtin(function, arguments):
    same(function, arguments)


def test_a_builtin_bound_anew_is_noticed_at_the_call(monkeypatch):
    decorated = same(numbered_pairs, lambda: (floats(50), floats(40), np.zeros(40), 3), ran="cpu")
    monkeypatch.setitem(globals(), "zip", lambda a, b: iter([(b[0], a[0])]))
    arguments = floats(50), floats(40), np.zeros(40), 3
    again = floats(50), floats(40), np.zeros(40), 3
    assert numbered_pairs(*again) == decorated(*arguments)
    assert again[2].tolist() == arguments[2].tolist()
