"""Elements that an innermost loop reads again and again are read once, before it.

Before:  for j in range(k + 1, n): a[i, j] = a[i, j] - a[i, k] * a[k, j]
After:   if k + 1 < n:
             a_fixed = a[i, k]
             for j in range(k + 1, n): a[i, j] = a[i, j] - a_fixed * a[k, j]

A compiler has to read the element in each iteration, since for all it knows the loop stores there,
and does not vectorise then. Here subscripts and the ranges of loops say that it does not: `j` is
never `k`. (Scalar replacement of invariant references: Carr and Kennedy, Scalar replacement in the
presence of conditional control flow, Software Practice and Experience, 1994.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from autopar.analysis.model.typed import Load, Store, Variable, places_of

from .accumulations import is_of_floats
from .elements import Cell, cell_of, differ, key_of, moves
from .innermost import Scalars, between, rewritten
from .kernel import Instance, Loop, Node, Program, walk_nodes


def with_fixed_reads(program: Program) -> Program:
    """Return `program` with elements read before the innermost loops that leave them alone."""

    def rewrite(loop: Loop, around: tuple[Loop, ...], scalars: Scalars) -> Node | None:
        # Where there is no room for copies, the host launches the loops inside by themselves.
        if loop.is_parallel and any(cells.is_last for each in around for cells in each.cells):
            return None
        # Rows that pass the caches are made apart, of what stands in them.
        every = _is_vector(loop) and not program.streams
        fixed = fixed_reads(loop, around, program.overlapping, every=every)
        return read_before(loop, fixed, scalars) if fixed else None

    return rewritten(program, rewrite)


def _is_vector(loop: Loop) -> bool:
    """Return whether a compiler would make vectors of a loop if it knew what overlaps what."""
    return loop.is_parallel and is_of_floats(loop.body)


def read_before(loop: Loop, fixed: dict[str, tuple[Instance, Load]], scalars: Scalars) -> Node:
    """Return what stands for `loop`, with elements, by their texts, read before it."""
    before: list[Node] = []
    values: dict[str, Variable] = {}
    for number, (key, (instance, load)) in enumerate(fixed.items()):
        values[key], first = scalars.of(load, "fixed")
        before.append(replace(instance, name=f"{instance.name}_fixed{number}", statement=first))
    return between(before, loop, values, [])


def fixed_reads(
    loop: Loop, around: Sequence[Loop], overlapping: frozenset[str], *, every: bool = False
) -> dict[str, tuple[Instance, Load]]:
    """Return the elements of arrays that `loop` stores elsewhere, and where it reads them.

    They are read in every iteration, outside of conditions, so they are there if there is one.
    With `every` those of other arrays, too.
    """
    if any(isinstance(each, Loop) for each in walk_nodes(loop.body)) or not _takes_its_range(loop):
        return {}
    stored: dict[str, list[Cell | None]] = {}
    for instance, place in _places(walk_nodes(loop.body)):
        if isinstance(place, Store):
            stored.setdefault(place.array, []).append(cell_of(instance, place))
    found: dict[str, tuple[Instance, Load]] = {}
    for instance, place in _places(loop.body):
        if isinstance(place, Store) or place.array in overlapping:
            continue
        if place.array not in stored and not every:
            continue
        cell = cell_of(instance, place)
        if cell is None or moves(cell, loop):
            continue
        if all(differ(cell, each, (*around, loop)) for each in stored.get(place.array, ())):
            found.setdefault(key_of(place.array, cell), (instance, place))
    return found


def _places(nodes: Iterable[Node]) -> Iterator[tuple[Instance, Load | Store]]:
    """Yield what the statements among `nodes` read and store, in order."""
    for node in nodes:
        if isinstance(node, Instance):
            yield from ((node, place) for place in places_of(node.statement))


def _takes_its_range(loop: Loop) -> bool:
    """Return whether a loop inside a kernel runs from its first to its last bound by itself."""
    is_whole = loop.within is None and loop.stays is None and not loop.is_endless
    is_whole = is_whole and loop.lanes is None and loop.passes is None
    return is_whole and not loop.reductions and not loop.cells and not loop.private_arrays
