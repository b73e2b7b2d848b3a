"""A function's body with one place for its value instead of `return` statements.

Before:  if x < 0:                     After:  if x < 0:
             return -x                             <result> = -x
         y = x * x                             else:
         return y                                  y = x * x
                                                   <result> = y

Only where every path returns a value, and where no statement would have to stand in two branches.
Helper of the `parse` pass; `continues` does the same for `continue`.
"""

from __future__ import annotations

from typing import Any

import gast

from ..model.loop_ir import RESULT


def with_result(body: list[Any]) -> list[Any] | None:
    """Return `body` with assignments to RESULT instead of `return`; None where that cannot be."""
    settled: list[Any] = []
    for position, node in enumerate(body):
        match node:
            case gast.Return(value=None):
                return None
            case gast.Return():
                target = gast.Name(id=RESULT, ctx=gast.Store(), annotation=None, type_comment=None)
                target = gast.copy_location(target, node)
                assignment = gast.Assign(targets=[target], value=node.value, type_comment=None)
                return [*settled, gast.copy_location(assignment, node)]
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
            case _ if _returns(node):
                return None
        settled.append(node)
    return None


def _returns(node: Any) -> bool:
    """Return whether a `return` of the function itself stands in `node`."""
    if isinstance(node, gast.FunctionDef | gast.AsyncFunctionDef | gast.Lambda | gast.ClassDef):
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
