"""What a loop is, at one call, by what it really did: recording, loop -> `Truth`.

Before:  for i in range(n): t = b[i]; s += t; a[i + k] = a[i]          run with n = 5, k = 1
After:   sequential: a value of `a` flows from one iteration to a later one

The exact answer, by value-based dependences between iterations of one execution of the loop:

sequential  a value that one iteration wrote last is read by a later one, and not by an associative update
            of its own cell alone.
reduction   such values flow, but only from an update into the same cell by the same operator; nothing else
            in the loop touches these cells.
storage     nothing flows, but cells of an array are written and touched by different iterations (anti, output).
            Renaming may remove that, it need not: the loop is sequential as written, and parallel or a
            reduction for one who says which arrays he makes private or renames.
parallel    nothing of all that. Scalars that carry anti or output dependences only are private: an iteration
            reads its own value or the one from before the loop, the last one that wrote leaves its value.
            So is an array that is a row buffer: an iteration reads of it only what it wrote itself, and the last
            iteration that writes to it leaves all of its cells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from tests.recording import Cell, Event, Loop, Recording
from tests.updates import Place, Update, updates_of

Kind = Literal["parallel", "reduction", "storage", "sequential"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The exact answer for one loop at one call, with the names behind it."""

    kind: Kind
    flowing: frozenset[
        str
    ]  # variables whose values go from iteration to iteration, reductions apart
    reduced: frozenset[str]
    renamed: frozenset[str]  # arrays that carry anti or output dependences only
    buffers: frozenset[str]  # arrays that have to be private
    private: frozenset[str]  # scalars that have to be private
    started: frozenset[str]  # those of them that some iteration reads as they were before the loop
    carrying: frozenset[str]  # all variables with a conflict between iterations


@dataclass(slots=True)
class _Visits:
    """The accesses to one cell in one execution of the loop, as far as they matter."""

    is_written: bool = False
    last_write: int | None = None
    lone: int | None = None  # the only iteration so far, -1 after a second one
    reads_outside: bool = False  # some iteration reads what it did not write
    is_read: bool = False
    flows: bool = False
    readers: set[int] = field(default_factory=set)
    writers: set[int] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    places: set[Place] = field(default_factory=set)

    def add(self, number: int, event: Event) -> None:
        self.names.add(event.variable)
        self.places.add((event.line, event.column))
        self.lone = number if self.lone in {None, number} else -1
        if event.kind == "write":
            self.is_written = True
            self.writers.add(number)
            self.last_write = number
        else:
            self.is_read = True
            self.readers.add(number)
            self.reads_outside |= self.last_write != number
            self.flows |= self.last_write is not None and self.last_write != number

    @property
    def conflicts(self) -> bool:
        return self.is_written and self.lone == -1


_Key = tuple[int, Cell]


def truth(recording: Recording, loop: Loop) -> Truth:
    """Return what `loop` is for the arguments of this recording."""
    visits = _visits(recording, loop)
    conflicting = {key: each for key, each in visits.items() if each.conflicts}
    reducing = _Reducing(updates_of(recording.source), visits)
    flowing, reduced = set[str](), set[str]()
    for each in conflicting.values():
        if each.flows:
            (reduced if reducing.explains(each) else flowing).update(each.names)
    still = {key: each for key, each in conflicting.items() if not each.flows}
    scalars = [each for (_, cell), each in still.items() if _is_scalar(cell)]
    private = {name for each in scalars for name in each.names}
    started = {name for each in scalars if each.reads_outside for name in each.names}
    arrays = {key: each for key, each in still.items() if not _is_scalar(key[1])}
    buffers = _buffers(arrays, visits)
    renamed = {name for each in arrays.values() for name in each.names} - buffers
    kind: Kind = "reduction" if reduced else "parallel"
    if renamed:
        kind = "storage"
    if flowing:
        kind = "sequential"
    return Truth(
        kind=kind,
        flowing=frozenset(flowing),
        reduced=frozenset(reduced),
        renamed=frozenset(renamed),
        buffers=frozenset(buffers),
        private=frozenset(private - flowing - reduced),
        started=frozenset(started - flowing - reduced),
        carrying=frozenset(name for each in conflicting.values() for name in each.names),
    )


def _is_scalar(cell: Cell) -> bool:
    return cell.space.startswith("name ")


def _visits(recording: Recording, loop: Loop) -> dict[_Key, _Visits]:
    found: dict[_Key, _Visits] = defaultdict(_Visits)
    for event in recording.events:
        for step in event.steps:
            if step.loop == loop:
                for cell in event.cells:
                    found[step.entry, cell].add(step.number, event)
                break
    return found


def _buffers(arrays: dict[_Key, _Visits], visits: dict[_Key, _Visits]) -> set[str]:
    """Return the arrays that are written before they are read in each iteration, and refilled by the last one."""
    touched: dict[tuple[int, str], list[_Visits]] = defaultdict(list)
    for (entry, cell), each in visits.items():
        touched[entry, cell.space].append(each)
    good, bad = set[str](), set[str]()
    for entry, space in {(entry, cell.space) for entry, cell in arrays}:
        cells = touched[entry, space]
        last = max(each.last_write or 0 for each in cells)
        is_refilled = all(each.last_write == last for each in cells if each.is_written)
        is_own = not any(each.reads_outside for each in cells)
        is_used = any(each.is_read for each in cells)
        names = {name for each in cells for name in each.names}
        (good if is_refilled and is_own and is_used else bad).update(names)
    return good - bad


class _Reducing:
    """The updates of a program that nothing in the loop interferes with."""

    def __init__(self, updates: Iterable[Update], visits: dict[_Key, _Visits]) -> None:
        scalars = {
            (name, place)
            for (_, cell), each in visits.items()
            if _is_scalar(cell)
            for name in each.names
            for place in each.places
        }
        self._updates: dict[tuple[str, Place], Update] = {
            (each.variable, place): each
            for each in updates
            if _is_alone(each, scalars)
            for place in each.places
        }

    def explains(self, cell: _Visits) -> bool:
        """Return whether all that touches `cell` are updates by one operator."""
        if len(cell.names) != 1:
            return False
        (name,) = cell.names
        found = {self._updates.get((name, place)) for place in cell.places}
        known = {each for each in found if each is not None}
        if len(known) < len(found) or len({each.operator for each in known}) != 1:
            return False
        # Spelled in two ways, it is an update only where it alone touches the cell, to read and to write it.
        is_loose = any(each.is_loose for each in known)
        return not is_loose or (len(known) == 1 and cell.readers == cell.writers)


def _is_alone(update: Update, scalars: Collection[tuple[str, Place]]) -> bool:
    """Return whether the names captured by `update` are touched nowhere else."""
    names = {name for name, _ in update.captured}
    return all(each in update.captured for each in scalars if each[0] in names)
