"""A built-in function that runs what ran before, without any Python.

After a kernel that streams through the caches, Python's own code and objects lie in memory far
away: the few hundred lines of it that lead to the next launch take 200 us instead of 5. Where a
call is like one before, all that they find out is known; a *block* of numbers says how to see
that it is, and what to run. Everything else goes to the function in Python, as if this one did
not stand before it.

Before:  enter(u, v, 0.5)                     some hundred lines of Python
After:   headers, integers, names, error state as before? then run the job again
"""

from __future__ import annotations

import contextvars
import ctypes
import platform
import struct
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from autopar.analysis.model.nouns import dataclass

from . import shortcut_code as cell
from .headers import Headers, are_known
from .jobs import Job
from .native import Board
from .shortcut_code import built_in, clock

MOST_BLOCKS = 8  # looked through at a call
_MOST_MADE = 64  # blocks are never freed: another thread may be on its way through one


class ErrorState(NamedTuple):
    """NumPy's error state and Python's warning filters, as they must be: a copy of these."""

    variable: contextvars.ContextVar[Any]
    token: object
    filters: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """A call that ran, and how to know that another one is like it."""

    values: tuple[object, ...]
    integers: tuple[int, ...]  # positions of values that must be equal
    # Entries of namespaces: the dict, the name, what it must be bound to or None for nothing.
    entries: Sequence[tuple[dict[str, object], str, object | None]]
    state: ErrorState | None  # None where no warning can come
    forks: tuple[int, int]  # where their number lies, and what it must be


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Launched:
    """What a call like it is to run: a job, some of whose arguments come from the call."""

    job: Job
    board: Board | None  # None: on this thread alone
    helpers: int
    objects: tuple[tuple[int, int], ...]  # (position among the values, argument of the kernel)
    floats: tuple[tuple[int, int], ...]
    result: object
    slot: int  # in the record
    iterations: int
    uses: int  # how often
    kept: tuple[object, ...] = ()  # arguments of the kernel that nobody else holds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answered:
    """What a call like it is answered at once, for so many of them."""

    result: object
    slot: int  # in the record
    iterations: int
    uses: int


class _Table(bytearray):
    """The memory of a table, and all that it refers to."""

    __slots__ = ("kept",)

    kept: list[object]


class Shortcut:
    """The built-in function that stands before the guard of one region."""

    def __init__(
        self, fallback: Callable[..., Any], finish: Callable[..., Any], records: object
    ) -> None:
        self._table = _Table(8 * (cell.BLOCKS + MOST_BLOCKS))
        self._table.kept = [fallback, finish, records]
        struct.pack_into("=2q", self._table, 0, id(fallback), id(finish))
        self._records = records
        self._live: list[_Block] = []
        self._made: list[_Block] = []
        self.enter: Callable[..., Any] = built_in()(self._table)

    def add(self, known: Known, does: Launched | Answered) -> None:
        """Let calls that are like one take the short way; they are counted from 0."""
        if len(self._made) >= _MOST_MADE:
            self.forget()
            return
        block = _Block(known, does, id(self._records), len(self._made))
        self._made.append(block)
        self._table.kept.append(block)
        self._live = [*(each for each in self._live if each.is_left), block][-MOST_BLOCKS:]
        cells = (len(self._live), *(each.address for each in self._live))
        struct.pack_into(f"={len(cells)}q", self._table, 8 * cell.COUNT, *cells)

    def forget(self) -> None:
        """Send all calls to the function in Python."""
        self._live = []
        struct.pack_into("=q", self._table, 8 * cell.COUNT, 0)

    def is_live(self, number: int) -> bool:
        """Return whether calls still take the short way that was the so manieth to be added."""
        return number < len(self._made) and any(
            each is self._made[number] and each.is_left for each in self._live
        )

    def said(self, number: int) -> tuple[list[tuple[Any, ...]], float]:
        """Return what the chunks of the last run said, and the seconds it took, for `finish`."""
        block = self._made[number]
        return block.outcomes(), block.seconds


class _Block:
    """The numbers of one call that ran, and all that they refer to."""

    def __init__(self, known: Known, does: Launched | Answered, records: int, number: int) -> None:
        headers = Headers(known.values)
        equal = [cell for each in known.integers for cell in (each, id(known.values[each]))]
        bound: list[int] = []
        for namespace, name, expected in known.entries:
            bound += id(namespace), id(name), cell.ABSENT if expected is None else id(expected)
        state = known.state
        self._lists = [_cells(equal), _cells(bound)]
        places = [ctypes.addressof(each) for each in self._lists]
        cells = [0] * cell.CELLS
        cells[cell.FORKS], cells[cell.FORK] = known.forks
        cells[cell.HEADERS], cells[cell.VALUES] = headers.address, len(known.values)
        cells[cell.EQUAL], cells[cell.EQUALS] = places[0], len(known.integers)
        cells[cell.BOUND], cells[cell.BOUNDS] = places[1], len(known.entries)
        if state is not None:
            cells[cell.STATE], cells[cell.TOKEN] = id(state.variable), id(state.token)
            cells[cell.FILTERS], cells[cell.SHOWN] = id(warnings.__dict__), id(state.filters)
        cells[cell.RESULT], cells[cell.RECORDS] = id(does.result), records
        cells[cell.SLOT], cells[cell.ITERATIONS] = does.slot, does.iterations
        cells[cell.NUMBER] = number
        cells[cell.USES] = does.uses
        if isinstance(does, Launched):
            self._launch(cells, does)
        self._cells = _cells(cells)
        self.address = ctypes.addressof(self._cells)
        # Not the values: arrays are the caller's.
        equals = [known.values[each] for each in known.integers]
        self._does = does
        self._kept = (headers, equals, known.entries, known.state)

    def _launch(self, cells: list[int], launched: Launched) -> None:
        """Set what is to be launched."""
        pack: list[int] = []
        for kind, sources in ((cell.OBJECT, launched.objects), (cell.FLOAT, launched.floats)):
            for position, slot in sources:
                pack += kind, position, slot
        self._lists.append(_cells(pack))
        cells[cell.PACK], cells[cell.PACKS] = ctypes.addressof(self._lists[-1]), len(pack) // 3
        cells[cell.ARGUMENTS], cells[cell.JOB] = launched.job.arguments, launched.job.address
        cells[cell.BOARD] = 0 if launched.board is None else launched.board.address
        cells[cell.HELPERS] = launched.helpers

    def outcomes(self) -> list[tuple[Any, ...]]:
        """Return what the chunks of the last run said; none where nothing is run."""
        return self._does.job.outcomes() if isinstance(self._does, Launched) else []

    @property
    def is_left(self) -> bool:
        """Whether it is to be used any more."""
        uses: int = self._cells[cell.USES]
        return uses > 0

    @property
    def seconds(self) -> float:
        """How long the last run took."""
        found: int = self._cells[cell.ELAPSED]
        return found / 1e9


def _cells(numbers: Sequence[int]) -> Any:  # noqa: ANN401 - ctypes makes a type for each length
    return (ctypes.c_int64 * max(1, len(numbers)))(*numbers)


@cache
def is_possible() -> bool:
    """Return whether this interpreter can be called as is expected here."""
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    is_cpython = platform.python_implementation() == "CPython"
    return is_cpython and has_gil and are_known() and clock() != 0
