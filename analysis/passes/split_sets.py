"""Split loops where all that they carry goes from one part of their iterations to a later one.

Before:  for i in range(n): a[i] = a[n - 1 - i] + b[i]      the second half needs the first
After:   parallel for i in range((n + 1) // 2): ...
         parallel for i in range((n + 1) // 2, n): ...

Before:  for k: for i: for j: p[i, j] = min(p[i, j], p[i, k] + p[k, j])      all in order
After:   for k:
             parallel for i < k: parallel for j < k: ...; j = k: ...; parallel for j > k: ...
             i = k: the same
             parallel for i > k: the same

The order is that of the source; time tells in addition in which part an iteration lies. Where the
parts end follows from the dependences (`isl_crossings`): the first turn is one of its own where
all others need it, a loop ends in the middle where an array is mirrored. (Griebl, Feautrier,
Lengauer, Index set splitting, IJPP 2000.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.isl_crossings import OUTER, points_between
from ..model.plan import Schedule, ScheduleDimension
from ..model.scop import Loop, Scop, Statement
from .constraints import Constraint, Constraints
from .forward import check_forward
from .order import dimensions_of, instance, original_schedule, time_of

_MOST_POINTS = 2  # in one loop: before it, it, after it
_MOST_PARTS = 9  # of one statement: each is code of its own
_FEW_TURNS = 8  # of a loop: its parts have too few to run at the same time
_DEEPEST = 2  # that many loops around the outermost one that is split are too many

_Points = tuple[str, ...]


def find_split(scop: Scop, schedule: Schedule, constraints: Constraints) -> Schedule | None:
    """Return the order of the source with some loops in parts; None where nothing gains.

    Loops are split of which the iterations of each part may run at the same time, and around
    which no loop is parallel yet; and those further inside that can be.
    """
    if len({each.position for each in scop.statements}) != len(scop.statements):
        return None
    points = _points(scop, schedule, constraints)
    if not any(points.values()):
        return None
    relation = _times(scop, points)
    if not _is_whole(scop, relation):
        return None
    carried = check_forward(scop, relation, constraints, len(schedule.dimensions))
    if carried is None:
        return None
    split = [loop for loop, found in points.items() if found]
    for loop in split:
        inside = {each.name for each in scop.statements_in(loop)}
        if carried[2 * scop.loops[loop].depth + 1] & inside:
            return None
    every = frozenset(each.name for each in scop.statements)
    if any(
        _ways(each) - (every - carried[level]) for level, each in enumerate(schedule.dimensions)
    ):
        return None  # a loop would be in order that has a way to run in parallel
    dimensions = tuple(
        each if each.is_textual else _free(each, every - carried[level])
        for level, each in enumerate(schedule.dimensions)
    )
    return replace(
        schedule,
        relation=relation,
        dimensions=dimensions,
        local=constraints.private,
        transforms=tuple((each, "split") for each in split),
    )


def _ways(dimension: ScheduleDimension) -> frozenset[str]:
    """Return the statements for which a loop may run in parallel, whatever that takes."""
    combined = dimension.reducible | dimension.scannable | dimension.renamable
    return dimension.coincident | combined


def _free(dimension: ScheduleDimension, coincident: frozenset[str]) -> ScheduleDimension:
    return ScheduleDimension(is_textual=False, iterators=dimension.iterators, coincident=coincident)


def _points(scop: Scop, schedule: Schedule, constraints: Constraints) -> dict[int, _Points]:
    """Return where the parts of each loop but the first begin; () for a loop that stays whole."""
    times = {each.source_name: each for each in original_schedule(scop).maps()}
    found: dict[int, _Points] = {}
    for loop in sorted(range(len(scop.loops)), key=lambda each: scop.loops[each].depth):
        level = 2 * scop.loops[loop].depth + 1
        inside = scop.statements_in(loop)
        around = [one for one in inside[0].loops[: scop.loops[loop].depth] if found[one]]
        found[loop] = ()
        if _is_short(scop.loops[loop]) or (not around and not _may_gain(scop, schedule, loop)):
            continue
        own = [each for each in constraints.pairs if _is_inside(each, inside)]
        places = tuple((times[each.source], each.pairs, times[each.sink]) for each in own)
        parts = 1
        for one in around:
            parts *= len(found[one]) + 1
        found[loop] = (
            points_between(places, level, min(_MOST_POINTS, _MOST_PARTS // parts - 1)) or ()
        )
    return found


def _is_short(loop: Loop) -> bool:
    """Return whether a loop is known to have few turns."""
    return loop.known_turns is not None and loop.known_turns <= _FEW_TURNS


def _is_inside(constraint: Constraint, inside: tuple[Statement, ...]) -> bool:
    return {constraint.source, constraint.sink} <= {each.name for each in inside}


def _may_gain(scop: Scop, schedule: Schedule, loop: int) -> bool:
    """Return whether neither a loop nor one around it has a way to run in parallel as it stands.

    Further inside than two loops there is too little in a part.
    """
    shape = scop.loops[loop]
    if shape.depth >= _DEEPEST:
        return False
    for statement in scop.statements_in(loop):
        for level in range(shape.depth + 1):
            if statement.name in _ways(schedule.dimensions[2 * level + 1]):
                return False
    return True


def _times(scop: Scop, points: Mapping[int, _Points]) -> isl.UnionMap:
    """Return the times of the source with the parts that loops are split in beside positions."""
    pieces = []
    for each in scop.statements:
        names = instance(each, dimensions_of(each))
        for parts in product(*(range(len(points[loop]) + 1) for loop in each.loops)):
            time = time_of(scop, each, max(len(one.loops) for one in scop.statements))
            tests = []
            for level, (part, loop) in enumerate(zip(parts, each.loops, strict=True)):
                tests += _Part(points=points[loop], number=part).tests(time, level)
            time[::2] = map(_beside, time[::2], (*parts, *[0] * len(time)))
            where = f" : {' and '.join(tests)}" if tests else ""
            pieces.append(f"{names} -> [{', '.join(time)}]{where}")
    parameters = ", ".join(each.name for each in scop.parameters)
    times = isl.UnionMap.parse(f"[{parameters}] -> {{ {'; '.join(pieces)} }}")
    return times.intersect_domain(tuple(each.domain for each in scop.statements))


def _beside(position: str, part: int) -> str:
    """Return a position with room for the parts of the loop that stands there."""
    return str(int(position) * (_MOST_POINTS + 1) + part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The iterations that come before one of the points, and before no point ahead of it."""

    points: _Points
    number: int

    def tests(self, time: list[str], level: int) -> list[str]:
        """Return what tells them, `time` being that of an instance."""
        own = time[2 * level + 1]
        places = [self._at(point, time) for point in self.points[: self.number + 1]]
        found = [f"{own} >= {each}" for each in places[: self.number]]
        return found + [f"{own} < {each}" for each in places[self.number :]]

    @staticmethod
    def _at(point: str, time: list[str]) -> str:
        for number in reversed(range(len(time) // 2)):
            point = point.replace(f"{OUTER}{number}", f"({time[2 * number + 1]})")
        return f"({point})"


def _is_whole(scop: Scop, relation: isl.UnionMap) -> bool:
    """Return whether every instance has a time."""
    timed = {each.source_name: each.domain() for each in relation.maps()}
    return all(
        each.name in timed
        and each.domain.intersect_params(scop.context).is_subset(timed[each.name])
        for each in scop.statements
    )
