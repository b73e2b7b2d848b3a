"""Lists that loops append to: the same elements, of the same types, in the same order."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, notes, places, same

_DRAW = random.Random(8)
FLOATS = [_DRAW.uniform(-2, 2) for _ in range(40)]
OTHERS = [_DRAW.uniform(-2, 2) for _ in range(40)]


def waves(out, n, h):
    for i in range(n):
        out.append(math.sin(i * h))
    return out


def passing(xs):
    out = []
    for x in xs:
        if x > 0:
            out.append(x * 2)
    return out


def pairs(xs, ys):
    both, smaller = [], []
    for i, (x, y) in enumerate(zip(xs, ys)):  # noqa: B905  # as people write
        both.append((i, x + y))
        if x < y:
            smaller.append(x)
    return both, smaller


def triangle(a, n, m):
    out = []
    for i in range(2, n):
        for j in range(i, m, 2):
            out.append(a[i, j] + 1)
    return out


def repeated_names(n, m):
    out = []
    for _ in range(n):
        for _ in range(m):
            out.append(1)
    return out


def inner_by_the_same_name(n, m):
    out = []
    for i in range(n):
        for i in range(m):
            out.append(i * 0.5)
    return out, i


def variable_assigned(n, m):
    out = []
    for i in range(n):
        for j in range(m):
            j = j + i  # as people write
            out.append(j)
        i = 2 * i  # as people write
        out.append(i)
    return out


def assigned_alone(n, m):
    out = []
    for i in range(n):
        i = m - i  # as people write
        out.append(i)
    return out, i


def several_sites(xs):
    out = []
    for x in xs:
        if x > 0.5:
            out.append([x, 1])
        elif x < -0.5:
            out.append([x, -1])
        out.append([0.0, 0])
    return out


def two_types_by_site(xs):
    out = []
    for x in xs:
        if x > 0.5:
            out.append(x)
        else:
            out.append(0)
    return out


def descending(out, n):
    for i in range(n, 0, -3):
        out.append(1.0 / (i - 4))
    return out


def squared(x):
    return x * x + 1


def by_helper(xs):
    out = []
    for x in xs:
        out.append(squared(x))
    return out


def row_sums(a):
    out = []
    for row in a:
        s = 0.0
        for x in row:
            s += x
        out.append(s)
    return out


def factorials(out, n):
    f = 1
    for i in range(1, n):
        f *= i
        out.append(f)
    return out


def truths(xs):
    out = []
    for x in xs:
        out.append(x > 0)
    return out


def rounding(xs):
    out = []
    for x in xs:
        out.append(int(x * 10))
    return out


def into_rows(a, m):
    result = []
    for i in range(len(a)):
        row = []
        for j in range(m):
            row.append(a[i][j] ** 2)
        result.append(row)
    return result


def flat(a, n, m):
    out = []
    for i in range(n):
        for j in range(m):
            out.append(a[i * m + j])
    return out


def skipping(xs):
    out = []
    for x in xs:
        if x < 0:
            continue
        out.append(math.sqrt(x))
    return out, x


def of_a_mesh(n, m):
    points = []
    for i in range(n):
        for j in range(m):
            points.append((i / n, j / m))
    return points


def used_meanwhile(out, n):
    for i in range(n):
        out.append(i * 2)
        if len(out) > 5:
            out.append(3)
    return out


def from_itself(xs, ys):
    for x in xs:
        ys.append(x * 2)
        if x > 1e30:
            ys.append(1.0)
    return xs, ys


def two_lists(xs, out, other):
    for x in xs:
        out.append(x)
        other.append(-x)
    return out, other


def at_two_depths(out, n):
    for i in range(n):
        out.append(i)
        for j in range(i):
            out.append(j)
    return out


def roots(out, xs):
    for x in xs:
        out.append(math.sqrt(x))
    return out


TAKEN: dict[str, tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = {
    "to what was there": (waves, lambda: ([1, "a"], 30, 0.1)),
    "nothing": (waves, lambda: ([1, "a"], 0, 0.1)),
    "a filter of a list": (passing, lambda: ([*FLOATS],)),
    "a filter of an array": (passing, lambda: (np.array(FLOATS),)),
    "a filter of ints": (passing, lambda: ([1, -2, 3],)),
    "nothing passes": (passing, lambda: ([-1, -2],)),
    "tuples": (pairs, lambda: ([*FLOATS], [*OTHERS])),
    "tuples of an array and a list": (pairs, lambda: (np.array(FLOATS), [*OTHERS])),
    "a triangle": (triangle, lambda: (np.arange(90.0).reshape(9, 10), 9, 10)),
    "several sites, lists": (several_sites, lambda: ([*FLOATS],)),
    "two types by site": (two_types_by_site, lambda: ([*FLOATS],)),
    "descending": (descending, lambda: ([], 30)),
    "a helper": (by_helper, lambda: ([*FLOATS],)),
    "sums": (row_sums, lambda: (np.arange(90.0).reshape(9, 10),)),
    "a recurrence": (factorials, lambda: ([], 15)),
    "bools": (truths, lambda: ([*FLOATS],)),
    "NumPy's bools": (truths, lambda: (np.array(FLOATS),)),
    "ints": (rounding, lambda: ([*FLOATS],)),
    "float32": (passing, lambda: (np.array(FLOATS, np.float32),)),
    "with values": (flat, lambda: (np.arange(42.0), 6, 7)),
    "continue": (skipping, lambda: ([*FLOATS],)),
    "a mesh": (of_a_mesh, lambda: (5, 4)),
    "one name for two loops": (repeated_names, lambda: (5, 4)),
    "an inner loop by the same name": (inner_by_the_same_name, lambda: (4, 6)),
    "in several loops": (variable_assigned, lambda: (4, 6)),
    "a variable that is assigned": (assigned_alone, lambda: (4, 6)),
    "two lists": (two_lists, lambda: ([*FLOATS], [], [])),
    "zeros and infinities": (passing, lambda: ([math.inf, -0.0, 5e-324, math.nan],)),
}


LEFT: dict[str, tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = {
    "another kind of list": (descending, lambda: (deque(), 30)),
    "read while it grows": (used_meanwhile, lambda: ([], 10)),
    "beyond 64 bits": (factorials, lambda: ([], 30)),
    "division by zero": (descending, lambda: ([], 31)),
    "outside the domain": (roots, lambda: ([7], [*map(abs, FLOATS[:9]), -1.0, 2.0])),
    "strings": (passing, lambda: (["a", "b"],)),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_kernel_appends_what_the_interpreter_appends(name):
    function, make_arguments = TAKEN[name]
    same(function, make_arguments, ran="cpu")


@pytest.mark.parametrize("name", LEFT)
def test_the_interpreter_appends_what_no_kernel_can(name):
    function, make_arguments = LEFT[name]
    decorated = same(function, make_arguments)
    assert "cpu" not in places(decorated)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_the_order_is_the_interpreters_in_any_order_of_iterations(monkeypatch, order):
    launcher = AdversarialLauncher(order)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
    for name in ("a filter of a list", "tuples", "a triangle", "several sites, lists", "sums"):
        function, make_arguments = TAKEN[name]
        same(function, make_arguments, ran="cpu")


@pytest.mark.parametrize("name", ["a filter of a list", "a triangle", "several sites, lists"])
def test_on_each_backend(name, backend):
    function, make_arguments = TAKEN[name]
    same(function, make_arguments, backend, ran="cpu")


def test_appends_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)


def test_lists_of_lists_row_by_row():
    decorated = same(into_rows, lambda: ([[1.5, 2.0], [3.0, -1.0]], 2))
    assert "cpu" in places(decorated)


def test_a_list_that_grows_while_it_is_read_under_another_name():
    def once() -> tuple[Any, ...]:
        # The interpreter would never end: what is appended is iterated over too.
        return [0.5, 1.5], []

    same(from_itself, once, ran="cpu")
    decorated: Any = autopar.parallel(two_lists, backend="cpu")
    out: list[Any] = []
    assert decorated([1.0, 2.0], out, out) == (out, out)
    assert out == [1.0, -1.0, 2.0, -2.0]
    assert "AP501" in notes(decorated)[0]


def test_where_an_outer_loop_has_no_order_the_inner_one_has():
    decorated = same(at_two_depths, lambda: ([], 4))
    outer, inner = loops_of(decorated.last_run)
    assert outer["code"] == "AP221"
    assert inner["ran"]["backend"] == "cpu"


def test_the_report_names_the_transformation():
    (loop,) = loops_of(autopar.parallel(waves).explain())
    assert loop["verdict"] == "parallel"
    assert loop["transform"] == ["append"]
    assert loop["assumes"] == ["type(out) is list"]


def test_an_append_that_does_not_pay_stays_in_the_interpreter():
    decorated: Any = autopar.parallel(two_lists)
    decorated([0.5] * 1000, [], [])
    (note,) = notes(decorated)
    assert "AP602" in note


class Kept:
    """Holds lists as attributes, as people write."""

    def __init__(self, *values):
        self.out, self.places, self.scale = list(values), [], 2.5

    def __repr__(self):
        return repr(vars(self))

    def grown(self, a):
        for i in range(len(a)):
            self.out.append(a[i] * self.scale)
        return self.out

    def filtered(self, a):
        for i in range(len(a)):
            if a[i] > 0.5:
                self.out.append((a[i], i))
            self.places.append(i)
        return self.out, self.places


class Computed(Kept):
    """Computes its list."""

    @property
    def out(self):
        return self.__dict__["_out"]

    @out.setter
    def out(self, value):
        self.__dict__["_out"] = value


def both(first, second, n):
    for i in range(n):
        first.out.append(i)
        second.out.append(2 * i)
    return first.out, second.out


def kept(kind=Kept):
    return lambda: (kind(1.0, 2.0), np.random.default_rng(3).random(60))


@pytest.mark.parametrize("method", [Kept.grown, Kept.filtered])
def test_lists_of_objects_grow(method, backend):
    same(method, kept(), backend, ran="cpu")


def test_a_list_that_a_property_gives_is_the_interpreters():
    decorated = autopar.parallel(Kept.grown, backend="cpu")
    held, values = kept(Computed)()
    decorated(held, values)
    assert ["interpreter"] == places(decorated)
    assert [1.0, 2.0, *(values * 2.5)] == held.out


def test_one_list_under_two_chains_grows_in_turn():
    def make():
        held = Kept(1.0)
        return held, held, 40

    assert ["interpreter"] == places(same(both, make))
