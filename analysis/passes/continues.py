"""`continue` as the other branch of an `if`.

Before:  for i in range(n):            After:  for i in range(n):
             if a[i] < 0:                          if a[i] < 0:
                 continue                              pass
             b[i] = a[i]                           else:
                                                       b[i] = a[i]

Only where no statement would have to stand in two branches. Helper of the `parse` pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gast


def with_rest(node: Any, rest: list[Any]) -> Any | None:
    """Return `if` statement `node` with the statements after it in the branch that goes on there.

    None where none of its branches ends in `continue`, or where both may go on.
    """
    ends = [_ends(node.body), _ends(node.orelse)]
    if not any(ends):
        return None
    body, orelse = (
        branch if ended else [*branch, *rest]
        for branch, ended in zip((node.body, node.orelse), ends, strict=True)
    )
    return gast.copy_location(gast.If(test=node.test, body=body, orelse=orelse), node)


def has_continue(node: Any) -> bool:
    """Return whether a `continue` of the loop around stands in `node`."""
    return any(isinstance(each, gast.Continue) for each in _inside(node))


def _ends(branch: list[Any]) -> bool:
    """Return whether every way through `branch` ends in `continue`."""
    if not branch:
        return False
    last = branch[-1]
    if isinstance(last, gast.If):
        return _ends(last.body) and _ends(last.orelse)
    return isinstance(last, gast.Continue)


def _inside(node: Any) -> Iterator[Any]:
    yield node
    if not isinstance(node, gast.For | gast.While | gast.AsyncFor):
        for each in gast.iter_child_nodes(node):
            yield from _inside(each)
