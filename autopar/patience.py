"""What the interpreter has spent on a region so far, and what that would repay.

A kernel is compiled, loaded or planned anew once the interpreter has taken as long as that takes
(the rule of a skier who rents until he could have bought). What is predicted counts, never a clock
that another process disturbs.
"""

from __future__ import annotations

from dataclasses import field

from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.codegen.rates import current
from autopar.codegen.reasons import NotProfitable

from .durations import describe_seconds
from .guard import Admission, Guard
from .long_sums import LongSums
from .options import Options
from .resting import Rest, known_ns, rest_of, short_ns, sizes_tell


@dataclass(slots=True, kw_only=True, eq=False)
class Patience:
    """The time, in predicted nanoseconds, that one region has spent in the interpreter."""

    plan: RegionPlan
    guard: Guard
    options: Options
    sums: LongSums
    interpreted_ns: int = 0  # for want of a kernel
    overlapped_ns: int = 0  # because arrays overlap
    outside_ns: int = 0  # because subscripts are not what the plan takes them for
    rest: Rest | None = field(init=False, default=None)  # None: never was too short
    left: Reason | None = field(init=False, default=None)  # why short calls are left, if any were

    def may_compile(self, found: Admission) -> bool:
        """Return whether the call repays the compilation of a kernel, or has to have one."""
        return self.options.backend != "auto" or self.has_spent(current().compile, found)

    def has_spent(self, nanoseconds: float, found: Admission) -> bool:
        """Return whether the interpreter takes so long, this call included, and may be left."""
        if found.interpreter_ns < known_ns(current()) and sizes_tell(self.plan, self.guard):
            return False
        return self.interpreted_ns + found.interpreter_ns >= nanoseconds

    def repays_overlap(self, found: Admission) -> bool:
        """Return whether calls whose arrays overlap repay a plan of their own by now."""
        self.overlapped_ns += found.interpreter_ns
        return self.options.backend != "auto" or self.overlapped_ns >= current().analysis

    def repays_wrapping(self, predicted_ns: int) -> bool:
        """Return whether calls whose subscripts wrap repay a plan of their own by now."""
        self.outside_ns += predicted_ns
        return self.outside_ns >= current().analysis

    def is_too_short(self, found: Admission) -> bool:
        """Return whether what is left to do for a kernel takes longer than the interpreter."""
        limit_ns = short_ns(current()) if self.rest is None else self.rest.limit_ns
        return self.options.backend == "auto" and found.interpreter_ns < limit_ns

    def note_short(self, found: Admission) -> None:
        """Take note of a call that was left to the interpreter."""
        if self.rest is None and found.interpreter_ns < short_ns(current()):
            self.rest = rest_of(self.plan, self.guard, self.sums, current())
        if self.rest is not None:
            self.rest.note(found.interpreter_ns)

    def resting(self) -> Reason:
        """Return why short calls are left to the interpreter; always the same object."""
        if self.left is None:
            self.left = self._not_profitable(
                "calls like it take less in the interpreter than the checks before a kernel"
            )
        return self.left

    def too_early(self, found: Admission) -> Reason:
        """Return why a call does not get a kernel yet."""
        compiling = f"compiling it about {describe_seconds(current().compile / 1e9)}"
        return self._not_profitable(f"{_taken(found)}, {compiling}")

    def too_short(self, found: Admission) -> Reason:
        """Return why a call does not run the kernel there is."""
        return self._not_profitable(_taken(found))

    def _not_profitable(self, detail: str) -> Reason:
        return NotProfitable(span=self.plan.scop.span, detail=detail)


def _taken(found: Admission) -> str:
    return f"it takes about {describe_seconds(found.interpreter_ns / 1e9)} in the interpreter"
