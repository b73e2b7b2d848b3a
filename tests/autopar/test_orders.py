"""Nests that run in another order than they are written: the interpreter's bits, more at the same time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from autopar.analysis.model import isl
from autopar.analysis.passes import reordering, tree_schedule
from autopar.analysis.passes.forward import check_forward
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.ordered_nests import Nest, drafts_of, generated, interpreted
from tests.sameness import loops_of, same


def paths(a, b, c, n, m):
    for t in range(m - 1):
        for i in range(n):
            a[i, t + 1] = 0.9 * a[i, t] + 0.1 * b[i, t]


def down_the_columns(a, b, c, n, m):
    for i in range(1, n):
        for j in range(m):
            a[i, j] = 0.5 * (a[i - 1, j] + b[i, j])


def right_sides(a, b, c, n, m):
    for i in range(n):
        for j in range(i):
            for k in range(m):
                b[i, k] -= a[i, j] * b[j, k]
        for k in range(m):
            b[i, k] /= 2.0 + c[i]


def half_sequential(a, b, c, n, m):
    for i in range(1, n):
        c[i] = c[i - 1] * 0.5 + a[i, 0]
        for j in range(m):
            b[i, j] = c[i] * a[i, j]


def factors(a, b, c, n, m):
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[k, j]
            a[i, j] /= 9.0 + a[j, j]
        for j in range(i, n):
            for k in range(i):
                a[i, j] -= a[i, k] * a[k, j]


def product(a, b, c, n, m):
    for i in range(n):
        for j in range(n):
            b[i, j] = 0.5
            for k in range(n):
                b[i, j] += a[i, k] * a[k, j]


def sums_of_columns(a, b, c, n, m):
    for j in range(n):
        c[j] = 0.0
        for i in range(n):
            c[j] += a[i, j]
        c[j] /= 3.0


def with_a_temporary(a, b, c, n, m):
    for t in range(m - 1):
        for i in range(n):
            p = 0.9 * a[i, t]
            if p > 1.0:
                p = 1.0
            a[i, t + 1] = p + b[i, t]


def diagonals(a, b, c, n, m):
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            for k in range(i + 1, j):
                a[i, j] = max(a[i, j], a[i, k] + a[k + 1, j])


WORDS: dict[Callable[..., Any], list[list[str]]] = {
    paths: [["interchange"], ["interchange"]],
    down_the_columns: [[], []],
    right_sides: [[], [], ["tile"], ["tile"]],
    half_sequential: [["distribute"], []],
    factors: [
        ["interchange"],
        ["interchange", "distribute"],
        ["interchange"],
        ["interchange"],
        ["interchange"],
    ],
    product: [[], ["interchange", "distribute"], ["interchange"]],
    sums_of_columns: [["interchange", "distribute", "tile"], ["interchange"]],
    with_a_temporary: [["interchange"], ["privatize", "interchange"]],
    diagonals: [[], ["skew"], ["skew"]],
}
each_function = pytest.mark.parametrize("function", list(WORDS), ids=lambda each: each.__name__)


def arguments(n=13, m=11, order="C"):
    rng = np.random.default_rng(5)
    a, b = (np.asarray(rng.uniform(0.5, 2.0, (n, max(n, m))), order=order) for _ in range(2))
    return a, b, rng.uniform(0.5, 2.0, n), n, m


def words(decorated: Any) -> list[list[str]]:
    return [loop["transform"] for loop in loops_of(decorated.last_run)]


@each_function
def test_nobody_can_tell_the_order(function: Callable[..., Any]) -> None:
    decorated = same(function, arguments, ran="cpu", cache=False)
    assert [sorted(each) for each in WORDS[function]] == list(map(sorted, words(decorated)))
    for n, m in [(0, 0), (1, 1), (2, 5), (140, 3), (5, 600)]:
        plain, run = arguments(n, m), arguments(n, m)
        function(*plain)
        decorated(*run)
        assert [x.tobytes() for x in plain[:3]] == [x.tobytes() for x in run[:3]], (n, m)


@each_function
def test_nobody_can_tell_in_hostile_orders(
    function: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = itertools.cycle(ORDERS.values())
    launcher: Callable[..., object] = lambda *_: AdversarialLauncher(next(orders))  # noqa: E731
    monkeypatch.setattr(machine.MACHINE, "launcher", launcher)
    same(function, arguments, ran="cpu", cache=False)


def test_what_lies_side_by_side_decides_about_the_order() -> None:
    in_rows = same(sums_of_columns, arguments, cache=False)
    in_columns = same(sums_of_columns, lambda: arguments(order="F"), cache=False)
    assert ["interchange" in each for each in words(in_rows)] == [True, True]
    assert words(in_columns) == [[], []]


def fine_as_it_is(a, b, c, n, m):
    for i in range(n):
        for k in range(n):
            for j in range(n):
                b[i, j] += a[i, k] * a[k, j]


def in_no_array(a, b, c, n, m):
    for t in range(m):
        for j in range(n):
            c[j] = 0.5 * c[j] + a[0, j]


@pytest.mark.parametrize("function", [fine_as_it_is, in_no_array])
def test_an_order_stays_where_it_is_good_or_would_keep_ctrl_c_waiting(
    function: Callable[..., Any],
) -> None:
    decorated = same(function, arguments, ran="cpu", cache=False)
    assert not any(words(decorated))


def test_an_order_that_breaks_a_dependence_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    nest = Nest(
        text="""\
def nest(z, n, m):
    for t in range(1, m):
        for i in range(1, n):
            z[i, t] = 0.5 * z[i, t - 1] + z[i - 1, t - 1]
""",
        arguments={"z": np.random.default_rng(1).random((8, 9)), "n": 8, "m": 9},
    )
    monkeypatch.setattr(reordering, "between_atoms", lambda *_: ())
    assert interpreted(nest) == generated(nest, drafts_of(nest), ORDERS["reversed"])
    monkeypatch.setattr(
        tree_schedule,
        "check_forward",
        lambda scop, times, found, depth: check_forward(scop, times, _none(found), depth),
    )
    assert interpreted(nest) != generated(nest, drafts_of(nest), ORDERS["reversed"])


def _none(found: Any) -> Any:
    return type(found)(pairs=(), private=found.private)


def test_the_order_of_the_source_stays_where_the_analysis_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def given_up(*_: object) -> None:
        raise isl.BudgetExhaustedError("too long")

    monkeypatch.setattr(reordering, "find_constraints", given_up)
    decorated = same(paths, arguments, ran="cpu", cache=False)
    assert [[], []] == words(decorated)


def test_a_failure_is_the_interpreters_own_in_another_order() -> None:
    def narrow():
        a, *others = arguments()
        return a[:, :5].copy(), *others

    decorated = autopar.parallel(paths, backend="cpu", cache=False)
    with pytest.raises(IndexError) as plain:
        paths(*narrow())
    with pytest.raises(IndexError) as run:
        decorated(*narrow())
    assert str(plain.value) == str(run.value)


def with_a_loop_that_never_runs(a, b, c, n, m):
    for i in range(1, n):
        for j in range(1, n):
            a[i, j] = a[i - 1, j] + a[i, j - 1]
        for j in range(5, 5):
            a[i, j] = 2.0 * a[i - 1, j]


def with_a_branch_that_is_never_taken(a, b, c, n, m):
    for i in range(1, n):
        if i > n:
            a[i, 2] = 2.0 * a[i - 1, 3]
        for j in range(1, n):
            a[i, j] = a[i - 1, j] + a[i, j - 1]


@pytest.mark.parametrize(
    "function", [with_a_loop_that_never_runs, with_a_branch_that_is_never_taken]
)
def test_what_never_runs_has_no_place_in_an_order(function: Callable[..., Any]) -> None:
    same(function, arguments, ran="cpu", cache=False)


def test_where_isl_finds_no_order_that_of_the_source_stays() -> None:
    # Divisions in both bounds: isl's equations for times are without a solution, though the
    # order of the source is one.
    def kernel(a, c, idx, m):
        for i in range(1, 4):
            for j in range(0, i + 3, 2):
                for k in range(j % 3, m, 3):
                    c[idx[k]] = a[k]

    places = np.array([2, 3, 4, 1, 2, 0])
    same(kernel, lambda: (np.arange(7.0), np.zeros(6), places.copy(), 6), ran="cpu")
