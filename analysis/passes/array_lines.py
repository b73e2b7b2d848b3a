"""The statements of nests that whole arrays are computed in, and whether two may share a nest.

Before:  t[i] = exp(x[i]); y[i] = t[i] * t[i + 1]     After:  two lines that may not: the second
                                                              reads what another iteration makes

Helper of the `array_fusion` pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    Assign,
    Binary,
    Call,
    Compare,
    Constant,
    Element,
    Expression,
    For,
    If,
    Name,
    Statement,
    children,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.source import Span
from ..model.ufuncs import OWN_LOOPS
from .array_axes import Axis, View, constant_distance, form, moved
from .array_meetings import are_apart
from .substitution import rebuilt, substituted

Places = tuple[Expression, ...]
Axes = tuple[Expression, ...]
Visit = Callable[[Expression], Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One statement on all elements of some axes."""

    axes: Axes
    stored: Callable[[Places], Assign]  # at a place on each axis
    tested: Callable[[Places], Expression | None]  # what decides whether it runs there
    header: str
    span: Span
    # What computes the value to be stored, in place of that of `stored`: steps over a row.
    steps: Callable[[Places], tuple[tuple[Statement, ...], Expression]] | None = None
    ordered: frozenset[int] = frozenset()  # axes along which it adds up, one after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One statement of a nest."""

    store: Assign
    test: Expression | None
    header: str
    makes: str | None  # the new array whose values these are
    before: tuple[Statement, ...] = ()
    ordered: frozenset[int] = frozenset()

    @property
    def has_row(self) -> bool:
        """Whether it is about a whole row for each element that it stores."""
        return bool(self.before)

    def values(self) -> Iterator[Expression]:
        """Yield what it computes with."""
        for each in walk_statements(self.before):
            yield from expressions_of(each)
        yield self.store.value
        if self.test is not None:
            yield self.test

    def reads(self) -> Iterator[Element | Name]:
        """Yield the elements and the scalars that it reads."""
        for value in self.values():
            yield from leaves(value)

    def touches(self) -> Iterator[tuple[Element, bool]]:
        """Yield the elements that it touches, and whether it writes them."""
        yield from ((each, False) for each in self.reads() if isinstance(each, Element))
        if isinstance(self.store.target, Element):
            yield self.store.target, True

    def statements(self) -> tuple[Statement, ...]:
        """Return it as statements of a loop."""
        if self.test is None:
            return (*self.before, self.store)
        at = self.store.span
        return (*self.before, If(test=self.test, body=(self.store,), orelse=(), span=at))

    def rewritten(self, visit: Visit) -> Line:
        """Return the same with other expressions."""
        store = _rewritten(self.store, visit)
        assert isinstance(store, Assign)  # it was one
        return replace(
            self,
            before=tuple(_rewritten(each, visit) for each in self.before),
            store=store,
            test=None if self.test is None else visit(self.test),
        )


def _rewritten(node: Statement, visit: Visit) -> Statement:
    def inside(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return tuple(_rewritten(each, visit) for each in body)

    match node:
        case Assign():
            target = visit(node.target)
            assert isinstance(target, Name | Element)  # a place stays one
            return replace(node, target=target, value=visit(node.value))
        case If():
            return replace(
                node, test=visit(node.test), body=inside(node.body), orelse=inside(node.orelse)
            )
        case For():
            start, stop, step = map(visit, (node.start, node.stop, node.step))
            return replace(node, start=start, stop=stop, step=step, body=inside(node.body))
    raise AssertionError("lines have no other statements")


def line_of(member: Member, variables: tuple[str, ...], makes: str | None) -> Line:
    """Return what a statement does at the places that `variables` name."""
    places = tuple(Name(name=each, span=member.span) for each in variables)
    store = member.stored(places)
    before: tuple[Statement, ...] = ()
    if member.steps is not None:
        before, value = member.steps(places)
        store = replace(store, value=value)
    return Line(
        store=store,
        test=member.tested(places),
        header=member.header,
        makes=makes,
        before=before,
        ordered=member.ordered,
    )


@dataclass(slots=True, kw_only=True)
class Nest:
    """Statements over the same axes."""

    axes: Axes
    variables: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)
    tests: tuple[Compare, ...] = ()  # in which iterations of a loop that it shares it runs

    @property
    def ordered(self) -> frozenset[int]:
        """The axes along which something is added up."""
        return frozenset[int]().union(*(each.ordered for each in self.lines))

    def scalars(self) -> frozenset[str]:
        """Return the scalars that it assigns."""
        targets = (each.store.target for each in self.lines)
        return frozenset(each.name for each in targets if isinstance(each, Name))

    def writes(self) -> frozenset[str]:
        """Return the arrays that it writes."""
        targets = (each.store.target for each in self.lines)
        return frozenset(each.array for each in targets if isinstance(each, Element))

    def names(self) -> frozenset[str]:
        """Return every name of a number that it mentions, subscripts and extents included."""
        found = [*self.axes]
        for line in self.lines:
            found += [*line.values(), line.store.target]
        nodes = (node for each in found for node in walk_expression(each))
        return frozenset(each.name for each in nodes if isinstance(each, Name))

    def takes(self, line: Line) -> bool:
        """Return whether a statement over the same axes may run in the same iterations."""
        if any(isinstance(e, Name) and e.name in self.scalars() for e in line.reads()):
            return False
        if (line.ordered or self.ordered) and not self.may_be_in_order(line):
            return False
        return all(
            self.do_not_meet(mine, theirs)
            for own in self.lines
            for mine, writes in own.touches()
            for theirs, also_writes in line.touches()
            if mine.array == theirs.array and (writes or also_writes)
        )

    def may_be_in_order(self, line: Line) -> bool:
        """Return whether threads are not missed where some axes are gone through in order.

        And whether nothing but new arrays is written: the model does not judge that order.
        """
        together = (*self.lines, line)
        return all((e.makes is not None or e.ordered) and _is_cheap(e) for e in together)

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
            start = folded_sums(substituted(index, {name: zero}))
            extent = self.axes[self.variables.index(name)]
            entries.append(Axis(start=start, step=step, extent=extent, requires=()))
        return View(array=element.array, entries=tuple(entries), span=element.span)


def leaves(value: Expression) -> Iterator[Element | Name]:
    """Yield the elements and scalars of a value, subscripts left out."""
    if isinstance(value, Element | Name):
        yield value
        return
    for each in children(value):
        yield from leaves(each)


def are_equal(one: Axes, other: Axes) -> bool:
    """Return whether axes are as long, whatever their names stand for."""
    return len(one) == len(other) and all(
        constant_distance(a, b) == 0 for a, b in zip(one, other, strict=True)
    )


def _is_cheap(line: Line) -> bool:
    """Return whether a statement takes hardly longer than the memory that it touches."""
    return not any(
        isinstance(node, Call) and node.function in OWN_LOOPS
        for value in line.values()
        for node in walk_expression(value)
    )


def folded_sums(node: Expression) -> Expression:
    """Return sums with zero left out."""
    inner = rebuilt(node, folded_sums)
    match inner:
        case Binary(operator="+" | "-", left=left, right=right):
            return moved(left, right, 1 if inner.operator == "+" else -1)
        case (
            Binary(operator="*", right=Constant(value=0))
            | Binary(operator="*", left=Constant(value=0))
        ):
            return Constant(value=0, span=inner.span)
    return inner
