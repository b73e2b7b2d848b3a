"""One thread or all, near where these change places: both are tried, and the shorter one is kept.

Before:  19 us predicted, limit 21 us: one thread, though the loop gains nothing from its caches
After:   six launches one way, six the other; then the way whose shortest launch was shorter

What a launch gains on several threads depends on more than its work: where its data lie, whether
threads write to the same lines, how long the others of them have slept. Far from the limit none
of that turns the balance, so only launches near it are tried, for each kernel and each amount of
work by itself. They are not tried in turns: a launch finds its data where the last one left
them, in the caches of one core or of several. Values never depend on the way that is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log2

from .uneven import is_unsure

# Launches of work between these two, in parts of the limit, are tried.
_LEAST, _MOST = 0.25, 10.0
TRIES = 6  # of each way: the first ones find caches cold, and threads asleep
_PER_OCTAVE = 4  # amounts of work that are told apart
# The way that is predicted to be longer must have been shorter than this part of the other.
_CLEARLY = 0.9
_MOST_TRIALS = 1024


@dataclass(slots=True, kw_only=True)
class Trial:
    """Launches of one kernel with about the same work."""

    predicted: bool  # whether one thread is predicted to be faster
    # Of launches on several threads, and of those on one.
    _times: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    _native_times: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    _decided: bool | None = None
    _decided_natively: bool | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is decided yet."""
        return self._decided is None

    @property
    def stays(self) -> bool:
        """Whether the next launch is to stay on its thread."""
        if self._decided is not None:
            return self._decided
        is_tried = len(self._times[self.predicted]) >= TRIES
        return self.predicted is not is_tried

    @property
    def stays_natively(self) -> bool | None:
        """Whether launches without Python are to stay on their thread; None while it is open."""
        return self._decided_natively

    def note(self, nanoseconds: int, native_ns: int, *, stayed: bool) -> None:
        """Take note of what a launch took, with what Python did for it and without."""
        self._times[stayed].append(nanoseconds)
        self._native_times[stayed].append(native_ns)
        if min(map(len, self._times)) >= TRIES:
            self._decided = self._stays(*map(min, self._times))
            self._decided_natively = self._stays(*map(min, self._native_times))

    def _stays(self, together: int, alone: int) -> bool:
        if self.predicted:
            return together >= _CLEARLY * alone
        return alone < _CLEARLY * together


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
