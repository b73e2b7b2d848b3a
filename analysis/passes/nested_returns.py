"""A `return` in an inner loop leaves all loops around it, one after the other.

Before:  for i in range(n):            After:  for i in range(n):
             for j in range(m):                    <left> = 0
                 if a[i, j] > x:                   for j in range(m):
                     return i, j                       if a[i, j] > x: <left> = 1; return i, j
                                                   if <left> == 1: return i, j

To the model a `return` is a `break` of its loop, and the interpreter runs the one that was reached
(`drivers`): each of the loops may be the region. None leaves <left> behind: the interpreter has no
such name.
Helper of the `parse` pass.
"""

from __future__ import annotations

import copy
from typing import Any

import gast

from ..model.loop_ir import TEMPORARY
from .syntax_nodes import assigned, constant, name_of

_LEFT = "_left"
_LOOPS = (gast.For, gast.While)
_SCOPES = (gast.FunctionDef, gast.AsyncFunctionDef, gast.Lambda, gast.ClassDef)


def with_nested_returns(body: list[Any]) -> list[Any] | None:
    """Return the body of a loop in which no inner loop has a `return` that leaves more than it.

    None where that is not known, or nothing has to change.
    """
    loops = (each for node in body for each in gast.walk(node) if isinstance(each, _LOOPS))
    return _expanded(body) if any(map(_returns, loops)) else None


def says_where(name: str) -> bool:
    """Return whether `name` is ours, and says by which `return` a loop was left."""
    return name.startswith(TEMPORARY) and name.endswith(_LEFT)


def _expanded(body: list[Any]) -> list[Any] | None:
    found: list[Any] = []
    for node in body:
        inner: list[Any] | None = [node]
        if isinstance(node, _LOOPS) and _returns(node):
            inner = _left_by_return(node)
        elif isinstance(node, gast.If) and _returns(node):
            inner = _choice(node)
        elif _returns(node) and not isinstance(node, gast.Return):
            inner = None
        if inner is None:
            return None
        found += inner
    return found


def _choice(node: Any) -> list[Any] | None:
    body, orelse = _expanded(node.body), _expanded(node.orelse)
    if body is None or orelse is None:
        return None
    return [gast.copy_location(gast.If(test=node.test, body=body, orelse=orelse), node)]


def _left_by_return(node: Any) -> list[Any] | None:
    body = None if node.orelse else _expanded(node.body)
    if body is None:
        return None
    name = f"{TEMPORARY}{node.lineno}_{node.col_offset}{_LEFT}"
    numbered = _Numbered(name)
    loop = copy.copy(node)
    loop.body = numbered.block(body)
    leave = [
        gast.copy_location(gast.If(test=_is(name, number, each), body=[each], orelse=[]), each)
        for number, each in enumerate(numbered.found, start=1)
    ]
    return [assigned(name, constant(0, node), node), loop, *leave]


class _Numbered:
    """Puts before each `return` of a loop which one it is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Any] = []

    def block(self, body: list[Any]) -> list[Any]:
        return [each for node in body for each in self.statement(node)]

    def statement(self, node: Any) -> list[Any]:
        match node:
            case gast.Return():
                self.found.append(node)
                return [assigned(self.name, constant(len(self.found), node), node), node]
            case gast.If() if _returns(node):
                body, orelse = self.block(node.body), self.block(node.orelse)
                return [gast.copy_location(gast.If(test=node.test, body=body, orelse=orelse), node)]
        return [node]


def _returns(node: Any) -> bool:
    """Return whether a `return` of the function itself stands in `node`."""
    if isinstance(node, _SCOPES):
        return False
    return isinstance(node, gast.Return) or any(map(_returns, gast.iter_child_nodes(node)))


def _is(name: str, number: int, at: Any) -> Any:
    test = gast.Compare(left=name_of(name, gast.Load(), at), ops=[gast.Eq()], comparators=[])
    test.comparators = [constant(number, at)]
    return gast.copy_location(test, at)
