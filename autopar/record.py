"""What happened in one call: where each region ran, how often and how long."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import replace
from time import perf_counter
from typing import Protocol

from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.codegen.shortcut_code import RECORD
from autopar.codegen.spent import NOTES, What


@dataclass(slots=True)
class When:
    """From when to when something happened again and again, on the clock of `perf_counter`."""

    begun: float
    ended: float

    def extend(self, other: When) -> None:
        """Take in what happened at another time."""
        self.begun = min(self.begun, other.begun)
        self.ended = max(self.ended, other.ended)


@dataclass(slots=True, kw_only=True)
class Spent:
    """The pieces of time of one kind that one region took, besides its runs."""

    when: When
    seconds: float = 0.0
    count: int = 0


@dataclass(slots=True, kw_only=True)
class Tally:
    """The entries into one region on one backend."""

    calls: int = 0
    iterations: int = 0
    seconds: float = 0.0
    # Why the last entry stayed in the interpreter, or what is to be said of a kernel's results.
    reason: Reason | None = None
    plan: RegionPlan | None = None  # of the last entry that was planned at the call
    native: float = 0.0  # of the seconds, those that native code counted
    native_calls: int = 0  # of the calls likewise
    when: When | None = None  # the entries; None where native code counted them all
    after: float = 0.0  # seconds from its entries to the next entries of any region

    def take(self, later: Tally) -> None:
        """Count the entries of another call, a later one, too."""
        self.calls += later.calls
        self.iterations += later.iterations
        self.seconds += later.seconds
        self.reason = later.reason or self.reason
        self.plan = later.plan or self.plan
        self.native += later.native
        self.native_calls += later.native_calls
        self.after += later.after
        if later.when is not None:
            self.when = self.when or replace(later.when)
            self.when.extend(later.when)


class RunRecord(bytearray):
    """The region entries of one call, by region number and backend.

    Its bytes are what native code counts: calls, iterations and nanoseconds for each slot. Each
    region has two slots, for kernels of the CPU and for calls left to the interpreter. One record
    is made for each call, so making one is to cost nothing.
    """

    __slots__ = ("_latest", "_spent", "_tallies", "begun", "ended")

    _tallies: dict[tuple[int, str], Tally]
    # By region and kind; None stands for what is for no region alone.
    _spent: dict[tuple[int | None, What], Spent]
    _latest: tuple[Tally, float]  # the last entry, and when it ended
    begun: float  # on the clock of `perf_counter`
    ended: float

    @property
    def tallies(self) -> dict[tuple[int, str], Tally]:
        """Where the entries ran, native ones included."""
        found = self._noted()
        for number, (calls, iterations, nanoseconds) in enumerate(RECORD.iter_unpack(self)):
            if calls:
                region, is_left = divmod(number, _SLOTS)
                key = region, "interpreter" if is_left else "cpu"
                tally = found.setdefault(key, Tally())
                tally.calls += calls
                tally.iterations += iterations
                tally.seconds += nanoseconds / 1e9
                tally.native += nanoseconds / 1e9
                tally.native_calls += calls
                RECORD.pack_into(self, number * RECORD.size, 0, 0, 0)
        return found

    def _noted(self) -> dict[tuple[int, str], Tally]:
        try:
            return self._tallies
        except AttributeError:
            self._tallies = {}
            return self._tallies

    def leave(self, region: int, reason: Reason) -> None:
        """Count an entry that was left to the interpreter at a glance, without the time."""
        noted = self._noted()
        key = region, "interpreter"
        tally = noted.get(key)
        if tally is None:
            tally = noted[key] = Tally()
        tally.calls += 1
        tally.native_calls += 1  # it is as cheap, and as little is known of it
        tally.reason = reason

    def add(
        self,
        region: int,
        backend: str,
        iterations: int | None,
        seconds: float,
        reason: Reason | None,
        plan: RegionPlan | None = None,
    ) -> None:
        """Count one entry; `seconds` is what a kernel took, 0 in the interpreter."""
        ended = perf_counter()
        begun = ended - seconds
        noted, until = self._noted(), begun
        if NOTES.left:
            within, before = self.collect(region, begun)
            seconds, until = max(0.0, seconds - within), begun - before
        before_this = self.left_open(until)
        if before_this is not None:
            latest, after = before_this
            latest.after += after
        key = (region, backend)
        tally = noted.get(key)
        if tally is None:
            tally = noted[key] = Tally()
            self.extend(bytes(max(0, room(region + 1) - len(self))))
        if tally.when is None:
            tally.when = When(begun, ended)
        else:
            tally.when.ended = ended
        tally.calls += 1
        tally.iterations += iterations or 0
        tally.seconds += seconds
        self._latest = tally, ended
        if reason is not None:
            tally.reason = reason
        if plan is not None:
            tally.plan = plan

    @property
    def spent(self) -> dict[tuple[int | None, What], Spent]:
        """What took time besides runs, by region."""
        try:
            return self._spent
        except AttributeError:
            self._spent = {}
            return self._spent

    def take(self, other: RunRecord) -> None:
        """Count what happened in another call as if it had happened in this one."""
        noted = self._noted()
        for key, tally in other.tallies.items():
            noted.setdefault(key, Tally()).take(tally)
        for place, spent in other.spent.items():
            mine = self.spent.setdefault(place, Spent(when=replace(spent.when)))
            mine.when.extend(spent.when)
            mine.seconds += spent.seconds
            mine.count += spent.count

    def left_open(self, until: float) -> tuple[Tally, float] | None:
        """Return the last entry, and the seconds from its end `until` a moment."""
        try:
            latest, since = self._latest
        except AttributeError:
            return None
        return latest, max(0.0, until - since)

    def collect(self, region: int | None, since: float) -> tuple[float, float]:
        """Take the notes of this thread; return their seconds, from `since` on and before."""
        within = before = 0.0
        for note in NOTES.take():
            if note.begun < self.begun:  # of something else
                continue
            when = When(note.begun, note.ended)
            mine = self.spent.setdefault((region, note.what), Spent(when=when))
            mine.when.extend(when)
            mine.seconds += note.seconds
            mine.count += 1
            if note.begun >= since:
                within += note.seconds
            else:
                before += note.seconds
        return within, before


_SLOTS = 2


def slot(region: int, *, is_left: bool = False) -> int:
    """Return where native code counts the entries of a region."""
    return _SLOTS * region + is_left


def room(regions: int) -> int:
    """Return how many bytes of a record native code counts the entries of `regions` in."""
    return _SLOTS * RECORD.size * regions


def _thread_namespace() -> dict[object, object]:
    address = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))()
    found: dict[object, object] = ctypes.cast(address, ctypes.py_object).value
    return found


class Wakes(Protocol):
    """What stopped asking."""

    def wake(self) -> None:
        """Ask again."""


class Home:
    """What the threads that call one function, or one file, have in common."""

    __slots__ = ("has_slept",)

    def __init__(self) -> None:
        self.has_slept = False  # a guard did not ask: entries are missing in records


class Records(threading.local):
    """The calls under way in each thread, innermost last.

    Native code finds the list of a thread in the thread's own namespace, under `key`.
    """

    def __init__(self, key: Home, base: RunRecord | None = None) -> None:
        super().__init__()
        self.key = key
        self.stack: list[RunRecord] = [] if base is None else [base]
        self.off: list[Wakes] = []  # what asks no more until the next call
        _thread_namespace()[key] = self.stack

    def wake(self) -> None:
        """Let everything ask again that stopped asking in the last call."""
        for each in self.off:
            each.wake()
        self.off.clear()
