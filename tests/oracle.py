"""Ground truth by enumeration: what one run of a loop really did -> conflicts, flow, verdict.

Before:  for i in range(1, n): a[i] = a[i - 1]      run with n = 5
After:   flow on a, carried by i, distance (1,)     the loop is sequential

Everything is derived from the recorded events of `tests.recording`; nothing of the project under test is used.
The truth is that of one call: a loop that is conditional shows one side of its condition at a time.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tests.recording import Cell, Event, Loop, Recording, record

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

REDUCING = (ast.Add, ast.Mult, ast.BitOr, ast.BitAnd, ast.BitXor)


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
    """A conflict with its two events and their cell."""

    source: Event
    sink: Event
    cell: Cell
    entry: int


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
    pairs = _carried_pairs(recording, loop)
    shared = _exposed(recording, loop)
    private = {p.cell for p in pairs if p.source.is_scalar and (p.entry, p.cell) not in shared}
    needed = {p.cell for p in pairs if p.source.is_scalar and (p.entry, p.cell) in shared}
    return frozenset(cell.space.removeprefix("name ") for cell in private - needed)


def is_parallel(recording: Recording, loop: Loop, private_arrays: Collection[str] = ()) -> bool:
    """Return whether the iterations of `loop` may run in any order once scalars are private.

    A scalar may be private when every iteration that touches it writes it first. `private_arrays` names
    arrays whose cells are given the same chance.
    """
    return not _blocking_pairs(recording, loop, private_arrays)


def is_reduction(recording: Recording, loop: Loop) -> bool:
    """Return whether `loop` is parallel but for the variables that it reduces, and reduces at least one."""
    return bool(reduced_variables(recording, loop))


def reduced_variables(recording: Recording, loop: Loop) -> frozenset[str]:
    """Return the variables whose updates are all that `loop` carries; empty where it carries more or nothing."""
    statements = _Statements(recording.source)
    pairs = _blocking_pairs(recording, loop, ())
    names = {_reduced_by(pair, statements) for pair in pairs}
    if not names or None in names:
        return frozenset()
    # Cells that carry nothing may be used in any way: `a[j // 2] *= 0.5` beside `a[i] = p`.
    carried = {pair.cell for pair in pairs}
    used = {(pair.cell.space, statements.at(pair.source)) for pair in pairs}
    for space, statement in used:
        inside = [
            event
            for event in _inside(recording, loop)
            if event.cells[0].space == space and event.cells[0] in carried
        ]
        reads = sum(event.kind == "read" for event in inside)
        alone = all(statements.at(event) == statement for event in inside)
        if not alone or 2 * reads != len(inside):
            return frozenset()
    return frozenset(name for name in names if name is not None)


def verdict(recording: Recording, loop: Loop) -> Verdict:
    """Return the true verdict of `loop` for the arguments of this recording."""
    if is_parallel(recording, loop):
        return "parallel"
    return "reduction" if is_reduction(recording, loop) else "sequential"


def _inside(recording: Recording, loop: Loop) -> Iterator[Event]:
    return (e for e in recording.events if any(step.loop == loop for step in e.steps))


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
    for (entry, cell), visits in _visits(recording, loop).items():
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
            _Pair(source.event, sink.event, cell, entry)
            for source in first.values()
            for sink in last.values()
            if source.number < sink.number and "write" in (source.event.kind, sink.event.kind)
        ]
    return pairs


def _exposed(recording: Recording, loop: Loop) -> set[tuple[int, Cell]]:
    """Return the cells that some iteration of `loop` reads before it writes them, by execution of the loop."""
    exposed = set()
    for key, visits in _visits(recording, loop).items():
        started: set[int] = set()
        for visit in visits:
            if visit.number not in started and visit.event.kind == "read":
                exposed.add(key)
            started.add(visit.number)
    return exposed


def _blocking_pairs(
    recording: Recording, loop: Loop, private_arrays: Collection[str]
) -> list[_Pair]:
    exposed = _exposed(recording, loop)
    return [
        pair
        for pair in _carried_pairs(recording, loop)
        if (pair.entry, pair.cell) in exposed
        or not (
            pair.source.is_scalar or {pair.source.variable, pair.sink.variable} <= {*private_arrays}
        )
    ]


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


def _reduced_by(pair: _Pair, statements: _Statements) -> str | None:
    """Return the variable that the one statement on both ends of `pair` updates, None if it is no such pair."""
    place = statements.at(pair.source)
    if place is None or place != statements.at(pair.sink):
        return None
    return statements.updated(place)


class _Statements:
    """The simple statements of a source, found by the position of an access in them."""

    def __init__(self, source: str) -> None:
        self._simple = [
            node
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr | ast.Return)
        ]

    def at(self, event: Event) -> int | None:
        """Return the number of the statement that `event` happens in; None for the header of a loop or `if`."""
        place = event.line, event.column
        for number, node in enumerate(self._simple):
            end = node.end_lineno or node.lineno, node.end_col_offset or 0
            if (node.lineno, node.col_offset) <= place < end:
                return number
        return None

    def updated(self, number: int) -> str | None:
        """Return x where the statement is `x op= e` or `x = x op e` with an op that may be reordered."""
        match self._simple[number]:
            case ast.AugAssign(target=target, op=op, value=value):
                return _update(target, op, value)
            case ast.Assign(targets=[target], value=ast.BinOp(left=left, op=op, right=right)):
                same = ast.unparse(target)
                if ast.unparse(left) == same:
                    return _update(target, op, right)
                return _update(target, op, left) if ast.unparse(right) == same else None
            case _:
                return None


def _update(target: ast.expr, op: ast.operator, value: ast.expr) -> str | None:
    base = target.value if isinstance(target, ast.Subscript) else target
    if not isinstance(base, ast.Name) or not isinstance(op, REDUCING):
        return None
    reads = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    return None if base.id in reads else base.id
