"""Scalars and names of a part of the loop tree: what goes in, what comes out.

Maps nodes to the scalars they assign, those they may read before assigning them, and the arrays
and integers they mention. So every kernel gets what it needs, and hands on what others need.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TypeAlias

from autopar.analysis.model.loop_ir import Expression, Name, walk_expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Computed,
    Index,
    SetVariable,
    Trace,
    TypedStatement,
    Variable,
    places_of,
    walk_statement,
)

from .integers import rename
from .kernel import Branch, Decision, Instance, Loop, Node, walk_nodes


def assigned(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Return the scalars that `nodes` may assign."""
    return frozenset(
        node.statement.name
        for node in walk_nodes(nodes)
        if isinstance(node, Instance) and isinstance(node.statement, SetVariable)
    )


def exposed(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Return the scalars that `nodes` may read before they have assigned them."""
    definitions = _Definitions()
    definitions.visit(nodes, frozenset())
    return frozenset(definitions.exposed)


# Decisions around a node, and which way they went.
_Context: TypeAlias = frozenset[tuple[str, bool]]


@dataclass(slots=True)
class _Definitions:
    """Walks nodes in order, keeping for each scalar where it is surely defined."""

    # Under which decisions each scalar was assigned so far; any one of these is enough.
    known: dict[str, set[_Context]] = field(default_factory=dict)
    exposed: set[str] = field(default_factory=set)

    def visit(self, nodes: tuple[Node, ...], context: _Context) -> None:
        for node in nodes:
            match node:
                case Instance():
                    self.read(_read(node.statement), context)
                    if isinstance(node.statement, SetVariable):
                        self.define(node.statement.name, context)
                case Decision():
                    self.read(frozenset({node.predicate}), context)
                    self.visit(node.body, context | {(node.predicate, True)})
                    self.visit(node.orelse, context | {(node.predicate, False)})
                case Loop() | Branch():
                    if isinstance(node, Loop) and node.within is not None:
                        self.read(node.within.scalars, context)
                    # It may run not even once: what it assigns is not surely defined after it.
                    for name in assigned(node.body):
                        self.forget(name)
                    before = {name: set(contexts) for name, contexts in self.known.items()}
                    self.visit(node.body, context)
                    self.known = before

    def read(self, names: frozenset[str], context: _Context) -> None:
        self.exposed |= {
            name for name in names if not any(each <= context for each in self.known.get(name, ()))
        }

    def define(self, name: str, context: _Context) -> None:
        self.forget(name)
        contexts = self.known.setdefault(name, set())
        contexts.add(context)
        # Assigned either way, it is defined whatever the decision.
        for decision, holds in sorted(context):
            rest = context - {(decision, holds)}
            if rest | {(decision, not holds)} in contexts:
                self.define(name, rest)

    def forget(self, decision: str) -> None:
        """Drop what depends on a decision that is taken anew."""
        for name, contexts in self.known.items():
            self.known[name] = {
                each for each in contexts if decision not in (other for other, _ in each)
            }


def _read(statement: TypedStatement) -> frozenset[str]:
    return frozenset(node.name for node in walk_statement(statement) if isinstance(node, Variable))


def arrays(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Return the arrays that `nodes` read or write."""
    found: set[str] = set()
    for node in walk_nodes(nodes):
        if isinstance(node, Instance):
            found |= {each.array for each in places_of(node.statement)}
            if isinstance(node.statement, Trace):
                found |= {marks for _, marks in node.statement.marks}
    return frozenset(found)


def integers(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Return the parameters and iterators that `nodes` mention, their own loops' included."""
    return frozenset(
        leaf.name
        for expression in _expressions(nodes)
        for leaf in walk_expression(expression)
        if isinstance(leaf, Name)
    )


def _expressions(nodes: tuple[Node, ...]) -> Iterator[Expression]:
    for node in walk_nodes(nodes):
        match node:
            case Loop():
                yield node.lower
                yield node.upper
            case Branch():
                yield node.test
            case Instance():
                iterators = dict(node.iterators)
                for expression in _statement_integers(node.statement):
                    yield rename(expression, iterators)


def _statement_integers(statement: TypedStatement) -> Iterator[Expression]:
    """Yield the integer expressions in `statement`, over the user's loop variables."""
    for place in places_of(statement):
        yield from (each for each in place.indices if not isinstance(each, Computed))
    for node in walk_statement(statement):
        if isinstance(node, Index):
            yield node.expression
