"""Regions that keep being too short leave the way: one look at their sizes, and nothing more.

Before:  types, conditions, parameters, overlap: 7 us, and then the interpreter after all
After:   types and one predicted time: 1 us

A call that comes again and again is left to the interpreter by native code, which knows it by its
headers (`shortcuts`): a fifth of a microsecond. But what short calls take is added up: they may
repay a compilation too, since a kernel that is called again takes less than most of them.

Only time depends on this. A call that may have a sum so long that kernels add it in another order
is never short, and a call that is long is asked about in full at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from math import inf

import numpy as np

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.codegen.pool import ALWAYS
from autopar.codegen.rates import Rates

from .cost import interpreter_nanoseconds
from .guard import INTEGERS, Guard
from .long_sums import LongSums
from .own_builtins import defined

# After so many in a row that were too short for a kernel.
MOST_SHORT = 32
# What a resting region takes to leave a call to the interpreter.
RESTED_NS = 2_000.0
# Calls whose first argument came so often are left by native code; of so many they are told apart.
KNOWN_AT = 128
_MOST_KNOWN = 8
# How many calls native code leaves before it asks again: in between nothing is repaid.
FEWEST_USES, MOST_USES = 1_000, 1_000_000


@dataclass(slots=True, kw_only=True, eq=False)
class Rest:
    """What is known of how a region has fared, and how to see that it would again."""

    limit_ns: float  # what takes less in the interpreter is short
    # Predicted nanoseconds in the interpreter, of the guard's arguments; None where they are not
    # of the kinds that the region takes. No function where the sizes do not tell.
    predict: Callable[..., int | None] | None
    sums: LongSums
    short: int = 0  # entries in a row
    predicted_ns: int = 0  # of the last one
    _seen: dict[int, int] = field(default_factory=dict)  # how often first arguments came

    def comes_again(self, values: tuple[object, ...]) -> bool:
        """Return whether a call came so often that it is to be known."""
        first = id(values[0]) if values else 0
        count = self._seen.get(first, 0) + 1
        if count == 1 and len(self._seen) >= _MOST_KNOWN:
            self._seen.clear()
        self._seen[first] = 0 if count >= KNOWN_AT else count
        return count >= KNOWN_AT

    def uses(self, left_ns: float) -> int:
        """Return how many calls like the last one take `left_ns`, within bounds."""
        if left_ns == inf:
            return ALWAYS
        return min(MOST_USES, max(FEWEST_USES, int(left_ns / max(1, self.predicted_ns))))

    def note(self, interpreter_ns: float) -> None:
        """Take note of an entry that was left to the interpreter for what it would take."""
        self.short = self.short + 1 if interpreter_ns < self.limit_ns else 0

    def holds(self, values: tuple[object, ...]) -> bool:
        """Return whether one more entry is surely short."""
        if self.short < MOST_SHORT or self.predict is None:
            return False
        try:
            predicted = self.predict(*values)
            is_long = predicted is None or self.sums.may_be_long(values)
        except (TypeError, AttributeError, IndexError, OverflowError, ArithmeticError):
            predicted, is_long = None, True
        if predicted is None or predicted >= self.limit_ns or is_long:
            self.short = 0
            return False
        self.predicted_ns = predicted
        return True


def rest_of(plan: RegionPlan, guard: Guard, sums: LongSums, rates: Rates) -> Rest:
    """Return how one region rests."""
    return Rest(limit_ns=short_ns(rates), predict=_prediction(plan, guard), sums=sums)


def short_ns(rates: Rates) -> float:
    """Return what a call takes in the interpreter that takes as long in a kernel."""
    return rates.enter - min(RESTED_NS, rates.leave)


def known_ns(rates: Rates) -> float:
    """Return what running a call that is known takes beyond leaving it, both in native code."""
    return rates.again / 4


def sizes_tell(plan: RegionPlan, guard: Guard) -> bool:
    """Return whether sizes and integers alone tell what a call takes."""
    is_left = any(each.leaves is not None for each in plan.scop.loops)
    return not (guard.finders or guard.growing or is_left)


def _prediction(plan: RegionPlan, guard: Guard) -> Callable[..., int | None] | None:
    scop = plan.scop
    if not sizes_tell(plan, guard):
        return None
    texts = {each.text for each in scop.parameters}
    tests = [f"type({name}) is not autopar_ndarray" for name in guard.arrays]
    tests += [
        f"type({name}) not in autopar_integers"
        for name in guard.arguments
        if name in texts and name not in guard.arrays
    ]
    lines = [f"def predict({', '.join(guard.arguments)}):"]
    if tests:
        lines.append(f"    if {' or '.join(tests)}: return None")
    lines.append(f"    return {interpreter_nanoseconds(scop)}")
    names = {"autopar_ndarray": np.ndarray, "autopar_integers": INTEGERS}
    found: Callable[..., int | None] = defined("\n".join(lines), "rest", names)["predict"]
    return found
