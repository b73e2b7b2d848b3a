"""Find what each loop carries: pairs of instances in different iterations on one cell.

Before:  S0[i]: a[i] = a[i - 1]        After:  flow on a, { S0[i] -> S0[i + 1] }, distance 1,
                                               carried by i

Memory-based dependences decide the verdict, since without renaming every two accesses to a
cell keep their order. A pair carries at the outermost loop whose iterations differ (Allen and
Kennedy, Optimizing Compilers for Modern Architectures, 2001, ch. 2). The relations are exact
for affine accesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.dependence import Dependence, Direction, Kind
from ..model.indirect import indirect_value
from ..model.scop import Access, Scop, Statement
from .apart_rows import without_shared_rows
from .order import carried
from .same_iterations import Places, places, same_in_both

_Effect: TypeAlias = Literal["read", "write"]
_KINDS: dict[tuple[_Effect, _Effect], Kind] = {
    ("write", "read"): "flow",
    ("read", "write"): "anti",
    ("write", "write"): "output",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """All pairs (source, sink) of two statements on one array, in whatever order they run."""

    kind: Kind
    array: str
    source: Statement
    sink: Statement
    source_accesses: tuple[Access, ...]
    sink_accesses: tuple[Access, ...]
    relation: isl.Map
    within: frozenset[int]  # loops of which no two iterations meet in it


def find_conflicts(scop: Scop) -> tuple[Conflict, ...]:
    """Return every pair of statements with accesses to a common cell, one of them writing."""
    touches: dict[str, list[_Touch]] = {array.name: [] for array in scop.arrays}
    for statement in scop.statements:
        for name in dict.fromkeys(access.array for access in statement.accesses):
            touches[name].append(_touch(scop, statement, name))
    found = tuple(
        conflict for name, touched in touches.items() for conflict in _conflicts(name, touched)
    )
    if all(loop.data is None for loop in scop.loops):
        return found
    return tuple(each for each in (_apart(scop, each) for each in found) if each is not None)


def _apart(scop: Scop, conflict: Conflict) -> Conflict | None:
    """Return a conflict without pairs that bounds keep apart; None where none are left."""
    if scop.array(conflict.array).rank == 0:
        return conflict
    relation = without_shared_rows(scop, conflict.relation, conflict.source, conflict.sink)
    return None if relation.is_empty() else replace(conflict, relation=relation)


@dataclass(frozen=True, slots=True)
class _Touch:
    """A statement with accesses to an array; its cells for each effect that it has."""

    statement: Statement
    accesses: Mapping[_Effect, tuple[Access, ...]]
    cells: Mapping[_Effect, isl.Map]
    places: Mapping[_Effect, Places]


def _touch(scop: Scop, statement: Statement, array: str) -> _Touch:
    effects: tuple[_Effect, ...] = ("read", "write")
    accesses = {effect: accesses_to(statement, array, effect) for effect in effects}
    touched = {effect: cells(statement, found) for effect, found in accesses.items() if found}
    plain = {effect: places(scop, statement, accesses[effect]) for effect in touched}
    return _Touch(statement, accesses, touched, plain)


def _conflicts(array: str, touched: list[_Touch]) -> Iterator[Conflict]:
    """Yield the conflicts on one array, by source, sink and kind."""
    relations: dict[tuple[int, _Effect, int, _Effect], isl.Map | None] = {}
    for (i, source), (j, sink) in product(enumerate(touched), repeat=2):
        for (first, second), kind in _KINDS.items():
            if first not in source.cells or second not in sink.cells:
                continue
            mirrored = relations.get((j, second, i, first))
            if (j, second, i, first) in relations:
                relation = None if mirrored is None else mirrored.reverse()
            else:
                pairs = source.cells[first].then(sink.cells[second].reverse())
                relation = None if pairs.is_empty() else pairs
            relations[i, first, j, second] = relation
            if relation is not None:
                yield Conflict(
                    kind=kind,
                    array=array,
                    source=source.statement,
                    sink=sink.statement,
                    source_accesses=source.accesses[first],
                    sink_accesses=sink.accesses[second],
                    relation=relation,
                    within=same_in_both(source.places[first], sink.places[second]),
                )


def accesses_to(statement: Statement, array: str, effect: _Effect) -> tuple[Access, ...]:
    """Return the reads, or the writes, of `array` in a statement."""
    return tuple(
        access
        for access in statement.accesses
        if access.array == array and (access.kind == "read") == (effect == "read")
    )


def is_indirect(access: Access) -> bool:
    """Return whether the cell that an instance touches is data: any cell, to the model."""
    return any(indirect_value(index) is not None for index in access.indices)


def cells(statement: Statement, accesses: tuple[Access, ...]) -> isl.Map:
    """Return instance -> cell for some accesses of a statement; at least one."""
    union = accesses[0].relation
    for access in accesses[1:]:
        union = union.union(access.relation)
    return union.intersect_domain(statement.domain)


def carried_by(scop: Scop, conflicts: tuple[Conflict, ...], loop: int) -> tuple[Conflict, ...]:
    """Return the part of the conflicts that `loop` carries; empty ones are left out."""
    found = []
    orders: dict[tuple[str, str], isl.Map] = {}
    for conflict in conflicts:
        if loop not in conflict.source.loops or loop not in conflict.sink.loops:
            continue
        if loop in conflict.within:
            continue
        ends = conflict.source.name, conflict.sink.name
        order = orders.get(ends)
        if order is None:
            order = orders[ends] = carried(scop, conflict.source, conflict.sink, loop)
        relation = conflict.relation.intersect(order)
        if not relation.is_empty():
            found.append(replace(conflict, relation=relation))
    return tuple(found)


def dependences(scop: Scop, conflict: Conflict, loop: int) -> Iterator[Dependence]:
    """Yield the dependences behind a carried conflict, one for each pair of accesses."""
    sources = _distinct(conflict.source_accesses)
    sinks = _distinct(conflict.sink_accesses)
    is_single = len(sources) == len(sinks) == 1
    for source in sources:
        for sink in sinks:
            relation = conflict.relation
            if not is_single:
                relation = relation.intersect(source.relation.then(sink.relation.reverse()))
            if is_single or not relation.is_empty():
                yield _dependence(scop, conflict, (source, sink, relation), loop)


def _distinct(accesses: tuple[Access, ...]) -> tuple[Access, ...]:
    """Return the accesses without those that touch the same cells from the same line."""
    if len(accesses) == 1:
        return accesses
    return tuple({(each.span.line, str(each.relation)): each for each in accesses[::-1]}.values())[
        ::-1
    ]


def _dependence(
    scop: Scop, conflict: Conflict, found: tuple[Access, Access, isl.Map], loop: int
) -> Dependence:
    source, sink, relation = found
    distance, direction = _vector(scop, conflict, relation, loop)
    return Dependence(
        kind=conflict.kind,
        array=conflict.array,
        source=conflict.source.name,
        sink=conflict.sink.name,
        source_span=source.span,
        sink_span=sink.span,
        relation=relation,
        carried_by=loop,
        distance=distance,
        direction=direction,
    )


def _vector(
    scop: Scop, conflict: Conflict, relation: isl.Map, carrier: int
) -> tuple[tuple[int, ...] | None, tuple[Direction, ...]]:
    common = [loop for loop in conflict.source.loops if loop in conflict.sink.loops]
    distances: list[int | None] = []
    directions: list[Direction] = []
    for level, loop in enumerate(common):
        is_same = level < scop.loops[carrier].depth or loop in conflict.within
        low, high = (0, 0) if is_same else relation.distances(level) or (None, None)
        step = scop.loops[loop].step
        if step < 0:
            low, high = (None if high is None else -high), (None if low is None else -low)
        constant = low is not None and low == high and low % abs(step) == 0
        distances.append(low // abs(step) if constant and low is not None else None)
        directions.append(_direction(low, high))
    known = tuple(each for each in distances if each is not None)
    return (known if len(known) == len(distances) else None), tuple(directions)


def _direction(low: int | None, high: int | None) -> Direction:
    if low is not None and low > 0:
        return "<"
    if high is not None and high < 0:
        return ">"
    return "=" if low == 0 and high == 0 else "*"
