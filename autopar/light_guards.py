"""Guards before statements that are themselves hardly longer than the question.

Before:  u[1:-1] *= c of ten elements, in a loop of the interpreter, asked about each time
After:   asked a hundred times in vain, then not any more: an attribute says so, 25 ns a time

A loop that is not worth a kernel still takes many times what its guard takes; a whole-array
statement does not.
"""

from __future__ import annotations

from collections.abc import Callable

from autopar.analysis.model.nouns import dataclass
from autopar.codegen.rates import current

from .array_entries import ArrayEntry
from .dispatch import Region
from .rewrite import Asker, Returned

# After so many in a row that were too short for a kernel, or were none of its kind.
_MOST_MISSES = 100
# The same within one call for statements on arrays of any size, which may be large in the next.
_MOST_OF_A_RUN = 16


@dataclass(slots=True, kw_only=True, eq=False)
class LightGuard:
    """What stands before a whole-array statement, as long as asking is of any use."""

    region: Region | ArrayEntry
    ask: Callable[..., Returned]
    tell: Callable[[Asker], None] | None  # who wants to know who asks
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
        returned = self.ask(*values)
        if returned:
            self.misses = 0
            return returned
        if not self.misses:
            self.interpreted_ns = self.region.interpreted_ns
        self.misses += 1
        is_run = isinstance(self.region, ArrayEntry)
        if self.misses >= (_MOST_OF_A_RUN if is_run else _MOST_MISSES) and self.asker is not None:
            # A statement that only waits for its compilation is long.
            spent = self.region.interpreted_ns - self.interpreted_ns
            self.asker.is_off = spent < self.misses * current().enter
            if is_run and self.asker.is_off:
                self.misses = 0
                self.region.records.off.append(self.asker)
        return returned


def is_light(region: Region) -> bool:
    """Return whether a region is a whole-array statement, and no loop of the source."""
    scop = region.plan.scop
    return all(scop.loops[each.loops[0]].is_axis for each in scop.statements if each.loops)
