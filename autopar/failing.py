"""Guards that keep failing leave the way.

Before:  an array of a class of the user's, in ten loops of twenty iterations: 6 us a loop
After:   the classes of the arguments are those that were refused before: 1 us

What fails for the classes of the arguments alone fails for all calls with these. What fails for
another reason, as a subscript that is out of range, or a type that no kernel takes, may be better
the next time: it is asked about once in 32 times, as long as the interpreter is predicted to take
little. In between nothing is lost but that.

Only time depends on this: no kernel could have run for classes that it does not take, and what
may have a sum so long that kernels add it in another order is asked about each time.
"""

from __future__ import annotations

from dataclasses import field

from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.codegen.rates import current

from .resting import Rest

# After so many in a row.
MOST_FAILED = 32
# Of those that may be better the next time, one in so many is asked about.
ASKED_OF = 32
# Only where the interpreter takes less than so many questions.
_TIMES_ENTERED = 40
_MOST_KINDS = 8


@dataclass(slots=True, kw_only=True, eq=False)
class Failing:
    """How the guard of one region has failed."""

    rest: Rest  # of the same region: it knows what a call takes
    failed: int = 0  # in a row, for what may be another thing the next time
    _reason: Reason | None = None  # of the last one
    _passed: int = 0  # unasked since the last question
    # Classes of the arguments that were refused often enough, and why.
    kinds: dict[tuple[type, ...], Reason] = field(default_factory=dict)
    _counts: dict[tuple[type, ...], int] = field(default_factory=dict)
    with_lists: tuple[type, ...] = ()  # classes of a call with lists that did not pay

    def answer(self, values: tuple[object, ...]) -> Reason | None:
        """Return why a call is left to the interpreter; None where it is to be asked about.

        For those whose classes are not in `kinds`.
        """
        if self.failed < MOST_FAILED or not self._is_short(values):
            return None
        self._passed = (self._passed + 1) % ASKED_OF
        return self._reason if self._passed else None

    def note_kinds(self, values: tuple[object, ...], reason: Reason) -> None:
        """Take note of a call that is refused for the classes of its arguments alone."""
        kinds = tuple(map(type, values))
        if len(self._counts) >= _MOST_KINDS and kinds not in self._counts:
            self._counts.clear()
            self.kinds.clear()
        self._counts[kinds] = self._counts.get(kinds, 0) + 1
        if self._counts[kinds] >= MOST_FAILED:
            self.kinds[kinds] = reason

    def note(self, reason: Reason) -> None:
        """Take note of a call that is refused for another reason."""
        self.failed += 1
        self._reason = reason

    def _is_short(self, values: tuple[object, ...]) -> bool:
        """Return whether a call takes little, and has no sum that a kernel would reorder."""
        if self.rest.predict is None:
            return False
        try:
            predicted = self.rest.predict(*values)
            is_long = predicted is None or self.rest.sums.may_be_long(values)
        except (TypeError, AttributeError, IndexError, OverflowError, ArithmeticError):
            return False
        return not is_long and predicted is not None and predicted < limit_ns()


def limit_ns() -> float:
    """Return what a call takes in the interpreter of which most need not be asked about."""
    return _TIMES_ENTERED * current().enter
