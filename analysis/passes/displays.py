"""Builtins that are given their operands in a tuple or list, or of which one value is taken.

Before:  max([a[i], 0.5])              After:  max(a[i], 0.5)
         sum((x, y, z))                        0 + x + y + z
         divmod(i, 7)[1]                       i % 7

Helper of the `parse` pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gast

from ..model.loop_ir import (
    SUMMED,
    Binary,
    BinaryOperator,
    Call,
    Constant,
    Element,
    Expression,
    walk_expression,
)
from ..model.source import Span
from ..model.ufuncs import DIVMOD

Read = Callable[[Any], Expression]


def display_form(
    node: Any, function: str | None, read: Read, span_of: Callable[[Any], Span]
) -> Expression | None:
    """Return `max`, `min` or `sum` of what a tuple or list displays; None for any other call."""
    match node:
        case gast.Call(args=[gast.Tuple(elts=parts) | gast.List(elts=parts)], keywords=[]):
            pass
        case _:
            return None
    if len(parts) < 2 or any(isinstance(each, gast.Starred) for each in parts):  # one is a choice
        return None
    at = span_of(node)
    if function in {"max", "min"}:
        return Call(function=function, arguments=tuple(map(read, parts)), span=at)
    if function != "sum":
        return None
    total: Expression = Constant(value=0, span=at)
    for each in map(read, parts):
        item = Call(function=SUMMED, arguments=(each,), span=at)
        total = Binary(operator="+", left=total, right=item, span=at)
    return total


def part_of_division(
    node: Any,
    canonical: Callable[[Any], str | None],
    read: Read,
    span_of: Callable[[Any], Span],
) -> Expression | None:
    """Return `divmod(x, y)[k]` as what it is; None for any other subscript."""
    match node:
        case gast.Subscript(
            value=gast.Call(args=[_, _] as operands, keywords=[]) as call,
            slice=gast.Constant(value=0 | 1 as part),
        ) if canonical(call.func) == "divmod" and type(part) is int:
            pass
        case _:
            return None
    if any(isinstance(each, gast.Starred) for each in operands):
        return None
    x, y = map(read, operands)
    at = span_of(node)
    if any(isinstance(e, Element) for value in (x, y) for e in walk_expression(value)):
        return Call(function=DIVMOD[part], arguments=(x, y), span=at)  # as NumPy's warnings say
    operator: BinaryOperator = "%" if part else "//"
    return Binary(operator=operator, left=x, right=y, span=at)
