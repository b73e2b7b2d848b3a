"""Regions that calls have analysed again, and how many more of them may be.

Before:  what a call showed (values, layouts)      After:  a region planned for it, or why not
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import field
from typing import Generic, TypeVar

from autopar.analysis.facts.reasons import AnalysedOften
from autopar.analysis.model import isl
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import Span
from autopar.analysis.passes.reasons import BudgetExhausted, InternalFault
from autopar.codegen.forks import Lock
from autopar.codegen.spent import spending

LOG = logging.getLogger("autopar")
R = TypeVar("R")
A = TypeVar("A")

# Values that never come back would be analysed for nothing.
MOST_ANALYSES = 16


def _exhausted(span: Span) -> BudgetExhausted:
    return BudgetExhausted(span=span, operations=isl.DEFAULT_BUDGET)


@dataclass(slots=True, eq=False)
class Allowance:
    """How many analyses are left to one loop of the source, whatever they are for."""

    left: int = MOST_ANALYSES
    # isl gave up in the middle of a call, perhaps on sets of this loop: they are used no more.
    is_spoiled: bool = False

    def watch(self, analyse: Callable[[], A], span: Span) -> A | Reason:
        """Return what `analyse` gives, and remember whether isl gave up meanwhile.

        Where it has before, nothing is analysed any more.
        """
        if self.is_spoiled:
            return _exhausted(span)
        before = isl.aborts()
        try:
            return analyse()
        finally:
            if isl.aborts() != before:
                self.is_spoiled = True

    def take(self) -> bool:
        """Take one, if there is one left."""
        if self.left <= 0:
            return False
        self.left -= 1
        return True


@dataclass(slots=True, eq=False, kw_only=True)
class Reanalyses(Generic[R]):
    """What became of a region, by what calls showed; a refusal is kept like a success."""

    span: Span
    allowance: Allowance
    _found: dict[Hashable, R | Reason] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked yet."""
        return not self._found

    def get(self, key: Hashable) -> R | Reason | None:
        """Return what was found for `key` before."""
        return self._found.get(key)

    def make(self, key: Hashable, analyse: Callable[[], R | Reason]) -> R | Reason:
        """Return what `analyse` finds, which runs once for each key; never raises."""
        with self._lock:
            if key in self._found:
                return self._found[key]
            if self.allowance.is_spoiled:
                return _exhausted(self.span)  # not kept: there may be any number of keys
            if not self.allowance.take():
                return AnalysedOften(span=self.span, number=MOST_ANALYSES)
            try:
                with spending("analysis"):
                    found = self.allowance.watch(analyse, self.span)
            except Exception as error:  # a fault of ours must not become the user's (AP900)
                LOG.exception("the analysis at a call failed, line %d", self.span.line)
                detail = f"{type(error).__name__}: {error}"
                found = InternalFault(span=self.span, stage="analysis at a call", detail=detail)
            self._found[key] = found
            return found

    def all(self) -> list[R]:
        """Return the regions that were planned, in that order."""
        return [each for each in list(self._found.values()) if not isinstance(each, Reason)]
