"""Integer expressions -> quasi-affine forms, checked by their values."""

from __future__ import annotations

import islpy
import pytest

from autopar.analysis.model.loop_ir import Assign, Expression, If
from autopar.analysis.passes.affine import affine, bound, constraint
from tests.analysis.reading import function

ATOMS = {"i": "i", "n": "n", "a.shape[0]": "a0"}


def expression(text: str) -> Expression:
    (statement,) = function(f"def f(a, i, n, x):\n    x = {text}\n").body
    assert isinstance(statement, Assign), statement
    return statement.value


def condition_of(text: str) -> Expression:
    (statement,) = function(f"def f(a, i, n, x):\n    if {text}: x = 1\n").body
    assert isinstance(statement, If), statement
    return statement.test


@pytest.mark.parametrize(
    "text",
    [
        "i", "-i", "+i", "2 * i - 3 * n + 1", "i * 2 - (n - i)", "i // 3", "(i - n) // 2", "-i // 2",
        "i % 4", "(i - 7) % 3", "-i % 3", "2 * (i // 2) + i % 2", "7 // 2", "-7 // 2", "-7 % 3",
        "a.shape[0] - 1 - i", "len(a) // 2", "(i + i // 2) // 3", "0 * i", "i - i", "- (i - 2) * 3",
        "max(i - 1, 0)", "min(i + 1, n - 1)", "2 * min(max(i, 0), n) - 1", "abs(i - n)", "abs(-i) // 2", "min(3, 1, 2)",
        "max(i, n, 1) % 3", "min(abs(i), abs(n)) + i", "abs(-4)",
    ],
)  # fmt: skip
def test_a_form_has_the_value_of_the_expression(text: str) -> None:
    form = affine(expression(text), ATOMS)
    assert form is not None
    graph = islpy.Set.read_from_str(islpy.DEFAULT_CONTEXT, f"{{ [i, n, a0, x] : x = {form} }}")

    class Array(list[int]):
        shape = (5,)

    for i in range(-7, 8, 2):
        for n in (-3, 0, 4):
            x = eval(text, {}, {"i": i, "n": n, "a": Array(range(5))})
            point = islpy.Set.read_from_str(islpy.DEFAULT_CONTEXT, f"{{ [{i}, {n}, 5, {x}] }}")
            assert point.is_subset(graph), (text, i, n)


@pytest.mark.parametrize(
    "text",
    ["i * n", "i // n", "i // -2", "i % -3", "i // 0", "i % 0", "i / 2", "i ** 2", "True", "1.0", "m", "a[i]", "i & 1",
     "min(i * n, 2)", "abs(i * n)", "max(i, 1.5)", "min(max(i, 1), max(i, 2), max(n, 3), max(i, 4))", "i + 2**40", "9999999999999 + i", "3000000 * i", "a.shape[1]", "~i"],
)  # fmt: skip
def test_what_is_not_affine_has_no_form(text: str) -> None:
    assert None is affine(expression(text), ATOMS)


@pytest.mark.parametrize(
    "text",
    [
        "i < n", "i <= n", "i > n", "i >= n", "i == n", "i != n", "not i < n", "1 < i < n", "i < 2 or n == 0",
        "not (i < 2 or n == 0)", "i % 2 == 0 and i // 2 != n", "not (i != n)", "True", "False and i < n",
        "-3 <= i - n < 3 != i", "not not i == 1",
    ],
)  # fmt: skip
def test_a_constraint_holds_where_the_test_does(text: str) -> None:
    found = constraint(condition_of(text), ATOMS)
    assert found is not None
    holds = islpy.Set.read_from_str(islpy.DEFAULT_CONTEXT, f"{{ [i, n] : {found} }}")
    for i in range(-4, 7):
        for n in (-3, 0, 4):
            point = islpy.Set.read_from_str(islpy.DEFAULT_CONTEXT, f"{{ [{i}, {n}] }}")
            assert eval(text, {}, {"i": i, "n": n}) == point.is_subset(holds), (text, i, n)


@pytest.mark.parametrize("text", ["i", "not i", "i < 2 and n", "i < 0.5", "i < a[i]", "i * n == 2"])
def test_a_test_of_values_is_no_constraint(text: str) -> None:
    assert None is constraint(condition_of(text), ATOMS)


@pytest.mark.parametrize(
    "limit", ["min(n, 3)", "max(n, 3)", "min(n, max(2, n - 1))", "max(0, min(n, 5))"]
)
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_a_bound_by_min_or_max_holds_where_the_comparison_does(limit: str, operator: str) -> None:
    found = bound("i", operator, expression(limit), ATOMS)
    assert found is not None
    holds = islpy.Set.read_from_str(islpy.DEFAULT_CONTEXT, f"{{ [i, n] : {found} }}")
    for i in range(-4, 7):
        for n in (-3, 0, 2, 4):
            point = islpy.Set.read_from_str(islpy.DEFAULT_CONTEXT, f"{{ [{i}, {n}] }}")
            assert eval(f"i {operator} {limit}", {}, {"i": i, "n": n}) == point.is_subset(holds)
