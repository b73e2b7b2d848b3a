"""Reasons of the family AP3 about subscripts and bounds that are data."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexArrayWritten(Reason):
    """An array gives subscripts of another array, and is changed in the same nest.

    Why it blocks: which elements are touched is looked up before the nest runs, by reading the
        index array as it is then.

    Example:
        for i in range(n):
            y[idx[i]] = 0.0
            idx[i] = i

    Use instead: two loops, one that fills the index array and one that uses it.

    Right to refuse: where an iteration uses subscripts that an earlier one has changed, as in
        sorting or union-find.

    References: Saltz, Mirchandaney and Crowley, Run-Time Parallelization and Scheduling of Loops,
        IEEE Transactions on Computers, 1991.
    """

    code: ClassVar[str] = "AP312"
    array: str
    index_array: str

    @property
    def message(self) -> str:
        return (
            f"'{self.index_array}' gives subscripts of '{self.array}' and is written"
            " in the same nest."
        )

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Fill '{self.index_array}' in a loop of its own.",)
