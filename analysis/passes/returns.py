"""A function's body with one place for its value instead of `return` statements.

Before:  if x < 0:                     After:  if x < 0:
             return -x                             <result> = -x
         y = x * x                             else:
         return y                                  y = x * x
                                                   <result> = y

         for k in range(n):            After:  <result> = -1
             if a[k] > x: return k             for k in range(n):
         return -1                                 if a[k] > x: <result> = k; break

Only where every path returns a value, and where no statement would have to stand in two branches.
Helper of the `parse` pass; `continues` does the same for `continue`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import gast

from ..model.loop_ir import RESULT
from .syntax_nodes import assigned, constant, name_of

# Whether a loop with `return` in it has returned: no name of the user's either.
LEFT = "break"
_SCOPES = (gast.FunctionDef, gast.AsyncFunctionDef, gast.Lambda, gast.ClassDef)


def arity(body: list[Any]) -> int | None:
    """Return how many values a function returns: 0 for none; None where its paths differ."""
    found = {_values(each) for node in body for each in _returns_in(node)}
    if not found:
        return 0
    return found.pop() if len(found) == 1 else None


def _returns_in(node: Any) -> Iterator[Any]:
    """Yield each `return` of the function itself in `node`."""
    if isinstance(node, gast.Return):
        yield node
    elif not isinstance(node, _SCOPES):
        for each in gast.iter_child_nodes(node):
            yield from _returns_in(each)


def _values(node: Any) -> int | None:
    match node.value:
        case None | gast.Constant(value=None):
            return 0
        case gast.Tuple(elts=[_, _, *_] as elts):
            return None if any(isinstance(each, gast.Starred) for each in elts) else len(elts)
        case gast.Tuple():
            return None
    return 1


def without_result(body: list[Any]) -> list[Any] | None:
    """Return the body of a function that returns nothing, as if it returned 0 on every path."""
    if not body:
        return None
    zero = gast.Return(value=constant(0, body[-1]))
    return with_result([*map(_returning_zero, body), gast.copy_location(zero, body[-1])])


def _returning_zero(node: Any) -> Any:
    if isinstance(node, gast.Return):
        return gast.copy_location(gast.Return(value=constant(0, node)), node)
    if not _returns(node):
        return node
    changed = copy.copy(node)
    for name in ("body", "orelse"):
        inner = getattr(node, name, None)
        if isinstance(inner, list):
            setattr(changed, name, [_returning_zero(each) for each in inner])
    return changed


def with_result(body: list[Any]) -> list[Any] | None:
    """Return `body` with assignments to RESULT instead of `return`; None where that cannot be."""
    settled: list[Any] = []
    for position, node in enumerate(body):
        match node:
            case gast.Return(value=None):
                return None
            case gast.Return():
                return [*settled, assigned(RESULT, node.value, node)]
            case gast.If() if _returns(node):
                rest = body[position + 1 :]
                ends = [_always(node.body), _always(node.orelse)]
                if not any(ends) and rest:
                    return None
                branches = [
                    with_result(branch if ended else [*branch, *rest])
                    for branch, ended in zip((node.body, node.orelse), ends, strict=True)
                ]
                if any(branch is None for branch in branches):
                    return None
                taken, other = branches
                choice = gast.If(test=node.test, body=taken, orelse=other)
                return [*settled, gast.copy_location(choice, node)]
            case gast.For(orelse=[]) | gast.While(orelse=[]) if _returns(node):
                left = _left_early(node)
                last = _last_value(node, body[position + 1 :])
                if left is None or last is None:
                    return None
                begin = assigned(LEFT, constant(False, node), node)  # a value
                return [*settled, assigned(RESULT, last, node), begin, left]
            case _ if _returns(node):
                return None
        settled.append(node)
    return None


def _last_value(loop: Any, rest: list[Any]) -> Any | None:
    """Return what is returned where `loop` is not left, if that may be computed before it."""
    match rest:
        case [gast.Return(value=gast.Constant() as value)]:
            return value
        case [gast.Return(value=gast.UnaryOp(op=gast.USub(), operand=gast.Constant()) as value)]:
            return value
        case [gast.Return(value=gast.Name(id=name) as value)]:
            stored = (
                each.id
                for each in gast.walk(loop)
                if isinstance(each, gast.Name) and isinstance(each.ctx, gast.Store)
            )
            return None if name in stored else value
    return None


def _left_early(loop: Any) -> Any | None:
    """Return a loop that is left where it returned, with LEFT set; None where that cannot be."""
    body: list[Any] = []
    for node in loop.body:
        if isinstance(node, gast.For | gast.While) and _returns(node):
            if node.orelse:
                return None
            inner = _left_early(node)
            if inner is None:
                return None
            jump = gast.copy_location(gast.Break(), node)
            test = name_of(LEFT, gast.Load(), node)
            leave = gast.If(test=test, body=[jump], orelse=[])
            body += [inner, gast.copy_location(leave, node)]
        else:
            placed = _jumping(node)
            if placed is None:
                return None
            body += placed
    changed = copy.copy(loop)
    changed.body = body
    return changed


def _jumping(node: Any) -> list[Any] | None:
    """Return a statement of a loop with `break` instead of `return`; None where that cannot be."""
    match node:
        case gast.Return(value=None):
            return None
        case gast.Return():
            done = assigned(LEFT, constant(True, node), node)  # a value
            jump = gast.copy_location(gast.Break(), node)
            return [assigned(RESULT, node.value, node), done, jump]
        case gast.If() if _returns(node):
            branches = []
            for branch in (node.body, node.orelse):
                parts = [_jumping(each) for each in branch]
                if any(part is None for part in parts):
                    return None
                branches.append([each for part in parts if part is not None for each in part])
            changed = gast.If(test=node.test, body=branches[0], orelse=branches[1])
            return [gast.copy_location(changed, node)]
        case _ if _returns(node):
            return None
    return [node]


def _returns(node: Any) -> bool:
    """Return whether a `return` of the function itself stands in `node`."""
    if isinstance(node, _SCOPES):
        return False
    return isinstance(node, gast.Return) or any(map(_returns, gast.iter_child_nodes(node)))


def _always(branch: list[Any]) -> bool:
    """Return whether every way through `branch` ends in `return`."""
    if not branch:
        return False
    last = branch[-1]
    if isinstance(last, gast.If):
        return _always(last.body) and _always(last.orelse)
    return isinstance(last, gast.Return)
