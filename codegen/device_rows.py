"""Mark the rows of a recurrence that threads of a device run at the same time.

Before:  for i in range(1, n):                        skew 1, `find_wavefronts` says
             for j in range(1, m): a[i, j] = a[i - 1, j] + a[i, j - 1]
After:   the same, staggered: a thread for each row, each some columns behind the one before

Here, unlike `codegen.jam`, a row stays one loop: a thread of a device has no use for six chains of
its own, it has thousands of neighbours.
"""

from __future__ import annotations

from dataclasses import replace

from autopar.analysis.model.source import Span

from .kernel import (
    Branch,
    Decision,
    Instance,
    Loop,
    Node,
    Program,
    runs_by_times,
    walk_nodes,
)


def with_rows(program: Program) -> Program:
    """Return `program` with rows marked as staggered that threads may run side by side."""
    return replace(program, body=tuple(map(_marked, program.body)))


def _marked(node: Node) -> Node:
    match node:
        case Instance():
            return node
        case Loop():
            if node.is_shared or node.passes is not None:
                return node  # what is in it, one thread runs in order
            if row_of(node) is not None:
                return replace(node, is_staggered=True)
            return replace(node, body=tuple(map(_marked, node.body)))
        case Branch():
            return replace(node, body=tuple(map(_marked, node.body)))
        case Decision():
            body, orelse = (tuple(map(_marked, each)) for each in (node.body, node.orelse))
            return replace(node, body=body, orelse=orelse)


def rows_side_by_side(program: Program) -> tuple[tuple[Span, str], ...]:
    """Return where the loops stand of which rows run side by side, and the word for it."""
    loops = (each for each in walk_nodes(program.body) if isinstance(each, Loop))
    return tuple(
        (each.span, "skew")
        for loop in loops
        if runs_by_times(loop)
        for each in (loop, *(inner for inner in loop.body if isinstance(inner, Loop)))
    )


def row_of(loop: Loop) -> Loop | None:
    """Return the loop along one row of a nest whose rows may overlap, else None."""
    if loop.skew is None or len(loop.body) != 1 or not _is_counted(loop):
        return None
    (inner,) = loop.body
    return inner if isinstance(inner, Loop) and _is_counted(inner) else None


def _is_counted(loop: Loop) -> bool:
    """Return whether a loop takes every number of its range, in order."""
    is_whole = loop.within is None and loop.stays is None and not loop.is_endless
    is_plain = not loop.is_shared and loop.passes is None and not loop.private_arrays
    return is_whole and is_plain and loop.step == 1
