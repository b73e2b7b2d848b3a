"""List comprehensions, and generators that are taken to their end: values, types, names, order."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, places, same

_DRAW = random.Random(5)
FLOATS = [_DRAW.uniform(-2, 2) for _ in range(30)]
OTHERS = [_DRAW.uniform(-2, 2) for _ in range(30)]


def filtered(xs):
    ys = [x * x + math.sin(x) for x in xs if x > 0]
    return ys


def rows(n):
    return np.array([[i * j / 3 for j in range(n)] for i in range(n)])


def rows_of_rows(a):
    return [[x * 2 for x in row] for row in a]


def filtered_rows(xs):
    return [[x + y for y in xs if y > x] for x in xs]


def sums(xs):
    return sum(x * x for x in xs) + max([abs(x) for x in xs]), sorted(-x for x in xs)


def own_names(xs, ys):
    x = 5
    z = [(x, [y * 2, 1][0]) for y in ys]
    found = [(x, y * 2) for x, y in zip(xs, ys)]  # noqa: B905  # as people write
    return x, z, found


def everywhere(xs, most):
    k = 0
    if len([x for x in xs if x > most]) > 2:
        k = 1
    while k < len([x for x in xs if x > 0]):
        k += 1
    for v in [x + 1 for x in xs]:
        k += v
    t = {"a": [x - 1 for x in xs], "b": [k * x for x in xs]}
    k += len([x for x in xs])  # a copy is a comprehension too
    return k, t, f"{[x for x in xs]}"


def several_loops(n):
    return [i * j for i in range(n) for j in range(i) if (i + j) % 3]


def named_inside(xs):
    last = 0.0
    ys = [last := x * 2 for x in xs]
    return ys, last


def squared(x):
    return x * x


def helped(xs):
    return [squared(x) for x in xs]


def quotients(xs):
    return [1 / x for x in xs]


def copied(xs):
    ys = [x for x in xs]  # as people write
    return ys


def unequal(xs):
    return [x if x > 0 else 0 for x in xs]


def in_a_lambda(xs):
    def inner():
        return [x + 1 for x in xs]

    other = lambda: [x + 2 for x in xs]  # noqa: E731  # a scope of its own
    return other(), inner()


def repeated_names(n, m):
    return [[0 for _ in range(m + 1)] for _ in range(n + 1)]


def repeated_in_one(n, m):
    return [i * 2 for i in range(n) for i in range(m)]


def unbound(xs, is_gone):
    if is_gone:
        del xs
    return [x + 1 for x in xs]


class Holder:
    """Has what it runs over as an attribute."""

    def __init__(self, xs):
        self.xs = xs

    def __repr__(self):
        return f"Holder({self.xs})"

    def doubled(self):
        return [2.0 * x for x in self.xs]


TAKEN: dict[str, tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = {
    "a filter": (filtered, lambda: ([*FLOATS],)),
    "a filter of an array": (filtered, lambda: (np.array(FLOATS),)),
    "rows": (rows, lambda: (7,)),
    "no rows": (rows, lambda: (0,)),
    "rows of a list": (rows_of_rows, lambda: ([[1.0, 2.0], [3.0, 4.0]],)),
    "rows of an array": (rows_of_rows, lambda: (np.arange(6.0).reshape(2, 3),)),
    "no row": (rows_of_rows, lambda: ([],)),
    "empty rows": (rows_of_rows, lambda: ([[], []],)),
    "filtered rows": (filtered_rows, lambda: ([*FLOATS],)),
    "sums": (sums, lambda: ([*FLOATS],)),
    "everywhere": (everywhere, lambda: ([*FLOATS], 5)),
    "one name for two loops": (repeated_names, lambda: (5, 3)),
    "one name, several loops": (repeated_in_one, lambda: (5, 3)),
    "several loops": (several_loops, lambda: (9,)),
    "a helper": (helped, lambda: ([*FLOATS],)),
    "division": (quotients, lambda: ([*FLOATS],)),
    "a copy": (copied, lambda: ([*FLOATS],)),
    "an attribute": (Holder.doubled, lambda: (Holder([*FLOATS]),)),
}

LEFT: dict[str, tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = {
    "division by zero": (quotients, lambda: ([*FLOATS, 0.0],)),
    "a name assigned inside": (named_inside, lambda: ([*FLOATS],)),
    "strings": (copied, lambda: (["a", "b"],)),
    "two types": (unequal, lambda: ([*FLOATS],)),
    "in functions of their own": (in_a_lambda, lambda: ([*FLOATS],)),
    "an unbound name": (unbound, lambda: ([*FLOATS], True)),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_kernel_gives_what_the_interpreter_gives(name):
    function, make_arguments = TAKEN[name]
    decorated = same(function, make_arguments)
    assert "cpu" in places(decorated), decorated.last_run


@pytest.mark.parametrize("name", LEFT)
def test_the_interpreter_does_what_no_kernel_can(name):
    function, make_arguments = LEFT[name]
    decorated = same(function, make_arguments)
    assert "cpu" not in places(decorated), decorated.last_run


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_any_order_of_iterations(monkeypatch, order):
    launcher = AdversarialLauncher(order)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
    for name in ("a filter", "filtered rows", "several loops", "sums"):
        same(*TAKEN[name])


@pytest.mark.parametrize("name", ["a filter", "filtered rows"])
def test_on_each_backend(name, backend):
    function, make_arguments = TAKEN[name]
    same(function, make_arguments, backend, ran="cpu")


def test_comprehensions_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)


def test_names_stay_those_of_the_comprehension():
    same(own_names, lambda: ([*FLOATS], [*OTHERS]))


def test_every_part_of_a_statement_is_looked_into():
    decorated = same(everywhere, lambda: ([*FLOATS], 5))
    rows = [each for each in loops_of(decorated.last_run) if each["header"].startswith("[")]
    # Not the one in the formatted string, whose parts have no places of their own.
    assert [each.get("ran", {}).get("backend") for each in rows] == ["cpu"] * 6 + [None]


def test_a_guard_that_is_asked_in_vain_is_not_asked_for_ever():
    decorated: Any = autopar.parallel(copied)
    for _ in range(150):
        assert decorated(["a"]) == ["a"]
    decorated([*FLOATS])
    assert places(decorated) == []


def test_a_function_by_the_name_of_one_that_takes_all_is_noticed():
    def sums(xs, sum):  # noqa: A002
        return sum(x * x for x in xs)

    decorated = same(sums, lambda: ([*FLOATS], next))
    assert "cpu" not in places(decorated)
