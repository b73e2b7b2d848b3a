"""Conditional expressions, moved to where they decide about the whole value.

Before:  2.0 * (a[i] if c else 0)        After:  2.0 * a[i] if c else 2.0 * 0

Each side then has types, and subscripts, of its own. Operands left of the condition are
evaluated after it: that changes no value, only which of two failures comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..model.loop_ir import (
    Assign,
    Binary,
    Call,
    Compare,
    Conditional,
    Expression,
    If,
    Name,
    Unary,
    Update,
    children,
    walk_expression,
)


def lifted(expression: Expression) -> Conditional | None:
    """Return `expression` as a choice between two, by the first conditional surely evaluated.

    None where there is none.
    """
    if isinstance(expression, Conditional):
        return expression
    if not isinstance(expression, Unary | Binary | Compare | Call):
        return None  # `and`, `or` and subscripts keep theirs
    for position, child in enumerate(children(expression)):
        choice = lifted(child)
        if choice is not None:
            return Conditional(
                test=choice.test,
                body=_with_operand(expression, position, choice.body),
                orelse=_with_operand(expression, position, choice.orelse),
                span=expression.span,
            )
    return None


def kept_otherwise(node: Assign | Update) -> If | None:
    """Return `m = e if test else m` as an assignment under its test; None for any other."""
    if not isinstance(node, Assign) or not isinstance(node.value, Conditional):
        return None
    name, choice = node.target, node.value
    if not isinstance(name, Name):
        return None
    if _is(choice.orelse, name):
        taken = (replace(node, value=choice.body),)
        return If(test=choice.test, body=taken, orelse=(), span=node.span)
    # An extremum that is chosen by `m > e` being false keeps its form.
    if _is(choice.body, name) and not any(_is(each, name) for each in walk_expression(choice.test)):
        taken = (replace(node, value=choice.orelse),)
        return If(test=choice.test, body=(), orelse=taken, span=node.span)
    return None


def _is(expression: Expression, name: Name) -> bool:
    return isinstance(expression, Name) and expression.name == name.name


def tests_of(expression: Expression) -> Iterator[Expression]:
    """Yield the tests of the conditionals that are surely evaluated."""
    if isinstance(expression, Conditional):
        yield expression.test
    elif isinstance(expression, Unary | Binary | Compare | Call):
        for child in children(expression):
            yield from tests_of(child)


def _with_operand(
    expression: Unary | Binary | Compare | Call, position: int, operand: Expression
) -> Expression:
    match expression:
        case Unary():
            return replace(expression, operand=operand)
        case Call(arguments=arguments):
            changed = (*arguments[:position], operand, *arguments[position + 1 :])
            return replace(expression, arguments=changed)
    if position:
        return replace(expression, right=operand)
    return replace(expression, left=operand)
