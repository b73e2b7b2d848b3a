"""Tests as Python's truth values, and the parts of them that must all hold.

Before:  if x[i] and (y[i] or not z[i]): ...       x, y, z: numbers
After:   bool(x[i]) and (bool(y[i]) or not bool(z[i]))

Python reference, "Boolean operations". Helper of the `build_scop` pass.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import BoolOp, Call, Compare, Constant, Expression, Unary


@dataclass(frozen=True, slots=True, kw_only=True)
class Conjunction:
    """A test: it comes to `holds` exactly where all of `parts` hold, asked in this order."""

    parts: tuple[Expression, ...]
    holds: bool


def truth(test: Expression) -> Expression:
    """Return a boolean expression that is true exactly where Python takes `test` for true."""
    match test:
        case Compare():
            return test
        case BoolOp():
            return replace(test, values=tuple(map(truth, test.values)))
        case Unary(operator="not"):
            return replace(test, operand=truth(test.operand))
        case Constant():
            return replace(test, value=bool(test.value))
    return Call(function="bool", arguments=(test,), span=test.span)


def conjunction(test: Expression) -> Conjunction:
    """Return `test` as parts that decide it together; `x or y` is `not (not x and not y)`."""
    match test:
        case Unary(operator="not"):
            inner = conjunction(test.operand)
            return replace(inner, holds=not inner.holds)
        case BoolOp(operator="and"):
            return Conjunction(parts=_flattened(test, "and"), holds=True)
        case BoolOp(operator="or"):
            parts = tuple(map(negated, _flattened(test, "or")))
            return Conjunction(parts=parts, holds=False)
    return Conjunction(parts=(test,), holds=True)


def joined(parts: tuple[Expression, ...]) -> Expression:
    """Return the conjunction of some parts; at least one."""
    if len(parts) == 1:
        return parts[0]
    return BoolOp(operator="and", values=parts, span=parts[0].span)


def _flattened(test: Expression, operator: Literal["and", "or"]) -> tuple[Expression, ...]:
    """Return the operands of nested `and`s (`or`s) from left to right."""
    if isinstance(test, BoolOp) and test.operator == operator:
        return tuple(part for each in test.values for part in _flattened(each, operator))
    return (test,)


def negated(test: Expression) -> Expression:
    """Return a test that is true exactly where `test` is false."""
    if isinstance(test, Unary) and test.operator == "not":
        return test.operand
    return Unary(operator="not", operand=test, span=test.span)
