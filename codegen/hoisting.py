"""Loops around rows of one array, of which each turn reads rows that other turns store.

Before:  for t in range(1, n): for j: y[t, j] = 0.5 * y[t - 1, j]
After:   for t in range(1, n): t = unhoisted(t); for j: ...

LLVM vectorises the inner loop behind a test that what it reads and what it stores lie apart in
memory, and takes that test out of the loop around, for all its turns at once. Row `t` lies apart
from row `t - 1`, but all rows together do not from those before them: the test fails, and every
element is computed by itself. Where the row is a number that LLVM knows nothing of, the test stays
in its turn. (Alias checks by bounds of addresses: Alves, Gruber, Doerfert et al., Runtime pointer
disambiguation, OOPSLA 2015; LLVM hoists them since its version 17.)
"""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.typed import Load, Store, places_of

from .elements import cell_of, moves
from .integers import text
from .kernel import Branch, Decision, Instance, Loop, Node, walk_nodes


def meets_other_turns(loop: Loop) -> bool:
    """Return whether a loop directly in `loop` reads rows of an array that other turns store."""
    return any(_meets(each, loop) for each in _innermost(loop.body))


def _innermost(nodes: tuple[Node, ...]) -> Iterator[Loop]:
    """Yield the loops in `nodes` that hold none themselves, and stand in no other one."""
    for node in nodes:
        match node:
            case Loop():
                if not any(isinstance(each, Loop) for each in walk_nodes(node.body)):
                    yield node
            case Branch():
                yield from _innermost(node.body)
            case Decision():
                yield from _innermost((*node.body, *node.orelse))
            case Instance():
                pass


def _meets(inner: Loop, loop: Loop) -> bool:
    instances = [each for each in walk_nodes(inner.body) if isinstance(each, Instance)]
    stored: dict[str, set[str]] = {}
    read: dict[str, set[str]] = {}
    for instance in instances:
        for place in places_of(instance.statement):
            row = _row(instance, place, loop)
            if row:
                (stored if isinstance(place, Store) else read).setdefault(place.array, set()).add(
                    row
                )
    return any(read.get(array, rows) != rows for array, rows in stored.items())


def _row(instance: Instance, place: Load | Store, loop: Loop) -> str:
    """Return the subscripts of an element that move with `loop` as text; "" where none does."""
    cell = cell_of(instance, place)
    if cell is None:
        return ""
    return ", ".join(text(each, {}) for each in cell if moves((each,), loop))
