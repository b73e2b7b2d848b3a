"""Loops over values become loops over the numbers of their turns.

Before:  for i, x in enumerate(a):         After:  for i in range(a.shape[0]):
             b[i] = 2 * x                              x = a[i]
                                                       b[i] = 2 * x
         for row in a:                             for row in range(a.shape[0]):  (a name of ours)
             row[0] = 1                                a[that, 0] = 1

Right for arrays only, whose elements and extents stay where they are while a loop runs over them
(Python language reference, the for statement; NumPy, iterating over arrays): what the loop runs
over is subscripted now, and a call checks what is subscripted. Loops inside a nest are rewritten
with it; a nest that has no model is left as it was, and its inner loops are rewritten by
themselves, since there the names of the outer ones are still the user's.
"""

from __future__ import annotations

from collections.abc import Iterable as Iterable_
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason, Refusal
from ..model.loop_ir import (
    Allocate,
    Assign,
    Break,
    Compare,
    Constant,
    Counts,
    Each,
    Element,
    Elements,
    Enumerated,
    Exchange,
    Expression,
    Extent,
    For,
    Grid,
    If,
    Iterable,
    Listed,
    Name,
    Opaque,
    Pattern,
    Statement,
    Update,
    While,
    Zipped,
    expressions_of,
    names_in,
    own_breaks,
    walk_expression,
    walk_statements,
)
from ..model.source import SourceText
from ..model.unused import unused
from .instances import bound_names, mentions
from .reasons import EarlyExit, OpaqueIterable, ScalarUsedAsArray
from .substitution import rebuilt
from .turns import (
    Numbers,
    Stream,
    Turns,
    Values,
    View,
    Written,
    difference,
    extent_of,
    least,
    limits,
    total,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """A nest of loops over ranges."""

    nest: For


def index_loops(
    nest: For | Each, text: SourceText, taken: frozenset[str], live_out: frozenset[str]
) -> Indexed | Refusal:
    """Return `nest` with loops over ranges only, or why that cannot be.

    `taken` are names that its new loop variables must not have, `live_out` those that may be
    read after it. A nest of loops over ranges is returned as it is.
    """
    if not any(isinstance(each, Each) for each in walk_statements((nest,))):
        assert isinstance(nest, For)  # it would be among the statements walked
        return Indexed(nest=nest)
    names = set(taken | mentions((nest,)) | bound_names((nest,)))
    indexing = _Indexing(text=text, taken=names, live_out=live_out)
    found = indexing.statement(nest, {})
    if indexing.reasons:
        return Refusal(reasons=tuple(dict.fromkeys(indexing.reasons)))
    (loop,) = found
    assert isinstance(loop, For)  # a loop becomes a loop
    return Indexed(nest=loop)


@dataclass(slots=True)
class _Indexing:
    """Walks a nest in textual order; `views` are the names that stand for rows."""

    text: SourceText
    taken: set[str]
    live_out: frozenset[str]
    reasons: list[Reason] = field(default_factory=list)

    def block(self, body: tuple[Statement, ...], views: dict[str, View]) -> tuple[Statement, ...]:
        return tuple(each for statement in body for each in self.statement(statement, views))

    def statement(self, node: Statement, views: dict[str, View]) -> tuple[Statement, ...]:
        match node:
            case Assign() | Update():
                value = self.seen(node.value, views)
                target = self.seen(node.target, views)
                assert isinstance(target, Name | Element)  # an element stays one
                return (replace(node, target=target, value=value),)
            case If():
                test = self.seen(node.test, views)
                body, orelse = self.block(node.body, views), self.block(node.orelse, views)
                return (replace(node, test=test, body=body, orelse=orelse),)
            case For():
                start, stop, step = (self.seen(e, views) for e in expressions_of(node))
                body = self.block(node.body, views)
                return (replace(node, start=start, stop=stop, step=step, body=body),)
            case Allocate():
                if node.like in views:
                    self.reasons.append(ScalarUsedAsArray(span=node.span, name=node.like or ""))
                shape = tuple(self.seen(each, views) for each in node.shape)
                return (replace(node, shape=shape),)
            case Each():
                loop = self.each(node, views)
                return () if loop is None else (loop,)
            case While():
                test, body = self.seen(node.test, views), self.block(node.body, views)
                return (replace(node, test=test, body=body),)
            case Break() | Exchange() | Opaque():
                return (node,)

    def seen(self, expression: Expression, views: dict[str, View]) -> Expression:
        """Return `expression` with the arrays for the names of their rows."""
        if not views:
            return expression

        def visit(node: Expression) -> Expression:
            match node:
                case Name(name=name) if name in views:
                    self.reasons.append(ScalarUsedAsArray(span=node.span, name=name))
                case Element(array=array) if array in views:
                    indices = (*views[array].indices, *map(visit, node.indices))
                    return replace(node, array=views[array].array, indices=indices)
                case Extent(array=array) if array in views:
                    return self.extent(node, views[array])
            return rebuilt(node, visit)

        return visit(expression)

    def extent(self, node: Extent, view: View) -> Extent:
        if node.axis < -1:
            self.reasons.append(ScalarUsedAsArray(span=node.span, name=node.array))
        axis = node.axis + len(view.indices) if node.axis >= 0 else node.axis
        return replace(node, array=view.array, axis=axis)

    # ----------------------------------------------------------------------- loops

    def each(self, node: Each, views: dict[str, View]) -> For | None:
        names, assigned = names_in(node.target), bound_names(node.body)
        streams = self.streams(node.target, node.iterable, views)
        fixed = _names_read(expression for each in streams or () for expression in limits(each))
        # A loop goes on over the array that it began with, whatever its name stands for then.
        run_over = frozenset(each.view.array for each in streams or () if isinstance(each, Values))
        moved = fixed & (assigned | frozenset(names)) | run_over & assigned
        if streams is None or moved:
            self.refuse(node)
            return None
        free = [name for name in names if names.count(name) == 1 and name not in assigned]
        if isinstance(node.iterable, Grid):
            for each in own_breaks(node.body):  # it would leave the last axis only
                self.reasons.append(EarlyExit(span=each.span, keyword="break"))
            return self.grid(node, streams, free, views)
        counters = [each for each in streams if isinstance(each, Numbers)]
        unknown = [each for each in counters if not isinstance(each.start, Constant)]
        usable = [each for each in unknown or counters if each.name.name in free]
        if unknown and (len(unknown) > 1 or not usable):
            self.refuse(node)
            return None
        counter = usable[0] if usable else None
        start = counter.start if counter else Constant(value=0, span=node.span)
        turns = Turns(start=start, span=node.span)
        found = (turns.end(each) for each in streams)
        ends = tuple(dict.fromkeys(end for end in found if end is not None))
        variable = counter.name.name if counter else self.fresh(names)
        inside = {name: view for name, view in views.items() if name not in names}
        bindings = self.bindings(node, streams, turns.position(variable), inside)
        return For(
            variable=variable,
            start=start,
            stop=least(ends),
            step=Constant(value=1, span=node.span),
            body=(*bindings, *self.block(node.body, inside)),
            header=node.header,
            span=node.span,
            label=None if counter else ", ".join(names),
            rows=tuple((name, inside[name].part(node.span)) for name in names if name in inside),
            is_inlined=node.is_inlined,
            inlined=node.inlined,
            is_inner_axis=node.is_inner_axis,
            is_value=node.is_value,
            is_driver=node.is_driver,
            held=node.held,
            requires=self.required(node, views),
        )

    def required(self, node: Each, views: dict[str, View]) -> tuple[Compare, ...]:
        return tuple(
            replace(each, left=self.seen(each.left, views), right=self.seen(each.right, views))
            for each in node.requires
        )

    def refuse(self, node: Each) -> None:
        at = node.iterable.span
        self.reasons.append(OpaqueIterable(span=at, iterable=self.text.segment(at)))

    def fresh(self, names: tuple[str, ...]) -> str:
        """Return a name for the number of a turn of a loop that binds `names`."""
        name = unused(f"{'_'.join(names)}_turn", self.taken)
        self.taken.add(name)
        return name

    def streams(
        self, target: Pattern, iterable: Iterable, views: dict[str, View]
    ) -> tuple[Stream, ...] | None:
        """Return what each name of `target` is bound to in turn; None where it has no numbers."""
        found = self.matched(target, iterable, views)
        known = tuple(each for each in found if each is not None)
        return known if len(known) == len(found) else None

    def matched(
        self, target: Pattern, iterable: Iterable, views: dict[str, View]
    ) -> tuple[Stream | None, ...]:
        match iterable, target:
            case Counts(), Name():
                start, stop = self.seen(iterable.start, views), self.seen(iterable.stop, views)
                return (Numbers(name=target, start=start, stop=stop),)
            case Elements(), Name():
                view = views.get(iterable.array, View(array=iterable.array))
                return (Values(name=target, view=view, is_reversed=iterable.is_reversed),)
            case Elements(), tuple():
                return tuple(
                    self.column(each, number, len(target), iterable, views)
                    for number, each in enumerate(target)
                )
            case Listed(columns=columns), Name() if len(columns) == 1:
                return (Written(name=target, numbers=columns[0]),)
            case Listed(columns=columns), tuple() if len(columns) == len(target):
                return tuple(
                    Written(name=name, numbers=numbers) if isinstance(name, Name) else None
                    for name, numbers in zip(target, columns, strict=True)
                )
            case Enumerated(), (Name() as number, inner):
                start = self.seen(iterable.start, views)
                values = self.matched(inner, iterable.inner, views)
                return (Numbers(name=number, start=start, stop=None), *values)
            case Zipped(parts=parts), tuple() if len(parts) == len(target):
                pairs = zip(target, parts, strict=True)
                return tuple(one for each in pairs for one in self.matched(*each, views))
            case Grid(array=None, axes=axes), tuple() if len(axes) == len(target):
                pairs = zip(target, axes, strict=True)
                return tuple(one for each in pairs for one in self.matched(*each, views))
            case Grid(array=str(array)), (tuple() as positions, Name() as element):
                counted = self.matched(positions, replace(iterable, array=None), views)
                view = views.get(array, View(array=array))
                return (*counted, Values(name=element, view=view, is_reversed=False))
        return (None,)

    def column(
        self,
        name: Pattern,
        number: int,
        width: int,
        iterable: Elements,
        views: dict[str, View],
    ) -> Values | None:
        """Return what one of several names is bound to, which take the elements of a row."""
        if not isinstance(name, Name):
            return None
        view = views.get(iterable.array, View(array=iterable.array))
        is_reversed = iterable.is_reversed
        return Values(name=name, view=view, is_reversed=is_reversed, column=number, width=width)

    def bindings(
        self,
        node: Each,
        streams: tuple[Stream, ...],
        position: Expression,
        views: dict[str, View],
    ) -> tuple[Assign, ...]:
        """Return what binds the names of a loop in a turn; rows go to `views` instead.

        `position` counts the turns from 0.
        """
        found: list[Assign] = []
        rows = _subscripted(node.body)
        for each in streams:
            name, at = each.name.name, each.name.span
            if isinstance(each, Numbers):
                value = total(each.start, position)
                if not (isinstance(value, Name) and value.name == name):
                    found.append(Assign(target=each.name, value=value, span=at))
                continue
            if isinstance(each, Written):
                found.append(Assign(target=each.name, value=each.at(position), span=at))
                continue
            index = position
            if each.is_reversed:
                last = difference(extent_of(each.view, at), Constant(value=1, span=at))
                index = difference(last, position)
            view = replace(each.view, indices=(*each.view.indices, index))
            if name in rows and each.column is None:
                views[name] = view
            else:
                within = () if each.column is None else (Constant(value=each.column, span=at),)
                indices = (*view.indices, *within)
                value = Element(array=view.array, indices=indices, span=at, of=each.width)
                found.append(Assign(target=each.name, value=value, span=at))
        return tuple(found)

    def grid(
        self, node: Each, streams: tuple[Stream, ...], free: list[str], views: dict[str, View]
    ) -> For | None:
        """Return a loop for each axis, the last one innermost.

        Where an axis is empty no name is bound: only the last one, which then is not bound
        either, may be its loop's own variable if it lives on.
        """
        axes = [each for each in streams if isinstance(each, Numbers)]
        own = [
            each.name.name in free and (each is axes[-1] or each.name.name not in self.live_out)
            for each in axes
        ]
        variables = [
            each.name.name if is_own else self.fresh((each.name.name,))
            for each, is_own in zip(axes, own, strict=True)
        ]
        at = node.span
        inside = {name: view for name, view in views.items() if name not in names_in(node.target)}
        positions = tuple(Name(name=variable, span=at) for variable in variables)
        body: tuple[Statement, ...] = tuple(
            Assign(target=each.name, value=position, span=at)
            for each, position, is_own in zip(axes, positions, own, strict=True)
            if not is_own
        )
        for each in streams:
            if isinstance(each, Values):
                element = Element(array=each.view.array, indices=positions, span=at)
                body = (*body, Assign(target=each.name, value=element, span=at))
        body = (*body, *self.block(node.body, inside))
        for axis, variable in reversed(list(zip(axes, variables, strict=True))):
            assert axis.stop is not None  # an axis is a range
            body = (
                For(
                    variable=variable,
                    start=axis.start,
                    stop=axis.stop,
                    step=Constant(value=1, span=at),
                    body=body,
                    header=node.header,
                    span=at,
                    label=node.label or ", ".join(each.name.name for each in axes),
                    is_inner_axis=node.is_inner_axis or axis is not axes[0],
                    is_value=node.is_value and axis is axes[0],
                    is_inlined=node.is_inlined,
                    inlined=node.inlined if axis is axes[0] else (),
                    requires=self.required(node, views) if axis is axes[0] else (),
                ),
            )
        (loop,) = body
        assert isinstance(loop, For)  # it has an axis
        return loop


def _names_read(expressions: Iterable_[Expression]) -> frozenset[str]:
    return frozenset(
        leaf.name
        for expression in expressions
        for leaf in walk_expression(expression)
        if isinstance(leaf, Name)
    )


def _subscripted(body: tuple[Statement, ...]) -> frozenset[str]:
    """Return the names that `body` uses as arrays."""
    return frozenset(
        leaf.array
        for statement in walk_statements(body)
        for expression in expressions_of(statement)
        for leaf in walk_expression(expression)
        if isinstance(leaf, Element | Extent)
    )
