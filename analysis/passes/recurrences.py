"""Recognise linear recurrences: each value is a multiple of the one before, and something more.

Before:  y[i] = a * x[i] + b[i] * y[i - 1]        s = s + k * (x[i] - s); y[i] = s
After:   "affine" of y                            "affine" of s

Maps `x -> a x + b` compose to such maps again, so parts of the loop may run at the same time once
it is known with what values they start; of floats that rounds in another way. (Kogge and Stone,
A parallel algorithm for the efficient solution of a general class of recurrence equations, IEEE
Transactions on Computers 1973.)
"""

from __future__ import annotations

from ..model.dependence import AFFINE, Dependence, Scan
from ..model.loop_ir import (
    Binary,
    Element,
    Expression,
    Name,
    Unary,
    Update,
    walk_expression,
)
from ..model.scop import Scop, Statement
from .dependences import Conflict, accesses_to
from .scans import always_runs, next_writer


def find_recurrences(
    scop: Scop, loop: int, blocking: tuple[Conflict, ...], carried: tuple[Dependence, ...]
) -> tuple[Scan, ...]:
    """Return the linear recurrences that are all that `loop` carries; () where it carries more."""
    found = []
    for name in dict.fromkeys(each.array for each in blocking):
        if scop.array(name).rank == 0:
            writer = _only_writer(scop, name, loop)
        else:
            own = tuple(each for each in carried if each.array == name)
            writer = next_writer(scop, name, loop, own)
        if writer is None or not _is_linear(writer, name):
            return ()
        found.append(Scan(operator=AFFINE, target=name, statements=(writer.name,)))
    return tuple(found)


def _only_writer(scop: Scop, name: str, loop: int) -> Statement | None:
    inside = scop.statements_in(loop)
    writers = [each for each in inside if accesses_to(each, name, "write")]
    if len(writers) != 1 or not always_runs(scop, writers[0], loop):
        return None
    return writers[0]


def _is_linear(statement: Statement, target: str) -> bool:
    body = statement.body
    if isinstance(body, Update):
        value: Expression = Binary(
            operator=body.operator, left=body.target, right=body.value, span=body.span
        )
    else:
        value = body.value
    return _degree(value, target) == 1


def _degree(node: Expression, target: str) -> int | None:
    """Return the degree of an expression in `target`; None for no polynomial that is seen."""
    match node:
        case Name() | Element() if _stands_for(node) == target:
            return 1
        case Binary(operator="+" | "-"):
            sides = _degree(node.left, target), _degree(node.right, target)
            return None if None in sides else max(each or 0 for each in sides)
        case Binary(operator="*"):
            sides = _degree(node.left, target), _degree(node.right, target)
            return None if None in sides else sum(each or 0 for each in sides)
        case Binary(operator="/"):
            below = _degree(node.right, target)
            return _degree(node.left, target) if below == 0 else None
        case Unary(operator="-" | "+"):
            return _degree(node.operand, target)
    is_apart = all(_stands_for(each) != target for each in walk_expression(node))
    return 0 if is_apart else None


def _stands_for(node: Expression) -> str | None:
    match node:
        case Name():
            return node.name
        case Element():
            return node.array
    return None
