"""Find arrays that a loop only overwrites: anti dependences of a bounded distance and nothing else.

Before:  for i in range(n - 1): a[i] = a[i + 1] + b[i]      the next iteration overwrites a[i + 1]
After:   Renaming(a, S0, reach 1)     whoever keeps one old element for each part of the loop may
                                      run the parts in any order

Cytron and Ferrante, What's in a name?, ICPP 1987, rename all that is overwritten; we keep the
array and copy what parts of the loop read beyond their end.
"""

from __future__ import annotations

from ..model import isl
from ..model.dependence import Renaming
from ..model.scop import Scop, Statement
from .dependences import Conflict, accesses_to, cells, is_indirect
from .order import earlier, same_iteration

# Iterations: what is put aside for each part has to be small beside the part.
FARTHEST = 64


def find_renamings(scop: Scop, loop: int, blocking: tuple[Conflict, ...]) -> tuple[Renaming, ...]:
    """Return what removes all of `blocking`, which `loop` carries; () where something stays."""
    if any(each.kind != "anti" for each in blocking):
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
    array, shape = scop.array(name), scop.loops[loop]
    if array.rank == 0 or array.is_base:
        return None
    reach = 0
    for each in conflicts:
        low, high = each.relation.distances(shape.depth) or (0, 0)
        if low is None or high is None:
            return None
        reach = max(reach, abs(low), abs(high))
    reach = -(-reach // abs(shape.step))
    readers = tuple({each.source.name: each.source for each in conflicts}.values())
    if reach > FARTHEST or not all(_reads_old_values(scop, each, name, loop) for each in readers):
        return None
    names = tuple(sorted((each.name for each in readers), key=lambda each: int(each[1:])))
    return Renaming(array=name, statements=names, reach=reach)


def _reads_old_values(scop: Scop, reader: Statement, name: str, loop: int) -> bool:
    """Return whether no element that a statement reads was written before, in its iteration.

    Nor in an earlier one, as the caller knows.
    """
    reads = accesses_to(reader, name, "read")
    if any(is_indirect(each) for each in reads):
        return False
    touched = cells(reader, reads)
    for writer in scop.statements_in(loop):
        writes = accesses_to(writer, name, "write")
        if not writes:
            continue
        pairs = cells(writer, writes).then(touched.reverse())
        if not pairs.intersect(_earlier_in_iteration(scop, writer, reader, loop)).is_empty():
            return False
    return True


def _earlier_in_iteration(scop: Scop, writer: Statement, reader: Statement, loop: int) -> isl.Map:
    return earlier(scop, writer, reader).intersect(same_iteration(scop, writer, reader, loop))
