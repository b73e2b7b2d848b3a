"""Guards before what may be hardly longer than the question.

Before:  u[1:-1] *= c of ten elements, in a loop of the interpreter, asked about each time
After:   asked a hundred times in vain, then once in 128 times: in between, an attribute says so
         and a count is taken down, 20 ns a time

What sleeps is woken as soon as one of the questions is answered, or shows that it has become
long. A loop, which may become longer than any statement, is asked about the more often the longer
it takes: the questions are to take a thirtieth of what they are about. Where that would be less
often than it is woken, it looks at the clock, and sleeps on if the time for the next question has
not come: what has become longer brings it near.
What no kernel takes for what its names hold, as `s += a[i]` where that is a number, sleeps deeply:
nobody is asked, 5 ns a time, until the function is called again, and once then.

Nothing sleeps of which a kernel would have other bits, because it adds long sums in another
order: whether it does must not depend on the calls before.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import Protocol

from autopar.analysis.model.nouns import dataclass
from autopar.codegen.rates import current

from .deferred import Deferred
from .dispatch import Region
from .record import Home, Records
from .sites import Asker, Returned, times

# After so many in a row that were too short for a kernel, or were none of its kind.
_MOST_MISSES = 100
# The same within one call for statements on arrays of any size, which may be large in the next.
_MOST_OF_A_RUN = 16
# The same where it is known to be in vain, and of a run that slept at the end of the last call.
_MOST_HOPELESS = 2
# So many go by before one that sleeps asks again; of loops of which nobody knows how long they
# take, so many; and at most so many of others.
SLEPT, SLEPT_OF_LOOPS, MOST_SLEPT_OF_LOOPS = 128, 16, 64
# How many times what a question takes goes by before the next one.
_TIMES_ASKED = 32


class Spends(Protocol):
    """What is asked, as far as it says what the interpreter took for want of an answer."""

    @property
    def interpreted_ns(self) -> int:
        """Predicted nanoseconds."""

    @property
    def is_hopeless(self) -> bool:
        """Whether the last question was in vain for what all questions like it ask."""


@dataclass(slots=True, kw_only=True, eq=False)
class LightGuard:
    """What stands before such a statement, as long as asking is of any use."""

    region: Spends | None  # None where nobody adds up what the interpreter took
    ask: Callable[..., Returned]
    tell: Callable[[Asker], None] | None  # who wants to know who asks
    records: Records | None = None  # of a run: at the next call it is woken
    home: Home | None = None  # told once it has slept
    slept: int = SLEPT
    spend: Callable[[int], None] | None = None  # of a loop: told what went by unasked
    asker: Asker | None = None
    misses: int = 0  # in a row
    has_tired: bool = False  # of a run: since the last answer
    interpreted_ns: int = 0  # of the region, at the first of them
    gone_by: int = 0  # since the last question, while it slept
    count: int = 0  # that go by before it is woken
    next_at: int = 0  # of a loop that sleeps: no question before the clock says so
    drawn: int = 0

    def answers(self, asker: Asker) -> None:
        """Take note of who asks."""
        self.asker = asker
        if self.tell is not None:
            self.tell(asker)

    def enter(self, *values: object) -> Returned:
        """Return what the region answers."""
        asker = self.asker
        if asker is not None and asker.is_off:
            return self._enter_woken(asker, values)
        returned = self.ask(*values)
        if returned:
            self.misses, self.has_tired = 0, False
            return returned
        if not self.misses:
            self.interpreted_ns = self._spent_ns()
        self.misses += 1
        if asker is not None and self.misses >= self._most_misses():
            self._tire(asker)
        return returned

    def _tire(self, asker: Asker) -> None:
        """Sleep after many questions in vain, unless what they were about takes long."""
        spent = self._spent_ns() - self.interpreted_ns
        if self.spend is not None and spent:
            self._sleep(asker, self._wanted(current().leave, spent // self.misses))
        elif spent < self.misses * current().enter or self._is_hopeless():
            self.has_tired = True
            self._sleep(asker, self.slept)
        else:
            self.has_tired = False

    def _wanted(self, asked_ns: float, spent_ns: int) -> int:
        """Return how many loops of so long are to go by, about: loops may take turns."""
        count = min(int(_TIMES_ASKED * asked_ns / spent_ns), MOST_SLEPT_OF_LOOPS)
        self.drawn = (self.drawn * 5 + 3) % 16
        return count * (8 + self.drawn) // 16

    def _most_misses(self) -> int:
        if self._is_hopeless() or (self.has_tired and self.records is not None):
            return _MOST_HOPELESS
        return _MOST_MISSES if self.records is None else _MOST_OF_A_RUN

    def _enter_woken(self, asker: Asker, values: tuple[object, ...]) -> Returned:
        """Return the answer to one question of one that sleeps, if it is time for one."""
        if self.spend is None:
            return self._enter_statement(asker, values)
        started = perf_counter_ns()
        if started < self.next_at:
            gone_by = self.gone_by + 1
            self._sleep(asker, self.count)
            self.gone_by += gone_by
            return ()
        before = self._spent_ns()
        returned = self.ask(*values)
        asked_ns, spent_ns = perf_counter_ns() - started, self._spent_ns() - before
        count = self.slept
        is_long = spent_ns >= current().enter and not self._is_hopeless()
        if spent_ns:
            self.spend(self.gone_by * spent_ns)
            count = self._wanted(asked_ns, spent_ns)
            self.next_at = started + _TIMES_ASKED * asked_ns
            is_long = not count
        if returned or is_long:
            asker.is_off = self.has_tired = False
        else:
            self._sleep(asker, count)
        return returned

    def _enter_statement(self, asker: Asker, values: tuple[object, ...]) -> Returned:
        """Return the same where nobody counts what went by: the less is asked, the better."""
        before = self._spent_ns()
        returned = self.ask(*values)
        spent_ns = self._spent_ns() - before
        if returned or (spent_ns >= current().enter and not self._is_hopeless()):
            asker.is_off = self.has_tired = False
        else:
            self._sleep(asker, self.slept)
        return returned

    def _sleep(self, asker: Asker, count: int) -> None:
        if not count:
            return
        self.misses, self.gone_by, self.count = 0, count, count
        if self.home is not None:
            self.home.has_slept = True
        asker.is_off, asker.sleeps = True, times(count)
        asker.is_deep = self._is_hopeless()
        if self.records is not None and asker not in self.records.off:
            self.records.off.append(asker)

    def _is_hopeless(self) -> bool:
        return self.records is not None and self.region is not None and self.region.is_hopeless

    def _spent_ns(self) -> int:
        return 0 if self.region is None else self.region.interpreted_ns


def is_light(region: Region) -> bool:
    """Return whether a region is a whole-array statement, and no loop of the source."""
    scop = region.plan.scop
    return all(scop.loops[each.loops[0]].is_axis for each in scop.statements if each.loops)


def may_sleep(entry: object) -> bool:
    """Return whether nobody named a backend for a loop, and asking is all there is to it.

    Loops whose turns are counted ask by themselves; after others statements follow.
    """
    if not isinstance(entry, Region | Deferred):
        return False
    if entry.options.backend != "auto" or entry.counting is not None:
        return False
    return isinstance(entry, Deferred) or entry.exits is None


def is_exact(entry: object) -> bool:
    """Return whether a kernel adds in the interpreter's order, however long a sum is."""
    return not isinstance(entry, Region) or entry.sums.bound is None
