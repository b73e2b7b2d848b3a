"""The least value of an integer expression over the iterations of the loops around it.

Before:  j - k, in for k in range(0, n): for j in range(k + 1, n)
After:   1
"""

from __future__ import annotations

from collections.abc import Sequence

from autopar.analysis.model.loop_ir import (
    Binary,
    Constant,
    Expression,
    Name,
    Unary,
    walk_expression,
)

from .integers import difference, from_linear, linear, rename
from .kernel import Loop


def least(expression: Expression, around: Sequence[Loop]) -> int | None:
    """Return a number that `expression` never falls below in `around`, outermost loop first.

    None where nobody can tell. Every loop is taken to run.
    """
    span = expression.span
    for loop in reversed(around):
        terms, _ = linear(expression)
        if any(not isinstance(each, Name) and _holds(each, loop.iterator) for each in terms):
            return None
        factor = next((n for t, n in terms.items() if _is(t, loop.iterator)), 0)
        if factor > 0:
            expression = rename(expression, {loop.iterator: loop.lower})
        elif factor < 0:
            last = Binary(
                operator="-", left=loop.upper, right=Constant(value=1, span=span), span=span
            )
            expression = rename(expression, {loop.iterator: last})
        expression = from_linear(linear(expression), span)
    return difference(expression, Constant(value=0, span=span))


def are_apart(one: Expression, other: Expression, around: Sequence[Loop]) -> bool:
    """Return whether two subscripts surely differ in every iteration of the loops `around`."""
    apart = Binary(operator="-", left=one, right=other, span=one.span)
    turned = Unary(operator="-", operand=apart, span=one.span)
    return any((least(each, around) or 0) > 0 for each in (apart, turned))


def _holds(term: Expression, iterator: str) -> bool:
    return any(_is(each, iterator) for each in walk_expression(term))


def _is(term: Expression, iterator: str) -> bool:
    return isinstance(term, Name) and term.name == iterator
