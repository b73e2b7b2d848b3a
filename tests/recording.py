"""Run a Python function and write down every access: source text and arguments -> `Recording`.

Before:  for i in range(n): t = b[i]; a[i] = t
After:   for i in loop(1, 0, range(n)): t = value("t", b[i]); store("t"); a[i] = load("t", t)

Arrays become `RecordingArray`, which answers as NumPy does and notes each element by its byte address, so that
overlapping views meet in the same cells. Nothing of the project under test is imported here.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from tests.arguments import Array, address, byte_range, copy_arguments
from tests.instrument import instrument
from tests.recording_array import Kind, RecordingArray

FILE_NAME = "<recorded>"


class Loop(NamedTuple):
    """A `for` statement, by the position of its first character (column from 0)."""

    line: int
    column: int


class Cell(NamedTuple):
    """One unit of memory: `name s` for a scalar, else a granule of a group of overlapping arrays."""

    space: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One loop of an iteration vector."""

    loop: Loop
    entry: int  # unique for each time the loop statement was reached: equal means outer iterations are equal
    number: int  # 0, 1, 2, ... in execution order, whatever the range's start and step
    value: object  # what the loop variable was given


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One read or write of an array element or a scalar."""

    kind: Kind
    variable: str
    index: (
        tuple[int, ...] | None
    )  # after the wrap of negative subscripts; None for scalars and whole views
    cells: tuple[Cell, ...]
    line: int
    column: int
    steps: tuple[Step, ...]  # outermost loop first

    @property
    def is_scalar(self) -> bool:
        """Whether this is an access to a local name, not to an array."""
        return self.cells[0].space.startswith("name ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What one run did."""

    source: str
    events: tuple[Event, ...]
    returned: object
    exception: Exception | None  # what the function raised; the events end there
    arguments: tuple[object, ...]  # the copies the function worked on, as it left them


def record(source: str, arguments: Sequence[object], *, name: str | None = None) -> Recording:
    """Return the accesses of one call of the function `name` (by default the last one) in `source`.

    `arguments` are copied first, overlaps kept, so the caller's arrays stay as they are.
    """
    recorder = Recorder()
    tree, name = instrument(source, name)
    namespace = {"np": np, "numpy": np, "math": math} | recorder.hooks()
    exec(compile(tree, FILE_NAME, "exec"), namespace)
    function = namespace[name]
    copies = copy_arguments(arguments)
    parameters = function.__code__.co_varnames[: len(copies)]
    wrapped = [recorder.wrap(item, name) for item, name in zip(copies, parameters, strict=True)]
    returned, exception = None, None
    try:
        with np.errstate(all="ignore"):  # values do not matter here
            returned = recorder.unwrap(function(*wrapped))
    except Exception as error:  # noqa: BLE001 - the program's own failure is part of what is recorded
        exception = error
    return Recording(
        source=source,
        events=recorder.events(),
        returned=returned,
        exception=exception,
        arguments=tuple(copies),
    )


class _Access(NamedTuple):
    kind: Kind
    variable: str
    subscript: tuple[int, ...] | None
    addresses: tuple[int, ...]  # empty for a scalar
    size_bytes: int
    position: tuple[int, int]
    steps: tuple[Step, ...]


class Recorder:
    """The list of accesses of one run, and the hooks that the instrumented source calls."""

    def __init__(self) -> None:
        self._accesses: list[_Access] = []
        self._steps: tuple[Step, ...] = ()
        self._entries = 0
        self._kept: list[
            tuple[str, Array]
        ] = []  # alive to the end, so that no address is used twice
        self._positions: dict[tuple[CodeType, int], tuple[int, int]] = {}

    def hooks(self) -> dict[str, Any]:
        """Return the functions that `instrument` puts calls to."""
        return {
            "__loop__": self.loop,
            "__load__": self.load,
            "__store__": self.store,
            "__value__": self.value,
        }

    def loop(self, line: int, column: int, iterable: Iterable[object]) -> Iterator[object]:
        """Return the items of `iterable`, the iteration vector set while each is worked on."""
        outer, entry = self._steps, self._entries
        self._entries += 1
        return self._iterate(Loop(line, column), iterable, outer, entry)

    def _iterate(
        self, loop: Loop, iterable: Iterable[object], outer: tuple[Step, ...], entry: int
    ) -> Iterator[object]:
        try:
            for number, value in enumerate(iterable):
                self._steps = (*outer, Step(loop=loop, entry=entry, number=number, value=value))
                yield value
        finally:
            self._steps = outer

    def load(self, name: str, value: object) -> object:
        """Return `value`, its name noted as read."""
        self._note("read", name, None, (), 0)
        return value

    def store(self, name: str, value: object) -> object:
        """Return `value`, its name noted as written."""
        self._note("write", name, None, (), 0)
        return value

    def value(self, name: str, value: object) -> object:
        """Return `value`, wrapped where it is an array that a local name is about to get."""
        return self.wrap(value, name)

    def wrap(self, value: object, name: str) -> object:
        """Return a recording array for a plain array, anything else as it is."""
        if not isinstance(value, np.ndarray):
            return value
        self._kept.append((name, value))
        return RecordingArray(value, name, self)

    def unwrap(self, value: object) -> object:
        """Return the plain array of a recording array, tuples and lists looked into."""
        match value:
            case RecordingArray():
                return value.array
            case tuple() | list():
                return type(value)(self.unwrap(item) for item in value)
            case _:
                return value

    def touch(self, kind: Kind, name: str, cells: Array, size_bytes: int) -> None:
        """Note an access to all elements whose addresses are in `cells`."""
        if cells.size:
            self._note(kind, name, None, tuple(cells.ravel().tolist()), size_bytes)

    def element(self, kind: Kind, name: str, array: Array, index: tuple[int, ...]) -> None:
        """Note an access to one element; `index` is known to be in range."""
        resolved = tuple(i + n if i < 0 else i for i, n in zip(index, array.shape, strict=True))
        place = address(array) + sum(i * s for i, s in zip(resolved, array.strides, strict=True))
        self._note(kind, name, resolved, (place,), array.itemsize)

    def _note(
        self,
        kind: Kind,
        name: str,
        index: tuple[int, ...] | None,
        addresses: tuple[int, ...],
        size_bytes: int,
    ) -> None:
        position = self._position(sys._getframe(2))
        self._accesses.append(
            _Access(kind, name, index, addresses, size_bytes, position, self._steps)
        )

    def _position(self, frame: FrameType | None) -> tuple[int, int]:
        while frame is not None and frame.f_code.co_filename != FILE_NAME:
            frame = frame.f_back
        if frame is None:
            raise AssertionError("an access from outside the recorded function")
        key = frame.f_code, frame.f_lasti
        if key not in self._positions:
            line, _, column, _ = list(frame.f_code.co_positions())[frame.f_lasti // 2]
            self._positions[key] = (line or 0, column or 0)
        return self._positions[key]

    def events(self) -> tuple[Event, ...]:
        """Return the accesses so far, addresses resolved to cells of groups of overlapping arrays."""
        spaces = _Spaces(self._kept, self._accesses)
        return tuple(
            Event(
                kind=access.kind,
                variable=access.variable,
                index=access.subscript,
                cells=spaces.cells(access),
                line=access.position[0],
                column=access.position[1],
                steps=access.steps,
            )
            for access in self._accesses
        )


class _Spaces:
    """Groups of arrays that share bytes, each with a name and a granule that divides all its accesses."""

    def __init__(self, arrays: Sequence[tuple[str, Array]], accesses: Sequence[_Access]) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []
        names: list[set[str]] = []
        for name, (low, high) in sorted(_ranges(arrays), key=lambda item: item[1]):
            if self._highs and low < self._highs[-1]:
                self._highs[-1] = max(self._highs[-1], high)
                names[-1].add(name)
            else:
                self._lows.append(low)
                self._highs.append(high)
                names.append({name})
        self._labels = _distinct(["array " + "+".join(sorted(group)) for group in names])
        self._granules = [0] * len(names)
        for access in accesses:
            for place in access.addresses:
                group = self._group(place)
                offset = place - self._lows[group]
                self._granules[group] = math.gcd(self._granules[group], offset, access.size_bytes)

    def _group(self, place: int) -> int:
        group = bisect_right(self._lows, place) - 1
        if group < 0 or place >= self._highs[group]:
            raise AssertionError("an address of no array")
        return group

    def cells(self, access: _Access) -> tuple[Cell, ...]:
        """Return the cells that `access` covers."""
        if not access.addresses:
            return (Cell(f"name {access.variable}", 0),)
        return tuple(cell for place in access.addresses for cell in self._at(place, access))

    def _at(self, place: int, access: _Access) -> Iterator[Cell]:
        group = self._group(place)
        granule = self._granules[group]
        first = (place - self._lows[group]) // granule
        for number in range(first, first + access.size_bytes // granule):
            yield Cell(self._labels[group], number)


def _ranges(arrays: Sequence[tuple[str, Array]]) -> Iterator[tuple[str, tuple[int, int]]]:
    for name, array in arrays:
        low, high = byte_range(array)
        if low < high:
            yield name, (low, high)


def _distinct(labels: list[str]) -> list[str]:
    """Return `labels` with `#2`, `#3`, ... after the repeated ones (an array allocated in a loop)."""
    seen: Counter[str] = Counter()
    result = []
    for label in labels:
        seen[label] += 1
        result.append(label if seen[label] == 1 else f"{label}#{seen[label]}")
    return result
