"""What remains of a `for` loop whose first turns the interpreter has made: a region of its own.

Before:  for i in range(2, n): ... break      the turns 2 to 40,000 took as long as a kernel does
After:   the region of `for i in range(first, last)`, with first = 40,001 and last = n

A loop over a range may be left after any turn: what remains is the same loop over the rest of the
range, begun with what its names are bound to then. Where the range ends was computed before the
first turn and may be computed from names that the loop assigns, so both ends are integers of the
call. Planned when it is first asked, which is when the turns took as long as compiling a kernel.
(On-stack replacement: Holzle, Ungar, Optimizing dynamically-dispatched calls with run-time type
feedback, PLDI 1994.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from autopar.analysis.facts.reasons import ConditionFailed
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import SourceFunction

from .counting import Counting
from .dispatch import Region
from .guard import can_guard
from .regions_of_calls import region_of_call

Returned: TypeAlias = tuple[tuple[object, ...], ...]
_KEY = "the rest"  # among what is analysed again


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rest:
    """What is asked once some turns of a region's loop were made."""

    region: Region
    counting: Counting
    source: SourceFunction

    def enter(self, left: range, *values: object) -> Returned:
        """Return what the turns in `left` leave behind if a kernel made them, else ().

        `values` are those that the region takes.
        """
        from autopar.analysis.passes.fission import FIRST, LAST

        found = self.region.again.make(_KEY, self._planned)
        if isinstance(found, Reason):
            return self.region.leave(found)
        named = dict(zip(self.region.arguments, values, strict=True))
        named |= {FIRST: left.start, LAST: left.stop}
        return found.enter(*(named[name] for name in found.arguments))

    def _planned(self) -> Region | Reason:
        from autopar.analysis.passes.fission import FIRST, LAST
        from autopar.analysis.stages import plan_rest

        of_all = self.region
        plan = plan_rest(self.source, of_all.span)
        if isinstance(plan, Refusal):
            return plan.reasons[0]
        if plan is None or not can_guard(plan):
            return self._otherwise("what remains of the loop is a loop like it")
        spent = of_all.interpreted_ns + self.counting.settle()
        region = region_of_call(of_all, plan, spent, self.counting)
        self.counting.has_rest = True
        known = {*of_all.arguments, FIRST, LAST}
        if not known.issuperset(region.arguments) or region.results != of_all.results:
            return self._otherwise("what remains of the loop reads and leaves what all of it does")
        if of_all.kernels.kept_as is not None:
            region.kernels.kept_as = f"{of_all.kernels.kept_as} {_KEY}"
        return region

    def _otherwise(self, condition: str) -> Reason:
        return ConditionFailed(span=self.region.span, condition=condition, values=())


def rest_of_loop(region: Region, source: SourceFunction) -> Callable[..., Returned] | None:
    """Return what is asked for the rest of a region's loop; None where it has to be run whole."""
    scop, counting = region.plan.scop, region.counting
    loop = next((each for each in scop.loops if not each.runs_once), None)
    if counting is None or loop is None or loop.leaves == "while":
        return None
    if scop.exchanged is not None or scop.collects or scop.is_value:
        return None
    counting.rests = True
    return Rest(region=region, counting=counting, source=source).enter
