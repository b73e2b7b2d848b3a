"""Lists of numbers in the place of arrays: values, types and objects as the interpreter leaves them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import notes, places, same

_DRAW = random.Random(3)
FLOATS = [_DRAW.uniform(-2, 2) for _ in range(40)]
OTHERS = [_DRAW.uniform(1, 2) for _ in range(40)]
INTS = [_DRAW.randrange(-9, 9) for _ in range(40)]


def mapped(out, x, n):
    for i in range(n):
        out[i] = 2.0 * x[i] + math.sin(x[i])
    return out


def in_place(x, n):
    for i in range(n):
        x[i] = x[i] / 3.0
    return x


def quotients(x, y, n):
    for i in range(n):
        x[i] = x[i] / y[i]
    return x


def where_positive(out, x, n):
    for i in range(n):
        if x[i] > 0:
            out[i] = math.sqrt(x[i])
    return out


def product(a, b, c, n, m, k):
    for i in range(n):
        for j in range(m):
            for q in range(k):
                c[i][j] += a[i][q] * b[q][j]
    return c


def total(xs):
    s = 0
    for x in xs:
        s += x
    return s


def squares(rows):
    s = 0.0
    for row in rows:
        for x in row:
            s = s + x * x
    return s


def counted(h, k):
    for i in k:
        h[i] += 1
    return h


def chain(x, n):
    for i in range(1, n):
        x[i] = x[i] + 0.5 * x[i - 1]
    return x


def from_the_end(out, x, n):
    for i in range(n):
        out[i - 1] = x[-i - 1] * 2
    return out


def rounded(out, x):
    for i in range(len(x)):
        out[i] = x[i] > 0.0
    return out


def pairs(out, xs, ys):
    for i, (x, y) in enumerate(zip(xs, ys)):  # noqa: B905  # as people write
        out[i] = x * y
    return out, x, y


class Own(list[Any]):
    """A list to itself."""


def matrix(value: object, rows: int, columns: int) -> list[list[Any]]:
    return [[value] * columns for _ in range(rows)]


def drawn(rows: int, columns: int) -> list[list[float]]:
    draw = random.Random(rows * 100 + columns)
    return [[draw.uniform(-2, 2) for _ in range(columns)] for _ in range(rows)]


TAKEN: dict[str, tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = {
    "floats over ints": (mapped, lambda: ([0] * 40, [*FLOATS], 40)),
    "floats over nothing, some left": (mapped, lambda: ([None] * 45, [*FLOATS], 40)),
    "floats over floats": (mapped, lambda: ([0.5] * 45, [*FLOATS], 40)),
    "ints in": (mapped, lambda: ([0] * 40, [*INTS], 40)),
    "bools in": (mapped, lambda: ([0] * 40, [x > 0 for x in FLOATS], 40)),
    "an array out, a list in": (mapped, lambda: (np.zeros(40), [*FLOATS], 40)),
    "a list out, an array in": (mapped, lambda: ([0] * 40, np.array(FLOATS), 40)),
    "NumPy's scalars in": (mapped, lambda: ([0] * 40, [*map(np.float64, FLOATS)], 40)),
    "float32 in": (mapped, lambda: ([0] * 40, [*map(np.float32, FLOATS)], 40)),
    "in place": (in_place, lambda: ([*FLOATS], 40)),
    "ints become floats": (in_place, lambda: ([*INTS], 33)),
    "nothing to do": (in_place, lambda: ([*FLOATS], 0)),
    "Python's division": (quotients, lambda: ([*FLOATS], [*OTHERS], 40)),
    "NumPy's division": (quotients, lambda: ([*map(np.float64, FLOATS)], [*OTHERS], 40)),
    "under a condition": (where_positive, lambda: ([0] * 40, [*FLOATS], 40)),
    "matrices from ints": (product, lambda: (drawn(4, 5), drawn(5, 3), matrix(0, 4, 3), 4, 3, 5)),
    "matrices from floats": (
        product, lambda: (drawn(4, 5), drawn(5, 3), matrix(0.0, 4, 3), 4, 3, 5),
    ),
    "matrices of ints": (
        product, lambda: (matrix(2, 4, 5), matrix(-3, 5, 3), matrix(0, 4, 3), 4, 3, 5),
    ),
    "sum of ints": (total, lambda: ([*INTS],)),
    "sum of bools": (total, lambda: ([True, False, True],)),
    "rows": (squares, lambda: (drawn(6, 7),)),
    "histogram": (counted, lambda: ([0] * 5, [1, 2, 1, -1, 0, 1])),
    "carried": (chain, lambda: ([*FLOATS], 40)),
    "from the end": (from_the_end, lambda: ([0.0] * 40, [*FLOATS], 40)),
    "bools out": (rounded, lambda: ([None] * 40, [*FLOATS])),
    "zipped": (pairs, lambda: ([0] * 40, [*FLOATS], [*INTS])),
    "not a number": (mapped, lambda: ([math.nan] * 4, [math.nan, -0.0, 0.0, 5e-324], 4)),
    "no elements": (in_place, lambda: ([], 0)),
}  # fmt: skip

# What a list must not be for a kernel, or what the interpreter raises.
LEFT: dict[str, tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = {
    "unlike elements": (mapped, lambda: ([0] * 40, [1, *FLOATS[1:]], 40)),
    "strings": (total, lambda: (["a", "b"],)),
    "too short": (mapped, lambda: ([0] * 30, [*FLOATS], 40)),
    "beyond 53 bits": (in_place, lambda: ([3, 2**60], 2)),
    "beyond 64 bits": (total, lambda: ([2**64, 1],)),
    "outgrows 64 bits": (total, lambda: ([2**62] * 4,)),
    "divided by zero": (quotients, lambda: ([*FLOATS], [*OTHERS[:20], 0.0, *OTHERS[21:]], 40)),
    "warns": (
        quotients,
        lambda: ([*map(np.float64, FLOATS)], [*OTHERS[:20], 0.0, *OTHERS[21:]], 40),
    ),
    "one list as all rows": (
        product, lambda: (drawn(4, 5), drawn(5, 3), [[0.0] * 3] * 4, 4, 3, 5),
    ),
    "rows of different lengths": (squares, lambda: ([[1.0, 2.0], [3.0]],)),
    "rows of two kinds": (squares, lambda: ([[1.0, 2.0], (3.0, 4.0)],)),
    "an index out of range": (counted, lambda: ([0] * 5, [1, 2, 9, 1])),
    "a subclass": (total, lambda: (Own([1, 2]),)),
    "two types stored": (chain, lambda: ([1, 2.0, 3], 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_a_kernel_leaves_in_lists_what_the_interpreter_leaves(name):
    function, make_arguments = TAKEN[name]
    same(function, make_arguments, ran="cpu")


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_lists_in_any_order(monkeypatch, order):
    launcher = AdversarialLauncher(order)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
    for name in ("floats over ints", "matrices from ints", "under a condition", "carried"):
        function, make_arguments = TAKEN[name]
        same(function, make_arguments, ran="cpu")


@pytest.mark.parametrize("name", LEFT)
def test_the_interpreter_takes_what_no_kernel_can(name):
    function, make_arguments = LEFT[name]
    decorated = same(function, make_arguments)
    assert "cpu" not in places(decorated)


def test_one_list_under_two_names_is_left_alone():
    def twice() -> tuple[Any, ...]:
        x = [*FLOATS]
        return x, x, 40

    decorated = same(quotients, twice)
    assert "AP501" in notes(decorated)[0]


def test_what_is_not_stored_stays_the_object_it_was():
    out: list[Any] = [object(), 1000.25, 0, 0.5]
    before = [*out]
    decorated: Any = autopar.parallel(mapped, backend="cpu")
    assert decorated(out, [1.5], 1) is out
    assert places(decorated) == ["cpu"]
    assert type(out[0]) is float
    assert all(now is then for now, then in zip(out[1:], before[1:], strict=True))


def test_unchanged_bits_keep_their_objects():
    x = [FLOATS[0], 0.0, 2.0**60]
    zero = x[1]
    decorated: Any = autopar.parallel(in_place, backend="cpu")
    decorated(x, 2)
    assert places(decorated) == ["cpu"]
    assert x[1] is zero


def test_copying_that_does_not_pay_is_left_out():
    decorated: Any = autopar.parallel(mapped)
    decorated([0] * 1000, [0.5] * 1000, 1000)
    (note,) = notes(decorated)
    assert "AP602" in note
    assert "copying its lists" in note


def test_a_call_that_did_not_pay_is_not_looked_at_each_time():
    decorated: Any = autopar.parallel(mapped)
    for _ in range(20):
        assert decorated([0] * 3, [0.5] * 3, 3) == [1.0 + math.sin(0.5)] * 3
    assert places(decorated) == ["interpreter"]


def test_a_tuple_subscript_tells_an_array():
    def corner(a):
        s = 0.0
        for i in range(3):
            s += a[i, 0]
        return s

    same(corner, lambda: (np.ones((3, 3)),), ran="cpu")
    assert "cpu" not in places(same(corner, lambda: (drawn(3, 3),)))


@pytest.mark.parametrize(
    "name", ["floats over ints", "matrices from ints", "under a condition", "ints become floats"]
)
def test_on_each_backend(name, backend):
    function, make_arguments = TAKEN[name]
    same(function, make_arguments, backend, ran="cpu")


def test_lists_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)


def test_rows_that_are_only_measured_have_to_be_rows_of_one_length():
    def measured(a, x):
        for row in a:
            for k in range(len(row)):
                x[0] += 1.5 * k

    given: tuple[list[Any], ...] = ([[1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]], [], [1.0])
    for rows in given:
        same(measured, partial(lambda rows: (rows, np.zeros(2)), rows))


def weighted(a, w):
    for k in range(len(w)):
        for i in range(a.shape[1]):
            a[k, i] = a[k, i] * w[k]


def test_each_call_with_a_list_counts_towards_its_kernel() -> None:
    decorated: Any = autopar.parallel(weighted, cache=False)
    spent = []
    for _ in range(12):
        decorated(np.ones((3, 500)), (1.0, 2.0, 3.0))
        (region,) = decorated._prepare().regions
        spent.append(region.interpreted_ns)
    assert [k * spent[0] for k in range(1, 13)] == spent
    assert spent[0] > 0
