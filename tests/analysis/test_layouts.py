"""Arrays that share memory: what is said of where they lie, and models on their common base."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from autopar.analysis.facts.layouts import groups_of, layouts_of
from autopar.analysis.model.facts import Facts, Layout
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.passes.layouts import on_bases
from autopar.analysis.passes.pinned import pinned
from autopar.analysis.stages import may_check_first, plan_region, redo_condition
from tests.analysis.reading import scop
from tests.arguments import Array, address
from tests.strategies import RandomChoices
from tests.views import buffer_for, drawn_view

X = np.arange(60.0)
M = np.arange(100.0).reshape(10, 10)


def found(**arrays: Array) -> tuple[Layout, ...] | str:
    return layouts_of((tuple(arrays),), arrays)


def layouts(**arrays: Array) -> tuple[Layout, ...]:
    known = found(**arrays)
    assert not isinstance(known, str), known
    return known


def cell(layout: Layout, index: tuple[int, ...]) -> tuple[int, ...]:
    if layout.strides is None:
        return tuple(x + shift for x, shift in zip(index, layout.origin, strict=True))
    return (layout.origin[0] + sum(x * s for x, s in zip(index, layout.strides, strict=True)),)


@pytest.mark.parametrize(
    ("a", "b", "shift"),
    [
        (X, X, (0,)),
        (X[1:], X[:-1], (-1,)),
        (X[:-1], X[1:], (1,)),
        (X[::2], X[4::2], (2,)),
        (X[::-1], X[-3::-1], (2,)),
        (M, M, (0, 0)),
        (M[1:, 2:], M[:-1, :-2], (-1, -2)),
        (M.T[1:], M.T[:-1], (-1, 0)),
        (M[:1, 3:], M[:1, 1:], (0, -2)),
        (M[:5, 4:6], M[:5, :6], (0, -4)),  # beyond the end of the shorter one's rows
    ],
)
def test_equal_strides_give_a_shift_along_each_axis(
    a: Array, b: Array, shift: tuple[int, ...]
) -> None:
    first, second = layouts(a=a, b=b)
    assert (first.strides, first.origin) == (None, (0,) * a.ndim)
    assert (second.strides, second.origin) == (None, shift)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (X, X[::-1]),
        (X[::2], X[::3]),
        (M, M.T),
        (M, M.reshape(20, 5)),
        (M, M.ravel()),
        (M[::-1], M),
        # Equal strides, but a row's end is the beginning of the next one: two shifts would do.
        (as_strided(X, (4, 8), (40, 8)), as_strided(X[2:], (4, 8), (40, 8))),
    ],
)
def test_other_arrays_lie_on_a_flat_base(a: Array, b: Array) -> None:
    known = layouts(a=a, b=b)
    assert all(each.strides is not None for each in known)
    assert [each.shape for each in known] == [
        each.shape if each.ndim > 1 else None for each in (a, b)
    ]


def test_a_flat_base_has_cells_as_large_as_they_can_be() -> None:
    first, second = layouts(a=X[::4], b=X[2:][::6])
    assert (first.strides, second.strides, second.origin) == ((2,), (3,), (1,))


RECORDS = np.zeros(8, dtype=[("x", "f8"), ("y", "f8"), ("z", "f4"), ("w", "f4")])


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (X, X.view("f4"), "different sizes"),
        (X[:-1], X.view("u1")[4:-4].view("f8"), "only some bytes"),
        (as_strided(X, (9,), (4,)), X, "only some bytes"),
        (RECORDS["x"], RECORDS["z"], "different sizes"),
    ],
)
def test_elements_that_meet_in_part_have_no_layout(a: Array, b: Array, said: str) -> None:
    problem = found(a=a, b=b)
    assert isinstance(problem, str)
    assert said in problem


def test_fields_of_records_lie_between_each_other() -> None:
    first, second = layouts(a=RECORDS["x"], b=RECORDS["y"])
    assert first.origin != second.origin


@pytest.mark.parametrize("seed", range(0, 600, 60))
def test_two_elements_are_one_cell_exactly_where_they_have_one_address(seed: int) -> None:
    for number in range(seed, seed + 60):
        choices = RandomChoices(random.Random(number))
        memory = buffer_for((5, 5), "float64")
        shapes = [choices.one_of([(4,), (9,), (5, 5), (2, 4), (3, 1)]) for _ in range(3)]
        arrays = {
            name: drawn_view(choices, memory, shape, may_overlap_itself=True)
            for name, shape in zip("abc", shapes, strict=True)
        }
        places: dict[Any, int] = {}
        for each in layouts(**arrays):
            array = arrays[each.array]
            for index in product(*map(range, array.shape)):
                at = address(array) + sum(x * s for x, s in zip(index, array.strides, strict=True))
                assert places.setdefault(cell(each, index), at) == at
        assert len(places) == len(set(places.values()))


def test_arrays_that_overlap_by_way_of_another_are_one_group() -> None:
    assert groups_of(tuple("abcde"), (("c", "a"), ("c", "e"), ("d", "d"))) == (
        ("a", "c", "e"),
        ("d",),
    )


COPY = "def f(a, b, n):\n    for i in range(n):\n        a[i] = b[i]\n"


def planned(
    source: str, *, values: tuple[tuple[str, int], ...] = (), **arrays: Array
) -> RegionPlan:
    plan = plan_region(scop(source), Facts(values=values, layouts=layouts(**arrays)))
    assert isinstance(plan, RegionPlan)
    return plan


def test_accesses_of_both_arrays_go_to_the_base() -> None:
    model = on_bases(scop(COPY), layouts(a=X[1:], b=X[:-1]))
    assert [(each.name, each.rank) for each in model.arrays] == [("a, b", 1)]
    texts = [str(each.relation) for each in model.statements[0].accesses]
    assert texts == ["[n] -> { S0[i] -> base[-1 + i] }", "[n] -> { S0[i] -> base[i] }"]


@pytest.mark.parametrize(
    ("a", "b", "condition", "redo", "checks"),
    [
        (X, X, None, "n <= 0", True),
        (X[1:], X[:-1], "n <= 1", "True", False),
        (X[:-1], X[1:], "n <= 1", "n <= 1", True),
        (X[5:], X, "n <= 5", "True", False),
        (X[::2], X[1::2], None, "True", True),
        (X, X[::-1], "n <= 30", "n <= 30", False),
    ],
)
def test_verdict_redo_and_checks_follow_from_the_shared_memory(
    a: Array, b: Array, condition: str | None, redo: str, checks: bool
) -> None:
    plan = planned(COPY, a=a, b=b)
    (loop,) = plan.loops
    assert (loop.condition.text if loop.condition else None) == condition
    again = redo_condition(plan)
    assert getattr(again, "text", again) == redo
    assert may_check_first(plan, frozenset()) is checks
    assert plan.disjoint == ()


def test_what_the_arrays_themselves_ask_stays_as_it_is() -> None:
    plan = planned(COPY, a=X[1:], b=X[:-1])
    assert [each.text for each in plan.in_bounds] == ["b.shape[0] >= n", "a.shape[0] >= n"]
    assert [each.name for each in plan.scop.arrays] == ["b", "a"]


def test_only_a_group_is_excused_from_being_disjoint() -> None:
    source = "def f(a, b, c, n):\n    for i in range(n):\n        a[i] = b[i] + c[i]\n"
    assert planned(source, a=X, b=X).disjoint == (("c", "a"),)


def test_a_sum_through_two_names_of_one_array_is_no_reduction() -> None:
    source = "def f(a, b, n):\n    for i in range(n):\n        a[0] += b[i]\n"
    assert scop(source)
    (loop,) = planned(source, a=X, b=X).loops
    assert loop.reductions == ()
    assert loop.verdict == "conditional"


def test_an_array_that_overlaps_itself_is_its_own_group() -> None:
    source = "def f(a, n):\n    for i in range(n):\n        a[i] = i\n"
    (loop,) = planned(source, a=as_strided(X, (20,), (0,))).loops
    assert (loop.verdict, loop.condition and loop.condition.text) == ("conditional", "n <= 1")


def test_at_fixed_values_a_verdict_has_no_condition() -> None:
    source = "def f(a, b, n):\n    for i in range(n):\n        a[i] = b[i]\n"
    for n, verdict in ((30, "parallel"), (31, "sequential")):
        (loop,) = planned(source, values=(("n", n),), a=X, b=X[::-1]).loops
        assert (loop.verdict, loop.condition) == (verdict, None)


def test_pinning_leaves_other_parameters_open() -> None:
    model = pinned(
        scop("def f(a, n, k):\n    for i in range(n):\n        a[i + k] = a[i]\n"), (("k", 4),)
    )
    assert str(model.statements[0].domain) == "[k, n] -> { S0[i] : k = 4 and 0 <= i < n }"
