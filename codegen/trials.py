"""One thread or all, near where these change places: both are tried, and the shorter one is kept.

Before:  19 us predicted, limit 21 us: one thread, though the loop gains nothing from its caches
After:   a millisecond of launches one way, one the other; then the way whose shortest was shorter

What a launch gains on several threads depends on more than its work: where its data lie, whether
threads write to the same lines, how long the others of them have slept. Far from the limit none
of that turns the balance, so only launches near it are tried, for each kernel and each amount of
work by itself. They are not tried in turns: a launch finds its data where the last one left
them, in the caches of one core or of several. What says that a prediction is wrong is asked a
second time some milliseconds later. Values never depend on the way that is taken.

Nothing is decided for ever: while a trial lasts, a core may be lent to somebody else. So what was
found is tried again after a twentieth of a second, and each time it is confirmed after eight times
as long; what turns out otherwise is asked again soon.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log2
from time import perf_counter_ns

from .uneven import is_unsure

# Launches of work between these two, in parts of the limit, are tried.
_LEAST, _MOST = 0.25, 10.0
# Of each way there are at least so many, the first of which find caches cold, and more until they
# took a millisecond: a thread that sleeps may need a third of one to wake, and the launches until
# then run as if there were none (of four trials of 23 us alone, 13 us on two threads, two found
# 23 us on two).
TRIES, MOST_TRIES = 6, 30
LEAST_NS = 1_000_000
# A way that is predicted to be longer, and was shorter, is taken for so long before the other one
# is tried once more: while a core is lent to somebody else, all launches on it are long.
WAITED_NS, MOST_WAITED = 5_000_000, 100
_PER_OCTAVE = 4  # amounts of work that are told apart
# The way that is predicted to be longer must have been shorter than this part of the other.
_CLEARLY = 0.9
_MOST_TRIALS = 1024
# What was found holds for so long, and each time that it is confirmed so many times as long.
HELD_NS, HELD_LONGER = 50_000_000, 8


@dataclass(slots=True, kw_only=True)
class Trial:
    """Launches of one kernel with about the same work."""

    predicted: bool  # whether one thread is predicted to be faster
    # Of launches on several threads, and of those on one.
    _times: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    _native_times: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    _waits_ns: int = 0  # before the predicted way is tried once more
    _is_second: bool = False
    _decided: bool | None = None
    _decided_natively: bool | None = None
    _before: tuple[bool, bool] | None = None  # what was decided the last time
    _held_ns: int = HELD_NS
    _until: float = 0  # when what is decided is to be tried again

    def is_open(self, now: int) -> bool:
        """Whether nothing is decided, now that the clock says so; a decision may be over."""
        if self._decided is not None and now >= self._until:
            self._reopen()
        return self._decided is None

    def uses(self) -> int:
        """Return how many more native launches there are until what is decided is tried again."""
        times = self._native_times[bool(self._decided_natively)]
        left = max(0, self._until - perf_counter_ns())
        return 1 + int(left / max(1, min(times, default=1)))

    @property
    def stays(self) -> bool:
        """Whether the next launch is to stay on its thread."""
        if self._decided is not None:
            return self._decided
        is_tried = self._waits_ns > 0 or _is_enough(self._times[self.predicted])
        return self.predicted is not is_tried

    @property
    def stays_natively(self) -> bool | None:
        """Whether launches without Python are to stay on their thread; None while it is open."""
        return self._decided_natively

    def note(self, nanoseconds: int, native_ns: int, *, stayed: bool) -> None:
        """Take note of what a launch took, with what Python did for it and without."""
        if self._waits_ns > 0:
            # So many launches are enough: native code waits for what is decided.
            self._waits_ns -= max(nanoseconds, WAITED_NS // MOST_WAITED)
            return
        self._times[stayed].append(nanoseconds)
        self._native_times[stayed].append(native_ns)
        if all(map(_is_enough, self._times)):
            self._decide()

    def _decide(self) -> None:
        found = self._stays(*map(_least, self._times))
        natively = self._stays(*map(_least, self._native_times))
        is_known = (found, natively) == self._before
        if is_known or {found, natively} == {self.predicted} or self._is_second:
            self._keep(found, natively=natively)
            return
        self._is_second, self._waits_ns = True, WAITED_NS
        for times in (self._times, self._native_times):
            times[self.predicted].clear()

    def _keep(self, found: bool, *, natively: bool) -> None:  # noqa: FBT001 - a decision
        is_known = (found, natively) == self._before
        self._held_ns = self._held_ns * HELD_LONGER if is_known else HELD_NS
        self._until = perf_counter_ns() + self._held_ns
        self._decided, self._decided_natively = found, natively

    def _reopen(self) -> None:
        assert self._decided is not None  # it was asked
        self._before = self._decided, bool(self._decided_natively)
        self._decided = self._decided_natively = None
        self._is_second = False
        for each in (*self._times, *self._native_times):
            each.clear()

    def _stays(self, together: int, alone: int) -> bool:
        if self.predicted:
            return together >= _CLEARLY * alone
        return alone < _CLEARLY * together


def _is_enough(times: list[int]) -> bool:
    """Return whether one way was tried."""
    return len(times) >= TRIES and (len(times) >= MOST_TRIES or sum(times) >= LEAST_NS)


def _least(times: list[int]) -> int:
    # Another thread may have begun anew.
    return min(times, default=0)


class Trials:
    """The trials of one pool, whose launches below `limit_ns` of work stay on their thread."""

    def __init__(self, limit_ns: int) -> None:
        self._limit_ns = limit_ns
        self._least, self._most = int(_LEAST * limit_ns), int(_MOST * limit_ns)
        self._trials: dict[tuple[object, int], Trial] = {}

    def of(self, kernel: object, work: int) -> Trial | None:
        """Return the trial of launches of `kernel` with about `work`; None where none is needed."""
        if not self._least <= work < self._most or is_unsure(work):
            return None
        key = (kernel, round(_PER_OCTAVE * log2(work)))
        found = self._trials.get(key)
        if found is None:
            if len(self._trials) >= _MOST_TRIALS:
                self._trials.clear()
            found = self._trials[key] = Trial(predicted=work < self._limit_ns)
        return found
