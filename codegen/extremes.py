"""Bounds of integer expressions over the ranges of iterators.

Before:  n - i, with i in range(2, m)        After:  at most n - 2, at least n - (m - 1)
"""

from __future__ import annotations

from collections.abc import Mapping

from autopar.analysis.model.loop_ir import (
    Binary,
    Call,
    Constant,
    Expression,
    Name,
    Unary,
    walk_expression,
)

from .integers import NOWHERE, linear, rename

# The smallest and the largest value of an iterator.
Ranges = Mapping[str, tuple[Expression, Expression]]


def names_in(expression: Expression) -> frozenset[str]:
    """Return the parameters and iterators in `expression`."""
    return frozenset(leaf.name for leaf in walk_expression(expression) if isinstance(leaf, Name))


def mentions(expression: Expression, names: Mapping[str, object] | frozenset[str]) -> bool:
    """Return whether one of `names` stands in `expression`."""
    return any(name in names for name in names_in(expression))


def anywhere(expression: Expression) -> Expression:
    """Return `expression` with all names where equal ones compare equal."""
    spans = {name: Name(name=name, span=NOWHERE) for name in names_in(expression)}
    return rename(expression, spans)


def largest(expression: Expression, ranges: Ranges, *, sign: int = 1) -> Expression | None:
    """Return an upper bound of `expression`, or a lower one for sign -1, over iterators' ranges.

    None where the expression is no sum of monotonic terms.
    """
    terms, constant = linear(expression)
    total: Expression = Constant(value=constant, span=NOWHERE)
    for term, factor in terms.items():
        bound = _largest_term(term, ranges, sign if factor > 0 else -sign)
        if bound is None:
            return None
        number = Constant(value=factor, span=NOWHERE)
        scaled = Binary(operator="*", left=number, right=bound, span=NOWHERE)
        total = Binary(operator="+", left=total, right=scaled, span=NOWHERE)
    return total


def _largest_term(term: Expression, ranges: Ranges, sign: int) -> Expression | None:
    if not mentions(term, ranges):
        return term
    match term:
        case Name():
            return ranges[term.name][sign > 0]
        case Call(function="min" | "max"):
            bounds = [largest(each, ranges, sign=sign) for each in term.arguments]
            found = tuple(bound for bound in bounds if bound is not None)
            if len(found) < len(bounds):
                return None
            return Call(function=term.function, arguments=found, span=NOWHERE)
        case Binary(operator="//", left=left, right=Constant(value=int(divisor))) if divisor > 0:
            bound = largest(left, ranges, sign=sign)
            number = Constant(value=divisor, span=NOWHERE)
            return bound and Binary(operator="//", left=bound, right=number, span=NOWHERE)
        case Unary(operator="-", operand=operand):
            bound = largest(operand, ranges, sign=-sign)
            return bound and Unary(operator="-", operand=bound, span=NOWHERE)
        case _:
            return None
