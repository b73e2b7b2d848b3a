"""Find arrays that every iteration of a loop writes before it reads: private ones.

Before:  for i: for j: t[j] = x[i, j]            i carries output, anti and false flow
                for j: y[i, j] = t[j] + t[m-1-j]     dependences on t
After:   t private to an iteration of i; same body         i carries nothing

Feautrier, Array expansion, ICS 1988; Maydan, Amarasinghe and Lam, Array data-flow analysis and
its use in array privatization, POPL 1993. A read is exposed when no earlier write of its own
iteration reaches its cell. Once every iteration has a copy, what is left of the conflicts are
those of exposed reads with writes of other iterations. Exact for affine accesses.

The copies vanish with their iterations, so the array must get back what the loop leaves in it.
We ask that the last iteration writes all that any iteration writes: it then runs on the array
itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

from ..model import isl
from ..model.plan import PrivateArray
from ..model.scop import Access, Scop, Statement
from .dependences import Conflict, accesses_to, cells
from .order import earlier_in_iteration


@dataclass(frozen=True, slots=True, kw_only=True)
class Privatization:
    """What a loop carries on one array once its iterations have copies of it."""

    array: PrivateArray
    left: tuple[Conflict, ...]


def privatize(scop: Scop, carried: tuple[Conflict, ...], loop: int) -> Privatization | None:
    """Return what private copies leave of all that `loop` carries on one array.

    None where they remove nothing, or where the last value would be lost.
    """
    if not any(each.kind == "output" for each in carried):
        return None  # each cell belongs to one iteration: nothing to keep apart
    name = carried[0].array
    reads = {
        each.name: exposed_reads(scop, each, name, loop)
        for each in scop.statements_in(loop)
        if accesses_to(each, name, "read")
    }
    left = tuple(
        conflict
        for each in carried
        if each.kind != "output"
        and not (conflict := _exposed_part(each, reads)).relation.is_empty()
    )
    if left and blocked_by(carried).is_subset(blocked_by(left)):
        return None
    if not last_iteration_writes_all(scop, name, loop):
        return None
    starts_filled = any(not each.is_empty() for each in reads.values())
    return Privatization(array=PrivateArray(name=name, starts_filled=starts_filled), left=left)


def exposed_reads(scop: Scop, sink: Statement, array: str, loop: int) -> isl.Map:
    """Return instance -> cell for the reads of `array` that no write of their iteration reaches."""
    exposed = cells(sink, accesses_to(sink, array, "read"))
    for source in scop.statements_in(loop):
        writes = _surely(accesses_to(source, array, "write"))
        earlier = earlier_in_iteration(scop, source, sink, loop) if writes else None
        if earlier is not None:
            exposed = exposed.subtract(earlier.reverse().then(cells(source, writes)))
    return exposed


def _exposed_part(conflict: Conflict, reads: dict[str, isl.Map]) -> Conflict:
    """Return the pairs of a flow or anti conflict whose read is exposed."""
    if conflict.kind == "flow":
        writes = cells(conflict.source, conflict.source_accesses)
        pairs = writes.then(reads[conflict.sink.name].reverse())
    else:
        writes = cells(conflict.sink, conflict.sink_accesses)
        pairs = reads[conflict.source.name].then(writes.reverse())
    return replace(conflict, relation=conflict.relation.intersect(pairs))


def last_iteration_writes_all(scop: Scop, array: str, loop: int) -> bool:
    """Return whether the last iteration writes each cell of `array` that any iteration writes."""
    shape = scop.loops[loop]
    order: Literal["<", ">"] = "<" if shape.step > 0 else ">"
    inside = scop.statements_in(loop)
    iterations = reduce(isl.Set.union, [each.domain.outer(shape.depth + 1) for each in inside])
    last = iterations.latest(shape.depth, order)
    every = [
        cells(each, found).from_outer(shape.depth)
        for each in inside
        if (found := accesses_to(each, array, "write"))
    ]
    kept = [
        cells(each, found).intersect_domain(each.domain.within(last)).from_outer(shape.depth)
        for each in inside
        if (found := _surely(accesses_to(each, array, "write")))
    ]
    return bool(kept) and reduce(isl.Map.union, every).is_subset(reduce(isl.Map.union, kept))


def _surely(accesses: tuple[Access, ...]) -> tuple[Access, ...]:
    return tuple(each for each in accesses if each.kind == "must_write")


def blocked_by(conflicts: tuple[Conflict, ...]) -> isl.Set:
    """Return the parameter values for which there are any pairs; at least one conflict."""
    return reduce(isl.Set.union, [each.relation.params() for each in conflicts])
