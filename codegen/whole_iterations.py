"""Dimensions of time of which iterations would be torn apart by isl's AST generator.

Before:  if t >= 0: S0(t=0)            S0: dx = -1 where t == 0, S2: reads dx, which is private
         parallel for t: ... S2(t)
After:   {1}: the dimension of t is to be scanned by one loop, with a test of t == 0 inside

isl is asked for an order, and takes out of a loop what may as well run before or after all of
it. What passes from statement to statement in a name that each iteration of a parallel loop has
for itself does not get there from outside. `isl_ast.scan` has an option against it (Grosser,
Verdoolaege, Cohen, Polyhedral AST generation is more than scanning polyhedra, TOPLAS 2015,
"atomic").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from autopar.analysis.model.ast_nodes import AstFor, AstIf, AstNode, instances
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import Schedule, ScheduleDimension
from autopar.analysis.model.scop import Scop, Statement


def torn_dimensions(tree: tuple[AstNode, ...], scop: Scop, schedule: Schedule) -> tuple[int, ...]:
    """Return the dimensions of parallel loops that `tree` has outside of their loops in part."""
    private = {array.name for array in scop.arrays if not array.rank}
    for dimension in schedule.dimensions:
        private |= {array.name for _, array in dimension.private_arrays}
    tearing = _Tearing(
        scop=scop,
        dimensions=schedule.dimensions,
        names={
            each.name: frozenset(access.array for access in each.accesses) & private
            for each in scop.statements
        },
    )
    tearing.look(tree, frozenset())
    return tuple(sorted(tearing.found))


@dataclass(slots=True)
class _Tearing:
    """Walks the loops of a region; `scanned` are the dimensions of those around."""

    scop: Scop
    dimensions: tuple[ScheduleDimension, ...]
    names: Mapping[str, frozenset[str]]  # what may be private among what a statement accesses
    found: set[int] = field(default_factory=set)

    def look(self, nodes: tuple[AstNode, ...], scanned: frozenset[int]) -> None:
        """Note what the nodes of one block, and those in them, have torn apart."""
        parts = [
            [each for each in self.scop.statements if each.name in instances((node,))]
            for node in nodes
        ]
        for number, first in enumerate(parts):
            for second in parts[number + 1 :]:
                self.found.update(self._between(first, second, scanned))
        for node in nodes:
            match node:
                case AstFor():
                    self.look(node.body, scanned | {node.dimension})
                case AstIf():
                    self.look(node.body, scanned)
                    self.look(node.orelse, scanned)
                case _:
                    pass

    def _between(
        self, first: list[Statement], second: list[Statement], scanned: frozenset[int]
    ) -> Iterator[int]:
        for number, dimension in enumerate(self.dimensions):
            if number in scanned or dimension.is_textual:
                continue
            for one in first:
                for other in second:
                    if self._shares(one, other, dimension):
                        yield number

    def _shares(self, one: Statement, other: Statement, dimension: ScheduleDimension) -> bool:
        """Return whether two statements may be of one iteration that has a name for itself."""
        apart = (
            dimension.coincident | dimension.reducible | dimension.scannable | dimension.renamable
        )
        if not {one.name, other.name} <= apart or not self.names[one.name] & self.names[other.name]:
            return False
        variables = dict(dimension.iterators)
        common = {self.scop.loops[loop].variable for loop in set(one.loops) & set(other.loops)}
        return variables.get(one.name) == variables.get(other.name) in common
