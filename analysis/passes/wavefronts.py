"""Find nests of which several rows may be under way at once, each some columns behind the last.

Before:  for i: for j: a[i, j] = 0.25 * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])
After:   skew 1: S0[i, j] at the time i + j; what has one time depends on nothing of that time

Lamport, The parallel execution of DO loops, CACM 1974 (the hyperplane method); Wolfe, Loop
skewing: the wavefront method revisited, IJPP 1986. Here the loops stay where they are, and code
generation lets a few rows overlap: both orders, that of the source and the skewed one, keep every
dependence, so any grouping of rows does.
"""

from __future__ import annotations

from ..model import isl
from ..model.plan import Skew
from ..model.scop import Loop, Scop
from .constraints import Constraints
from .forward import check_forward
from .order import schedule_of, time_of

# Further apart, short rows would never overlap.
_WIDEST = 4


def find_wavefronts(
    scop: Scop, constraints: Constraints, coincident: frozenset[int]
) -> tuple[Skew, ...]:
    """Return the pairs of loops whose outer iterations may overlap, with the least skews.

    `coincident` are the loops that carry nothing: they need no skew. Costs one test of all
    constraints for each skew that is tried.
    """
    found = []
    for outer, inner in _pairs(scop):
        if outer in coincident or inner in coincident:
            continue
        skew = _least(scop, constraints, outer, inner)
        if skew is not None:
            found.append(skew)
    return tuple(found)


def _pairs(scop: Scop) -> list[tuple[int, int]]:
    """Return the loops that hold nothing but one innermost loop, with that one."""
    found = []
    for outer, shape in enumerate(scop.loops):
        paths = {each.loops for each in scop.statements_in(outer)}
        if len(paths) != 1 or not _is_plain(shape):
            continue
        (path,) = paths
        if path[-2:-1] == (outer,) and _is_plain(scop.loops[path[-1]]):
            found.append((outer, path[-1]))
    return found


def _is_plain(loop: Loop) -> bool:
    """Return whether all iterations of a loop run, one after the other."""
    return abs(loop.step) == 1 and loop.leaves is None and loop.data is None


def _least(scop: Scop, constraints: Constraints, outer: int, inner: int) -> Skew | None:
    own = frozenset(each.name for each in scop.statements_in(outer))
    inside = tuple(each for each in constraints.pairs if {each.source, each.sink} <= own)
    band = Constraints(pairs=inside, private=constraints.private)
    level = 2 * scop.loops[outer].depth + 1
    for factor in range(1, _WIDEST + 1):
        times, depth = _skewed(scop, own, level, factor)
        carried = check_forward(scop, times, band, depth)
        if carried is not None and not carried[level + 2] & own:
            return Skew(outer=outer, inner=inner, factor=factor)
    return None


def _skewed(scop: Scop, own: frozenset[str], level: int, factor: int) -> tuple[isl.UnionMap, int]:
    """Return times with the two loops from dimension `level` on skewed, for statements `own`."""
    depth = max(len(each.loops) for each in scop.statements)
    times = {each.name: time_of(scop, each, depth) for each in scop.statements}
    for name in own:
        row, column = times[name][level], times[name][level + 2]
        times[name][level] = f"{factor} * ({row}) + ({column})"
        times[name][level + 2] = row
    return schedule_of(scop, times), 2 * depth + 1
