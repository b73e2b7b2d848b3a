"""A call of the user's that an expression makes only at times, under an `if` of its own.

Before:  y = f(x) if x > 0 else 1.0    After:  if x > 0: y = f(x)
                                               else: y = 1.0
         if x > 0 and f(x) < 3:        After:  if x > 0:
             y = x                                 if f(x) < 3: y = x

So that there is a place for the statements of a function that is put in place of its call: they
run just where the call would. Helper of the `parse` pass.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.loop_ir import (
    Assign,
    BoolOp,
    Call,
    Conditional,
    Expression,
    If,
    Statement,
    walk_expression,
)


def with_own_condition(statement: Statement) -> Statement:
    """Return a statement in which such calls stand under conditions; or the same."""
    match statement:
        case Assign(value=Conditional(test=test, body=body, orelse=orelse)) if _calls(
            body
        ) or _calls(orelse):
            taken, other = (
                with_own_condition(replace(statement, value=each)) for each in (body, orelse)
            )
            return If(test=test, body=(taken,), orelse=(other,), span=statement.span)
        case If(test=BoolOp(operator="and", values=(first, *rest)) as test, orelse=()) if any(
            map(_calls, rest)
        ):
            left = rest[0] if len(rest) == 1 else replace(test, values=tuple(rest))
            inner = with_own_condition(replace(statement, test=left))
            return replace(statement, test=first, body=(inner,))
    return statement


def _calls(expression: Expression) -> bool:
    """Return whether a function of the user is called somewhere in `expression`."""
    return any(
        isinstance(node, Call) and node.function.startswith("def ")
        for node in walk_expression(expression)
    )
