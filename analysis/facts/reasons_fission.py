"""Reasons of the family AP5 that concern loops of which parts are computed ahead."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class MayChange(Reason):
    """What a loop computes from may change while it runs, and cannot be looked at.

    Why it blocks: the loop calls functions of which nothing is known, or prints objects of the
        user's. These may change arrays and variables that the loop computes from, so values that
        were computed ahead would be wrong. Arrays of numbers, lists of numbers and
        variables, of the module or of functions around, are compared with what they were before a
        value is used; lists of lists and arrays of complex numbers are not.

    Example:
        rows = [[1.0, 2.0], [3.0, 4.0]]
        for row in rows:
            plot(length(row[0], row[1]))

    Use instead: an array.
        rows = np.array([[1.0, 2.0], [3.0, 4.0]])
        for row in rows:
            plot(length(row[0], row[1]))

    References: Rauchwerger and Padua, The LRPD Test: Speculative Run-Time Parallelization of
        Loops with Privatization and Reduction Parallelization, PLDI 1995.
    """

    code: ClassVar[str] = "AP519"
    name: str

    @property
    def message(self) -> str:
        return f"'{self.name}' may change while the loop runs, and that would not be seen."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Make an array of real numbers of '{self.name}'.",)
