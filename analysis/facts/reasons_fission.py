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
        were computed ahead would be wrong. Arrays of numbers, lists of numbers and global
        variables are compared with what they were before a value is used; variables that a nested
        function may bind, lists of lists and arrays of wide elements are not.

    Example:
        def shown(a, n, k):
            def later(): nonlocal k; k = 2.0
            for i in range(n):
                plot(later, scaled(a[i], k))

    Use instead: a variable that only the function itself binds.
        def shown(a, n, k):
            factor = k
            for i in range(n):
                plot(later, scaled(a[i], factor))

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
        return (f"Compute from a local copy of '{self.name}'.",)
