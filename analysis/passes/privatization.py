"""Find arrays that every iteration of a loop writes before it reads: private ones.

Before:  for i: for j: t[j] = x[i, j]            i carries output, anti and false flow
                for j: y[i, j] = t[j] + t[m-1-j]     dependences on t
After:   t private to an iteration of i; same body         i carries nothing

Feautrier, Array expansion, ICS 1988; Maydan, Amarasinghe and Lam, Array data-flow analysis and
its use in array privatization, POPL 1993. A read is exposed when no earlier write of its own
iteration reaches its cell. Once every iteration has a copy, what is left of the conflicts are
those of exposed reads with writes of other iterations. Exact for affine accesses.

The copies vanish with their iterations, so the array must get back what the loop leaves in it.
Where the last iteration writes all that any iteration writes, it runs on the array itself; else
parts of the loop note what they write, and their last values are put back (`kept_arrays`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from typing import Literal

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.plan import PrivateArray
from ..model.scop import Array, Scop, Statement
from .affine import affine
from .certain_writes import certain_writers, exposed, exposed_cells
from .dependences import Conflict, accesses_to, cells, is_indirect
from .identifiers import Identifiers


@dataclass(frozen=True, slots=True, kw_only=True)
class Privatization:
    """What a loop carries on one array once its iterations have copies of it."""

    array: PrivateArray
    left: tuple[Conflict, ...]
    # Whether the last iteration leaves all elements as the loop does; if not, some keep the value
    # of an earlier one.
    is_left_by_last: bool = True


def privatize(scop: Scop, carried: tuple[Conflict, ...], loop: int) -> Privatization | None:
    """Return what private copies leave of all that `loop` carries on one array.

    None where they remove nothing.
    """
    name = carried[0].array
    if is_allocated_inside(scop, name, loop):
        return Privatization(array=PrivateArray(name=name, starts_filled=False), left=())
    if not any(each.kind == "output" for each in carried):
        return None  # each cell belongs to one iteration: nothing to keep apart
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
    starts_filled = any(not each.is_empty() for each in reads.values())
    return Privatization(
        array=PrivateArray(name=name, starts_filled=starts_filled),
        left=left,
        is_left_by_last=last_iteration_writes_all(scop, name, loop),
    )


def is_allocated_inside(scop: Scop, array: str, loop: int) -> bool:
    """Return whether each iteration of `loop` makes a new array of that name."""
    allocation = scop.array(array).allocation
    if allocation is None or allocation.within is None:
        return False
    around = next(each.loops for each in scop.statements if allocation.within in each.loops)
    return loop in around[: around.index(allocation.within) + 1]


def exposed_reads(scop: Scop, sink: Statement, array: str, loop: int | None) -> isl.Map:
    """Return instance -> cell for the reads of `array` that no write of their iteration reaches."""
    found: isl.Map | None = None
    for access in accesses_to(sink, array, "read"):
        own = cells(sink, (access,))
        if is_indirect(access):
            own = exposed_cells(scop, sink, own, array, loop)
        else:
            own = own.intersect_domain(exposed(scop, sink, own, array, loop))
        found = own if found is None else found.union(own)
    assert found is not None  # the caller asked
    return found


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
        each.cells.intersect_domain(each.last.domain.within(last)).from_outer(shape.depth)
        for each in certain_writers(scop, array)
        if loop in each.last.loops
    ]
    return bool(kept) and reduce(isl.Map.union, every).is_subset(reduce(isl.Map.union, kept))


def blocked_by(conflicts: tuple[Conflict, ...]) -> isl.Set:
    """Return the parameter values for which there are any pairs; at least one conflict."""
    return reduce(isl.Set.union, [each.relation.params() for each in conflicts])


def undefined_reads(scop: Scop, array: Array) -> Iterator[isl.Set]:
    """Yield when elements of an array that the region allocates are read without a value."""
    if array.allocation is None:
        return
    for statement in scop.statements:
        if accesses_to(statement, array.name, "read"):
            exposed = exposed_reads(scop, statement, array.name, array.allocation.within)
            exposed = exposed.intersect_range(_elements(scop, array, exposed.sink_name))
            if not exposed.is_empty():
                yield exposed.params()


def _elements(scop: Scop, array: Array, name: str) -> isl.Set:
    """Return the elements of an array that the region allocates."""
    assert array.allocation is not None  # the caller asked
    atoms = {parameter.word: parameter.name for parameter in scop.parameters}
    taken = Identifiers(atoms.values())
    places = [taken.fresh(f"x{axis}") for axis in range(array.rank)]
    tests = [
        f"0 <= {place} < {affine(size, atoms)}"
        for place, size in zip(places, array.allocation.extents, strict=True)
    ]
    parameters, cell = ", ".join(atoms.values()), ", ".join(places)
    return isl.Set.parse(f"[{parameters}] -> {{ {name}[{cell}] : {' and '.join(tests)} }}")
