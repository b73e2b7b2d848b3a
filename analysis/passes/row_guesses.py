"""How many axes arrays have that functions of rows are given, where no subscript shows it.

Before:  np.sum(a[i])                  After:  a: 2 axes
         np.dot(x, a[i]), len(w)               x: 1 axis, w: 1 axis

A guess: a call checks how many axes an array has. Helper of the `array_statements` pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model.loop_ir import (
    Call,
    Element,
    Expression,
    Name,
    Slice,
    Statement,
    children,
    expressions_of,
    walk_expression,
    walk_statements,
)
from .row_reductions import is_on_rows


def row_calls(body: tuple[Statement, ...]) -> Iterator[Call]:
    """Yield the calls of functions of rows in statements."""
    for statement in walk_statements(body):
        for expression in expressions_of(statement):
            yield from rows_in(expression)


def rows_in(expression: Expression) -> Iterator[Call]:
    """Yield the calls of functions of rows in an expression, inner ones first."""
    for node in walk_expression(expression):
        if isinstance(node, Call) and is_on_rows(node):
            yield node


def outside_rows(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and what is below it, what functions of rows are given left out."""
    yield expression
    if not is_on_rows(expression):
        for each in children(expression):
            yield from outside_rows(each)


def rows_guessed(call: Call, ranks: Mapping[str, int]) -> dict[str, int]:
    """Return how many axes what `call` is given seems to have.

    `ranks` is what is shown of arrays outside of functions of rows, and by slices.
    """
    found: dict[str, int] = {}
    for argument in call.arguments:
        parts = tuple(_parts(argument))
        elements = [
            each
            for each in parts
            if isinstance(each, Element)
            and not any(isinstance(index, Slice) for index in each.indices)
            and ranks.get(each.array, 0) != len(each.indices)
        ]
        found |= {each.array: len(each.indices) + 1 for each in elements}
        names = {each.name for each in parts if isinstance(each, Name)}
        if len(names) == 1 and not any(_is_row(each, {**ranks, **found}) for each in parts):
            found[names.pop()] = 1
    return found


def _parts(node: Expression) -> Iterator[Expression]:
    """Yield the names and the elements that a value is computed from."""
    if isinstance(node, Name | Element):
        yield node
    elif not is_on_rows(node):
        for each in children(node):
            yield from _parts(each)


def _is_row(node: Expression, ranks: Mapping[str, int]) -> bool:
    match node:
        case Name(name=name):
            return bool(ranks.get(name))
        case Element(array=array, indices=indices):
            has_slice = any(isinstance(each, Slice) for each in indices)
            return has_slice or len(indices) < ranks.get(array, 0)
    return False
