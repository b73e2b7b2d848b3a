"""From a function's tree to the names that surely have a value before each statement.

Before:  if c: k = 1        After:  n is bound before the loop, k may not be
         for i in range(n): ...

This is definite assignment over the whole of Python, on `ast` trees: it serves the rewriting
of functions, which must not read a name where the user's code would not have.

Gosling, Joy, Steele, The Java Language Specification, 1996, chapter 16; here without tracking
conditions, and a `with` statement is taken to swallow any exception of its body.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TypeAlias

Position: TypeAlias = tuple[int, int]  # line from 1, column from 0 in UTF-8 bytes, as in ast
Bound: TypeAlias = frozenset[str] | None  # None: this point is never reached
Found: TypeAlias = dict[Position, frozenset[str]]


def find_bound_names(function: ast.FunctionDef) -> dict[Position, frozenset[str]]:
    """Return the names surely bound before each statement of the body of `function`.

    Under-approximates: a name that other code can delete (global, nonlocal) never counts, nor
    what an assignment expression or a `with` body binds.
    """
    shared = {
        name
        for node in ast.walk(function)
        if isinstance(node, (ast.Global, ast.Nonlocal))
        for name in node.names
    }
    parameters = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    found: Found = {}
    _flow(function.body, frozenset(parameters - shared), found)
    return {place: names - shared for place, names in found.items()}


def _flow(body: Sequence[ast.stmt], bound: Bound, found: Found) -> Bound:
    """Return what is bound after `body`; note in `found` what is before each statement."""
    for statement in body:
        if bound is None:
            return None
        place = (statement.lineno, statement.col_offset)
        found[place] = found.get(place, bound) & bound  # a `finally` is walked twice
        bound = _after(statement, bound, found)
    return bound


def _after(statement: ast.stmt, bound: frozenset[str], found: Found) -> Bound:
    """Return what is bound after `statement` when `bound` is before it."""
    lasting = bound - _unbound_by(statement)
    match statement:
        case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
            return None
        case ast.If(body=body, orelse=orelse):
            return _meet(_flow(body, bound, found), _flow(orelse, bound, found))
        case ast.While(body=body, orelse=orelse):
            _flow(body, lasting, found)
            _flow(orelse, lasting, found)
        case ast.For(target=target, body=body, orelse=orelse):
            _flow(body, lasting | _targets(target), found)
            _flow(orelse, lasting, found)
        case ast.With(items=items, body=body):
            entered = [_targets(i.optional_vars) for i in items if i.optional_vars is not None]
            _flow(body, bound.union(*entered), found)
        case ast.Try() | ast.TryStar():
            return _after_try(statement, bound, found)
        case ast.Match(cases=cases):
            after: Bound = bound  # where no case matches
            for case in cases:
                after = _meet(after, _flow(case.body, bound, found))
            return after
        case _:
            return lasting | _bound_by(statement)
    return lasting


def _after_try(statement: ast.Try | ast.TryStar, bound: frozenset[str], found: Found) -> Bound:
    """Return what is bound after a `try`: a handler starts with what its body cannot delete."""
    lasting = bound - _unbound_by(statement)
    end = _flow(statement.orelse, _flow(statement.body, bound, found), found)
    for handler in statement.handlers:
        name = frozenset({handler.name} if handler.name else ())
        after = _flow(handler.body, lasting | name, found)
        end = _meet(end, None if after is None else after - name)
    _flow(statement.finalbody, lasting, found)
    return _flow(statement.finalbody, end, found)


def _meet(one: Bound, two: Bound) -> Bound:
    """Return what is bound whichever of the two ways was taken."""
    if one is None or two is None:
        return two if one is None else one
    return one & two


def _bound_by(statement: ast.stmt) -> frozenset[str]:
    """Return the names that a simple statement or a definition surely binds."""
    match statement:
        case ast.Assign(targets=targets):
            return frozenset().union(*map(_targets, targets))
        case ast.AugAssign(target=target):
            return _targets(target)
        case ast.AnnAssign(target=target, value=value):
            return frozenset() if value is None else _targets(target)
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return frozenset(alias.asname or alias.name.partition(".")[0] for alias in names)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return frozenset({name})
        case _:
            return frozenset()


def _targets(target: ast.expr) -> frozenset[str]:
    """Return the names that an assignment to `target` binds."""
    match target:
        case ast.Name(id=name):
            return frozenset({name})
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return frozenset().union(*map(_targets, parts))
        case ast.Starred(value=value):
            return _targets(value)
        case _:
            return frozenset()


def _unbound_by(statement: ast.stmt) -> frozenset[str]:
    """Return the names that `statement` or anything in it may delete."""
    names = set()
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Del()) | ast.ExceptHandler(name=str(name)):
                names.add(name)
    return frozenset(names)
