"""Scalars and names of a part of the loop tree: what goes in, what comes out.

Maps nodes to the scalars they assign, those they may read before assigning them, and the arrays
and integers they mention. So every kernel gets what it needs, and hands on what others need.
"""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.loop_ir import Expression, Name, walk_expression
from autopar.analysis.model.typed import (
    Computed,
    Index,
    SetVariable,
    TypedStatement,
    Variable,
    places_of,
    walk_statement,
)

from .integers import rename
from .kernel import Branch, Instance, Loop, Node, walk_nodes


def assigned(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Return the scalars that `nodes` may assign."""
    return frozenset(
        node.statement.name
        for node in walk_nodes(nodes)
        if isinstance(node, Instance) and isinstance(node.statement, SetVariable)
    )


def exposed(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Return the scalars that `nodes` may read before they have assigned them."""
    found: set[str] = set()
    _expose(nodes, set(), found)
    return frozenset(found)


def _expose(nodes: tuple[Node, ...], defined: set[str], found: set[str]) -> None:
    for node in nodes:
        match node:
            case Instance():
                found |= _read(node.statement) - defined
                if isinstance(node.statement, SetVariable):
                    defined.add(node.statement.name)
            case Loop() | Branch():
                # It may run not even once: what it assigns is not surely defined after it.
                _expose(node.body, set(defined), found)


def _read(statement: TypedStatement) -> frozenset[str]:
    return frozenset(node.name for node in walk_statement(statement) if isinstance(node, Variable))


def arrays(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Return the arrays that `nodes` read or write."""
    found: set[str] = set()
    for node in walk_nodes(nodes):
        if isinstance(node, Instance):
            found |= {each.array for each in places_of(node.statement)}
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
