"""Ground truth by enumeration: what one run of a loop really did -> conflicts, flow, verdict.

Before:  for i in range(1, n): a[i] = a[i - 1]      run with n = 5
After:   flow on a, carried by i, distance (1,)     the loop is sequential

Everything is derived from the recorded events of `tests.recording`; nothing of the project under test is used.
The truth is that of one call: a loop that is conditional shows one side of its condition at a time.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tests.recording import Cell, Event, Loop, Recording, record
from tests.truth import Truth, truth

__all__ = [
    "Conflict",
    "Flow",
    "Loop",
    "Recording",
    "Verdict",
    "conflicts",
    "flows",
    "is_parallel",
    "is_reduction",
    "loops_of",
    "private_scalars",
    "record",
    "reduced_variables",
    "verdict",
]

Kind = Literal["flow", "anti", "output"]
Verdict = Literal["parallel", "reduction", "sequential"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Conflict:
    """Two accesses to one cell in different iterations of a loop, at least one a write."""

    kind: Kind
    variable: str  # the name used by the earlier access
    source_line: int
    sink_line: int
    sink_variable: str  # differs from `variable` where two names overlap in memory


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Flow:
    """A value that one iteration wrote last and a later one reads."""

    variable: str
    source_line: int
    sink_line: int
    distance: tuple[int, ...]  # in iterations, over all loops around both accesses, outermost first
    value_distance: tuple[int, ...]  # the same in values of the loop variables


class _Visit(NamedTuple):
    """One access to one cell, with the iteration of the loop in question."""

    number: int
    event: Event


class _Pair(NamedTuple):
    """A conflict with its two events."""

    source: Event
    sink: Event


def loops_of(source: str) -> tuple[Loop, ...]:
    """Return every `for` statement of `source`, in the order of the text."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.For)]
    return tuple(sorted(Loop(node.lineno, node.col_offset) for node in found))


def conflicts(recording: Recording, loop: Loop) -> frozenset[Conflict]:
    """Return all memory-based conflicts carried by `loop`, outer loops' iterations held fixed."""
    return frozenset(_conflict(pair) for pair in _carried_pairs(recording, loop))


def flows(recording: Recording, loop: Loop) -> frozenset[Flow]:
    """Return the value-based flow dependences carried by `loop`: each read with the last write before it."""
    last_write: dict[Cell, Event] = {}
    found: set[Flow] = set()
    for event in recording.events:
        for cell in event.cells:
            source = last_write.get(cell)
            if event.kind == "write":
                last_write[cell] = event
            elif source is not None and _carrier(source, event) == loop:
                found.add(_flow(source, event))
    return frozenset(found)


def private_scalars(recording: Recording, loop: Loop) -> frozenset[str]:
    """Return the scalars that conflict in `loop` only because all iterations share their name."""
    found = truth(recording, loop)
    return found.private - found.started


def is_parallel(recording: Recording, loop: Loop, private: Collection[str] = ()) -> bool:
    """Return whether the iterations of `loop` may run in any order once scalars are private.

    `private` names what is made private although more is needed than a name of its own: arrays that carry no
    flow, scalars that start with their values from before the loop.
    """
    found = truth(recording, loop)
    return not found.reduced and _is_free(found, private)


def is_reduction(recording: Recording, loop: Loop, private: Collection[str] = ()) -> bool:
    """Return whether `loop` is parallel but for the variables that it reduces, and reduces at least one."""
    found = truth(recording, loop)
    return bool(found.reduced) and _is_free(found, private)


def _is_free(found: Truth, private: Collection[str]) -> bool:
    return not found.flowing and found.buffers | found.renamed | found.started <= {*private}


def reduced_variables(recording: Recording, loop: Loop) -> frozenset[str]:
    """Return the variables whose updates are all that `loop` carries; empty where it carries more or nothing."""
    return truth(recording, loop).reduced if is_reduction(recording, loop) else frozenset()


def verdict(recording: Recording, loop: Loop, private: Collection[str] = ()) -> Verdict:
    """Return the true verdict of `loop` for the arguments of this recording."""
    if is_parallel(recording, loop, private):
        return "parallel"
    return "reduction" if is_reduction(recording, loop, private) else "sequential"


def _visits(recording: Recording, loop: Loop) -> dict[tuple[int, Cell], list[_Visit]]:
    """Return the accesses inside `loop`, grouped by execution of the loop and by cell, in time order."""
    groups: dict[tuple[int, Cell], list[_Visit]] = defaultdict(list)
    for event in recording.events:
        for step in event.steps:
            if step.loop == loop:
                for cell in event.cells:
                    groups[step.entry, cell].append(_Visit(step.number, event))
    return groups


def _carried_pairs(recording: Recording, loop: Loop) -> list[_Pair]:
    """Return one witness for each pair of accesses that conflict in different iterations of `loop`.

    Time order is iteration order, so two places of the code conflict in one cell exactly when the first
    iteration of the one comes before the last iteration of the other.
    """
    pairs = []
    for visits in _visits(recording, loop).values():
        if all(visit.event.kind == "read" for visit in visits):
            continue
        first: dict[tuple[str, str, int, int], _Visit] = {}
        last: dict[tuple[str, str, int, int], _Visit] = {}
        for visit in visits:
            event = visit.event
            place = event.kind, event.variable, event.line, event.column
            first.setdefault(place, visit)
            last[place] = visit
        pairs += [
            _Pair(source.event, sink.event)
            for source in first.values()
            for sink in last.values()
            if source.number < sink.number and "write" in (source.event.kind, sink.event.kind)
        ]
    return pairs


def _conflict(pair: _Pair) -> Conflict:
    match pair.source.kind, pair.sink.kind:
        case "write", "read":
            kind: Kind = "flow"
        case "read", "write":
            kind = "anti"
        case _:
            kind = "output"
    return Conflict(
        kind=kind,
        variable=pair.source.variable,
        source_line=pair.source.line,
        sink_line=pair.sink.line,
        sink_variable=pair.sink.variable,
    )


def _carrier(source: Event, sink: Event) -> Loop | None:
    """Return the outermost loop in whose one execution the two events have different iterations."""
    for before, after in zip(source.steps, sink.steps, strict=False):
        if before.entry != after.entry:
            return None
        if before.number != after.number:
            return before.loop
    return None


def _flow(source: Event, sink: Event) -> Flow:
    common = []
    for before, after in zip(source.steps, sink.steps, strict=False):
        if before.loop != after.loop:
            break
        common.append((before, after))
    return Flow(
        variable=sink.variable,
        source_line=source.line,
        sink_line=sink.line,
        distance=tuple(after.number - before.number for before, after in common),
        value_distance=tuple(
            after.value - before.value
            for before, after in common
            if isinstance(before.value, int) and isinstance(after.value, int)
        ),
    )
