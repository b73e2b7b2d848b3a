"""Elements that an innermost loop reads all the time, and those it updates beside others of theirs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.analysis.model.loop_ir import Binary, Constant, Expression, Name
from autopar.codegen.integers import NOWHERE, text
from autopar.codegen.kernel import Loop
from autopar.codegen.least import are_apart, least
from tests.sameness import observe, same


def factors(a, b, n, m):
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[k, j]
            a[i, j] /= a[j, j]
        for j in range(i, n):
            for k in range(i):
                a[i, j] -= a[i, k] * a[k, j]


def tables(a, b, n, m):
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            for k in range(i + 1, j):
                a[i, j] = max(a[i, j], a[i, k] + a[k + 1, j])


def meets_itself(a, b, n, m):
    for i in range(n):
        for j in range(n):
            a[i, j] = a[i, j] + 0.5 * a[i, m]


def meets_at_the_end(a, b, n, m):
    for i in range(n):
        for k in range(i + 1):
            a[i, i] = a[i, i] + 0.5 * a[i, k]


def two_arrays(a, b, n, m):
    for i in range(n):
        for j in range(m + 1, n):
            a[i, j] = b[i, m] * a[i, m] + a[i, j]
            b[i, j] = a[i, m] - b[i, m]


def nowhere_without_iterations(a, b, n, m):
    for i in range(n):
        for j in range(n + m, n):
            a[i, j] = a[i, j] * a[i, n + m - 1]


def both_ways(a, b, n, m):
    for k in range(n):
        for i in range(n):
            for j in range(k):
                a[i, j] += 0.25 * a[i, k]
            for j in range(k + 1, n):
                a[i, j] -= 0.125 * a[i, k]


def shortest(a, b, n, m):
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if a[i, k] + a[k, j] < a[i, j]:
                    a[i, j] = a[i, k] + a[k, j]


def eliminated_where(a, b, n, m):
    for k in range(n):
        for i in range(k + 1, n):
            for j in range(k + 1, n):
                if b[i, j] > 1.0:
                    a[i, j] = a[i, j] - a[i, k] / a[k, k] * a[k, j]
                else:
                    a[i, j] = b[i, j]


NESTS = (
    factors, tables, meets_itself, meets_at_the_end, two_arrays, nowhere_without_iterations,
    both_ways, shortest, eliminated_where,
)  # fmt: skip


def arrays():
    rng = np.random.default_rng(5)
    return [rng.uniform(0.5, 1.5, (9, 9)) + 4.0 * np.eye(9) for _ in "ab"]


@pytest.mark.parametrize("nest", NESTS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("m", [0, 3])
def test_values_are_those_of_the_interpreter(nest, m):
    same(nest, lambda: (*arrays(), 9, m))


VALUES = (0.0, -0.0, 1.5, -2.0, np.inf, np.inf, np.nan, -np.inf, 1.5e308, -1.5e308)


def events(nest, arguments):
    """Return what was warned of and what is left; a nest that cannot run again names one line."""
    seen = observe(nest, arguments)
    return {str(each).partition(" in scalar")[0] for each in seen.warnings}, repr(seen.arguments)


@pytest.mark.parametrize("seed", range(4))
def test_infinite_distances_warn_of_what_the_interpreter_warns_of(seed):
    decorated: Any = autopar.parallel(shortest, backend="cpu")
    for count in (5, 7, 8, len(VALUES)):  # without NaN; without infinities of both signs; ...

        def drawn(count=count):
            rng = np.random.default_rng(seed)
            return *(rng.choice(VALUES[:count], (9, 9)) for _ in "ab"), 9, 0

        assert events(shortest, drawn()) == events(decorated, drawn())
    assert decorated.last_run.to_dict()["functions"][0]["loops"][0]["ran"]["backend"] == "cpu"


@pytest.mark.parametrize("seed", range(4))
def test_warnings_are_of_the_iterations_whose_condition_holds(seed):
    def mostly_harmless():
        rng = np.random.default_rng(seed)
        a, b = rng.uniform(0.5, 2.0, (2, 9, 9))
        a[seed, seed] = 0.0  # divides by zero only where `b` lets it
        b[seed + 1 :, seed + 1 :] = 0.5
        b[8, 8 - seed // 2] += seed % 2
        return a, b, 9, 0

    same(eliminated_where, mostly_harmless)


@pytest.mark.parametrize("nest", [two_arrays, factors, shortest])
def test_arrays_that_share_memory(nest):
    def twice():
        (a, _) = arrays()
        return a, a, 9, 2

    def shifted():
        whole = np.linspace(0.5, 1.5, 90).reshape(9, 10)
        return whole[:, 1:], whole[:, :-1], 9, 2

    same(nest, twice)
    same(nest, shifted)


def integers():
    rng = np.random.default_rng(5)
    return [rng.integers(0, 50, (9, 9)) for _ in "ab"]


@pytest.mark.parametrize("nest", [tables, both_ways, meets_at_the_end])
def test_tables_of_integers(nest):
    same(nest, lambda: (*integers(), 9, 2))


# ------------------------------------------------------------------- the least value


def name(word: str) -> Expression:
    return Name(name=word, span=NOWHERE)


def number(value: int) -> Expression:
    return Constant(value=value, span=NOWHERE)


def plus(left: Expression, right: Expression) -> Expression:
    return Binary(operator="+", left=left, right=right, span=NOWHERE)


def times(factor: int, each: Expression) -> Expression:
    return Binary(operator="*", left=number(factor), right=each, span=NOWHERE)


def loop(iterator: str, lower: Expression, upper: Expression) -> Loop:
    return Loop(
        iterator=iterator, lower=lower, upper=upper, step=1, is_parallel=False,
        private_arrays=(), body=(), span=NOWHERE,
    )  # fmt: skip


BOUNDS = (number(0), number(2), name("n"), plus(name("k"), number(1)), name("k"))


@pytest.mark.parametrize("factors_of", list(itertools.product((-1, 0, 2), (-1, 0, 1), (0, -3, 1))))
def test_no_value_lies_below_the_least(factors_of):
    of_j, of_k, constant = factors_of
    value = plus(plus(times(of_j, name("j")), times(of_k, name("k"))), number(constant))
    found_any = False
    for low, high, first in itertools.product(BOUNDS, BOUNDS, (number(0), number(1))):
        around = (loop("k", first, name("n")), loop("j", low, high))
        found = least(value, around)
        if found is None:
            continue
        found_any = True
        for n in range(6):
            for k in range(eval(text(first, {})), n):
                space = {"n": n, "k": k}
                for j in range(eval(text(low, {}), {}, space), eval(text(high, {}), {}, space)):
                    assert eval(text(value, {}), {}, {**space, "j": j}) >= found
    assert found_any or of_k or of_j


def test_subscripts_that_never_meet_are_told_from_others_that_may():
    around = (loop("k", number(0), name("n")), loop("j", plus(name("k"), number(1)), name("n")))
    assert are_apart(name("j"), name("k"), around)
    assert are_apart(name("k"), name("j"), around)
    assert not are_apart(name("j"), name("n"), around[:1])
    assert are_apart(name("j"), name("n"), around)
    assert not are_apart(name("j"), plus(name("k"), number(1)), around)
