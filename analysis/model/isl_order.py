"""How far apart the two ends of a dependence are under a schedule.

Before:  { S0[i, j] -> S0[i + 1, j - 1] }, the time of S0[i, j] is [i + j, i]
After:   zero apart in the first dimension, forward in the second: carried there
"""

from __future__ import annotations

import islpy

from . import isl

_SET = islpy.dim_type.set


@isl.locked
def carried_dimensions(source: isl.Map, pairs: isl.Map, sink: isl.Map) -> tuple[int, ...] | None:
    """Return the dimensions of time that carry some of `pairs`; None where one goes backward.

    `source` and `sink` give the times of the two ends. A pair at one and the same time goes
    backward too.
    """
    apart = source.reverse().then(pairs).then(sink).raw.deltas()
    found: list[int] = []
    for dimension in range(apart.dim(_SET)):
        if apart.is_empty():
            return tuple(found)
        space = islpy.LocalSpace.from_space(apart.get_space())
        here = islpy.Aff.var_on_domain(space, _SET, dimension)
        none = islpy.Aff.zero_on_domain(space)
        if not apart.intersect(here.lt_set(none)).is_empty():
            return None
        if not apart.intersect(here.gt_set(none)).is_empty():
            found.append(dimension)
        apart = apart.intersect(here.eq_set(none))
    return tuple(found) if apart.is_empty() else None
