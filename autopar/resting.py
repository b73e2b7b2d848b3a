"""Regions that keep being too short leave the way: one look at their sizes, and nothing more.

Before:  types, conditions, parameters, overlap: 7 us, and then the interpreter after all
After:   types and one predicted time: 1 us

Only time depends on this. A call that may have a sum so long that kernels add it in another order
is never short, and a call that is long is asked about in full at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.codegen.rates import Rates

from .cost import interpreter_nanoseconds
from .guard import INTEGERS, Guard
from .long_sums import LongSums

# After so many in a row that were too short for a kernel.
MOST_SHORT = 32


@dataclass(slots=True, kw_only=True, eq=False)
class Rest:
    """What is known of how a region has fared, and how to see that it would again."""

    limit_ns: float  # what takes less in the interpreter is short
    # Predicted nanoseconds in the interpreter, of the guard's arguments; None where they are not
    # of the kinds that the region takes. No function where the sizes do not tell.
    predict: Callable[..., int | None] | None
    sums: LongSums
    short: int = 0  # entries in a row

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
        return True


def rest_of(plan: RegionPlan, guard: Guard, sums: LongSums, rates: Rates) -> Rest:
    """Return how one region rests."""
    return Rest(limit_ns=rates.enter - rates.leave, predict=_prediction(plan, guard), sums=sums)


def _prediction(plan: RegionPlan, guard: Guard) -> Callable[..., int | None] | None:
    scop = plan.scop
    if guard.finders or guard.growing or any(each.leaves is not None for each in scop.loops):
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
    names: dict[str, Any] = {"autopar_ndarray": np.ndarray, "autopar_integers": INTEGERS}
    exec(compile("\n".join(lines) + "\n", "<autopar rest>", "exec"), names)  # noqa: S102  # our own text
    found: Callable[..., int | None] = names["predict"]
    return found
