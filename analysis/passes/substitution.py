"""Put known values into expressions, and forget them where they may have changed.

Before:  j = 2 * i; a[j + 1]          After:  a[2 * i + 1]

Helpers of the `build_scop` pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..model.indirect import value_children
from ..model.loop_ir import (
    Assign,
    Binary,
    BoolOp,
    Call,
    Compare,
    Conditional,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Slice,
    Statement,
    Unary,
    Update,
    children,
    walk_statements,
)


def substituted(expression: Expression, known: Mapping[str, Expression]) -> Expression:
    """Return `expression` with names replaced by their known values, spans of the use kept."""
    match expression:
        case Name(name=name) if name in known:
            return replace(known[name], span=expression.span)
    if not known:
        return expression
    return rebuilt(expression, lambda node: substituted(node, known))


def rebuilt(expression: Expression, visit: Callable[[Expression], Expression]) -> Expression:
    """Return `expression` with `visit` applied to its direct operands."""
    match expression:
        case Constant() | Name() | Extent():
            return expression
        case Element():
            indices = tuple(map(visit, expression.indices))
            if _is_same(indices, expression.indices):
                return expression
            return replace(expression, indices=indices)
        case Slice():
            parts = (expression.start, expression.stop, expression.step)
            start, stop, step = (None if each is None else visit(each) for each in parts)
            return replace(expression, start=start, stop=stop, step=step)
        case Unary():
            operand = visit(expression.operand)
            return (
                expression
                if operand is expression.operand
                else replace(expression, operand=operand)
            )
        case Binary() | Compare():
            left, right = visit(expression.left), visit(expression.right)
            if left is expression.left and right is expression.right:
                return expression
            return replace(expression, left=left, right=right)
        case BoolOp():
            return replace(expression, values=tuple(map(visit, expression.values)))
        case Conditional():
            test, body, orelse = map(visit, children(expression))
            return replace(expression, test=test, body=body, orelse=orelse)
        case Call():
            return replace(expression, arguments=tuple(map(visit, expression.arguments)))


def _is_same(new: tuple[Expression, ...], old: tuple[Expression, ...]) -> bool:
    return all(each is before for each, before in zip(new, old, strict=True))


def forget(known: dict[str, Expression], body: tuple[Statement, ...]) -> None:
    """Drop what is known of scalars that `body` assigns."""
    for name in assigned_scalars(body):
        known.pop(name, None)


def assigned_scalars(body: tuple[Statement, ...]) -> frozenset[str]:
    """Return the scalars that `body` assigns."""
    return frozenset(
        statement.target.name
        for statement in walk_statements(body)
        if isinstance(statement, Assign | Update) and isinstance(statement.target, Name)
    )


def value_names(expression: Expression) -> frozenset[str]:
    """Return the names read as values, those inside affine subscripts left out."""
    if isinstance(expression, Name):
        return frozenset({expression.name})
    return frozenset().union(*map(value_names, value_children(expression)))
