"""Innermost loops that compare their variable with a number of the data, in two parts."""

from __future__ import annotations

import itertools
import random
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.adversary import ORDERS
from tests.effort import IS_LONG
from tests.ordered_nests import Nest, drafts_of, generated, interpreted
from tests.sameness import same

TESTS = (
    "j >= w[i - 1]", "j > w[i - 1]", "j < w[i - 1]", "j <= w[i - 1]", "w[i - 1] <= j",
    "w[i - 1] > j", "j >= w[0]", "j >= w[i - 1]", "j < u[i - 1, 0]", "j + 1 > w[i]", "j == w[i]",
    "j >= u[i, 2]",
)  # fmt: skip
VALUES = (
    "u[i - 1, j]", "u[i - 1, j] + w[i - 1]", "max(u[i, j], u[i - 1, j - w[i - 1]] + w[i])",
    "u[i - 1, j - w[i - 1]]", "v[i, j] - w[i - 1]", "v[i, j] + u[i, j]", "j - w[i - 1]",
    "u[i - 1, j] * 2 - v[i - 1, j - w[i]]",
)  # fmt: skip


def draw_cut(seed: int) -> Nest:
    """Return a table whose rows are filled by decisions on the number of the column."""
    choose, rng = random.Random(seed), np.random.default_rng(seed)
    arms = [[f"u[i, j] = {choose.choice(VALUES)}"] for _ in range(2)]
    if choose.random() < 0.3:
        arms[0].append(f"v[i, j] = {choose.choice(VALUES)}")
    body = [f"if {choose.choice(TESTS)}:", *("    " + each for each in arms[0])]
    if choose.random() < 0.6:
        body += ["else:", *("    " + each for each in arms[1])]
    if choose.random() < 0.6:
        body.insert(0, f"u[i, j] = {choose.choice(VALUES)}")
    if choose.random() < 0.2:
        body.append(f"v[i, j] = {choose.choice(VALUES)}")
    first = choose.choice(["0", "0", "2", "-3 + m - m + 3"])
    lines = ["def nest(u, v, w, n, m):", "    for i in range(1, n):"]
    lines += [f"        for j in range({first}, m):", *("            " + each for each in body)]
    n, m = int(rng.integers(1, 6)), int(rng.integers(0, 12))
    kind = choose.choice(["int64", "int64", "int64", "int32", "int8"])
    table = rng.integers(-9, 30, (n + 2, m + 40)).astype(choose.choice([kind, "int64"]))
    low = choose.choice([0, 0, -8])
    limits = rng.integers(low, choose.choice([4, 20]), n + 2).astype(kind)
    return Nest(text="\n".join(lines) + "\n", arguments={"u": table, "v": table.copy(), "w": limits, "n": n, "m": m})  # fmt: skip


def modules(nest: Nest) -> str:
    return "".join(each.source for each in drafts_of(nest, may_refuse=True))


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # helpers of kernels, interpreted
@pytest.mark.parametrize("first", range(0, 240 if IS_LONG else 40, 20))
def test_drawn_decisions_on_the_number_of_a_column(first: int) -> None:
    for seed in range(first, first + 20):
        nest = draw_cut(seed)
        drafts = drafts_of(nest, may_refuse=True)
        order = next(itertools.islice(ORDERS.values(), seed % len(ORDERS), None))
        if drafts:
            found = generated(nest, drafts, order, sizes=(3, 1), may_tell=True)
            assert interpreted(nest) == found, nest.text


def test_most_of_them_are_cut() -> None:
    found = [modules(draw_cut(seed)) for seed in range(16)]
    assert sum("j_cut" in each for each in found) > 4


TABLE = """\
def nest(u, w, n, m):
    for i in range(1, n):
        for j in range(m):
            u[i, j] = u[i - 1, j]
            if {test}:
                u[i, j] = max(u[i, j], u[i - 1, j - w[i - 1]] + 1)
"""


def table(test: str) -> Nest:
    u, w = np.zeros((5, 9), dtype=np.int64), np.arange(5)
    return Nest(text=TABLE.format(test=test), arguments={"u": u, "w": w, "n": 5, "m": 9})


def test_a_part_asks_nothing_and_stores_once() -> None:
    text = modules(table("j >= w[i - 1]"))
    second = text.split("in range(j_cut, j_upper)")[1].split("else:")[0]
    assert "if if_" not in second
    assert "wrapped_index" not in second
    assert 1 == second.count("u[np.uintp(i), np.uintp(j)] =")


@pytest.mark.parametrize("test", ["j >= u[i, 2]", "j == w[i - 1]", "2 * j > w[i - 1]"])
def test_other_questions_stay(test: str) -> None:
    assert "j_cut" not in modules(table(test))


def filled(best, weights, values):
    for i in range(1, best.shape[0]):
        for c in range(best.shape[1]):
            best[i, c] = best[i - 1, c]
            if c >= weights[i - 1]:
                best[i, c] = max(best[i, c], best[i - 1, c - weights[i - 1]] + values[i - 1])


@pytest.mark.parametrize("low", [0, -3])
@pytest.mark.parametrize("kind", ["int64", "int32"])
def test_rows_are_the_interpreters(kind: str, low: int) -> None:
    def arguments(most: int) -> tuple[Any, ...]:
        rng = np.random.default_rng(2)
        best = np.zeros((7, 50), dtype=kind)
        best[0] = np.arange(50)
        weights = rng.integers(low, most, 6).astype(kind)
        return best, weights, rng.integers(0, 9, 6).astype(kind)

    for most in (9, 80):
        same(filled, partial(arguments, most))


def test_a_limit_at_the_ends_of_its_type() -> None:
    def arguments(limit: int) -> tuple[Any, ...]:
        best = np.full((3, 20), 2**62)
        return best, np.array([limit, limit]), np.array([1, 1])

    for limit in (2**63 - 1, -(2**63), 0):
        same(filled, partial(arguments, limit))


def test_rows_that_share_memory_with_their_limits() -> None:
    def arguments() -> tuple[Any, ...]:
        best = np.arange(200).reshape(10, 20) % 7
        return best, best[3, 1:], best[:, 4]

    same(filled, arguments)


def beyond(best, weights, values):
    for i in range(1, best.shape[0]):
        for c in range(best.shape[1]):
            if c >= weights[i - 1]:
                best[i, c] = best[i - 1, c] + values[i + 40]


def test_what_no_iteration_reads_is_not_read_ahead() -> None:
    same(beyond, lambda: (np.ones((4, 30), dtype=np.int64), np.full(4, 99), np.arange(4)))
