"""Nests whose loops are parallel once they are split at the variable of the outermost one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autopar.analysis.passes import split_sets
from tests.adversary import ORDERS
from tests.ordered_nests import Nest, drafts_of, generated, interpreted
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
# What is read is not written in one turn only.
NEXT_ROW = """\
def nest(p, n):
    for k in range(n - 1):
        for i in range(n):
            for j in range(n):
                p[i, j] = p[i, j] - 0.01 * p[i, k] * p[k + 1, j]
"""
SPLIT = (SHORTEST, ELIMINATED, REACHED)


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


@pytest.mark.parametrize("kind", ["int64", "float64", "int16"])
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
    nest = Nest(text=NEXT_ROW, arguments={"p": values(7, "float64"), "n": 7})
    drafts = drafts_of(nest)
    assert not any(word == "split" for each in drafts for _, word in each.transforms)
    assert interpreted(nest) == generated(nest, drafts, ORDERS["reversed"])


def test_a_split_that_the_dependences_forbid_would_be_seen(monkeypatch: Any) -> None:
    def nothing(scop: Any, times: Any, found: Any, depth: int) -> Any:
        every = frozenset(each.name for each in scop.statements)
        return tuple(every if level == 1 else frozenset() for level in range(depth))

    monkeypatch.setattr(split_sets, "check_forward", nothing)
    nest = Nest(text=NEXT_ROW, arguments={"p": values(7, "float64"), "n": 7})
    assert interpreted(nest) != generated(nest, drafts_of(nest), ORDERS["reversed"])
