"""The order of the source as a tree of loops.

Before:  statements with their positions      After:  Turn(i, [Run(A0), Turn(j, [Run(A1)])])
"""

from __future__ import annotations

from itertools import groupby

from ..model.order_tree import Run, Tree, Turn
from ..model.plan import Schedule
from ..model.scop import Scop
from .atoms import Atom


def source_order(scop: Scop, atoms: tuple[Atom, ...], schedule: Schedule) -> tuple[Tree, ...]:
    """Return the loops of the source, parallel where `schedule` has them so."""
    return _trees(scop, atoms, schedule, 0)


def _trees(scop: Scop, atoms: tuple[Atom, ...], schedule: Schedule, depth: int) -> tuple[Tree, ...]:
    found: list[Tree] = []
    for loops, group in groupby(atoms, key=lambda each: each.first.loops[: depth + 1]):
        inside = tuple(group)
        if len(loops) <= depth:
            found += [Run(atom=each.name) for each in inside]
            continue
        shape = scop.loops[loops[depth]]
        sign = "-1 * " if shape.step < 0 else ""
        dimension = schedule.dimensions[2 * depth + 1]
        free = dimension.coincident
        if depth == 0:  # further inside, a reduction is a chain in order like any other
            # An order without copies is the better one, if there is one.
            kept = {name for name, _ in dimension.kept_arrays}
            free |= (dimension.reducible - kept) | dimension.scannable | dimension.renamable
        found.append(
            Turn(
                times=tuple((each.name, f"{sign}{_variable(each, depth)}") for each in inside),
                is_coincident=all(one.name in free for each in inside for one in each.statements),
                body=_trees(scop, inside, schedule, depth + 1),
            )
        )
    return tuple(found)


def _variable(atom: Atom, depth: int) -> str:
    return atom.first.domain.dimensions[depth]
