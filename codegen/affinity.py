"""Whether the threads of a crew find what they read in their own caches.

Before:  for k: (parallel for i: for j: a[i, j] = ...), (parallel for j: r[j] = sum of a[i, j])
After:   False: each thread reads half of what the other one has written

In a loop of short launches a thread that takes the same part of each range finds there what it
wrote itself. Where one phase shares out rows and the next one columns, or reads them all in one
thread, every line of the cache that was written goes from core to core, which takes longer than
the arithmetic. Lines that are few beside the work of a phase are left out of account: those of an
array written by fewer loops than the phase has. (Data and computation partitions that agree:
Anderson and Lam, Global optimizations for parallelism and locality, PLDI 1993.)
"""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.loop_ir import Name, walk_expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Store, places_of

from .elements import Cell, cell_of
from .kernel import Instance, Loop, Node, walk_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    """A place of an array in a phase."""

    array: str
    is_stored: bool
    loops: frozenset[str]  # of the phase, that it moves with
    shared: frozenset[int]  # the subscripts that move with the loop that is shared out
    around: frozenset[str]  # loops that any place of the statement moves with


def finds_its_own(phases: tuple[tuple[Node, ...], ...]) -> bool:
    """Return whether parts of all phases that touch an array touch the same part of it.

    A phase is one shared loop, or what one thread runs.
    """
    accesses = [each for nodes in phases for each in _accesses(nodes)]
    depth = max((len(each.around) for each in accesses), default=0)
    written = [each for each in accesses if each.is_stored and len(each.loops) == depth]
    return all(
        store.array != other.array or len(other.loops) < depth or store.shared & other.shared
        for store in written
        for other in accesses
    )


def _accesses(nodes: tuple[Node, ...]) -> Iterator[_Access]:
    first = nodes[0]
    shared = first.iterator if isinstance(first, Loop) and first.is_parallel else None
    loops = {each.iterator for each in walk_nodes(nodes) if isinstance(each, Loop)}
    for instance in walk_nodes(nodes):
        if not isinstance(instance, Instance):
            continue
        places = [(place, cell_of(instance, place)) for place in places_of(instance.statement)]
        # What is at a place that is data is left out.
        named = [(place, _named(cell, loops)) for place, cell in places if cell is not None]
        around = frozenset(name for _, each in named for names in each for name in names)
        for place, each in named:
            yield _Access(
                array=place.array,
                is_stored=isinstance(place, Store),
                loops=frozenset().union(*each),
                shared=frozenset(at for at, names in enumerate(each) if shared in names),
                around=around,
            )


def _named(cell: Cell, loops: set[str]) -> list[frozenset[str]]:
    """Return which of `loops` each subscript moves with."""
    return [
        frozenset(each.name for each in walk_expression(index) if isinstance(each, Name)) & loops
        for index in cell
    ]
