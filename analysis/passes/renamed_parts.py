"""Find what sets the parts of a distributed loop free that only overwrite what they have read.

Before:  for i: b[i] = b[i + 1] - e[i]      distributed from a loop that used b[i - 1] too
         parallel for i: a[i] = b[i - 1] + c[i]
After:   Renaming(b, reads S1 b[i + 1], reach 1) for the first of the two

The same as `renaming` for the loops of the source, of some of their statements alone.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.dependence import Renaming
from ..model.order_tree import Tree, Turn, runs_of
from ..model.plan import Schedule
from ..model.scop import Scop
from .atoms import Atom
from .constraints import Constraints
from .dependences import carried_by, find_conflicts
from .renaming import find_renamings


def with_free_parts(
    scop: Scop, trees: tuple[Tree, ...], atoms: tuple[Atom, ...], constraints: Constraints
) -> tuple[Tree, ...]:
    """Return `trees` where outermost loops that renaming sets free are said to carry nothing."""
    return tuple(
        replace(each, is_coincident=True)
        if isinstance(each, Turn)
        and not each.is_coincident
        and renamings_of(scop, each, atoms, constraints)
        else each
        for each in trees
    )


def with_renamings(
    schedule: Schedule,
    scop: Scop,
    trees: tuple[Tree, ...],
    known: tuple[tuple[Atom, ...], Constraints],
) -> Schedule:
    """Return `schedule`, that of `trees`, with what sets their outermost loops free."""
    if len(schedule.dimensions) < 2:
        return schedule
    first = schedule.dimensions[1]
    names: frozenset[str] = frozenset()
    found: tuple[Renaming, ...] = ()
    for each in trees:
        own = _statements(each, known[0])
        if isinstance(each, Turn) and not own <= first.coincident:
            renamings = renamings_of(scop, each, *known)
            names |= own if renamings else frozenset()
            found += renamings
    if not found:
        return schedule
    dimension = replace(first, renamable=names, renamings=found)
    return replace(
        schedule, dimensions=(schedule.dimensions[0], dimension, *schedule.dimensions[2:])
    )


def renamings_of(
    scop: Scop, turn: Turn, atoms: tuple[Atom, ...], constraints: Constraints
) -> tuple[Renaming, ...]:
    """Return what removes all that an outermost loop carries; () where something stays.

    And for a loop that carries nothing, or is none of the source's.
    """
    own = _statements(turn, atoms)
    loops = {each.loops[0] for each in scop.statements if each.name in own and each.loops}
    if turn.block > 1 or len(loops) != 1:
        return ()
    (loop,) = loops
    sign = "-1 * " if scop.loops[loop].step < 0 else ""
    times = {turn.time(run.atom) for run in runs_of(turn.body)}
    if times != {f"{sign}{scop.loops[loop].variable}"}:
        return ()
    conflicts = tuple(
        each
        for each in find_conflicts(scop)
        if {each.source.name, each.sink.name} <= own and each.array not in constraints.private
    )
    return find_renamings(scop, loop, carried_by(scop, conflicts, loop))


def _statements(tree: Tree, atoms: tuple[Atom, ...]) -> frozenset[str]:
    inside = {each.atom for each in runs_of((tree,))}
    return frozenset(one.name for each in atoms if each.name in inside for one in each.statements)
