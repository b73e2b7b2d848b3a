"""Statements that surely run at least once, somewhere in a region.

Before:  for i in range(n): for j in range(ptr[i], ptr[i + 1]): s += v[j]
After:   at least once where n >= 1 and j_trips >= 1: not in every iteration of i, but in one

Helper of the passes that ask what a scalar is after the region.
"""

from __future__ import annotations

from ..model import isl
from ..model.loop_ir import Name
from ..model.scop import Scop, Statement
from ..model.text import python_text


def sure_runs(scop: Scop, scalar: str) -> isl.Set | None:
    """Return parameter values for which some assignment of `scalar` surely runs, or None.

    None too where all that happens anyway, or depends on more than bounds.
    """
    for statement in scop.statements:
        target = statement.body.target
        if isinstance(target, Name) and target.name == scalar:
            found = _runs(scop, statement)
            if found is not None:
                return found
    return None


def _runs(scop: Scop, statement: Statement) -> isl.Set | None:
    """Return parameter values for which some instance of `statement` runs; None if unknown.

    Known are statements that nothing but the bounds of one loop decides about, if these are read
    by one loop variable: its range is all that a call looks at.
    """
    around = [scop.loops[loop] for loop in statement.loops]
    found = [loop for loop in around if loop.data is not None and loop.data.boxes]
    if len(found) != 1:
        return None
    (loop,) = found
    data = loop.data
    if data is None or len(data.boxes) != 1:
        return None
    (box,) = data.boxes
    inside = tuple(each.name for each in statement.predicates) == (data.predicate,)
    if not inside or statement.domain.outer(loop.depth + 1) != loop.iterations:
        return None
    outside = loop.iterations.outer(loop.depth).keep(
        (scop.loops[box.loop].iterations.dimensions[-1],)
    )
    least, greatest = python_text(box.least), python_text(box.greatest)
    prefix = f"[{', '.join(each.name for each in scop.parameters)}] -> "
    whole = isl.Set.parse(f"{prefix}{{ [x] : {least} <= x <= {greatest} }}")
    runs = loop.iterations.params()
    if outside != whole.intersect_params(runs):
        return None  # a call looks at rows that the region does not reach
    return runs.intersect(isl.Set.parse(f"{prefix}{{ : {data.trips} >= 1 }}"))
