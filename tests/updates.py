"""Associative updates in a source text: where a variable may be touched if its loop is to be a reduction.

Before:  if x[i] > best: best = x[i]; where = i
After:   best is reduced by max; its places are the test and the target; `where` is captured beside it

Read from the text alone; that nothing else touches the cells is the business of `tests.truth`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

Place = tuple[int, int]

SIGNED = {
    ast.Add: "+",
    ast.Sub: "+",
    ast.Mult: "*",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.BitXor: "^",
}
PICKING = {"min": "min", "max": "max", "minimum": "min", "maximum": "max"}
# `x < m` tells that m is to become the smaller one; the other side mirrored.
LESS = (ast.Lt, ast.LtE)
GREATER = (ast.Gt, ast.GtE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One statement that combines a variable with a value by an operator whose order does not matter."""

    variable: str  # the name, without subscripts
    operator: str
    places: frozenset[Place]  # the accesses to the variable that belong to the update
    # The cell that is combined is spelled otherwise than the target: an update only where the two are one cell.
    is_loose: bool = False
    # Names that are set where a new extreme is found, to its index: each with its place.
    captured: frozenset[tuple[str, Place]] = frozenset()


def updates_of(source: str) -> tuple[Update, ...]:
    """Return the updates of `source`, in the order of `ast.walk`."""
    return tuple(
        found for node in ast.walk(ast.parse(source)) if (found := _update(node)) is not None
    )


def _update(node: ast.AST) -> Update | None:
    match node:
        case ast.AugAssign(target=target, op=op) if type(op) in SIGNED:
            return _made(target, SIGNED[type(op)], [target])
        case ast.Assign(targets=[target], value=value):
            found = _combined(target, value)
            if found is None:
                return None
            made = _made(target, found[0], [target, *found[1]])
            is_loose = not any(_same(each, target) for each in found[1])
            return None if made is None else replace(made, is_loose=is_loose)
        case ast.If(test=test, body=body, orelse=[]):
            return _extreme(test, body)
    return None


def _made(
    target: ast.expr,
    operator: str,
    touched: Sequence[ast.expr],
    captured: Sequence[ast.Name] = (),
) -> Update | None:
    base = target.value if isinstance(target, ast.Subscript) else target
    if not isinstance(base, ast.Name):
        return None
    return Update(
        variable=base.id,
        operator=operator,
        places=frozenset((each.lineno, each.col_offset) for each in touched),
        captured=frozenset((each.id, (each.lineno, each.col_offset)) for each in captured),
    )


def _combined(target: ast.expr, value: ast.expr) -> tuple[str, list[ast.expr]] | None:
    """Return operator and operands equal to the target where `value` is target op e, however it is spelled."""
    match value:
        case ast.BinOp(op=op) if type(op) in SIGNED:
            operands = list(_operands(value, SIGNED[type(op)]))
            own = _own(operands, target)
            return (SIGNED[type(op)], own) if len(own) == 1 else None
        case ast.BoolOp(op=op, values=values):
            own = [each for each in values if _same(each, target)]
            name = "and" if isinstance(op, ast.And) else "or"
            return (name, own) if len(own) == 1 else None
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
            own = _own(arguments, target)
            return (PICKING[name], own) if name in PICKING and len(own) == 1 else None
        case ast.IfExp():
            return _chosen(target, value)
    return None


def _own(operands: Sequence[ast.expr], target: ast.expr) -> list[ast.expr]:
    """Return the operands that are the target, or by their array could be: `a[d * i] = a[p * i] + e`."""
    same = [each for each in operands if _same(each, target)]
    if same or not isinstance(target, ast.Subscript):
        return same
    return [
        each
        for each in operands
        if isinstance(each, ast.Subscript) and _same(each.value, target.value)
    ]


def _operands(value: ast.expr, operator: str) -> Iterator[ast.expr]:
    """Yield what a chain of one operator combines; what is subtracted is left out, it is no start value."""
    match value:
        case ast.BinOp(left=left, op=op, right=right) if SIGNED.get(type(op)) == operator:
            yield from _operands(left, operator)
            if not isinstance(op, ast.Sub):
                yield from _operands(right, operator)
        case _:
            yield value


def _chosen(target: ast.expr, value: ast.IfExp) -> tuple[str, list[ast.expr]] | None:
    """Return operator and operands of `m = e if e > m else m`, or of `s = s + e if test else s`."""
    for kept, new, holds in (
        (value.orelse, value.body, True),
        (value.body, value.orelse, False),
    ):
        if not _same(kept, target):
            continue
        extreme = _compared(value.test, target, new)
        if extreme is not None:
            return (extreme[0] if holds else _opposite(extreme[0])), [kept, extreme[1]]
        inner = _combined(target, new)
        if inner is not None:
            return inner[0], [kept, *inner[1]]
    return None


def _extreme(test: ast.expr, body: Sequence[ast.stmt]) -> Update | None:
    """Return the update of `if e > m: m = e`, at times with `where = i` beside it."""
    pairs = [pair for statement in body for pair in _assigned(statement)]
    if len(pairs) < len(body) or not pairs:
        return None
    tests = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    for target, value in pairs:
        others = [each for each, _ in pairs if each is not target]
        if not all(isinstance(each, ast.Name) for each in others):
            continue
        for each in tests:
            found = _compared(each, target, value)
            if found is not None:
                names = [each for each in others if isinstance(each, ast.Name)]
                return _made(target, found[0], [target, found[1]], names)
    return None


def _assigned(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    match statement:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            yield from zip(targets, values, strict=False)
        case ast.Assign(targets=[target], value=value):
            yield target, value


def _compared(test: ast.expr, target: ast.expr, value: ast.expr) -> tuple[str, ast.expr] | None:
    """Return max and the occurrence of the target where the test is value > target, min for <."""
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            if _same(right, target) and _same(left, value) and isinstance(op, LESS + GREATER):
                return ("max" if isinstance(op, GREATER) else "min"), right
            if _same(left, target) and _same(right, value) and isinstance(op, LESS + GREATER):
                return ("min" if isinstance(op, GREATER) else "max"), left
    return None


def _opposite(operator: str) -> str:
    return "min" if operator == "max" else "max"


def _same(one: ast.expr, other: ast.expr) -> bool:
    return ast.unparse(one) == ast.unparse(other)
