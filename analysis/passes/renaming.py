"""Find arrays that a loop only overwrites: anti and output dependences of a bounded distance.

Before:  for i in range(n - 1): a[i] = a[i + 1] + b[i]      the next iteration overwrites a[i + 1]
After:   Renaming(a, reads S0 a[i + 1], reach 1)    whoever keeps one old element for each part of
                                                    the loop may run the parts in any order
Before:  for i in range(n): a[i] = b[i]; a[i + 1] = c[i]    and here what S1 has stored
After:   Renaming(a, stores S1, reach 1)    nobody has to see what S1 stores at the end of a part

Cytron and Ferrante, What's in a name?, ICPP 1987, rename all that is overwritten; we keep the
array, copy what parts of the loop read beyond their end, and leave out what they store there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from ..model import isl
from ..model.dependence import Renaming
from ..model.scop import Access, Scop, Statement
from .dependences import Conflict, accesses_to, cells, is_indirect
from .order import earlier, same_iteration
from .trip_counts import with_later_turns

# Iterations: what is put aside for each part has to be small beside the part.
FARTHEST = 64


def find_renamings(scop: Scop, loop: int, blocking: tuple[Conflict, ...]) -> tuple[Renaming, ...]:
    """Return what removes all of `blocking`, which `loop` carries; () where something stays."""
    if any(each.kind == "flow" for each in blocking):
        return ()
    found = []
    for name in dict.fromkeys(each.array for each in blocking):
        own = tuple(each for each in blocking if each.array == name)
        renaming = _renaming(scop, name, loop, own)
        if renaming is None:
            return ()
        found.append(renaming)
    return tuple(found)


def _renaming(scop: Scop, name: str, loop: int, conflicts: tuple[Conflict, ...]) -> Renaming | None:
    array = scop.array(name)
    if array.rank == 0 or array.is_base:
        return None
    reach = _reach(scop, loop, conflicts)
    if reach is None or reach > FARTHEST:
        return None
    reads = tuple(_overwritten_reads(conflicts))
    stores = _distinct(each.source for each in conflicts if each.kind == "output")
    inside = tuple(each for each in scop.statements_in(loop) if accesses_to(each, name, "write"))
    for reader, access in reads:
        if is_indirect(access) or _follows_a_write(scop, (reader, access), inside, loop):
            return None
    # Who reads what is stored and then overwritten reads it before that, and is one of `reads`.
    if not all(_is_overwritten(scop, each, loop, reach, conflicts) for each in stores):
        return None
    return Renaming(
        array=name,
        reads=tuple(dict.fromkeys((reader.name, access.indices) for reader, access in reads)),
        stores=tuple(each.name for each in stores),
        reach=reach,
    )


def _reach(scop: Scop, loop: int, conflicts: tuple[Conflict, ...]) -> int | None:
    """Return how many turns lie between the ends of a conflict at most; None without a limit."""
    shape, reach = scop.loops[loop], 0
    for each in conflicts:
        low, high = each.relation.distances(shape.depth) or (0, 0)
        if low is None or high is None:
            return None
        reach = max(reach, abs(low), abs(high))
    return -(-reach // abs(shape.step))


def _overwritten_reads(conflicts: tuple[Conflict, ...]) -> Iterator[tuple[Statement, Access]]:
    """Yield the reads of elements that a later iteration overwrites."""
    for each in conflicts:
        if each.kind == "anti":
            overwritten = cells(each.sink, each.sink_accesses).reverse()
            for access in each.source_accesses:
                pairs = cells(each.source, (access,)).then(overwritten)
                if not pairs.intersect(each.relation).is_empty():
                    yield each.source, access


def _follows_a_write(
    scop: Scop, read: tuple[Statement, Access], writers: tuple[Statement, ...], loop: int
) -> bool:
    """Return whether an element that is read was written before, in the same iteration.

    In an earlier one it was not, as the caller knows.
    """
    reader, access = read
    touched = cells(reader, (access,)).reverse()
    for writer in writers:
        pairs = cells(writer, accesses_to(writer, access.array, "write")).then(touched)
        if not pairs.intersect(_earlier_in_iteration(scop, writer, reader, loop)).is_empty():
            return True
    return False


def _is_overwritten(
    scop: Scop, writer: Statement, loop: int, reach: int, conflicts: tuple[Conflict, ...]
) -> bool:
    """Return whether all that a statement stores is overwritten, where `reach` turns follow."""
    sure = tuple(
        each.relation.domain()
        for each in conflicts
        if each.kind == "output" and each.source.name == writer.name
        # What has predicates need not run.
        if all(access.kind == "must_write" for access in each.sink_accesses)
        if not any(is_indirect(access) for access in each.sink_accesses)
    )
    if not sure:
        return False
    overwritten = functools.reduce(isl.Set.union, sure)
    followed = writer.domain.within(with_later_turns(scop, loop, reach))
    return followed.intersect_params(scop.context).is_subset(overwritten)


def _earlier_in_iteration(scop: Scop, writer: Statement, reader: Statement, loop: int) -> isl.Map:
    return earlier(scop, writer, reader).intersect(same_iteration(scop, writer, reader, loop))


def _distinct(statements: Iterator[Statement]) -> tuple[Statement, ...]:
    """Return the statements in the order of the source, each once."""
    found = {each.name: each for each in statements}
    return tuple(sorted(found.values(), key=lambda each: int(each.name[1:])))
