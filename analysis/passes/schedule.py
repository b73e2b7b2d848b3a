"""Choose an order for the instances of a region, and say which dimensions of time are parallel.

The order is the source program's own; a dimension is coincident for the statements of a loop
whose verdict is parallel (Bondhugula et al., A practical automatic polyhedral parallelizer and
locality optimizer, PLDI 2008, calls such a dimension communication-free).
"""

from __future__ import annotations

from ..model.plan import LoopPlan, Schedule, ScheduleDimension
from ..model.scop import Scop
from .order import original_schedule
from .storage import Storage


def find_schedule(
    scop: Scop,
    loops: tuple[LoopPlan, ...],
    holding: frozenset[int],
    *,
    may_copy: bool = True,
) -> Schedule:
    """Return the schedule of a region whose conditional loops in `holding` are parallel.

    `may_copy`: whether loops that need private copies of arrays count as parallel.
    """
    parallel = frozenset(
        plan.loop
        for plan in loops
        if _is_parallel(plan, holding) and (may_copy or not plan.private_arrays)
    )
    reduced = frozenset(
        plan.loop
        for plan in loops
        # What is asked of the data, for a reduction, is whether it is none.
        if plan.is_reducible
        and (plan.verdict == "reduction" or _holds(plan, holding))
        and (may_copy or not plan.private_arrays)
    )
    copied = frozenset(
        plan.loop
        for plan in loops
        if may_copy
        and plan.kept_arrays
        and not (plan.verdict == "conditional" and _holds(plan, holding))
    )
    reduced |= copied
    depth = max(len(statement.loops) for statement in scop.statements)
    dimensions: list[ScheduleDimension] = []
    for level in range(depth):
        free = (parallel, reduced, copied)
        dimensions += [_textual(), _of_loops(scop, loops, free, level)]
    dimensions.append(_textual())
    return Schedule(
        relation=original_schedule(scop),
        dimensions=tuple(dimensions),
        local=_local(scop, parallel),
    )


def _local(scop: Scop, parallel: frozenset[int]) -> frozenset[str]:
    """Return the scalars whose values stay within an iteration of an outermost parallel loop."""
    storage = Storage(scop)
    found = set()
    for name in (array.name for array in scop.arrays if not array.rank):
        if name in scop.live_in or name in scop.live_out:
            continue
        around = {
            next((loop for loop in each.loops if loop in parallel), None)
            for each in scop.statements
            if any(access.array == name for access in each.accesses)
        }
        if all(loop is not None and storage.is_local(name, loop) for loop in around):
            found.add(name)
    return frozenset(found)


def _textual() -> ScheduleDimension:
    return ScheduleDimension(is_textual=True, iterators=(), coincident=frozenset())


def _of_loops(
    scop: Scop,
    loops: tuple[LoopPlan, ...],
    free: tuple[frozenset[int], frozenset[int], frozenset[int]],
    level: int,
) -> ScheduleDimension:
    parallel, reducible, copied = free
    inside = [statement for statement in scop.statements if len(statement.loops) > level]
    left = dict.fromkeys(
        number for each in inside if (number := each.loops[level]) not in parallel | reducible
    )
    scanned = [number for number in left if loops[number].scans]
    renamed = [number for number in left if loops[number].renamings]
    reduced = dict.fromkeys(number for each in inside if (number := each.loops[level]) in reducible)
    return ScheduleDimension(
        is_textual=False,
        iterators=tuple((each.name, scop.loops[each.loops[level]].variable) for each in inside),
        coincident=frozenset(each.name for each in inside if each.loops[level] in parallel),
        private_arrays=tuple(
            (each.name, array)
            for each in inside
            if each.loops[level] in parallel | reducible
            for array in loops[each.loops[level]].private_arrays
        ),
        reducible=frozenset(each.name for each in inside if each.loops[level] in reduced),
        reductions=tuple(
            each for number in reduced for each in (*loops[number].reductions, *loops[number].kept)
        ),
        kept_arrays=tuple(
            (each.name, array)
            for each in inside
            if each.loops[level] in copied
            for array in loops[each.loops[level]].kept_arrays
        ),
        scannable=frozenset(each.name for each in inside if each.loops[level] in scanned),
        scans=tuple(scan for number in scanned for scan in loops[number].scans),
        renamable=frozenset(each.name for each in inside if each.loops[level] in renamed),
        renamings=tuple(one for number in renamed for one in loops[number].renamings),
    )


def _is_parallel(plan: LoopPlan, holding: frozenset[int]) -> bool:
    return plan.is_coincident and _holds(plan, holding)


def _holds(plan: LoopPlan, holding: frozenset[int]) -> bool:
    return plan.condition is None or plan.loop in holding
