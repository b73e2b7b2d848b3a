"""Loop variables that are more than counters become scalars beside a counter of ours.

Before:  for j in range(ptr[i], ptr[i + 1]):     After:  for j_turn in range(ptr[i], ptr[i + 1]):
             y[i] += v[j]                                     j = j_turn
                                                              y[i] += v[j_turn]

A variable that is read after its loop, or assigned in it, is a scalar like any other, bound
before each iteration (Python language reference, the for statement). What becomes of scalars
after a loop is known without an expression for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    Allocate,
    Assign,
    Element,
    Expression,
    For,
    If,
    Name,
    Statement,
    Update,
    While,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.unused import unused
from .instances import bound_names, mentions
from .substitution import substituted


def more_than_counters(nest: For) -> frozenset[str]:
    """Return the loop variables of a nest of `for` loops that are assigned, or read elsewhere."""
    loops = [each for each in walk_statements((nest,)) if isinstance(each, For)]
    names = {each.variable for each in loops}
    assigned = {
        each.target.name
        for each in walk_statements((nest,))
        if isinstance(each, Assign | Update) and isinstance(each.target, Name)
    }
    counted = Counter(inner.variable for each in loops for inner in _nested(each))
    return frozenset(
        names & (assigned | set(counted) | set(_read_outside((nest,), frozenset(names))))
    )


def bound_again(nest: For) -> frozenset[str]:
    """Return the variables of `for` loops that something in these loops binds too."""
    return frozenset(
        each.variable
        for each in walk_statements((nest,))
        if isinstance(each, For) and each.variable in bound_names(each.body)
    )


def _nested(loop: For) -> Iterator[For]:
    """Yield the loops in `loop` that count with its own variable."""
    for each in walk_statements(loop.body):
        if isinstance(each, For) and each.variable == loop.variable:
            yield each


def _read_outside(body: tuple[Statement, ...], variables: frozenset[str]) -> Iterator[str]:
    """Yield each of `variables` that is read where no loop around counts with it."""
    for each in body:
        yield from _reads(each, variables)
        match each:
            case For():
                yield from _read_outside(each.body, variables - {each.variable})
            case If():
                yield from _read_outside(each.body, variables)
                yield from _read_outside(each.orelse, variables)
            case _:  # of another compound statement nobody knows which parts run
                for inner in walk_statements((each,)):
                    yield from _reads(inner, variables)


def _reads(statement: Statement, variables: frozenset[str]) -> Iterator[str]:
    """Yield each read of one of `variables` in a statement itself."""
    for expression in expressions_of(statement):
        for node in walk_expression(expression):
            if isinstance(node, Name) and node.name in variables:
                yield node.name


def with_scalars(nest: For, names: frozenset[str], others: frozenset[str]) -> For:
    """Return `nest` with the loop variables `names` as scalars that each iteration assigns.

    Its counters have none of the names in `others`.
    """
    if not names:
        return nest
    taken = set(mentions((nest,)) | bound_names((nest,)) | names | others)
    (found,) = _Rewriting(names=names, taken=taken).statement(nest, {})
    assert isinstance(found, For)  # a loop becomes a loop
    return found


def with_value(body: tuple[Statement, ...], name: str, value: Expression) -> tuple[Statement, ...]:
    """Return `body` with `value` for a name that nothing in it binds."""
    return _Rewriting(names=frozenset(), taken=set()).block(body, {name: value})


@dataclass(frozen=True, slots=True)
class _Rewriting:
    names: frozenset[str]
    taken: set[str]

    def block(
        self, body: tuple[Statement, ...], known: Mapping[str, Expression]
    ) -> tuple[Statement, ...]:
        return tuple(each for statement in body for each in self.statement(statement, known))

    def statement(self, node: Statement, known: Mapping[str, Expression]) -> tuple[Statement, ...]:
        """Return `node` with the counters of ours for the variables that equal them."""
        match node:
            case For():
                return (self.loop(node, known),)
            case If():
                body, orelse = self.block(node.body, known), self.block(node.orelse, known)
                test = substituted(node.test, known)
                return (replace(node, test=test, body=body, orelse=orelse),)
            case Assign() | Update():
                value = substituted(node.value, known)
                target = node.target
                if isinstance(target, Element):
                    indices = tuple(substituted(each, known) for each in target.indices)
                    target = replace(target, indices=indices)
                return (replace(node, target=target, value=value),)
            case While():
                body = self.block(node.body, known)
                return (replace(node, test=substituted(node.test, known), body=body),)
            case Allocate():
                shape = tuple(substituted(each, known) for each in node.shape)
                return (replace(node, shape=shape),)
            case _:
                return (node,)

    def loop(self, node: For, known: Mapping[str, Expression]) -> For:
        start, stop, step = (substituted(each, known) for each in expressions_of(node))
        inside = {name: value for name, value in known.items() if name != node.variable}
        requires = tuple(
            replace(e, left=substituted(e.left, known), right=substituted(e.right, known))
            for e in node.requires
        )
        loop = replace(node, start=start, stop=stop, step=step, requires=requires)
        if node.variable not in self.names:
            return replace(loop, body=self.block(node.body, inside), rows=_rows(node, inside))
        turn = unused(f"{node.variable}_turn", self.taken)
        self.taken.add(turn)
        counter = Name(name=turn, span=node.span)
        if node.variable not in bound_names(node.body):
            inside[node.variable] = counter
        target = Name(name=node.variable, span=node.span)
        binding = Assign(target=target, value=counter, span=node.span)
        label = node.variable if node.label is None else node.label
        body = (binding, *self.block(node.body, inside))
        rows = _rows(node, {**inside, node.variable: counter})
        return replace(loop, variable=turn, label=label, body=body, rows=rows)


def _rows(node: For, known: Mapping[str, Expression]) -> tuple[tuple[str, Element], ...]:
    """Return the rows of a loop, each bound before its body begins."""
    return tuple(
        (name, replace(part, indices=tuple(substituted(each, known) for each in part.indices)))
        for name, part in node.rows
    )
