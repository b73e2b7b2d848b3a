"""Where a loop has to be split so that nothing goes from one iteration to another of its parts.

Before:  a[i] needs a[n - 1 - i]: the pairs of times { (s, t) : s + t = n - 1 and s < t }
After:   ("floor((1 + n)/2)",): all sources come before it, no sink does

Each pair is an interval, and a point that lies in it, not before its beginning, parts the two
ends. The earliest end of an interval is the last place for the first point (the greedy cover of
intervals by points); what it leaves is covered in the same way.
"""

from __future__ import annotations

import functools
import re

import islpy

from . import isl

_SET, _PARAM = islpy.dim_type.set, islpy.dim_type.param
OUTER = "autopar_outer_"  # with its number: the time of a loop around, in a point


@isl.locked
def points_between(
    pairs: tuple[tuple[isl.Map, isl.Map, isl.Map], ...], level: int, most: int
) -> tuple[str, ...] | None:
    """Return at most `most` points that part both ends of all `pairs`, in isl's notation.

    A pair is (times of the sources, pairs of instances, times of the sinks). Considered are those
    whose times are equal before the dimension `level` and later there. The points are functions
    of parameters and of the times of the loops around, those of the odd dimensions before
    `level`. None where more points are needed, or a point has no affine form.
    """
    found = [_intervals(each, level) for each in pairs]
    return _cover(functools.reduce(islpy.Set.union, found).coalesce(), most) if found else ()


def _intervals(pair: tuple[isl.Map, isl.Map, isl.Map], level: int) -> islpy.Set:
    """Return the times (source, sink) at `level`, the loops around being parameters."""
    sources, instances, sinks = pair
    times = sources.reverse().then(instances).then(sinks).raw
    for dimension in range(level):
        times = times.equate(islpy.dim_type.in_, dimension, islpy.dim_type.out, dimension)
    times = times.order_lt(islpy.dim_type.in_, level, islpy.dim_type.out, level)
    for kind in (islpy.dim_type.in_, islpy.dim_type.out):
        times = times.project_out(kind, level + 1, times.dim(kind) - level - 1)
    times = times.project_out(islpy.dim_type.out, 0, level)
    both = times.move_dims(islpy.dim_type.out, 0, islpy.dim_type.in_, 0, level + 1).range()
    for dimension in reversed(range(level)):
        if dimension % 2 == 0:  # a position in the text
            both = both.project_out(_SET, dimension, 1)
    around = both.dim(_SET) - 2
    before = both.dim(_PARAM)
    both = both.move_dims(_PARAM, before, _SET, 0, around)
    for number in range(around):
        both = both.set_dim_name(_PARAM, before + number, f"{OUTER}{number}")
    return both.reset_tuple_id() if both.has_tuple_id() else both


def _cover(intervals: islpy.Set, most: int) -> tuple[str, ...] | None:
    if intervals.is_empty():
        return ()
    if not most:
        return None
    ends: list[islpy.Aff] = []
    earliest = intervals.project_out(_SET, 0, 1).dim_min(0).coalesce()
    earliest.foreach_piece(lambda _, end: ends.append(end))
    for end in ends:  # any of them may do for all parameters
        left = _after(intervals, end)
        rest = None if left is None else _cover(left, most - 1)
        if rest is not None:
            return (_text(end), *rest)
    return None


def _after(intervals: islpy.Set, point: islpy.Aff) -> islpy.Set | None:
    """Return the intervals that begin at a point or after it; None where one ends before it."""
    space = islpy.LocalSpace.from_space(intervals.get_space())
    at = point.add_dims(islpy.dim_type.in_, 2)
    source, sink = (islpy.Aff.var_on_domain(space, _SET, each) for each in range(2))
    if not intervals.intersect(sink.lt_set(at)).is_empty():
        return None
    return intervals.intersect(source.ge_set(at)).coalesce()


def _text(point: islpy.Aff) -> str:
    """Return `floor((1 + n)/2)` for the affine function of parameters."""
    found = re.search(r"\{ (?:\[.*\] -> )?\[\((.*)\)\](?: : .*)? \}$", isl.text_of(point))
    assert found, isl.text_of(point)
    return found[1]
