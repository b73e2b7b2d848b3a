"""The plan of a region for what a call showed, which the code alone does not say.

Before:  a call whose subscripts may be negative, or whose arrays share memory
After:   the region planned for such calls, kept for the next one; or why there is none
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from autopar.analysis.facts.reasons import IndexOutOfBounds
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.facts import Facts
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.codegen.forks import Lock

from .guard import can_guard, evaluated
from .reanalysis import Reanalyses

LOG = logging.getLogger("autopar")
R = TypeVar("R")
_WRAPS = Facts(wraps=True)


@dataclass(slots=True, kw_only=True, eq=False)
class Replanning(Generic[R]):
    """What became of a region by what calls showed."""

    plan: RegionPlan
    name: str
    found: Reanalyses[R]
    lock: Lock
    remake: Callable[[RegionPlan], R]  # makes the region of another plan
    wraps_by_values: bool | None = None  # None: not asked yet

    def overlapping(self, facts: Facts) -> R | Reason:
        """Return the region for arrays that lie as `facts` say."""
        return self.found.make(facts, lambda: self._planned(facts))

    def _planned(self, facts: Facts) -> R | Reason:
        from autopar.analysis.stages import plan_region

        plan = plan_region(self.plan.scop, facts)
        return plan.reasons[0] if isinstance(plan, Refusal) else self.remake(plan)

    @property
    def for_all_wraps(self) -> R | Reason | None:
        """The region for any negative subscripts; None where it was not asked for, or is many."""
        return self.found.get(_WRAPS)

    def wrapping(
        self, named: dict[str, Any], outside: IndexOutOfBounds, repays: Callable[[], bool]
    ) -> R | Reason:
        """Return the region for subscripts that may be negative as in this call.

        `outside` is why the call is not admitted, and what is returned where no plan helps or
        `repays` says that another analysis would not be worth it.
        """
        if self.wraps_by_values:
            known = self.found.get(self._facts_of_wraps(named))
            if known is not None:
                return outside if isinstance(known, Reason) else known
        if not repays():
            return outside
        facts = self._facts_of_wraps(named)
        made = self.found.make(facts, lambda: self._planned_for_wraps(facts, outside))
        return outside if isinstance(made, Reason) else made

    def _facts_of_wraps(self, named: dict[str, Any]) -> Facts:
        """Return what the region is planned for where subscripts may be negative."""
        with self.lock:
            if self.wraps_by_values is None:
                self.wraps_by_values = self._must_know_values()
        if not self.wraps_by_values:
            return _WRAPS
        return Facts(wraps=True, values=_integers_of(self.plan, named))

    def _must_know_values(self) -> bool:
        """Return whether which subscripts are negative is only known with the call's values."""
        try:
            from autopar.analysis.stages import wraps_by_values

            allowance, span = self.found.allowance, self.plan.scop.span
            return allowance.watch(lambda: wraps_by_values(self.plan), span) is True
        except Exception:  # a fault of ours must not become the user's
            LOG.exception("the negative subscripts of %s could not be counted", self.name)
            return False

    def _planned_for_wraps(self, facts: Facts, outside: IndexOutOfBounds) -> R | Reason:
        from autopar.analysis.stages import plan_wrapping

        plan = plan_wrapping(self.plan, facts)
        if not isinstance(plan, RegionPlan) or not can_guard(plan):
            return outside
        # It takes the same arguments: the extents it counts from are those of arrays known before.
        return self.remake(plan)


def _integers_of(plan: RegionPlan, named: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """Return parameters and extents of a region, as Python text, with their values at a call."""
    extents = (f"{a.name}.shape[{axis}]" for a in plan.scop.given_arrays for axis in range(a.rank))
    texts = dict.fromkeys((*(each.text for each in plan.scop.parameters), *extents))
    return tuple((text, operator.index(evaluated(text, named))) for text in texts)
