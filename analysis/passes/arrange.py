"""Arrange the loops of an order that isl found: parallel ones outside, neighbours inside.

Before:  parallel for j: for i: u[i, j] = u[i - 1, j]      each step inside goes to another row
After:   parallel for blocks of 128 j: for i: for j in the block: the same

The loops of a permutable band may stand in any order, and one that carries nothing anywhere inside
(Wolf and Lam, A loop transformation theory and an algorithm to maximize parallelism, TPDS 1991).
All orders of a band are tried, and that with the least estimated cost is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

from ..model.order_tree import Run, Tree, Turn, runs_of
from .order_costs import Costs

BLOCK = 512  # iterations side by side: a page of float64, which a processor fetches ahead
_MOST = 4  # loops of a band that are permuted
_NEVER = 1000


def arrange(trees: tuple[Tree, ...], costs: Costs, *, may_block: bool) -> tuple[Tree, ...]:
    """Return the cheapest arrangement of each tree; `may_block` allows loops over blocks."""
    return tuple(_arranged(each, costs, may_block=may_block) for each in trees)


def _arranged(tree: Tree, costs: Costs, *, may_block: bool) -> Tree:
    if isinstance(tree, Run):
        return tree
    members, body = _band(tree)
    inner = arrange(body, costs, may_block=may_block)
    options = _orders(members, inner)
    if may_block:
        options += _blocked(members, inner, costs)
    else:
        options = [each for each in options if _begins_free(each, len(members))]
    fit = [each for each in options if is_interruptible(each, costs)]
    return min(fit or [tree], key=lambda each: costs.estimate((each,)))


def _band(turn: Turn) -> tuple[tuple[Turn, ...], tuple[Tree, ...]]:
    """Return the loops of a band, outermost first, and what they hold."""
    members = [turn]
    while len(members[-1].body) == 1:
        (inner,) = members[-1].body
        if not isinstance(inner, Turn) or not inner.is_permutable:
            break
        members.append(inner)
    return tuple(members), members[-1].body


def _orders(members: tuple[Turn, ...], body: tuple[Tree, ...]) -> list[Turn]:
    orders = permutations(members) if len(members) <= _MOST else _innermost(members)
    return [_nest(each, body) for each in orders]


def _innermost(members: tuple[Turn, ...]) -> Iterator[tuple[Turn, ...]]:
    """Yield `members` with each of them innermost, the others in their order."""
    for at, each in enumerate(members):
        yield (*members[:at], *members[at + 1 :], each)


def _begins_free(turn: Turn, count: int) -> bool:
    """Return whether the first `count` loops from `turn` on begin with all that carry nothing."""
    free = []
    for _ in range(count):
        free.append(turn.is_coincident)
        (turn, *_) = (each for each in (*turn.body, turn) if isinstance(each, Turn))
    return free == sorted(free, reverse=True)


def _nest(members: tuple[Turn, ...], body: tuple[Tree, ...]) -> Turn:
    for each in members[::-1]:
        body = (replace(each, body=body, is_permutable=False),)
    (turn,) = body
    assert isinstance(turn, Turn)  # there is a member
    return turn


def _blocked(members: tuple[Turn, ...], body: tuple[Tree, ...], costs: Costs) -> list[Turn]:
    """Return the orders with blocks of a parallel loop outside, and that loop itself inside."""
    found = []
    for at, each in enumerate(members):
        others = members[:at] + members[at + 1 :]
        if each.is_coincident and any(_is_kept(run.atom, others, costs) for run in runs_of(body)):
            outer = replace(each, block=BLOCK)
            found.append(_nest((outer, *others), _sunk(each, body)))
            if others and others[0].is_coincident:  # shared out without blocks
                found.append(_nest(others, _sunk(each, body)))
    return found


def _is_kept(atom: str, turns: tuple[Turn, ...], costs: Costs) -> bool:
    """Return whether an atom comes back to elements that it had before in one of `turns`.

    A sweep through memory gains nothing from blocks: it took longer in parts of rows.
    """
    places = [
        access
        for each in costs.atoms[atom].statements
        for access in each.accesses
        if access.indices
    ]
    variables = [costs.variable(atom, each) for each in turns if not each.is_coincident]
    return any(costs.stride(place, name) == 0 for place in places for name in variables)


def _sunk(turn: Turn, body: tuple[Tree, ...]) -> tuple[Tree, ...]:
    """Return `body` with the loop `turn` around each of its statements."""
    found: list[Tree] = []
    for each in body:
        inner = (each,) if isinstance(each, Run) else _sunk(turn, each.body)
        holder = turn if isinstance(each, Run) else each
        own = {run.atom for run in runs_of((each,))}
        times = tuple((atom, time) for atom, time in holder.times if atom in own)
        found.append(replace(holder, times=times, body=inner, is_permutable=False))
    return tuple(found)


def fused(trees: tuple[Tree, ...]) -> tuple[Tree, ...]:
    """Return `trees` with neighbours joined that are parallel loops over the same times.

    What they hold depends on it whether they still are parallel then, and whether all is in order.
    """
    found: list[Tree] = []
    for tree in trees:
        last = found[-1] if found else None
        each = tree
        if isinstance(tree, Turn) and not tree.is_coincident:
            each = replace(tree, body=fused(tree.body))
        if isinstance(last, Turn) and isinstance(each, Turn) and _are_alike(last, each):
            found[-1] = replace(last, times=last.times + each.times, body=last.body + each.body)
        else:
            found.append(each)
    return tuple(found)


def _are_alike(one: Turn, other: Turn) -> bool:
    times = {time for each in (one, other) for _, time in each.times}
    return (
        one.is_coincident and other.is_coincident and one.block == other.block and len(times) == 1
    )


def sequential_depths(trees: tuple[Tree, ...], depth: int = 0) -> dict[str, int]:
    """Return how many loops stand around the outermost parallel loop of each atom.

    For an atom without one: more than there can be.
    """
    found: dict[str, int] = {}
    for each in trees:
        match each:
            case Run():
                found[each.atom] = _NEVER
            case Turn(is_coincident=True):
                found |= {run.atom: depth for run in runs_of(each.body)}
            case Turn():
                found |= sequential_depths(each.body, depth + 1)
    return found


def is_plain_order(trees: tuple[Tree, ...], costs: Costs) -> bool:
    """Return whether every loop counts a loop variable of the source for each atom.

    Along a diagonal no two elements lie side by side: Nussinov's table took three times as long.
    """
    return all(
        isinstance(each, Run)
        or (
            all(costs.variable(run.atom, each) is not None for run in runs_of(each.body))
            and is_plain_order(each.body, costs)
        )
        for each in trees
    )


def is_interruptible(tree: Tree, costs: Costs, *, is_inside: bool = False) -> bool:
    """Return whether every loop in a parallel one walks through an array, which bounds it.

    Ctrl-C is honoured between iterations of parallel loops, not within one.
    """
    if isinstance(tree, Run):
        return True
    if is_inside and not all(_walks(run.atom, tree, costs) for run in runs_of(tree.body)):
        return False
    inside = is_inside or tree.is_coincident
    return all(is_interruptible(each, costs, is_inside=inside) for each in tree.body)


def _walks(atom: str, turn: Turn, costs: Costs) -> bool:
    variable = costs.variable(atom, turn)
    if variable is None:
        return False
    accesses = [access for each in costs.atoms[atom].statements for access in each.accesses]
    return any(costs.stride(each, variable) for each in accesses if each.indices)
