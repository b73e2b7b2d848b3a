"""Estimate what an order of a region's instances costs, to compare it with another one.

Before:  for t: parallel for i: z[i, t + 1] = z[i, t]      1,000 launches, all too short to share
After:   parallel for i: for t: the same                   one launch, elements side by side

Nanoseconds of two threads, for loops of 1,000 iterations where the source does not say how many:
two orders of one nest are compared, so what both have in common does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import TypeAlias

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import Binary, Expression, Name, walk_expression
from ..model.order_tree import Run, Tree, Turn, runs_of
from ..model.scop import Access, Scop
from .atoms import Atom

_TRIPS = 1000
_THREADS = 2
_SHORTEST_NS = 50_000  # less is not shared out
_LAUNCH_NS = 10_000
# Of an access, in a loop that vectorises, in one that does not, and across the rows of an array.
_SIDE_BY_SIDE, _ONE_BY_ONE, _STRIDED = 0.2, 0.5, 4.0
_LATENCY = 1.5  # where an iteration waits for the one before
_TOGETHER = 4  # sums that wait together
_FEWEST = 8  # iterations that are worth vectorising
# An element that is fetched again from memory, which threads share; elements that caches hold.
_AGAIN_NS, _HELD = 0.7, 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What is known of the atoms of a region."""

    scop: Scop
    atoms: Mapping[str, Atom]
    columns: frozenset[str]  # arrays whose first axis is the one that lies side by side

    def estimate(self, trees: tuple[Tree, ...]) -> float:
        """Return nanoseconds for all of `trees`."""
        return sum(self._tree(each, 1.0) + self._fetched(each, ()) * _AGAIN_NS for each in trees)

    def bound(self) -> float:
        """Return what no order costs less than: all in parallel, everything side by side."""
        return sum(
            self.instances(name)
            * _SIDE_BY_SIDE
            * sum(bool(access.indices) for each in atom.statements for access in each.accesses)
            / _THREADS
            for name, atom in self.atoms.items()
        )

    def _tree(self, tree: Tree, entries: float) -> float:
        """Return nanoseconds for a tree that is reached `entries` times."""
        match tree:
            case Run():
                return self._work((tree,), None)
            case Turn(is_coincident=True):
                work = self._work(tree.body, tree)
                if work / entries < _SHORTEST_NS:
                    return work
                return work / _THREADS + entries * _LAUNCH_NS
            case Turn():
                if all(isinstance(each, Run) for each in tree.body):
                    return self._work(tree.body, tree)
                inside = entries * self._trips(tree)
                return sum(self._below(each, inside, tree) for each in tree.body)

    def _below(self, tree: Tree, entries: float, around: Turn) -> float:
        return self._work((tree,), around) if isinstance(tree, Run) else self._tree(tree, entries)

    def _work(
        self, body: tuple[Tree, ...], around: Turn | None, *, goes_together: bool = False
    ) -> float:
        """Return nanoseconds of what stands in the loop `around`.

        `goes_together`: whether iterations of a parallel loop wait for their sums together.
        """
        inner = [each for each in body if isinstance(each, Turn)]
        together = around is not None and around.is_coincident and len(inner) == 1
        total = 0.0
        for each in body:
            if isinstance(each, Turn):
                total += self._work(each.body, each, goes_together=together)
            else:
                once = self._instance(each.atom, around, goes_together=goes_together)
                total += self.instances(each.atom) * once
        return total

    def _fetched(self, tree: Tree, around: tuple[Turn, ...]) -> float:
        """Return how many elements come from memory that have come from there before."""
        match tree:
            case Turn():
                return sum(self._fetched(each, (*around, tree)) for each in tree.body)
            case Run(atom=atom):
                turns = tuple(self._lengths(atom, around))
                places = dict.fromkeys(
                    (access.array, _moving(access))
                    for each in self.atoms[atom].statements
                    for access in each.accesses
                    if access.indices
                )
                moving = [each for _, each in places]
                return sum(_again(each, moving, turns) for each in moving)

    def _lengths(self, atom: str, turns: tuple[Turn, ...]) -> Iterator[tuple[str | None, float]]:
        """Yield the variable of an atom that each loop counts, and its iterations."""
        left: dict[str, float] = {}  # of the iterations of a variable, in a block, or none
        for turn in turns:
            variable, trips = self.variable(atom, turn), self._trips_for(atom, turn)
            if variable is None:
                yield None, trips
            else:
                yield variable, max(1.0, left.get(variable, trips) / turn.block)
                left[variable] = turn.block

    def instances(self, atom: str) -> float:
        """Return how often an atom runs."""
        return prod((self._length(loop) for loop in self.atoms[atom].first.loops), start=1.0)

    def _trips(self, turn: Turn) -> float:
        found = [self._trips_for(each.atom, turn) for each in runs_of(turn.body)]
        return max(1.0, max(found) / turn.block)

    def _trips_for(self, atom: str, turn: Turn) -> float:
        loops = self.atoms[atom].first.loops
        variable = self.variable(atom, turn)
        names = {self.scop.loops[loop].variable: loop for loop in loops}
        return self._length(names[variable]) if variable in names else _TRIPS

    def variable(self, atom: str, turn: Turn) -> str | None:
        """Return the loop variable that a loop counts for an atom, or its negative."""
        text = turn.time(atom).removeprefix("-1 * ")
        return text if text in self.atoms[atom].first.domain.dimensions else None

    def _length(self, loop: int) -> float:
        known = self.scop.loops[loop].known_turns
        return _TRIPS if known is None else float(max(1, known))

    def _instance(self, atom: str, around: Turn | None, *, goes_together: bool) -> float:
        """Return nanoseconds of one instance in its innermost loop."""
        variable = None if around is None else self.variable(atom, around)
        places = [
            self.stride(access, variable)
            for each in self.atoms[atom].statements
            for access in each.accesses
            if access.indices
        ]
        strided = sum(each > 1 for each in places)
        staying = sum(each == 0 for each in places)  # held in registers
        is_free = around is not None and around.is_coincident and variable is not None
        is_vector = is_free and not strided and around is not None
        if is_vector and around is not None and around.block == 1:
            is_vector = self._trips_for(atom, around) >= _FEWEST
        each = _SIDE_BY_SIDE if is_vector else _ONE_BY_ONE
        waiting = 0.0 if is_free or around is None else _LATENCY
        if goes_together:
            waiting /= _TOGETHER
        return (len(places) + 1 - strided - staying) * each + strided * _STRIDED + waiting

    def stride(self, access: Access, variable: str | None) -> int:
        """Return 0 for an element that stays, 1 for neighbours, 2 for what lies further apart."""
        if variable is None:
            return 2
        axes = access.indices[::-1] if access.array not in self.columns else access.indices
        first, *others = (_moves(each, variable) for each in axes)
        return 2 if any(others) else first


def _moves(index: Expression, variable: str) -> int:
    """Return 0 where an index does not depend on `variable`, 1 by single steps, 2 otherwise."""
    match index:
        case Name(name=name):
            return int(name == variable)
        case Binary(operator="+" | "-"):
            return max(_moves(index.left, variable), _moves(index.right, variable))
    uses = any(isinstance(each, Name) and each.name == variable for each in walk_expression(index))
    return 2 if uses else 0


Moving: TypeAlias = tuple[frozenset[str], ...]


def _moving(access: Access) -> Moving:
    """Return the names in each subscript of an access."""
    return tuple(
        frozenset(each.name for each in walk_expression(index) if isinstance(each, Name))
        for index in access.indices
    )


def _again(own: Moving, moving: list[Moving], turns: tuple[tuple[str | None, float], ...]) -> float:
    """Return how many elements of an access are fetched more than once, and each time but one.

    A loop finds elements again where all that its iteration touches fits into the caches (Wolf
    and Lam, A data locality optimizing algorithm, PLDI 1991). `moving` are all accesses.
    """
    fetched = 1.0
    for number in reversed(range(len(turns))):
        _, trips = turns[number]
        if sum(_footprint(each, turns[number + 1 :]) for each in moving) > _HELD:
            fetched *= trips
        else:
            fetched = _footprint(own, turns[number:])
    return fetched - _footprint(own, turns)


def _footprint(own: Moving, turns: tuple[tuple[str | None, float], ...]) -> float:
    """Return about how many elements the iterations of loops touch: windows slide, `a[i + k]`."""
    counts: dict[str | None, float] = {}
    for variable, trips in turns:
        counts[variable] = counts.get(variable, 1.0) * trips
    return prod(
        (max(1.0, sum(counts.get(each, 0.0) for each in names)) for names in own), start=1.0
    )
