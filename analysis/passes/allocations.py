"""Turn arrays that a nest allocates into arrays of the model, their first values into loops.

Before:  for i in range(n):                  After:  for i in range(n):
             row = np.zeros(m)                           for axis_0 in range(m): row[axis_0] = 0
             row[i % m] = x[i]                           row[i % m] = x[i]
                                                     row: extents m, a new one for each i

An array is modelled where nothing but the rest of its own block ever sees it, as an array: then
each iteration may have its own, and it is gone after the nest. Its extents must not depend on
what the nest changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason, Refusal
from ..model.loop_ir import (
    Allocate,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Statement,
    expressions_of,
    walk_expression,
    walk_statements,
)
from .fills import fill_loops
from .name_uses import NameUses, name_uses
from .reasons import AllocationEscapes, InconsistentRank, UnknownExtents
from .substitution import rebuilt


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A nest without allocations, and what it allocates."""

    nest: For
    allocations: tuple[Allocated, ...]  # in textual order
    fills: frozenset[str]  # variables of the loops that give first values


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocated:
    """One array that the nest allocates."""

    node: Allocate
    extents: tuple[Expression, ...]
    # The innermost loop around, counted in textual order, fills included; None: no loop.
    within: int | None


def fill_allocations(nest: For, live_out: frozenset[str]) -> Filled | Refusal:
    """Return `nest` with loops in place of its allocations, or why one of them has no model."""
    found = [each for each in walk_statements((nest,)) if isinstance(each, Allocate)]
    if not found:
        return Filled(nest=nest, allocations=(), fills=frozenset())
    uses = name_uses(nest)
    names = [each.name for each in found]
    twice = [each for each in found if names.count(each.name) > 1 or each.name in live_out]
    filler = _Filler(uses=uses, total={name: _mentions((nest,), name) for name in names})
    filler.reasons += [AllocationEscapes(span=each.span, array=each.name) for each in twice]
    filled = filler.loop(nest)
    if filler.reasons:
        return Refusal(reasons=tuple(dict.fromkeys(filler.reasons)))
    return Filled(nest=filled, allocations=tuple(filler.allocations), fills=frozenset(filler.fills))


def _mentions(body: tuple[Statement, ...], name: str) -> int:
    """Return how often the statements mention `name`, its allocation left out."""
    return sum(
        name in {getattr(node, "array", None), getattr(node, "name", None)}
        for statement in walk_statements(body)
        for expression in expressions_of(statement)
        for node in walk_expression(expression)
    ) + sum(
        statement.like == name
        for statement in walk_statements(body)
        if isinstance(statement, Allocate)
    )


@dataclass(slots=True)
class _Filler:
    """Walks the nest in textual order."""

    uses: NameUses
    total: dict[str, int]  # mentions of each allocated name in the whole nest
    reasons: list[Reason] = field(default_factory=list)
    allocations: list[Allocated] = field(default_factory=list)
    fills: list[str] = field(default_factory=list)
    loops: int = 0  # met so far

    def loop(self, node: For) -> For:
        if node.is_block:
            return replace(node, body=self.block(node.body, None))
        number = self.loops
        self.loops += 1
        return replace(node, body=self.block(node.body, number))

    def block(self, body: tuple[Statement, ...], within: int | None) -> tuple[Statement, ...]:
        filled: list[Statement] = []
        for position, statement in enumerate(body):
            match statement:
                case Allocate():
                    filled += self.allocate(statement, body[position + 1 :], within)
                case For():
                    filled.append(self.loop(statement))
                case If():
                    taken = self.block(statement.body, within)
                    orelse = self.block(statement.orelse, within)
                    filled.append(replace(statement, body=taken, orelse=orelse))
                case _:
                    filled.append(statement)
        return tuple(filled)

    def allocate(
        self, node: Allocate, rest: tuple[Statement, ...], within: int | None
    ) -> Iterator[Statement]:
        seen = _mentions(rest, node.name)
        if seen != self.total[node.name] or node.name not in self.uses.ranks:
            self.reasons.append(AllocationEscapes(span=node.span, array=node.name))
            return
        extents = self.extents(node)
        if extents is None:
            self.reasons.append(UnknownExtents(span=node.span, array=node.name))
            return
        rank = self.uses.ranks[node.name][0]
        if len(extents) != rank:
            ranks = (len(extents), rank)
            self.reasons.append(InconsistentRank(span=node.span, array=node.name, ranks=ranks))
            return
        self.allocations.append(Allocated(node=node, extents=extents, within=within))
        if node.fill is not None:
            yield self.fill(node, node.fill, extents)

    def extents(self, node: Allocate) -> tuple[Expression, ...] | None:
        """Return the extents over names that the nest leaves alone; None where they are not."""
        shape = node.shape
        if node.like is not None and not shape:
            if node.like in self.uses.plain | self.uses.assigned | self.uses.variables:
                return None
            # Where nothing else tells, it has as many axes as the new array; a call checks that.
            rank = self.uses.ranks.get(node.like, self.uses.ranks[node.name])[0]
            shape = tuple(
                Extent(array=node.like, axis=axis, span=node.span) for axis in range(rank)
            )
        found = tuple(self.counted(each) for each in shape)
        return found if all(map(self.is_kept, found)) else None

    def counted(self, extent: Expression) -> Expression:
        """Return `extent` with those of arrays allocated before put in."""
        if isinstance(extent, Extent):
            for each in self.allocations:
                if each.node.name == extent.array and extent.axis < len(each.extents):
                    return each.extents[extent.axis]
        return rebuilt(extent, self.counted)

    def is_kept(self, extent: Expression) -> bool:
        """Return whether nothing in the nest changes the value of `extent`."""
        allocated = self.total.keys()
        for leaf in walk_expression(extent):
            match leaf:
                case Name(name=name) if not self.uses.is_parameter(name) or name in allocated:
                    return False
                case Extent(array=array) if array in allocated:
                    return False
                case Element():
                    return False
                case _:
                    pass
        return True

    def fill(self, node: Allocate, value: Constant, extents: tuple[Expression, ...]) -> For:
        variables = [self.fresh(f"axis_{axis}_of_{node.name}") for axis in range(len(extents))]
        self.loops += len(extents)
        return fill_loops(node, value, variables, extents)

    def fresh(self, wanted: str) -> str:
        while wanted in self.uses.names or wanted in self.fills:
            wanted += "_"
        self.fills.append(wanted)
        return wanted
