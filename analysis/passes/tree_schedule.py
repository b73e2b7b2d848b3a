"""A tree of loops as a schedule: the time of every instance, and what each dimension scans.

Before:  Turn(i, [Turn(j, [Run(A0)]), Run(A1)])
After:   { S0[i, j] -> [0, i, 0, j, 0, 0]; S1[i] -> [0, i, 1, 0, 0, 0] }
"""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.nouns import dataclass

from ..model.order_tree import Run, Tree, Turn
from ..model.plan import Schedule, ScheduleDimension
from ..model.scop import Scop
from .atoms import Atom
from .constraints import Constraints
from .forward import check_forward
from .order import schedule_of

_Path = tuple[int | Turn, ...]  # positions and loops in turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The way from the root to every atom."""

    atoms: tuple[Atom, ...]
    found: dict[str, _Path]  # by atom

    def turns(self, atom: str) -> tuple[Turn, ...]:
        """Return the loops around an atom, outermost first."""
        return tuple(each for each in self.found[atom] if isinstance(each, Turn))


def paths_of(trees: tuple[Tree, ...], atoms: tuple[Atom, ...]) -> Paths:
    """Return the way to every atom of `trees`."""
    return Paths(atoms=atoms, found=dict(_paths(trees, ())))


def _paths(trees: tuple[Tree, ...], before: _Path) -> Iterator[tuple[str, _Path]]:
    for position, tree in enumerate(trees):
        match tree:
            case Run():
                yield tree.atom, (*before, position)
            case Turn():
                yield from _paths(tree.body, (*before, position, tree))


def schedule_of_tree(scop: Scop, paths: Paths, constraints: Constraints) -> Schedule | None:
    """Return the schedule of an order; None where it breaks a constraint.

    Which of its loops are parallel follows from the constraints alone.
    """
    depth = max(map(len, paths.found.values()))
    times = {
        statement.name: [*_times(paths.found[atom.name], atom.name, depth), str(number)]
        for atom in paths.atoms
        for number, statement in enumerate(atom.statements)
    }
    relation = schedule_of(scop, times)
    carried = check_forward(scop, relation, constraints, depth + 1)
    if carried is None:
        return None
    every = frozenset(each.name for each in scop.statements)
    dimensions = tuple(
        _dimension(paths, level, every - carried[level]) for level in range(depth + 1)
    )
    return Schedule(
        relation=relation,
        dimensions=dimensions,
        local=_local(scop, dimensions, constraints.private),
    )


def is_parallel_as_claimed(paths: Paths, schedule: Schedule) -> bool:
    """Return whether all loops that are said to carry nothing do carry nothing."""
    return all(
        not isinstance(step, Turn)
        or not step.is_coincident
        or all(
            each.name
            in schedule.dimensions[level].coincident | schedule.dimensions[level].renamable
            for each in atom.statements
        )
        for atom in paths.atoms
        for level, step in enumerate(paths.found[atom.name])
    )


def _times(path: _Path, atom: str, depth: int) -> list[str]:
    times = [_time(each, atom) for each in path]
    return times + ["0"] * (depth - len(times))


def _time(step: int | Turn, atom: str) -> str:
    if not isinstance(step, Turn):
        return str(step)
    time = step.time(atom)
    return time if step.block == 1 else f"{step.block} * floor(({time}) / {step.block})"


def _dimension(paths: Paths, level: int, free: frozenset[str]) -> ScheduleDimension:
    scanned: list[tuple[str, str]] = []
    blocks = None
    for atom in paths.atoms:
        path = paths.found[atom.name]
        step = path[level] if level < len(path) else 0
        if not isinstance(step, Turn):
            continue
        variable = step.time(atom.name).removeprefix("-1 * ")
        if variable in atom.first.domain.dimensions:
            if step.block > 1:
                blocks = variable
            else:
                scanned += [(each.name, variable) for each in atom.statements]
    is_loop = any(
        level < len(each) and isinstance(each[level], Turn) for each in paths.found.values()
    )
    return ScheduleDimension(
        is_textual=not is_loop,
        iterators=tuple(scanned),
        coincident=free if is_loop else frozenset(),
        blocks_of=blocks,
    )


def _local(
    scop: Scop, dimensions: tuple[ScheduleDimension, ...], private: frozenset[str]
) -> frozenset[str]:
    """Return the private scalars that are used in parallel loops only."""
    shared = frozenset[str]().union(*(each.coincident for each in dimensions))
    return frozenset(
        name
        for name in private
        if all(
            each.name in shared
            for each in scop.statements
            if any(access.array == name for access in each.accesses)
        )
    )
