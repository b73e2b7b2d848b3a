"""The source order of statement instances, as relations.

The original schedule is Kelly and Pugh's 2d+1 form (A framework for unifying reordering
transformations, 1993): textual positions and loop iterations alternate,
`S1[i, j] -> [0, i, 1, j, 0]`. A descending loop contributes `-i`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Literal

from ..model import isl
from ..model.scop import Scop, Statement


def dimensions_of(statement: Statement) -> tuple[str, ...]:
    """Return the names of a statement's set dimensions, outermost loop first."""
    return statement.domain.dimensions


def instance(statement: Statement, names: tuple[str, ...]) -> str:
    """Return `S0[i, j]` in isl notation."""
    return f"{statement.name}[{', '.join(names)}]"


def time_of(scop: Scop, statement: Statement, depth: int) -> list[str]:
    """Return the time of an instance, padded to `depth` loops: `0, i, 1, -j, 0`."""
    names = dimensions_of(statement)
    time: list[str] = [str(statement.position[0])]
    for level, loop in enumerate(statement.loops):
        sign = "-" if scop.loops[loop].step < 0 else ""
        time += [f"{sign}{names[level]}", str(statement.position[level + 1])]
    return time + ["0"] * (2 * depth + 1 - len(time))


def original_schedule(scop: Scop) -> isl.UnionMap:
    """Return instance -> time of the source program, restricted to the iteration domains."""
    depth = max(len(statement.loops) for statement in scop.statements)
    return schedule_of(scop, {each.name: time_of(scop, each, depth) for each in scop.statements})


def schedule_of(scop: Scop, times: Mapping[str, Sequence[str]]) -> isl.UnionMap:
    """Return instance -> time, from the time of each statement; restricted to the domains."""
    pieces = (
        f"{instance(each, dimensions_of(each))} -> [{', '.join(times[each.name])}]"
        for each in scop.statements
    )
    parameters = ", ".join(each.name for each in scop.parameters)
    schedule = isl.UnionMap.parse(f"[{parameters}] -> {{ {'; '.join(pieces)} }}")
    return schedule.intersect_domain(tuple(each.domain for each in scop.statements))


def carried(scop: Scop, source: Statement, sink: Statement, loop: int) -> isl.Map:
    """Return all pairs of instances in the same outer iteration, source earlier in `loop`."""
    before: Literal["<", ">"] = "<" if scop.loops[loop].step > 0 else ">"
    return isl.pairs(source.domain, sink.domain, scop.loops[loop].depth, before)


def earlier(scop: Scop, source: Statement, sink: Statement) -> isl.Map:
    """Return all pairs of instances, source earlier in the source program."""
    common = [loop for loop in source.loops if loop in sink.loops]
    level = len(common)
    pairs = [carried(scop, source, sink, loop) for loop in common]
    if source.position[level] < sink.position[level]:
        every = isl.pairs(source.domain, sink.domain, 0, "*")
        pairs.append(same_iteration(scop, source, sink, common[-1]) if common else every)
    if not pairs:  # it begins once the other one is over
        return isl.pairs(source.domain, sink.domain, 0, "*").subtract(
            isl.pairs(source.domain, sink.domain, 0, "*")
        )
    return functools.reduce(isl.Map.union, pairs)


def same_iteration(scop: Scop, source: Statement, sink: Statement, loop: int) -> isl.Map:
    """Return all pairs of instances in the same iteration of `loop` and of its outer loops."""
    return isl.pairs(source.domain, sink.domain, scop.loops[loop].depth, "=")
