"""Split the loops of a nest at a variable of the loop around them, where that leaves them parallel.

Before:  for k: for i: for j: p[i, j] = min(p[i, j], p[i, k] + p[k, j])      all in order
After:   for k:
             parallel for i < k: parallel for j < k: ...; j = k: ...; parallel for j > k: ...
             i = k: the same
             parallel for i > k: the same

Row `k` and column `k` are read by all other rows and columns and written once, in their turn. The
order is that of the source; time tells in addition whether an iteration comes before `k`, is `k`,
or comes after it. (Griebl, Feautrier, Lengauer, Index set splitting, IJPP 2000.)
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from ..model import isl
from ..model.plan import Schedule, ScheduleDimension
from ..model.scop import Scop
from .constraints import Constraints
from .forward import check_forward
from .order import dimensions_of, instance, time_of

_DEEPEST = 3  # loops: each one inside the first makes three of what is in it
# Before the variable, it, and after it.
_PARTS = ("<", "=", ">")


def find_split(scop: Scop, schedule: Schedule, constraints: Constraints) -> Schedule | None:
    """Return the order of the source, split at its outermost variable; None where nothing gains.

    For nests of loops that hold nothing but the next one, none of them parallel as they stand.
    """
    if len({each.position for each in scop.statements}) != len(scop.statements):
        return None
    if len({(each.loops, each.position[:-1]) for each in scop.statements}) != 1:
        return None
    loops = scop.statements[0].loops
    if len(loops) != _DEEPEST or any(scop.loops[each].step != 1 for each in loops):
        return None
    if any(each.coincident or each.reducible for each in schedule.dimensions):
        return None
    relation = _times(scop)
    carried = check_forward(scop, relation, constraints, len(schedule.dimensions))
    if carried is None:
        return None
    every = frozenset(each.name for each in scop.statements)
    outer, row = (2 * level + 1 for level in range(2))
    if not carried[outer] or carried[row]:
        return None
    dimensions = tuple(
        each if each.is_textual else _free(each, every - carried[level])
        for level, each in enumerate(schedule.dimensions)
    )
    return replace(
        schedule,
        relation=relation,
        dimensions=dimensions,
        local=constraints.private,
        transforms=tuple((each, "split") for each in loops[1:]),
    )


def _free(dimension: ScheduleDimension, coincident: frozenset[str]) -> ScheduleDimension:
    return ScheduleDimension(is_textual=False, iterators=dimension.iterators, coincident=coincident)


def _times(scop: Scop) -> isl.UnionMap:
    """Return the times of the source with the parts that loops are split in as positions."""
    pieces = []
    for each in scop.statements:
        outer, *inner = dimensions_of(each)
        for parts in product(range(len(_PARTS)), repeat=len(inner)):
            time = time_of(scop, each, len(each.loops))
            tests = []
            for level, (part, name) in enumerate(zip(parts, inner, strict=True), start=1):
                time[2 * level] = str(part)
                tests.append(f"{name} {_PARTS[part]} {outer}")
            names = instance(each, dimensions_of(each))
            pieces.append(f"{names} -> [{', '.join(time)}] : {' and '.join(tests)}")
    parameters = ", ".join(each.name for each in scop.parameters)
    times = isl.UnionMap.parse(f"[{parameters}] -> {{ {'; '.join(pieces)} }}")
    return times.intersect_domain(tuple(each.domain for each in scop.statements))
