"""Nests whose loops are parallel once they are split at the variable of the outermost one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from autopar.analysis.passes import split_sets
from autopar.codegen.kernel import Loop
from autopar.variants import has_parallel_loop
from tests.adversary import ORDERS
from tests.effort import IS_LONG
from tests.ordered_nests import Nest, drafts_of, generated, interpreted
from tests.parted_nests import draw_parts
from tests.sameness import loops_of, same

SHORTEST = """\
def nest(p, n):
    for k in range(n):
        for i in range(n):
            for j in range(n):
                through = p[i, k] + p[k, j]
                p[i, j] = p[i, j] if p[i, j] < through else through
"""
ELIMINATED = """\
def nest(p, n):
    for k in range(n):
        for i in range(n):
            for j in range(n):
                p[i, j] = p[i, j] - 0.01 * p[i, k] * p[k, j]
"""
REACHED = """\
def nest(p, n):
    for k in range(n):
        for i in range(1, n - 1):
            for j in range(n):
                p[i, j] |= p[i, k] & p[k, j]
"""
# Row `k + 1` is read in turn `k`, and written there too.
NEXT_ROW = """\
def nest(p, n):
    for k in range(n - 1):
        for i in range(n):
            for j in range(n):
                p[i, j] = p[i, j] - 0.01 * p[i, k] * p[k + 1, j]
"""
# A row needs the one before it.
ROW_BEFORE = """\
def nest(p, n):
    for k in range(n - 1):
        for i in range(1, n):
            for j in range(n):
                p[i, j] = p[i, j] - 0.01 * p[i, k] * p[i - 1, j]
"""
SPLIT = (SHORTEST, ELIMINATED, REACHED, NEXT_ROW)


def shortest(p, n):
    for k in range(n):
        for i in range(n):
            for j in range(n):
                p[i, j] = min(p[i, j], p[i, k] + p[k, j])


def closure(p, q, n):
    for k in range(n):
        for i in range(n):
            for j in range(n):
                p[i, j] = max(p[i, j], min(p[i, k], p[k, j]))
                q[i, j] = p[i, j] + p[i, k]


def values(n: int, kind: str) -> Any:
    found = np.random.default_rng(n).integers(-3, 40, (n + 2, n + 2))
    return found.astype(kind)


def words(decorated: Any) -> list[list[str]]:
    return [loop["transform"] for loop in loops_of(decorated.last_run)]


@pytest.mark.parametrize("kind", ["int64", "float64", "int16"] if IS_LONG else ["float64"])
@pytest.mark.parametrize("n", [0, 2, 9])
def test_shortest_paths_are_the_interpreters(kind: str, n: int) -> None:
    decorated = same(shortest, lambda: (values(n, kind), n), ran="cpu")
    assert words(decorated) == [[], ["split"], ["split"]]


def test_a_wrapped_sum_warns_and_a_nan_stays() -> None:
    def large() -> tuple[Any, int]:
        return np.full((5, 5), 2**62), 5

    def holes() -> tuple[Any, int]:
        found = values(6, "float64")
        found[2, 3] = found[4, 4] = np.nan
        return found, 6

    same(shortest, large)
    same(shortest, holes)


def test_several_statements_and_arrays() -> None:
    same(closure, lambda: (values(8, "float64"), values(8, "float64"), 8), ran="cpu")
    same(closure, lambda: (values(8, "float64"),) * 2 + (8,), ran="cpu")


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # helpers of kernels, interpreted
@pytest.mark.parametrize("order", ORDERS.values(), ids=list(ORDERS))
@pytest.mark.parametrize("text", SPLIT)
def test_no_order_of_what_is_said_to_be_parallel_tells(text: str, order: Any) -> None:
    nest = Nest(
        text=text, arguments={"p": values(7, "float64" if text == ELIMINATED else "int64"), "n": 7}
    )
    drafts = drafts_of(nest)
    assert {word for each in drafts for _, word in each.transforms} == {"split"}
    assert interpreted(nest) == generated(nest, drafts, order)


def test_rows_that_several_turns_write_stay_in_order() -> None:
    nest = Nest(text=ROW_BEFORE, arguments={"p": values(7, "float64"), "n": 7})
    drafts = drafts_of(nest)
    assert not any(word == "split" for each in drafts for _, word in each.transforms)
    assert interpreted(nest) == generated(nest, drafts, ORDERS["reversed"])


def test_a_split_that_the_dependences_forbid_is_refused(monkeypatch: Any) -> None:
    monkeypatch.setattr(split_sets, "points_between", wrong_points)
    nest = Nest(text=ROW_BEFORE, arguments={"p": values(7, "float64"), "n": 7})
    assert not any(word == "split" for each in drafts_of(nest) for _, word in each.transforms)


def test_a_split_that_nobody_checks_would_be_seen(monkeypatch: Any) -> None:
    def nothing(scop: Any, times: Any, found: Any, depth: int) -> Any:
        every = frozenset(each.name for each in scop.statements)
        return tuple(every if level == 1 else frozenset() for level in range(depth))

    monkeypatch.setattr(split_sets, "points_between", wrong_points)
    monkeypatch.setattr(split_sets, "check_forward", nothing)
    nest = Nest(text=ROW_BEFORE, arguments={"p": values(7, "float64"), "n": 7})
    assert interpreted(nest) != generated(nest, drafts_of(nest), ORDERS["reversed"])


def wrong_points(pairs: Any, level: int, most: int) -> tuple[str, ...]:
    return ("3",) if level > 1 else ()


MIRRORED = """\
def nest(a, b, n):
    for i in range(n):
        x = a[n - i - 1] + b[i]
        a[i] = x - 1.0
        b[i] = x
"""
FIRST_FOR_ALL = """\
def nest(a, b, n):
    for i in range(n):
        a[i] = a[0] + b[i]
"""
MIDDLE_FOR_ALL = """\
def nest(a, b, n):
    for i in range(n - 1, -1, -1):
        a[i] = a[n // 2] + b[i]
"""
HALF_FROM_HALF = """\
def nest(a, b, n):
    for i in range(n // 2, n):
        a[i] = a[i - n // 2] + b[i]
"""
SHIFTED = """\
def nest(a, b, n):
    for i in range(1, n - 1):
        a[i] = b[i - 1] * 0.5
        b[i] = b[i + 1] - 0.25
"""
LATER_FIRST = """\
def nest(a, b, n):
    for i in range(1, n - 1):
        a[i] = b[i - 1] + 0.5
        b[i] = a[i + 1] * 0.25
"""
SEPARATED = """\
def nest(a, b, n):
    for i in range(1, n):
        if i < n // 2:
            a[i] = a[i - 1] * 0.5
        else:
            a[i] = b[i] * 2.0
"""
TWO_VALUES = """\
def nest(a, b, n):
    for i in range(1, n):
        t = a[i] + 0.5
        a[i] = t + b[i - 1]
        t = a[i + 1] * 0.25
        b[i] = t
"""
LINES = {
    TWO_VALUES: "distribute",
    MIRRORED: "split",
    FIRST_FOR_ALL: "split",
    MIDDLE_FOR_ALL: "split",
    HALF_FROM_HALF: "split",
    SHIFTED: "distribute",
    LATER_FIRST: "distribute",
    SEPARATED: "distribute",
}


@pytest.mark.parametrize("n", [0, 1, 2, 3, 8, 9])
@pytest.mark.parametrize("text", LINES)
def test_single_loops_in_parts(text: str, n: int) -> None:
    rng = np.random.default_rng(n)
    nest = Nest(text=text, arguments={"a": rng.random(n + 2), "b": rng.random(n + 2), "n": n})
    drafts = drafts_of(nest)
    assert [LINES[text]] == [word for each in drafts for _, word in each.transforms]
    assert all(has_parallel_loop(each.program) for each in drafts)
    for order in ORDERS.values():
        assert interpreted(nest) == generated(nest, drafts, order)


def test_what_a_shifted_loop_overwrites_is_put_aside() -> None:
    (draft,) = drafts_of(Nest(text=SHIFTED, arguments={"a": values(9, "float64")[0], "b": values(9, "float64")[1], "n": 9}))  # fmt: skip
    loops = [each for each in draft.program.body if isinstance(each, Loop)]
    assert [True, False] == [each.passes is not None for each in loops]


@pytest.mark.parametrize("first", range(0, 60 if IS_LONG else 24, 12))
def test_drawn_loops_in_parts_in_a_hostile_order(first: int) -> None:
    for seed in range(first, first + 12):
        nest = draw_parts(seed)
        drafts = drafts_of(nest, may_refuse=True)
        order = next(itertools.islice(ORDERS.values(), seed % len(ORDERS), None))
        assert interpreted(nest) == generated(nest, drafts, order, may_tell=True), nest.text


def mirrored(a, b, n):
    for i in range(n):
        x = a[n - i - 1] + b[i]
        a[i] = x - 1.0
        b[i] = x


def shifted(a, b, n):
    for i in range(1, n - 1):
        a[i] = b[i - 1] * 0.5
        b[i] = b[i + 1] - 0.25


@pytest.mark.parametrize(("function", "word"), [(mirrored, "split"), (shifted, "distribute")])
def test_parts_on_each_target(function: Any, word: str, backend: str) -> None:
    def arguments() -> tuple[Any, ...]:
        rng = np.random.default_rng(3)
        return rng.random(41), rng.random(41), 41

    decorated = same(function, arguments, backend, ran="cpu")
    assert [[word]] == words(decorated)


def test_parts_of_arrays_that_share_memory() -> None:
    def arguments() -> tuple[Any, ...]:
        whole = np.random.default_rng(3).random(60)
        return whole[:41], whole[15:56], 41

    same(mirrored, arguments)
    same(shifted, arguments)


def test_parts_on_the_simulator(on_simulator):
    on_simulator(__file__)
