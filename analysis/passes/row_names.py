"""Names that a loop gives to rows stand for the rows.

Before:  for i in range(n):                After:  for i in range(n):
             row = a[i]                                first_of_row = a[i, 0]
             for j in range(len(row)):                 for j in range(a.shape[1]):
                 b[i] += row[j]                            b[i] += a[i, j]

`a[i]` of an array with more axes is a view: what is stored through either name is seen through
the other (NumPy, basic indexing), and a list in a list is the same object. The name has to be
bound once, and read only behind that, in the same block, while the array and the subscripts are
what they were. The first element of the row is read where the row was, so that a subscript out
of bounds is found out there. Whether the array has that many axes a call checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    TEMPORARY,
    Allocate,
    Assign,
    Call,
    Constant,
    Each,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Opaque,
    Slice,
    Statement,
    Update,
    While,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.unused import unused
from .array_statements import ranks_shown
from .instances import bound_names, names_bound, read_names
from .substitution import rebuilt


def name_rows(nest: For | Each, taken: frozenset[str], live_out: frozenset[str]) -> For | Each:
    """Return `nest` with rows for the names of them; with those that have no such form as they are.

    `taken` are names in use, `live_out` those that may be read after the nest.
    """
    statements = tuple(walk_statements((nest,)))
    named = {name for each in statements if (name := _named(each)) is not None}
    if not named or any(isinstance(each, Opaque) for each in statements):
        return nest
    bound = Counter(names_bound((nest,)))
    lasting = live_out | {name for name in named if bound[name] > 1} | set(_measured(statements))
    ranks = {name: rank for name, rank in ranks_shown((nest,)).items() if rank}
    ranks = {name: ranks[name] for name in (named - lasting) & ranks.keys()}
    for name in _past(statements, ranks):
        ranks.pop(name, None)
    if not ranks:
        return nest
    (found,) = _Naming(ranks=ranks, taken=set(taken), mentions=Counter(read_names((nest,)))).block(
        (nest,)
    )
    assert isinstance(found, For | Each)  # a loop stays one
    return found


def _named(statement: Statement) -> str | None:
    """Return the name that a statement gives to what may be a row."""
    match statement:
        case Assign(target=Name(name=name), value=Element(of=None) as value) if _subscripts(value):
            return name
    return None


def _subscripts(place: Element) -> tuple[Expression, ...] | None:
    """Return the subscripts of a row without the axes it has whole; None where it is no row."""
    indices = list(place.indices)
    while indices and indices[-1] == Slice(start=None, stop=None, step=None, span=indices[-1].span):
        indices.pop()
    return None if any(isinstance(each, Slice) for each in indices) else tuple(indices) or None


def _measured(statements: tuple[Statement, ...]) -> Iterator[str]:
    """Yield the arrays after which others are made, or over which loops run."""
    for each in statements:
        match each:
            case Allocate():
                yield from (each.name, each.like or each.name, each.copied or each.name)
            case Each():
                for expression in expressions_of(each):
                    for node in walk_expression(expression):
                        if isinstance(node, Extent):
                            yield node.array
            case _:
                pass


def _past(statements: tuple[Statement, ...], ranks: Mapping[str, int]) -> frozenset[str]:
    """Return the names of which an axis is asked for, from the last one, that a row has not."""
    return frozenset(
        node.array
        for statement in statements
        for expression in expressions_of(statement)
        for node in walk_expression(expression)
        if isinstance(node, Extent) and node.axis < -ranks.get(node.array, 1)
    )


@dataclass(slots=True)
class _Naming:
    """Walks a nest in textual order."""

    ranks: Mapping[str, int]  # axes of the rows that have a name
    taken: set[str]
    mentions: Mapping[str, int]
    rows: dict[str, Element] = field(default_factory=dict)  # what stands for a name here

    def block(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        before = dict(self.rows)
        found: list[Statement] = []
        for position, statement in enumerate(body):
            found += self.statement(statement, body[position + 1 :])
        self.rows = before
        return tuple(found)

    def statement(self, node: Statement, rest: tuple[Statement, ...]) -> tuple[Statement, ...]:
        match node:
            case Assign() | Update():
                value, target = self.seen(node.value), self.seen(node.target)
                assert isinstance(target, Name | Element)  # no name of a row is bound again
                named = replace(node, target=target, value=value)
                return self.named(named, rest) if isinstance(named, Assign) else (named,)
            case If():
                body, orelse = self.block(node.body), self.block(node.orelse)
                return (replace(node, test=self.seen(node.test), body=body, orelse=orelse),)
            case For():
                start, stop, step = map(self.seen, (node.start, node.stop, node.step))
                body = self.block(node.body)
                return (replace(node, start=start, stop=stop, step=step, body=body),)
            case Each():
                return (replace(node, body=self.block(node.body)),)
            case While():
                return (replace(node, test=self.seen(node.test), body=self.block(node.body)),)
            case Allocate():
                return (replace(node, shape=tuple(map(self.seen, node.shape))),)
            case _:
                return (node,)

    def named(self, node: Assign, rest: tuple[Statement, ...]) -> tuple[Statement, ...]:
        """Return what stands in the place of a statement that may name a row."""
        name, place = _named(node), node.value
        if name is None or name not in self.ranks or not isinstance(place, Element):
            return (node,)
        bound = bound_names(rest)
        if place.array in bound or Counter(read_names(rest))[name] != self.mentions[name]:
            return (node,)
        before: list[Statement] = []
        indices = tuple(self.fixed(e, bound, before) for e in _subscripts(place) or ())
        self.rows[name] = row = replace(place, indices=indices)
        at = place.span
        ends = (Constant(value=0, span=at),) * self.ranks[name]
        target = Name(name=self.fresh(f"first_of_{name}"), span=node.target.span)
        first = replace(row, indices=(*indices, *ends))
        return (*before, replace(node, target=target, value=first))

    def fixed(
        self, index: Expression, bound: frozenset[str], before: list[Statement]
    ) -> Expression:
        """Return what a subscript was when its row got a name."""
        leaves = tuple(walk_expression(index))
        if not any(
            isinstance(each, Element | Call)
            or getattr(each, "name", getattr(each, "array", None)) in bound
            for each in leaves
        ):
            return index
        kept = Name(name=self.fresh("row"), span=index.span)
        before.append(Assign(target=kept, value=index, span=index.span))
        return kept

    def fresh(self, wanted: str) -> str:
        name = unused(f"{TEMPORARY}{wanted}", self.taken)
        self.taken.add(name)
        return name

    def seen(self, expression: Expression) -> Expression:
        """Return `expression` with rows for their names."""
        found = rebuilt(expression, self.seen)
        match found:
            case Name(name=name) if name in self.rows:
                return replace(self.rows[name], span=found.span)
            case Element(array=name) if name in self.rows:
                row = self.rows[name]
                indices = (*row.indices, *found.indices)
                has_tuple = row.has_tuple or found.has_tuple
                return replace(found, array=row.array, indices=indices, has_tuple=has_tuple)
            case Extent(array=name, axis=axis, of=of) if name in self.rows:
                row = self.rows[name]
                before = len(row.indices)
                axis = axis if axis < 0 else axis + before
                return replace(found, array=row.array, axis=axis, of=of and of + before)
        return found
