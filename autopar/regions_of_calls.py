"""The region of a nest that was planned with what one call shows.

Before:  a plan, and the entry that had it made at a call      After:  a region with its own guard
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from autopar.analysis.model.plan import RegionPlan

from .counting import Counting
from .dispatch import Region
from .guard import make_guard
from .options import Options
from .reanalysis import Reanalyses
from .record import Records


class Entry(Protocol):
    """What stands in the function and has nests planned at its calls."""

    number: int  # among the regions of the function
    name: str
    file: str
    options: Options
    records: Records
    again: Reanalyses[Any]

    @property
    def bindings_hold(self) -> Callable[[], bool]:
        """What tells whether functions in use are those that were analysed."""


def region_of_call(
    entry: Entry, plan: RegionPlan, spent: int, counting: Counting | None = None
) -> Region:
    """Return the region of `plan`; `spent` nanoseconds in the interpreter came before it.

    `counting` counts the turns at the place of `entry`.
    """
    region = Region(
        number=entry.number,
        name=entry.name,
        file=entry.file,
        plan=plan,
        guard=make_guard(plan),
        options=entry.options,
        bindings_hold=entry.bindings_hold,
        records=entry.records,
        allowance=entry.again.allowance,
        is_of_call=True,
        counting=counting,
    )
    region.patience.interpreted_ns = spent
    return region
