"""Recognise associative updates: statements that only accumulate into their target.

Before:  c[i, j] += a[i, k] * b[k, j]      k carries flow, anti and output dependences on c
After:   reduction + into c                nothing else carried by k

Allen and Kennedy, Optimizing Compilers for Modern Architectures, 2001, sec. 14.5. Whether the
rounding of a reordered float sum is acceptable is decided elsewhere; here only the shape counts.
"""

from __future__ import annotations

from typing import get_args

from ..model.dependence import Reduction, ReductionOperator
from ..model.indirect import indirect_values
from ..model.loop_ir import Assign, Binary, Call, Element, Expression, Name, Update, walk_expression
from ..model.scop import Statement

_OPERATORS: tuple[str, ...] = get_args(ReductionOperator)


def find_reduction(statement: Statement) -> Reduction | None:
    """Return the reduction that `statement` is, or None."""
    body = statement.body
    match body:
        case Update():
            operator, value = body.operator, body.value
        case Assign(value=Binary() as whole):
            operator = whole.operator
            other = _other_operand(whole, body.target)
            if other is None:
                return None
            value = other
        case Assign(value=Call(function="min" | "max") as call) if (
            len(call.arguments) == 2
        ):  # of two operands one is the target
            operator = call.function  # type: ignore[assignment]  # one of two literals
            rest = [each for each in call.arguments if not same_cell(each, body.target)]
            if len(rest) != 1:
                return None
            value = rest[0]
        case _:
            return None
    accumulated = "+" if operator == "-" else operator
    if accumulated not in _OPERATORS or reads_target(value, body.target):
        return None
    if isinstance(body.target, Element):  # `a[a[i]] += 1` reads what it updates
        subscripts = indirect_values(body.target)
        if any(reads_target(each, body.target) for each in subscripts):
            return None
    return Reduction(
        operator=accumulated,  # type: ignore[arg-type]  # checked on the line above
        target=target_name(body.target),
        statement=statement.name,
    )


def _other_operand(whole: Binary, target: Name | Element) -> Expression | None:
    """Return what `target = target op other` adds; the target may stand right of a `+`."""
    if same_cell(whole.left, target):
        return whole.right
    commutes = whole.operator in {"+", "*", "&", "|", "^"}
    return whole.left if commutes and same_cell(whole.right, target) else None


def same_cell(expression: Expression, target: Name | Element) -> bool:
    """Return whether `expression` reads exactly what `target` names."""
    match expression, target:
        case Name(), Name():
            return expression.name == target.name
        case Element(), Element():
            return (
                expression.array == target.array
                and len(expression.indices) == len(target.indices)
                and all(map(same_text, expression.indices, target.indices))
            )
    return False


def same_text(left: Expression, right: Expression) -> bool:
    """Return whether two expressions are the same but for where they stand."""
    return without_spans(left) == without_spans(right)


def without_spans(expression: Expression) -> object:
    """Return a value equal for expressions that differ only in where they stand."""
    kind = type(expression).__name__
    parts: list[object] = [kind]
    for field in expression.__dataclass_fields__:
        if field == "span":
            continue
        value = getattr(expression, field)
        if isinstance(value, tuple):
            parts.append(tuple(without_spans(each) for each in value))
        elif hasattr(value, "__dataclass_fields__"):
            parts.append(without_spans(value))
        else:
            parts.append((type(value).__name__, value))
    return tuple(parts)


def reads_target(expression: Expression, target: Name | Element) -> bool:
    """Return whether `expression` reads the array or scalar that `target` belongs to."""
    name = target_name(target)
    return any(
        (isinstance(node, Name) and node.name == name)
        or (isinstance(node, Element) and node.array == name)
        for node in walk_expression(expression)
    )


def target_name(target: Name | Element) -> str:
    """Return the name of the array or scalar."""
    return target.name if isinstance(target, Name) else target.array
