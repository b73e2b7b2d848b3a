"""Blocks of nests that statements on whole arrays are gathered in.

Before:  nest over (n,): t[i] = ...; then a store of (n,) that reads t[i]
After:   both in one nest, where no element that one writes is another iteration's of the other

Helper of the `array_fusion` pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from autopar.analysis.model.nouns import dataclass

from ..model.array_run import NewArray
from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    Compare,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    Name,
    Statement,
    walk_expression,
)
from ..model.source import Span
from .array_groups import Item, grouped, loops_of, nests_of, rows_of
from .array_lines import Member, Nest, are_equal, leaves, line_of
from .substitution import rebuilt


@dataclass(slots=True, kw_only=True)
class Block:
    """Nests and scalar statements, in order."""

    fresh: Callable[[str], str]
    items: list[Nest | Assign] = field(default_factory=list)
    shared: list[Item] | None = None  # the same in loops that several nests share

    @property
    def nests(self) -> Iterator[Nest]:
        """The nests, in order."""
        return (nest for item in self.shared or self.items for nest in nests_of(item))

    def add(self, member: Member, makes: str | None = None) -> None:
        """Add a statement to the last nest, or to a new one."""
        last = self.items[-1] if self.items else None
        if isinstance(last, Nest) and are_equal(last.axes, member.axes):
            line = line_of(member, last.variables, makes)
            if last.takes(line):
                last.lines.append(line)
                return
        nest = self.nest_for(member)
        nest.lines.append(line_of(member, nest.variables, makes))
        self.items.append(nest)

    def add_before(self, member: Member, makes: str) -> None:
        """Add the first values of a new array before the last nest, which the next may join."""
        nest = self.nest_for(member)
        nest.lines.append(line_of(member, nest.variables, makes))
        is_nest = bool(self.items) and isinstance(self.items[-1], Nest)
        self.items.insert(len(self.items) - is_nest, nest)

    def nest_for(self, member: Member) -> Nest:
        names = tuple(self.fresh(f"axis_{number}") for number in range(len(member.axes)))
        return Nest(axes=member.axes, variables=names)

    def is_apart(self, member: Member) -> bool:
        """Return whether a statement reads nothing that it writes in another iteration."""
        names = tuple(f"{TEMPORARY}{number}" for number in range(len(member.axes)))
        nest = Nest(axes=member.axes, variables=names)
        line = line_of(member, names, None)
        target = line.store.target
        return all(
            nest.do_not_meet(target, each)
            for each in line.reads()
            if isinstance(each, Element)
            and isinstance(target, Element)
            and each.array == target.array
        )

    def assign(self, statement: Assign) -> None:
        """Add an assignment to a scalar, before nests that it has nothing to do with.

        So the next statement on arrays may still join the last one of them.
        """
        at = len(self.items)
        while at and _may_stand_before(statement, self.items[at - 1]):
            at -= 1
        self.items.insert(at, statement)

    def contract(self, names: frozenset[str], made: Mapping[str, NewArray]) -> None:
        """Make scalars and rows of those of the new arrays `names` that few iterations see.

        Nests share their outer loops then, where that makes rows.
        """
        for nest in self.items:
            if isinstance(nest, Nest) and nest.axes:
                for number in range(len(nest.lines)):
                    own = nest.lines[number].makes
                    if own in names and self.is_own(nest, number):
                        _make_scalar(nest, own)
        self.shared = grouped(self.items, made, names)

    def is_own(self, nest: Nest, number: int) -> bool:
        """Return whether what a statement makes is read in its own iteration alone."""
        made = nest.lines[number]
        name = made.makes
        for item in self.items:
            lines = item.lines if isinstance(item, Nest) else ()
            if isinstance(item, Assign) and name in _arrays_in(item.value):
                return False
            for line in lines:
                for each, writes in line.touches():
                    if each.array != name or (line is made and writes):
                        continue
                    is_there = item is nest and not writes
                    if not is_there or not _is_place(each, nest.variables):
                        return False
        return True

    @property
    def arrays(self) -> frozenset[str]:
        """The arrays that are left in the loops."""
        touched = {e.array for nest in self.nests for line in nest.lines for e, _ in line.touches()}
        return frozenset(touched.difference(*(rows_of(each) for each in self.shared or ())))

    @property
    def has_loops(self) -> bool:
        """Whether anything is done for more than one element."""
        return any(isinstance(item, Nest) and item.axes for item in self.items)

    def in_order(self) -> tuple[Assign, ...] | None:
        """Return what is done where that is assignments, the last perhaps to an element.

        None for loops, and where several elements are assigned: who begins again would find them.
        """
        found: list[Assign] = []
        for item in self.items:
            if isinstance(item, Assign):
                found.append(item)
            elif item.axes or any(e.test is not None or e.before for e in item.lines):
                return None
            else:
                found += [each.store for each in item.lines]
        if any(isinstance(each.target, Element) for each in found[:-1]):
            return None
        return tuple(found)

    def made(self) -> frozenset[str]:
        """Return the new arrays that it makes."""
        made = (line.makes for nest in self.nests for line in nest.lines)
        return frozenset(each for each in made if each is not None)

    def scalars(self) -> frozenset[str]:
        """Return the scalars that it assigns outside arrays."""
        found = {
            item.target.name
            for item in self.items
            if isinstance(item, Assign) and isinstance(item.target, Name)
        }
        return frozenset(found).union(*(nest.scalars() for nest in self.nests))

    def mentioned(self) -> frozenset[str]:
        """Return every name in what it reads, subscripts and extents included."""
        found: list[Expression] = []
        found += [item.value for item in self.items if isinstance(item, Assign)]
        for nest in self.nests:
            found += nest.axes
            for line in nest.lines:
                found += [*line.values(), line.store.target]
        return frozenset(
            node.array if isinstance(node, Element | Extent) else node.name
            for each in found
            for node in walk_expression(each)
            if isinstance(node, Name | Element | Extent)
        )

    def loops(self, span: Span, requires: tuple[Compare, ...]) -> For:
        """Return all of it as the nest of a region."""
        body: list[Statement] = []
        for item in self.shared or self.items:
            if isinstance(item, Assign):
                body.append(item)
            else:
                body += loops_of(item, requires)
                requires = requires if not item.axes else ()
        zero, one = (Constant(value=value, span=span) for value in (0, 1))
        return For(
            variable=f"{TEMPORARY}once",
            start=zero,
            stop=one,
            step=one,
            body=tuple(body),
            header="",
            span=span,
            is_block=True,
        )


def _may_stand_before(statement: Assign, item: Nest | Assign) -> bool:
    """Return whether an assignment to a scalar may run before a nest as well as after it."""
    assert isinstance(statement.target, Name)  # what else it is called for
    name, read = statement.target.name, tuple(leaves(statement.value))
    if isinstance(item, Assign):
        return False
    reads = {each.name for each in read if isinstance(each, Name)}
    elements = {each.array for each in read if isinstance(each, Element)}
    return (
        reads.isdisjoint(item.scalars())
        and elements.isdisjoint(item.writes())
        and name not in item.scalars() | item.names()
    )


def _make_scalar(nest: Nest, name: str) -> None:
    """Let a scalar of the same name stand for one element of an array."""

    def visit(node: Expression) -> Expression:
        if isinstance(node, Element) and node.array == name:
            return Name(name=name, span=node.span)
        return rebuilt(node, visit)

    nest.lines = [each.rewritten(visit) for each in nest.lines]


def _arrays_in(value: Expression) -> frozenset[str]:
    return frozenset(each.array for each in leaves(value) if isinstance(each, Element))


def _is_place(element: Element, variables: tuple[str, ...]) -> bool:
    names = tuple(each.name if isinstance(each, Name) else None for each in element.indices)
    return names == variables
