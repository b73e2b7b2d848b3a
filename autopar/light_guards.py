"""Guards before what may be hardly longer than the question.

These are whole-array statements, comprehensions, and loops over attributes of objects, where the
objects are looked at first.

Before:  u[1:-1] *= c of ten elements, in a loop of the interpreter, asked about each time
After:   asked a hundred times in vain, then once in 128 times: in between, an attribute says so
         and a count is taken down, 30 ns a time

Other loops that are not worth a kernel take many times what their guards take. What sleeps is
woken as soon as one of the questions is answered, or shows that it has become long; a loop, which
may become longer than any statement, is asked about more often.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import Protocol

from autopar.analysis.model.nouns import dataclass
from autopar.codegen.rates import current

from .dispatch import Region
from .record import Records
from .rewrite import Asker, Returned

# After so many in a row that were too short for a kernel, or were none of its kind.
_MOST_MISSES = 100
# The same within one call for statements on arrays of any size, which may be large in the next.
_MOST_OF_A_RUN = 16
# So many go by before one that sleeps asks again; of loops, so many.
SLEPT, SLEPT_OF_LOOPS = 128, 16


class Spends(Protocol):
    """What is asked, as far as it says what the interpreter took for want of an answer."""

    @property
    def interpreted_ns(self) -> int:
        """Predicted nanoseconds."""


@dataclass(slots=True, kw_only=True, eq=False)
class LightGuard:
    """What stands before such a statement, as long as asking is of any use."""

    region: Spends | None  # None where nobody adds up what the interpreter took
    ask: Callable[..., Returned]
    tell: Callable[[Asker], None] | None  # who wants to know who asks
    records: Records | None = None  # of a run: at the next call it is woken
    slept: int = SLEPT
    asker: Asker | None = None
    misses: int = 0  # in a row
    interpreted_ns: int = 0  # of the region, at the first of them

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
            self.misses = 0
            return returned
        if not self.misses:
            self.interpreted_ns = self._spent_ns()
        self.misses += 1
        if asker is not None and self.misses >= (_MOST_OF_A_RUN if self.records else _MOST_MISSES):
            # What only waits for its compilation is long.
            spent = self._spent_ns() - self.interpreted_ns
            if spent < self.misses * current().enter:
                self._sleep(asker)
        return returned

    def _enter_woken(self, asker: Asker, values: tuple[object, ...]) -> Returned:
        """Return the answer to one question of one that sleeps."""
        before = self._spent_ns()
        returned = self.ask(*values)
        if returned or self._spent_ns() - before >= current().enter:
            asker.is_off = False
        else:
            self._sleep(asker)
        return returned

    def _sleep(self, asker: Asker) -> None:
        self.misses = 0
        asker.is_off, asker.sleeps = True, partial(next, repeat(object(), self.slept), False)
        if self.records is not None and asker not in self.records.off:
            self.records.off.append(asker)

    def _spent_ns(self) -> int:
        return 0 if self.region is None else self.region.interpreted_ns


def is_light(region: Region) -> bool:
    """Return whether a region is a whole-array statement, and no loop of the source."""
    scop = region.plan.scop
    return all(scop.loops[each.loops[0]].is_axis for each in scop.statements if each.loops)
