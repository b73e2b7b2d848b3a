"""How a nest uses its names: which it assigns, counts with, subscripts, or only reads.

Before:  for i in range(n):            After:  variables i; assigned t; ranks a: 1, b: 1;
             t = a[i] * c                      plain n, c, t
             b[i] = t

Helper of the `build_scop` pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason
from ..model.loop_ir import (
    Allocate,
    Assign,
    Element,
    Expression,
    Extent,
    For,
    Name,
    Update,
    expressions_of,
    walk_expression,
    walk_statements,
)
from .reasons import ArrayRebound, InconsistentRank, ScalarUsedAsArray


@dataclass(frozen=True, slots=True)
class NameUses:
    """How a nest uses its names."""

    assigned: frozenset[str]  # scalars with a statement that assigns them
    variables: frozenset[str]  # loop variables
    ranks: Mapping[str, tuple[int, ...]]  # numbers of subscripts seen for each array
    plain: frozenset[str]  # names read bare
    written: frozenset[str]  # arrays with a statement that stores into them
    # Extents of the arrays that the nest allocates, over what it leaves alone.
    shapes: Mapping[str, tuple[Expression, ...]]

    @property
    def names(self) -> frozenset[str]:
        """All names of the nest, those of arrays that only lend their extents left out."""
        return self.assigned | self.variables | self.plain | frozenset(self.ranks)

    def is_parameter(self, name: str) -> bool:
        """Return whether nothing in the nest changes what `name` stands for."""
        return not (name in self.assigned or name in self.variables or name in self.ranks)


def name_uses(
    nest: For, shapes: Mapping[str, tuple[Expression, ...]] = MappingProxyType({})
) -> NameUses:
    """Return how `nest` uses its names; `shapes` are those of arrays that it allocates."""
    assigned: set[str] = set()
    variables: set[str] = set()
    plain: set[str] = set()
    written: set[str] = set()
    ranks: dict[str, list[int]] = {}
    for statement in walk_statements((nest,)):
        if isinstance(statement, For):
            variables.add(statement.variable)
        elif isinstance(statement, Assign | Update):
            match statement.target:
                case Name(name=name):
                    assigned.add(name)
                case Element(array=array):
                    written.add(array)
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                if isinstance(node, Element):
                    ranks.setdefault(node.array, []).append(len(node.indices))
                elif isinstance(node, Name):
                    plain.add(node.name)
    return NameUses(
        assigned=frozenset(assigned),
        variables=frozenset(variables),
        ranks={name: tuple(dict.fromkeys(seen)) for name, seen in ranks.items()},
        plain=frozenset(plain),
        written=frozenset(written),
        shapes=shapes,
    )


def names_used_in_two_ways(uses: NameUses, nest: For) -> Iterator[Reason]:
    """Yield why names of `nest` cannot be told apart."""
    at = nest.span
    for name, ranks in uses.ranks.items():
        if len(ranks) > 1:
            yield InconsistentRank(span=at, array=name, ranks=ranks)
        if name in uses.assigned:
            yield ArrayRebound(span=at, array=name)
        elif name in uses.plain or name in uses.variables:
            yield ScalarUsedAsArray(span=at, name=name)
    for extent in _extents(nest):
        if extent.of is not None and uses.ranks.get(extent.array) != (extent.of,):
            ranks = tuple(sorted({*uses.ranks.get(extent.array, ()), extent.of}))
            yield InconsistentRank(span=extent.span, array=extent.array, ranks=ranks)
    for name in sorted(_measured(nest) & (uses.assigned | uses.variables)):
        if name not in uses.ranks:
            yield ArrayRebound(span=at, array=name)


def _measured(nest: For) -> frozenset[str]:
    """Return the arrays of which `nest` reads an extent."""
    return frozenset(each.array for each in _extents(nest))


def _extents(nest: For) -> Iterator[Extent]:
    """Yield each extent that `nest` reads."""
    for statement in walk_statements((nest,)):
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                if isinstance(node, Extent):
                    yield node


def no_lists(nest: For) -> frozenset[str]:
    """Return the arrays of `nest` that it uses as no list can be used."""
    found: set[str] = set()
    for statement in walk_statements((nest,)):
        if isinstance(statement, Allocate) and statement.like is not None:
            found.add(statement.like)  # its dtype is asked for
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                match node:
                    case Extent(array=array, is_attribute=True):
                        found.add(array)
                    case Element(array=array, has_tuple=True):
                        found.add(array)
                    case _:
                        pass
    return frozenset(found)
