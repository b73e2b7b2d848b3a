"""Intervals of integers hold every value that Python or NumPy computes, and no more than they need to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pytest

from autopar.analysis.model.loop_ir import Assign, Expression
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import Cast, Load, Operation, TypedExpression, Variable
from autopar.analysis.model.types import INT, NumpyScalar, ScalarType
from autopar.analysis.passes.ranges import (
    Interval,
    exact_interval,
    expression_interval,
    loop_interval,
    value_interval,
)
from tests.analysis.reading import function, scop

AT = Span(line=0, column=0, end_line=0, end_column=0)
INTERVALS = [(low, high) for low in range(-4, 5) for high in range(low, 5)]
EXACT: dict[str, Callable[[int, int], int]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "//": lambda x, y: x // y if y else 0,  # NumPy's
    "<<": lambda x, y: x << y,
    "min": min,
    "max": max,
}
HELD: dict[str, Callable[[int, int], int]] = {
    "%": lambda x, y: x % y if y else 0,
    ">>": lambda x, y: int(np.right_shift(np.int64(x), np.int64(y))),
    "&": lambda x, y: x & y,
}


def expression(text: str) -> Expression:
    (statement,) = function(f"def f(x, y):\n    z = {text}\n").body
    assert isinstance(statement, Assign)
    return statement.value


def of_two(name: str) -> Expression:
    return expression(f"{name}(x, y)" if name.isalpha() else f"x {name} y")


def values(of: Interval) -> range:
    return range(of[0], of[1] + 1)


def cases(name: str) -> Iterator[tuple[Interval, Interval, Interval | None, list[int]]]:
    """Yield intervals of two operands, what is said of the result, and all results."""
    node, compute = of_two(name), {**EXACT, **HELD}[name]
    for x, y in product(INTERVALS, INTERVALS):
        if name == "<<" and y[0] < 0:
            continue
        found = expression_interval(node, {"x": x, "y": y})
        yield x, y, found, [compute(*each) for each in product(values(x), values(y))]


@pytest.mark.parametrize("name", EXACT)
def test_an_interval_is_the_smallest_that_holds_all_values(name: str) -> None:
    for x, y, found, results in cases(name):
        assert (min(results), max(results)) == found, (x, y)


@pytest.mark.parametrize("name", HELD)
def test_an_interval_holds_all_values(name: str) -> None:
    for x, y, found, results in cases(name):
        if found is not None:
            assert found[0] <= min(results), (x, y)
            assert max(results) <= found[1], (x, y)


@pytest.mark.parametrize(
    ("name", "x", "y", "expected"),
    [
        ("%", (0, 9), (1, 4), (0, 3)),
        ("%", (0, 2), (1, 9), (0, 2)),
        ("%", (-20, 20), (-3, 4), (-2, 3)),
        ("%", (-20, -1), (5, 5), (0, 4)),
        ("<<", (1, 2), (-1, 2), None),
        ("<<", (1, 2), (-2, -1), None),
        ("<<", (1, 2), (0, 64), None),
        ("<<", (0, 1), (0, 63), (0, 2**63)),
        (">>", (-5, 8), (1, 2), (-3, 4)),
        (">>", (-5, 8), (-1, 0), (-5, 8)),
        ("&", (-1, 5), (0, 3), (0, 3)),
        ("&", (-1, 5), (-1, 3), None),
        ("**", (1, 2), (1, 2), None),
    ],
)
def test_intervals_of_what_is_not_monotone(
    name: str, x: Interval, y: Interval, expected: Interval | None
) -> None:
    assert expected == expression_interval(of_two(name), {"x": x, "y": y})


@pytest.mark.parametrize("name", ["-x", "+x", "abs(x)", "abs(-x)"])
def test_an_interval_of_one_operand_is_the_smallest(name: str) -> None:
    node = expression(name)
    for x in INTERVALS:
        results = [eval(name, {"x": each}) for each in values(x)]
        assert (min(results), max(results)) == expression_interval(node, {"x": x})


def variable(name: str, type_: ScalarType = INT) -> Variable:
    return Variable(name=name, type=type_, span=AT)


def operation(name: str, *operands: TypedExpression, type_: ScalarType = INT) -> Operation:
    return Operation(name=name, operands=operands, type=type_, hazards=0, span=AT)


def test_a_sign_and_a_difference_have_one_name_and_two_intervals() -> None:
    known = {"x": (2, 5), "y": (1, 9)}
    assert (-5, -2) == value_interval(operation("-", variable("x")), known)
    assert (-7, 4) == value_interval(operation("-", variable("x"), variable("y")), known)
    assert (3, 14) == value_interval(operation("+", variable("x"), variable("y")), known)


def test_what_may_have_wrapped_has_the_interval_of_its_dtype() -> None:
    small = NumpyScalar(dtype="int8")
    known = {"x": (100, 120)}
    twice = operation("+", variable("x", small), variable("x", small), type_=small)
    assert (200, 240) == exact_interval(twice, known)
    assert (-128, 127) == value_interval(twice, known)
    assert (-128, 127) == value_interval(
        Cast(operand=variable("x"), type=small, hazards=0, span=AT), {"x": (0, 300)}
    )
    assert (0, 1) == value_interval(
        Cast(operand=variable("x"), type=small, hazards=0, span=AT), {"x": (0, 1)}
    )
    choice = operation("if", variable("c"), variable("x"), variable("y"))
    assert (1, 9) == value_interval(choice, {"x": (1, 2), "y": (7, 9)})
    assert None is value_interval(
        Load(array="a", indices=(), type=NumpyScalar(dtype="float64"), span=AT)
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("range(3, 9)", (3, 8)), ("range(9, -1, -2)", (0, 9)), ("range(9, 3, -1)", (4, 9)),
        ("range(0, 10, 4)", (0, 9)), ("range(7, 3)", (7, 7)), ("range(3, 7, -1)", (8, 8)),
    ],
)  # fmt: skip
def test_a_loop_variable_has_the_interval_of_its_range(header: str, expected: Interval) -> None:
    (loop,) = scop(f"def f(a):\n    for i in {header}:\n        a[i] = i\n").loops
    assert expected == loop_interval(loop, {})
