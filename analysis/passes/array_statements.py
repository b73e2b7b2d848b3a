"""Whole-array statements become loops over the axes of what they assign.

Before:  u[1:-1] = u[1:-1] + c * v      After:  for axis_0 in range(u.shape[0] - 2):
                                                    u[1 + axis_0] = add(u[1 + axis_0],
                                                                        multiply(c, v[axis_0]))
Before:  u[1:] = u[:-1]                 After:  for axis_0: t[axis_0] = u[axis_0]   t: a new array
                                                for axis_0: u[1 + axis_0] = t[axis_0]

NumPy reads the right side before it writes the left one. Where no element that the statement
writes is read for another element, the order makes no difference and one nest does; else the
values go by way of an array of their own (Allen and Kennedy, Optimizing Compilers for Modern
Architectures, 2001, section 13.2: scalarization of array statements).

What an array's rank is the code must show, by its subscripts; a call checks that. Shapes that
NumPy would broadcast along an axis that both have are left to it, as `requires` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import NoReturn

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason, Refusal
from ..model.loop_ir import (
    COPY,
    TEMPORARY,
    Allocate,
    Assign,
    Binary,
    Call,
    Compare,
    Constant,
    Each,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Slice,
    Statement,
    Update,
    While,
    children,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.source import SourceText, Span
from .array_axes import Axis, View, equal, not_empty, view_of
from .array_meetings import are_apart, is_same
from .array_operators import is_bare, operation
from .reasons import ArrayStatement
from .reasons_syntax import CHOSEN_OTHERWISE
from .row_guesses import outside_rows, row_calls, rows_guessed, rows_in
from .row_reductions import Taken, has_rows, is_on_rows
from .substitution import rebuilt

Ranks = Mapping[str, int]
_MOST_AXES = 64  # of any array


def ranks_shown(body: tuple[Statement, ...]) -> dict[str, int]:
    """Return the arrays of statements with the most subscripts that these give any of them."""
    found: dict[str, int] = {}
    calls: list[Call] = []
    for statement in walk_statements(body):
        for expression in expressions_of(statement):
            for node in outside_rows(expression):
                if isinstance(node, Element):
                    found[node.array] = max(found.get(node.array, 0), len(node.indices))
                elif isinstance(node, Call) and is_on_rows(node):
                    calls.append(node)
    outside = dict(found)
    for call in calls:
        for node in walk_expression(call):
            if isinstance(node, Element):
                found[node.array] = max(found.get(node.array, 0), len(node.indices))
    for call in calls:
        for inner in rows_in(call):
            for name, rank in rows_guessed(inner, outside).items():
                found[name] = max(found.get(name, 0), rank)
    _note_rows_named(body, found)
    return found


def _note_rows_named(body: tuple[Statement, ...], found: dict[str, int]) -> None:
    """Enter the arrays whose rows make arrays that `body` gives names to."""
    for statement in walk_statements(body):
        if isinstance(statement, Assign) and isinstance(statement.target, Name):
            row = _row_named(statement.value, found)
            if row is not None and found.get(statement.target.name):
                found[row.array] = len(row.indices) + found[statement.target.name]


def _row_named(value: Expression, ranks: Ranks) -> Element | None:
    """Return what has to be a row if `value` is an array: its one operand that may be one."""
    elements = [each for each in _operands(value) if isinstance(each, Element)]
    if len({(each.array, len(each.indices)) for each in elements}) != 1 or isinstance(
        value, Name | Element
    ):
        return None
    row = elements[0]
    is_known = any(_is_part(each, ranks) for each in _operands(value))
    return None if is_known or len(row.indices) < ranks.get(row.array, 0) else row


def is_array_statement(statement: Statement, ranks: Ranks) -> bool:
    """Return whether a statement assigns to more than one element, or computes with more."""
    match statement:
        case Update(target=Name(name=name)) if ranks.get(name):
            return True
        case Assign(target=Element() as place) | Update(target=Element() as place) if len(
            place.indices
        ) < ranks.get(place.array, 0):
            return True
        case Assign(target=Name(), value=Call(function=function)) if function == COPY:
            return True
        case Assign(target=Name(), value=value) if not isinstance(value, Name | Element):
            return any(_is_part(each, ranks) for each in _operands(value))
        case Assign() | Update():
            return any(
                isinstance(index, Slice)
                for expression in (statement.target, statement.value)
                for node in _operands(expression)
                if isinstance(node, Element)
                for index in node.indices
            )
    return False


def expand_statement(
    statement: Assign | Update, text: SourceText, ranks: Ranks, taken: frozenset[str]
) -> tuple[Statement, ...] | Refusal:
    """Return a whole-array statement as loops, or why it has none; `taken` are names in use."""
    expansion = _Expansion(text=text, ranks=dict(ranks), taken=set(taken))
    if isinstance(statement.target, Name) and isinstance(statement, Assign):
        detail = "it makes a new array, which lives on"
        header = text.segment(statement.span)
        return Refusal(reasons=(ArrayStatement(span=statement.span, text=header, detail=detail),))
    found = expansion.statement(statement)
    return Refusal(reasons=tuple(expansion.reasons)) if expansion.reasons else found


def expand_arrays(
    nest: For | Each,
    text: SourceText,
    ranks: Ranks,
    taken: frozenset[str],
    known: Ranks = MappingProxyType({}),
) -> For | Each | Refusal:
    """Return `nest` with loops in place of its whole-array statements, or why one has none.

    `known` are the ranks that a call has shown.
    """
    # A name may stand for another array elsewhere.
    ranks = {**ranks, **ranks_shown((nest,)), **known}
    statements = tuple(walk_statements((nest,)))
    arrays = [each for each in statements if is_array_statement(each, ranks)]
    if not arrays and not any(True for _ in row_calls((nest,))):
        return nest
    together = [each for each in arrays if is_part(each, statements)]
    if together:
        return Refusal(reasons=tuple(one_of_several(each.span, text) for each in together))
    expansion = _Expansion(text=text, ranks=dict(ranks), taken=set(taken))
    (found,) = expansion.statement(nest)
    assert isinstance(found, For | Each)  # a loop stays one
    return Refusal(reasons=tuple(expansion.reasons)) if expansion.reasons else found


def is_part(statement: Statement, statements: tuple[Statement, ...]) -> bool:
    """Return whether a statement is one of those that an assignment to several targets is read as.

    What NumPy reads there are views, and no guard may stand before a part.
    """
    return sum(each.span == statement.span for each in statements) > 1


def one_of_several(span: Span, text: SourceText) -> ArrayStatement:
    """Return why a part of an assignment to several targets, or of a call, is left to NumPy."""
    detail = "it stands for several statements on whole arrays at once"
    return ArrayStatement(span=span, text=text.segment(span), detail=detail)


class _Unexpanded(Exception):
    """Unwinds the reading of one statement that has no loops."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Expansion:
    """Walks statements in textual order."""

    text: SourceText
    ranks: dict[str, int]  # those of new arrays are entered on the way
    taken: set[str]
    reasons: list[Reason] = field(default_factory=list)
    around: tuple[For, ...] = ()  # loops over ranges, outermost first
    is_inside: bool = False  # of any loop

    def block(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return tuple(each for statement in body for each in self.statement(statement))

    def statement(self, node: Statement) -> tuple[Statement, ...]:
        if any(map(has_rows, expressions_of(node))):
            try:
                return self.with_rows(node)
            except _Unexpanded as found:
                self.reasons.append(found.reason)
                return (node,)
        match node:
            case Assign() | Update() if is_array_statement(node, self.ranks):
                try:
                    return self.expanded(node)
                except _Unexpanded as found:
                    self.reasons.append(found.reason)
                    return (node,)
            case If():
                body, orelse = self.block(node.body), self.block(node.orelse)
                return (replace(node, body=body, orelse=orelse),)
            case For():
                return (replace(node, body=self.inside(node)),)
            case Each() | While():
                return (replace(node, body=replace(self, is_inside=True).block(node.body)),)
            case _:
                return (node,)

    def with_rows(self, node: Statement) -> tuple[Statement, ...]:
        """Return a statement after the loops for functions of rows that it calls."""
        if not self.is_inside:
            self.refuse(node.span, "what it asks of a row is asked outside of every loop")
        taken = Taken(expanding=self, refuse=self.refuse)
        rest = taken.statement(node)
        return (*taken.before, *self.statement(rest))

    def row(self, node: Expression, span: Span) -> tuple[tuple[Statement, ...], View]:
        """Return the statements that make a row of `node`, and the row."""
        before: tuple[Statement, ...] = ()
        match node:
            case Name(name=name):
                place = Element(array=name, indices=(), span=node.span)
            case Element():
                place = node
            case _:
                name = self.fresh(f"{TEMPORARY}row")
                target = Name(name=name, span=span)
                made = self.made(Assign(target=target, value=node, span=span), name)
                # No row of a report: it is part of the statement that asks for the value.
                before = tuple(
                    replace(each, is_inlined=True) if isinstance(each, For) else each
                    for each in made
                )
                place = Element(array=name, indices=(), span=span)
        found = view_of(place, self.ranks.get(place.array, len(place.indices)))
        if found is None or len(found.axes) != 1:
            self.refuse(span, "what it is given is not known to have one axis")
        return before, found

    def text_at(self, span: Span) -> str:
        """Return the source at `span`."""
        return self.text.segment(span)

    def inside(self, loop: For) -> tuple[Statement, ...]:
        """Return the body of a loop, expanded."""
        return replace(self, around=(*self.around, loop), is_inside=True).block(loop.body)

    def expanded(self, node: Assign | Update) -> tuple[Statement, ...]:
        if isinstance(node, Assign) and isinstance(node.target, Name):
            return self.made(node, node.target.name)
        target = self.target(node)
        value = _assigned(node)
        reading = _Reading(self, node.span, len(target.axes))
        shaped = reading.operand(value)
        requires = [*target.requires(), *reading.requires(target.axes)]
        if reading.may_fail:
            requires += [each for axis in target.axes for each in not_empty(axis.extent)]
        variables = tuple(self.fresh(f"axis_{number}") for number in range(len(target.axes)))
        computed = reading.at(shaped, variables)
        place = target.element(variables)
        header = self.text.segment(node.span)
        found = [view for view in reading.views.values() if view.array == target.array]
        store = Assign(target=place, value=computed, span=node.span)
        requires = list(dict.fromkeys(requires))
        if all(is_same(each, target) or are_apart(each, target, self.around) for each in found):
            return (*reading.once, _nest(target, variables, store, header, requires))
        return (*reading.once, *self.by_way(target, (variables, store), header, requires))

    def made(self, node: Assign, name: str) -> tuple[Statement, ...]:
        """Return a statement that makes a new array as its allocation and its first values."""
        if isinstance(node.value, Name | Element):
            self.refuse(node.span, "it gives elements of an array another name")
        reading = _Reading(self, node.span, _MOST_AXES)
        shaped = reading.operand(node.value)
        if not reading.is_array(shaped):
            self.refuse(node.span, "how many axes its arrays have is not known")
        widest = max(reading.views.values(), key=lambda view: len(view.axes))
        if self.ranks.get(name, 0) > len(widest.axes):
            self.refuse(node.span, "its array has more subscripts than axes")
        self.ranks[name] = len(widest.axes)
        requires = list(reading.requires(widest.axes))
        if reading.may_fail:
            requires += [each for axis in widest.axes for each in not_empty(axis.extent)]
        variables = tuple(self.fresh(f"axis_{number}") for number in range(len(widest.axes)))
        at = node.span
        shape = tuple(each.extent for each in widest.axes)
        indices = tuple(Name(name=each, span=at) for each in variables)
        place = Element(array=name, indices=indices, span=node.target.span, has_tuple=True)
        store = Assign(target=place, value=reading.at(shaped, variables), span=at)
        return (
            *reading.once,
            Allocate(
                name=name,
                shape=shape,
                like=None,
                dtype=None,
                fill=None,
                span=at,
                is_of_values=True,
                copied=_copied(node.value),
            ),
            _nest(widest, variables, store, self.text.segment(at), list(dict.fromkeys(requires))),
        )

    def by_way(
        self,
        target: View,
        parts: tuple[tuple[str, ...], Assign],
        header: str,
        requires: list[Compare],
    ) -> tuple[Statement, ...]:
        """Return a statement whose values wait in an array until all are computed.

        `parts` are the variables of its loops, and the store in them.
        """
        variables, store = parts
        at = store.span
        name = self.fresh(f"{TEMPORARY}{target.array}")
        made = Allocate(
            name=name, shape=self.room(target), like=target.array, dtype=None, fill=None, span=at
        )
        waiting = Element(
            array=name, indices=tuple(Name(name=each, span=at) for each in variables), span=at
        )
        first = replace(store, target=waiting)
        second = replace(store, value=waiting)
        then = _nest(target, variables, second, header, [])
        return (
            made,
            _nest(target, variables, first, header, requires),
            replace(then, is_inner_axis=True),  # of the row of the report that is there already
        )

    def room(self, target: View) -> tuple[Expression, ...]:
        """Return extents that do not change with the loops around, enough for `target`."""
        changing = {loop.variable for loop in self.around}
        found: list[Expression] = []
        for number, entry in enumerate(target.entries):
            if isinstance(entry, Axis):
                names = {getattr(each, "name", None) for each in walk_expression(entry.extent)}
                whole = Extent(array=target.array, axis=number, span=target.span)
                found.append(entry.extent if changing.isdisjoint(names) else whole)
        return tuple(found)

    def target(self, node: Assign | Update) -> View:
        match node.target:
            case Element() as place:
                rank = self.ranks.get(place.array, len(place.indices))
                found = view_of(place, rank)
            case Name(name=name) if isinstance(node, Update) and self.ranks.get(name):
                whole = Element(array=name, indices=(), span=node.target.span)
                found = view_of(whole, self.ranks[name])
            case _:
                self.refuse(node.span, "what it assigns to is no array that is known")
        if found is None or not found.axes:
            self.refuse(node.span, f"what it assigns to {CHOSEN_OTHERWISE}")
        return found

    def refuse(self, span: Span, detail: str) -> NoReturn:
        text = self.text.segment(span)
        raise _Unexpanded(ArrayStatement(span=span, text=text, detail=detail))

    def fresh(self, wanted: str) -> str:
        while wanted in self.taken:
            wanted += "_"
        self.taken.add(wanted)
        return wanted


def _copied(value: Expression) -> str | None:
    """Return the array of which an expression is a copy, if it is one of a whole array."""
    match value:
        case Call(function=function, arguments=(Element(array=array, indices=()),)) if (
            function == COPY
        ):
            return array
    return None


def _assigned(node: Assign | Update) -> Expression:
    """Return what a statement assigns, as one expression."""
    if isinstance(node, Assign):
        return node.value
    return Binary(operator=node.operator, left=node.target, right=node.value, span=node.span)


def _nest(
    target: View,
    variables: tuple[str, ...],
    store: Statement,
    header: str,
    requires: list[Compare],
) -> For:
    """Return loops over all axes of `target` around a store."""
    at = store.span
    body = store
    for number, axis in reversed(list(enumerate(target.axes))):
        body = For(
            variable=variables[number],
            start=Constant(value=0, span=at),
            stop=axis.extent,
            step=Constant(value=1, span=at),
            body=(body,),
            header=header,
            span=at,
            label="any axis",
            is_inner_axis=number > 0,
            is_axis=True,
            requires=tuple(requires) if number == 0 else (),
        )
    assert isinstance(body, For)  # the target has an axis
    return body


@dataclass(slots=True)
class _Reading:
    """Reads the value of one statement."""

    expansion: _Expansion
    span: Span
    most: int  # axes of what is assigned
    # The parts of arrays that are read, elements among them, by what stands for each of them.
    views: dict[Element, View] = field(default_factory=dict)
    may_fail: bool = False  # what is computed of scalars alone may raise, or warn, but once
    once: list[Assign] = field(default_factory=list)  # what is computed of scalars alone

    def operand(self, node: Expression) -> Expression:
        """Return `node` with functions for the operations of arrays; note what it reads."""
        match node:
            case Name(name=name) if self.expansion.ranks.get(name):
                return self.part(Element(array=name, indices=(), span=node.span))
            case Element():
                return self.part(node)
            case Constant() | Name() | Extent():
                return node
            case Slice():
                raise AssertionError("a subscript is not an operand")
        if not any(_is_part(each, self.expansion.ranks) for each in _operands(node)):
            return rebuilt(node, self.operand) if is_bare(node) else self.scalar(node)
        seen = rebuilt(node, self.operand)
        found = operation(seen, self.is_array)
        if found is None:
            self.expansion.refuse(self.span, "arrays have no such operation here")
        return found

    def scalar(self, node: Expression) -> Name:
        """Return what holds a value that NumPy is given, and that is not computed by it."""
        if not self.expansion.is_inside:
            self.expansion.refuse(self.span, "what it computes of scalars has no place of its own")
        self.may_fail = True
        name = Name(name=self.expansion.fresh(f"{TEMPORARY}of_scalars"), span=node.span)
        self.once.append(Assign(target=name, value=node, span=self.span))
        return name

    def part(self, node: Element) -> Element:
        view = view_of(node, self.expansion.ranks.get(node.array, len(node.indices)))
        if view is None:
            self.expansion.refuse(self.span, f"what it reads {CHOSEN_OTHERWISE}")
        if len(view.axes) > self.most:
            self.expansion.refuse(self.span, "what it reads has more axes than what it assigns to")
        self.views[node] = view
        return node

    def is_array(self, node: Expression) -> bool:
        return any(
            isinstance(each, Element) and bool(self.views[each].axes) for each in _operands(node)
        )

    def requires(self, axes: tuple[Axis, ...]) -> Iterator[Compare]:
        """Yield what the parts must be like to have the shape of `axes`, one by one."""
        for view in self.views.values():
            yield from view.requires()
            inner = axes[len(axes) - len(view.axes) :]
            for mine, theirs in zip(view.axes, inner, strict=True):
                yield from equal(mine.extent, theirs.extent)

    def at(self, node: Expression, variables: tuple[str, ...]) -> Expression:
        """Return the value for one element, an axis of the target for each of `variables`."""
        if isinstance(node, Element):
            view = self.views[node]
            return view.element(variables[len(variables) - len(view.axes) :])
        return rebuilt(node, lambda each: self.at(each, variables))


def _operands(node: Expression) -> Iterator[Expression]:
    """Yield a value and what it is computed from, subscripts and what rows give left out."""
    yield node
    if not isinstance(node, Element) and not is_on_rows(node):
        for each in children(node):
            yield from _operands(each)


def _is_part(node: Expression, ranks: Ranks) -> bool:
    """Return whether an operand is more than one element of an array."""
    match node:
        case Name(name=name):
            return bool(ranks.get(name))
        case Element():
            has_slice = any(isinstance(each, Slice) for each in node.indices)
            return has_slice or len(node.indices) < ranks.get(node.array, 0)
    return False
