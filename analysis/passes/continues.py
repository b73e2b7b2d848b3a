"""`continue` and `break` as the other branch of an `if`.

Before:  for i in range(n):            After:  for i in range(n):
             if a[i] < 0:                          if a[i] < 0:
                 continue                              pass
             b[i] = a[i]                           else:
                                                       b[i] = a[i]

A `break` stays, as the last statement of its branch. Only where no statement would have to
stand in two branches. Helper of the `parse` pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gast

_JUMPS = (gast.Continue, gast.Break, gast.Return)


def with_rest(node: Any, rest: list[Any]) -> Any | None:
    """Return `if` statement `node` with the statements after it in the branch that goes on there.

    None where none of its branches ends in a jump, or where both may go on.
    """
    jumps = [ends(node.body), ends(node.orelse)]
    if not any(jumps):
        return None
    body, orelse = (
        branch if ended else [*branch, *rest]
        for branch, ended in zip((node.body, node.orelse), jumps, strict=True)
    )
    return gast.copy_location(gast.If(test=node.test, body=body, orelse=orelse), node)


def has_jump(node: Any, *, returns: bool = False) -> bool:
    """Return whether a `continue` or `break` of the loop around stands in `node`.

    With `returns`, or a `return`.
    """
    jumps = _JUMPS if returns else (gast.Continue, gast.Break)
    return any(isinstance(each, jumps) for each in _inside(node))


def jump_in(node: Any) -> str:
    """Return the keyword of the first jump of the loop around in `node`."""
    return _keyword(next(each for each in _inside(node) if isinstance(each, _JUMPS)))


def jump_in_else(loop: Any) -> str:
    """Return the keyword of the first jump of the loop around in the `else` of `loop`."""
    inside = (each for statement in loop.orelse for each in _inside(statement))
    return _keyword(next(each for each in inside if isinstance(each, _JUMPS)))


def _keyword(jump: Any) -> str:
    return {gast.Break: "break", gast.Return: "return"}.get(type(jump), "continue")


def ends(branch: list[Any]) -> bool:
    """Return whether every way through `branch` ends in a jump."""
    if not branch:
        return False
    last = branch[-1]
    if isinstance(last, gast.If):
        return ends(last.body) and ends(last.orelse)
    return isinstance(last, _JUMPS)


def _inside(node: Any) -> Iterator[Any]:
    yield node
    if not isinstance(node, gast.For | gast.While | gast.AsyncFor):
        for each in gast.iter_child_nodes(node):
            yield from _inside(each)
