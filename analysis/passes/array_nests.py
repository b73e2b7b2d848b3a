"""Nests that statements on whole arrays are gathered in, and what may join them.

Before:  nest over (n,): t[i] = ...; then a store of (n,) that reads t[i]
After:   both in one nest, where no element that one writes is another iteration's of the other

Helper of the `array_fusion` pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    Binary,
    Compare,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Statement,
    children,
    walk_expression,
)
from ..model.source import Span
from .array_axes import Axis, View, constant_distance, form, moved
from .array_meetings import are_apart
from .substitution import rebuilt, substituted

Places = tuple[Expression, ...]
Axes = tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One statement on all elements of some axes."""

    axes: Axes
    stored: Callable[[Places], Assign]  # at a place on each axis
    tested: Callable[[Places], Expression | None]  # what decides whether it runs there
    header: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One statement of a nest."""

    store: Assign
    test: Expression | None
    header: str
    makes: str | None  # the new array whose first values these are

    def reads(self) -> Iterator[Element | Name]:
        """Yield the elements and the scalars that it reads."""
        for value in (self.store.value, self.test):
            if value is not None:
                yield from _leaves(value)

    def touches(self) -> Iterator[tuple[Element, bool]]:
        """Yield the elements that it touches, and whether it writes them."""
        yield from ((each, False) for each in self.reads() if isinstance(each, Element))
        if isinstance(self.store.target, Element):
            yield self.store.target, True


@dataclass(slots=True, kw_only=True)
class _Nest:
    """Statements over the same axes."""

    axes: Axes
    variables: tuple[str, ...]
    lines: list[_Line] = field(default_factory=list)

    def scalars(self) -> frozenset[str]:
        """Return the scalars that it assigns."""
        targets = (each.store.target for each in self.lines)
        return frozenset(each.name for each in targets if isinstance(each, Name))

    def writes(self) -> frozenset[str]:
        """Return the arrays that it writes."""
        targets = (each.store.target for each in self.lines)
        return frozenset(each.array for each in targets if isinstance(each, Element))

    def names_read(self) -> frozenset[str]:
        """Return the scalars that it reads."""
        return frozenset(
            each.name for line in self.lines for each in line.reads() if isinstance(each, Name)
        )

    def takes(self, line: _Line) -> bool:
        """Return whether a statement over the same axes may run in the same iterations."""
        if any(isinstance(e, Name) and e.name in self.scalars() for e in line.reads()):
            return False
        return all(
            self.do_not_meet(mine, theirs)
            for own in self.lines
            for mine, writes in own.touches()
            for theirs, also_writes in line.touches()
            if mine.array == theirs.array and (writes or also_writes)
        )

    def do_not_meet(self, one: Element, other: Element) -> bool:
        """Return whether two elements are one in the same iteration alone, or never."""
        if not self.variables:
            return True  # a single iteration, in order
        pairs = tuple(zip(one.indices, other.indices, strict=True))
        if all(constant_distance(a, b) == 0 for a, b in pairs) and self.is_at_every_place(one):
            return True
        mine, theirs = self.view(one), self.view(other)
        return mine is not None and theirs is not None and are_apart(mine, theirs, ())

    def is_at_every_place(self, element: Element) -> bool:
        """Return whether no two iterations name the same element."""
        named = {
            each.name
            for index in element.indices
            for each in walk_expression(index)
            if isinstance(each, Name)
        }
        return named.issuperset(self.variables)

    def view(self, element: Element) -> View | None:
        """Return the elements of all iterations; None where their steps are not even."""
        entries: list[Axis | Expression] = []
        for index in element.indices:
            found = form(index)
            if found is None:
                return None
            moving = [(n, c) for n, c in found.terms if n in self.variables]
            if not moving:
                entries.append(index)
                continue
            if len(moving) > 1:
                return None
            ((name, step),) = moving
            zero = Constant(value=0, span=index.span)
            start = _folded(substituted(index, {name: zero}))
            extent = self.axes[self.variables.index(name)]
            entries.append(Axis(start=start, step=step, extent=extent, requires=()))
        return View(array=element.array, entries=tuple(entries), span=element.span)


@dataclass(slots=True, kw_only=True)
class Block:
    """Nests and scalar statements, in order."""

    fresh: Callable[[str], str]
    items: list[_Nest | Assign] = field(default_factory=list)

    def add(self, member: Member, makes: str | None = None) -> None:
        """Add a statement to the last nest, or to a new one."""
        last = self.items[-1] if self.items else None
        if isinstance(last, _Nest) and _are_equal(last.axes, member.axes):
            line = _line(member, last.variables, makes)
            if last.takes(line):
                last.lines.append(line)
                return
        nest = self.nest_for(member)
        nest.lines.append(_line(member, nest.variables, makes))
        self.items.append(nest)

    def nest_for(self, member: Member) -> _Nest:
        names = tuple(self.fresh(f"axis_{number}") for number in range(len(member.axes)))
        return _Nest(axes=member.axes, variables=names)

    def is_apart(self, member: Member) -> bool:
        """Return whether a statement reads nothing that it writes in another iteration."""
        names = tuple(f"{TEMPORARY}{number}" for number in range(len(member.axes)))
        nest = _Nest(axes=member.axes, variables=names)
        line = _line(member, names, None)
        target = line.store.target
        return all(
            nest.do_not_meet(target, each)
            for each in line.reads()
            if isinstance(each, Element)
            and isinstance(target, Element)
            and each.array == target.array
        )

    def assign(self, statement: Assign) -> None:
        """Add an assignment to a scalar, before the last nest where it has nothing to do with it.

        So the next statement on arrays may still join that nest.
        """
        last = self.items[-1] if self.items else None
        assert isinstance(statement.target, Name)  # what else it is called for
        name = statement.target.name
        if isinstance(last, _Nest):
            leaves = tuple(_leaves(statement.value))
            reads = {each.name for each in leaves if isinstance(each, Name)}
            elements = {each.array for each in leaves if isinstance(each, Element)}
            if (
                reads.isdisjoint(last.scalars())
                and elements.isdisjoint(last.writes())
                and name not in last.scalars() | last.names_read()
            ):
                self.items.insert(len(self.items) - 1, statement)
                return
        self.items.append(statement)

    def contract(self, names: set[str]) -> None:
        """Make scalars of those of the new arrays `names` that only their own nests see."""
        for nest in self.items:
            if isinstance(nest, _Nest) and nest.axes:
                for number in range(len(nest.lines)):
                    made = nest.lines[number].makes
                    if made in names and self.is_own(nest, number):
                        _make_scalar(nest, made)

    def is_own(self, nest: _Nest, number: int) -> bool:
        """Return whether what a statement makes is read in its own iteration alone."""
        made = nest.lines[number]
        name = made.makes
        for item in self.items:
            lines = item.lines if isinstance(item, _Nest) else ()
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
        return frozenset(
            each.array
            for item in self.items
            if isinstance(item, _Nest)
            for line in item.lines
            for each, _ in line.touches()
        )

    @property
    def has_loops(self) -> bool:
        """Whether anything is done for more than one element."""
        return any(isinstance(item, _Nest) and item.axes for item in self.items)

    def in_order(self) -> tuple[Assign, ...] | None:
        """Return what is done where that is assignments, the last perhaps to an element.

        None for loops, and where several elements are assigned: who begins again would find them.
        """
        found: list[Assign] = []
        for item in self.items:
            if isinstance(item, Assign):
                found.append(item)
            elif item.axes or any(each.test is not None for each in item.lines):
                return None
            else:
                found += [each.store for each in item.lines]
        if any(isinstance(each.target, Element) for each in found[:-1]):
            return None
        return tuple(found)

    def made(self) -> frozenset[str]:
        """Return the new arrays that it makes."""
        return frozenset(
            line.makes
            for item in self.items
            if isinstance(item, _Nest)
            for line in item.lines
            if line.makes is not None
        )

    def scalars(self) -> frozenset[str]:
        """Return the scalars that it assigns outside arrays."""
        found = {
            item.target.name
            for item in self.items
            if isinstance(item, Assign) and isinstance(item.target, Name)
        }
        return frozenset(found).union(
            *(item.scalars() for item in self.items if isinstance(item, _Nest))
        )

    def mentioned(self) -> frozenset[str]:
        """Return every name in what it reads, subscripts and extents included."""
        found: list[Expression] = []
        for item in self.items:
            if isinstance(item, Assign):
                found.append(item.value)
                continue
            found += item.axes
            for line in item.lines:
                found += [line.store.value, line.store.target]
                found += [] if line.test is None else [line.test]
        return frozenset(
            node.array if isinstance(node, Element | Extent) else node.name
            for each in found
            for node in walk_expression(each)
            if isinstance(node, Name | Element | Extent)
        )

    def loops(self, span: Span, requires: tuple[Compare, ...]) -> For:
        """Return all of it as the nest of a region."""
        body: list[Statement] = []
        for item in self.items:
            if isinstance(item, Assign):
                body.append(item)
            else:
                body += _loops(item, requires)
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


def _loops(nest: _Nest, requires: tuple[Compare, ...]) -> tuple[Statement, ...]:
    """Return the loops of a nest; what it `requires` stands at the outermost one."""
    body: tuple[Statement, ...] = tuple(
        each.store
        if each.test is None
        else If(test=each.test, body=(each.store,), orelse=(), span=each.store.span)
        for each in nest.lines
    )
    at = nest.lines[0].store.span
    for number in reversed(range(len(nest.axes))):
        body = (
            For(
                variable=nest.variables[number],
                start=Constant(value=0, span=at),
                stop=nest.axes[number],
                step=Constant(value=1, span=at),
                body=body,
                header=nest.lines[0].header,
                span=at,
                label="any axis",
                is_inner_axis=number > 0,
                is_axis=True,
                requires=requires if number == 0 else (),
            ),
        )
    return body


def _line(member: Member, variables: tuple[str, ...], makes: str | None) -> _Line:
    places = tuple(Name(name=each, span=member.span) for each in variables)
    store, test = member.stored(places), member.tested(places)
    return _Line(store=store, test=test, header=member.header, makes=makes)


def _make_scalar(nest: _Nest, name: str) -> None:
    """Let a scalar of the same name stand for one element of an array."""

    def visit(node: Expression) -> Expression:
        if isinstance(node, Element) and node.array == name:
            return Name(name=name, span=node.span)
        return rebuilt(node, visit)

    def rewritten(line: _Line) -> _Line:
        target = visit(line.store.target)
        assert isinstance(target, Name | Element)  # a place stays one
        store = replace(line.store, target=target, value=visit(line.store.value))
        return replace(line, store=store, test=None if line.test is None else visit(line.test))

    nest.lines = [rewritten(line) for line in nest.lines]


def _leaves(value: Expression) -> Iterator[Element | Name]:
    """Yield the elements and scalars of a value, subscripts left out."""
    if isinstance(value, Element | Name):
        yield value
        return
    for each in children(value):
        yield from _leaves(each)


def _arrays_in(value: Expression) -> frozenset[str]:
    return frozenset(each.array for each in _leaves(value) if isinstance(each, Element))


def _is_place(element: Element, variables: tuple[str, ...]) -> bool:
    names = tuple(each.name if isinstance(each, Name) else None for each in element.indices)
    return names == variables


def _are_equal(one: Axes, other: Axes) -> bool:
    return len(one) == len(other) and all(
        constant_distance(a, b) == 0 for a, b in zip(one, other, strict=True)
    )


def _folded(node: Expression) -> Expression:
    """Return sums with zero left out."""
    inner = rebuilt(node, _folded)
    match inner:
        case Binary(operator="+" | "-", left=left, right=right):
            return moved(left, right, 1 if inner.operator == "+" else -1)
        case (
            Binary(operator="*", right=Constant(value=0))
            | Binary(operator="*", left=Constant(value=0))
        ):
            return Constant(value=0, span=inner.span)
    return inner
