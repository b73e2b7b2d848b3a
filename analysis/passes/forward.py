"""Check that a schedule runs both ends of every dependence in their order.

Before:  S0[i, j] before S0[i + 1, j - 1]; the time of S0[i, j] is [i + j, i]
After:   dimension 0 carries nothing, dimension 1 something

The test is that of Feautrier (Some efficient solutions to the affine scheduling problem, II,
IJPP 1992): the time that passes from source to sink is lexicographically positive. It knows
nothing of how the schedule was found.
"""

from __future__ import annotations

from ..model import isl
from ..model.isl_order import carried_dimensions
from ..model.scop import Scop
from .constraints import Constraints


def check_forward(
    scop: Scop, times: isl.UnionMap, constraints: Constraints, depth: int
) -> tuple[frozenset[str], ...] | None:
    """Return the statements for which each of `depth` dimensions of time carries something.

    None where the order breaks a constraint, or gives two instances of a statement one time:
    then nobody could say which of them runs first.
    """
    time = {each.source_name: each for each in times.maps()}
    if any(each.name not in time or not time[each.name].is_injective() for each in scop.statements):
        return None
    carried: list[set[str]] = [set() for _ in range(depth)]
    for each in constraints.pairs:
        found = carried_dimensions(time[each.source], each.pairs, time[each.sink])
        if found is None:
            return None
        for dimension in found:
            carried[dimension] |= {each.source, each.sink}
    return tuple(map(frozenset, carried))
