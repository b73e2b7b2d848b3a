"""Give the loops of a region an order in which more of them runs at the same time.

Before:  for t: parallel for i: z[i, t + 1] = z[i, t]
After:   parallel for i: for t: z[i, t + 1] = z[i, t]

Before:  for i: a[i] = a[i - 1]; parallel for j: b[i, j] = a[i]
After:   for i: a[i] = a[i - 1]
         parallel for i: parallel for j: b[i, j] = a[i]

Another order is taken where an estimate says that it pays; else loops are split, or rows overlap.
Where the analysis takes too long the order of the source stays. What isl gives up in the middle of
may be half rewritten, so it is given copies.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace

from ..model import isl
from ..model.isl_scheduler import find_order
from ..model.order_tree import Tree
from ..model.plan import Schedule
from ..model.scop import Scop
from .arrange import arrange, fused, is_interruptible, is_plain_order, sequential_depths
from .atoms import Atom, between_atoms, group
from .constraints import Constraints, find_constraints
from .crossed import crossed
from .order_costs import Costs
from .renamed_parts import with_free_parts, with_renamings
from .source_order import source_order
from .split_sets import find_split
from .tree_schedule import Paths, is_parallel_as_claimed, paths_of, schedule_of_tree
from .wavefronts import find_wavefronts

# Of the estimated cost of the source's order: what another one may cost at most.
_WORTH = 0.75


def reordered(
    scop: Scop, schedule: Schedule, columns: frozenset[str], *, may_block: bool
) -> Schedule:
    """Return a schedule of `scop` that runs more at the same time; `schedule` where none does.

    `columns` are the arrays whose first axis lies side by side. `may_block`: whether the target
    likes loops over blocks.
    """
    if _is_free(scop, schedule):
        return schedule
    try:
        with isl.isolated(), isl.budget():
            copies: Scop = pickle.loads(pickle.dumps(scop))  # noqa: S301  # our own
            constraints = find_constraints(copies)
            found = _another(copies, schedule, constraints, (columns, may_block))
            if found is not None:
                return found
            found = find_split(copies, schedule, constraints) if _is_plain(copies) else None
            if found is not None:
                return found
            skews = find_wavefronts(copies, constraints, _coincident(copies, schedule))
            return replace(schedule, skews=skews)
    except isl.BudgetExhaustedError:
        return schedule


def _is_free(scop: Scop, schedule: Schedule) -> bool:
    """Return whether a region is one loop that can be shared out as it stands."""
    if len(scop.loops) != 1:
        return not scop.loops
    (_, each, _) = schedule.dimensions
    free = each.coincident | each.reducible | each.scannable | each.renamable
    return free >= {statement.name for statement in scop.statements}


def _coincident(scop: Scop, schedule: Schedule) -> frozenset[int]:
    return frozenset(
        statement.loops[level // 2]
        for statement in scop.statements
        for level, dimension in enumerate(schedule.dimensions)
        if statement.name in dimension.coincident
    )


def _another(
    scop: Scop,
    schedule: Schedule,
    constraints: Constraints,
    choices: tuple[frozenset[str], bool],
) -> Schedule | None:
    """Return the schedule of another order than the source's, if one pays."""
    atoms = group(scop, constraints.private) if _is_plain(scop) else None
    if atoms is None or any(each.domain.is_empty() for each in atoms):
        return None  # isl's tree knows nothing of what never runs
    columns, may_block = choices
    costs = Costs(scop=scop, atoms={each.name: each for each in atoms}, columns=columns)
    source = source_order(scop, atoms, schedule)
    before = costs.estimate(source)
    if before * _WORTH <= costs.bound():
        return None
    found = find_order(tuple(each.domain for each in atoms), between_atoms(atoms, constraints))
    if found is not None and is_plain_order(found, costs):
        found = with_free_parts(scop, found, atoms, constraints)
        # The decision is one for all targets: what adds in the interpreter's order does so on all.
        trees = arrange(found, costs, may_block=True)
        if costs.estimate(trees) <= _WORTH * before and not _moves_inward(source, trees):
            if not may_block:
                trees = arrange(found, costs, may_block=False)
            return _schedule(scop, fused(trees), atoms, constraints) or _schedule(
                scop, trees, atoms, constraints
            )
    return _crossed(scop, source, costs, constraints)


def _crossed(
    scop: Scop, source: tuple[Tree, ...], costs: Costs, constraints: Constraints
) -> Schedule | None:
    """Return the schedule of an order whose outermost loops change places, if one pays."""
    most = _WORTH * costs.estimate(source)
    atoms = tuple(costs.atoms.values())
    for trees in crossed(source):
        is_fit = all(is_interruptible(each, costs) for each in trees)
        if is_fit and costs.estimate(trees) <= most and not _moves_inward(source, trees):
            made = _schedule(scop, trees, atoms, constraints)
            if made is not None:
                return made
    return None


def _moves_inward(before: tuple[Tree, ...], after: tuple[Tree, ...]) -> bool:
    """Return whether parallel loops are launched more often than before: sizes are not known."""
    depths, others = sequential_depths(before), sequential_depths(after)
    return any(others[atom] > depth for atom, depth in depths.items())


def _schedule(
    scop: Scop, trees: tuple[Tree, ...], atoms: tuple[Atom, ...], constraints: Constraints
) -> Schedule | None:
    """Return the schedule of an order; None where it breaks a constraint, or is less parallel."""
    paths = paths_of(trees, atoms)
    made = schedule_of_tree(scop, paths, constraints)
    if made is None:
        return None
    made = with_renamings(made, scop, trees, (atoms, constraints))
    if not is_parallel_as_claimed(paths, made):
        return None
    return replace(made, transforms=tuple(dict.fromkeys(_transforms(scop, paths))))


def _is_plain(scop: Scop) -> bool:
    """Return whether nothing but dependences orders the instances of a region."""
    loops = all(each.leaves is None and each.data is None for each in scop.loops)
    arrays = all(each.allocation is None and not each.is_collected for each in scop.arrays)
    return loops and arrays and scop.exchanged is None and not scop.collects


def _transforms(scop: Scop, paths: Paths) -> Iterator[tuple[int, str]]:
    """Yield the loops of the source that run in another order, with the word for it."""
    parts: dict[int, set[int]] = {}
    for atom in paths.atoms:
        variables = {scop.loops[loop].variable: loop for loop in atom.first.loops}
        around = []
        for turn in paths.turns(atom.name):
            loop = variables.get(turn.time(atom.name).removeprefix("-1 * "))
            assert loop is not None  # a skewed order is not taken
            if turn.block > 1:
                yield loop, "tile"
            elif loop not in around:
                around.append(loop)
                parts.setdefault(loop, set()).add(id(turn))
        if sorted(around) == sorted(atom.first.loops):
            for position, loop in enumerate(around):
                if loop != atom.first.loops[position]:
                    yield loop, "interchange"
    yield from ((loop, "distribute") for loop, turns in parts.items() if len(turns) > 1)
