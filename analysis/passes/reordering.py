"""Give the loops of a region an order in which more of them runs at the same time.

Before:  a schedule in the order of the source
After:   the same, with rows that may overlap

Where the analysis takes too long the order of the source stays. What isl gives up in the middle of
may be half rewritten, so it is given copies.
"""

from __future__ import annotations

import pickle
from dataclasses import replace

from ..model import isl
from ..model.plan import Schedule
from ..model.scop import Scop
from .constraints import find_constraints
from .wavefronts import find_wavefronts


def reordered(scop: Scop, schedule: Schedule) -> Schedule:
    """Return a schedule of `scop` that runs more at the same time; `schedule` where none does."""
    if len(scop.loops) < 2:  # a nest of one has one order
        return schedule
    copies: Scop = pickle.loads(pickle.dumps(scop))  # noqa: S301  # our own
    try:
        with isl.isolated(), isl.budget():
            return _reordered(copies, schedule)
    except isl.BudgetExhaustedError:
        return schedule


def _reordered(scop: Scop, schedule: Schedule) -> Schedule:
    constraints = find_constraints(scop)
    coincident = frozenset(
        statement.loops[level // 2]
        for statement in scop.statements
        for level, dimension in enumerate(schedule.dimensions)
        if statement.name in dimension.coincident
    )
    return replace(schedule, skews=find_wavefronts(scop, constraints, coincident))
