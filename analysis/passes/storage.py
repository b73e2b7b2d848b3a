"""Find scalars that every iteration of a loop writes before it reads: private ones.

Before:  for i: t = x[i]; y[i] = t * t      t carries anti and output dependences
After:   for i: t private; same body        nothing carried

Feautrier, Array expansion, ICS 1988. Value-based flow decides: a scalar is private when every
read sees a value written in the same iteration. Arrays are left alone here.
"""

from __future__ import annotations

from ..model import isl
from ..model.scop import Scop, Statement
from .dependences import accesses_to, cells
from .order import original_schedule, same_iteration


def scalar_flow(scop: Scop, name: str) -> tuple[isl.Map, ...]:
    """Return the value-based flow dependences of one scalar, per pair of statements."""
    writes = _relations(scop, name, "write")
    reads = _relations(scop, name, "read")
    if not writes or not reads:
        return ()
    schedule = original_schedule(scop)
    return isl.value_based_flow(isl.UnionMap.of(writes), isl.UnionMap.of(reads), schedule).maps()


def _relations(scop: Scop, name: str, effect: str) -> tuple[isl.Map, ...]:
    found = []
    for statement in scop.statements:
        accesses = accesses_to(statement, name, effect)  # type: ignore[arg-type]  # one of two literals
        if accesses:
            found.append(cells(statement, accesses))
    return tuple(found)


def is_private(scop: Scop, name: str, loop: int, flow: tuple[isl.Map, ...]) -> bool:
    """Return whether every read of `name` in `loop` sees a value of its own iteration."""
    for sink in scop.statements_in(loop):
        if not accesses_to(sink, name, "read"):
            continue
        exposed = sink.domain
        for source in scop.statements_in(loop):
            within = same_iteration(scop, source, sink, loop)
            for pairs in flow:
                if pairs.source_name == source.name and pairs.sink_name == sink.name:
                    exposed = exposed.subtract(pairs.intersect(within).range())
        if not exposed.is_empty():
            return False
    return True


def is_written_each_iteration(scop: Scop, name: str, loop: int) -> bool:
    """Return whether every iteration of `loop` writes `name`, so that the last one does."""
    missing = scop.loops[loop].iterations
    for statement in scop.statements_in(loop):
        if any(access.kind == "must_write" for access in accesses_to(statement, name, "write")):
            missing = missing.subtract(_iterations(scop, statement, loop))
    return missing.is_empty()


def _iterations(scop: Scop, statement: Statement, loop: int) -> isl.Set:
    """Return the iterations of `loop` (with its outer loops) in which `statement` runs."""
    depth = scop.loops[loop].depth + 1
    names = statement.domain.dimensions
    onto = isl.Map.parse(
        f"{{ {statement.name}[{', '.join(names)}] -> [{', '.join(names[:depth])}] }}"
    )
    return onto.intersect_domain(statement.domain).range()


def is_read_outside(scop: Scop, name: str, loop: int, flow: tuple[isl.Map, ...]) -> bool:
    """Return whether a value of `name` written in `loop` is read after it, or lives on."""
    inside = {statement.name for statement in scop.statements_in(loop)}
    if name in scop.live_out:
        return True
    return any(pairs.source_name in inside and pairs.sink_name not in inside for pairs in flow)
