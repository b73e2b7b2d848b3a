"""Reasons of the family AP2: loops that run in part ahead of themselves."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PartlyAhead(Reason):
    """What a loop computes runs in parallel, ahead of the rest, which runs in its order.

    Why it blocks: the loop prints, stores into a dict or calls something of which nothing is
        known, so its iterations have an order. What it computes besides depends on nothing of
        that: a kernel computes it for many iterations at once, into memory of its own, and the
        interpreter runs the loop with these values. Before it uses any, it looks whether what
        they were computed from is still what it was, unless nothing in the loop can change it.
        A value whose computation fails, or that would warn, is computed in its iteration, as
        if there had been no kernel.

    Example:
        for i in range(n):
            s = 0.0
            for j in range(m):
                s += a[i, j] * x[j]
            print(i, s)

    Use instead: an array for the values, and a loop of its own for what has an order.
        for i in range(n):
            s = 0.0
            for j in range(m):
                s += a[i, j] * x[j]
            y[i] = s

    References: Kuck, Kuhn, Padua, Leasure and Wolfe, Dependence Graphs and Compiler
        Optimizations, POPL 1981 (loop distribution).
    """

    code: ClassVar[str] = "AP217"
    rest: str  # why the loop as a whole is not taken over, a sentence without its full stop

    @property
    def message(self) -> str:
        return "What the loop computes is done ahead, in parallel; the rest runs in its order."

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"{self.rest}.",)
