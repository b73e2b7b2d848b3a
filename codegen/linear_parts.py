"""Linear parts of float expressions: what a value is multiplied by on its way.

Before:  s + k * (x[i] - s), of s, with p in its place
After:   p + k * (-1.0 * p)
"""

from __future__ import annotations

from dataclasses import replace

from autopar.analysis.model.typed import (
    Number,
    Operation,
    TypedExpression,
    Variable,
    walk_typed,
)
from autopar.analysis.model.types import FLOAT_DTYPES


def linear_part(value: TypedExpression, name: str, other: str) -> TypedExpression | None:
    """Return what of `value` is a multiple of the scalar `name`, with `other` in its place.

    None where there is no such part, or where `value` is not linear in it by its operations.
    """
    if isinstance(value, Variable) and value.name == name:
        return replace(value, name=other)
    if not isinstance(value, Operation) or value.type.dtype not in FLOAT_DTYPES:
        return None
    parts = [linear_part(each, name, other) for each in value.operands]
    held = [_holds(each, name) for each in value.operands]
    if any(part is None and is_held for part, is_held in zip(parts, held, strict=True)):
        return None
    match value.name, parts:
        case "-", [only] if only is not None:
            return _product(_minus_one(value), only, value)
        case "+" | "-", [first, second]:
            return _sum(value, first, second)
        case "*", [first, second] if held.count(True) == 1:
            left, right = value.operands
            return _product(first or left, second or right, value)
        case "/", [first, None] if first is not None:
            return replace(value, operands=(first, value.operands[1]), hazards=0)
    return None


def _sum(
    value: Operation, first: TypedExpression | None, second: TypedExpression | None
) -> TypedExpression | None:
    if first is not None and second is not None:
        return replace(value, operands=(first, second), hazards=0)
    if second is not None and value.name == "-":
        return _product(_minus_one(value), second, value)
    return first or second


def _product(left: TypedExpression, right: TypedExpression, value: Operation) -> Operation:
    return replace(value, name="*", operands=(left, right), hazards=0)


def _minus_one(value: Operation) -> Number:
    return Number(value=-1.0, type=value.type, span=value.span)


def _holds(value: TypedExpression, name: str) -> bool:
    return any(isinstance(each, Variable) and each.name == name for each in walk_typed(value))
