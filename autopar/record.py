"""What happened in one call: where each region ran, how often and how long."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.plan import RegionPlan


@dataclass(slots=True, kw_only=True)
class Tally:
    """The entries into one region on one backend."""

    calls: int = 0
    iterations: int = 0
    seconds: float = 0.0
    # Why the last entry stayed in the interpreter, or what is to be said of a kernel's results.
    reason: Reason | None = None
    plan: RegionPlan | None = None  # of the last entry that was planned at the call


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """The region entries of one call, by region number and backend."""

    tallies: dict[tuple[int, str], Tally] = field(default_factory=dict)

    def add(
        self,
        region: int,
        backend: str,
        iterations: int | None,
        seconds: float,
        reason: Reason | None,
        plan: RegionPlan | None = None,
    ) -> None:
        """Count one entry; `seconds` is what a kernel took, 0 in the interpreter."""
        key = (region, backend)
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = Tally()
        tally.calls += 1
        tally.iterations += iterations or 0
        tally.seconds += seconds
        if reason is not None:
            tally.reason = reason
        if plan is not None:
            tally.plan = plan

    def merge(self, other: RunRecord) -> None:
        """Add the entries of another call."""
        for key, tally in list(other.tallies.items()):
            mine = self.tallies.setdefault(key, Tally())
            mine.calls += tally.calls
            mine.iterations += tally.iterations
            mine.seconds += tally.seconds
            mine.reason = tally.reason or mine.reason
            mine.plan = tally.plan or mine.plan


class Records(threading.local):
    """The calls under way in each thread, innermost last."""

    def __init__(self, base: RunRecord | None = None) -> None:
        super().__init__()
        self.stack: list[RunRecord] = [] if base is None else [base]
