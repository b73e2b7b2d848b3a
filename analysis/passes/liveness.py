"""Which names are read after a statement of a function, whatever path is taken.

Backward may-liveness over the structured loop IR: a name is live where some path from there
reads it before it surely binds it. Opaque compound statements kill nothing, and whatever a
loop's body reads is live at its end, since the body may run again.
"""

from __future__ import annotations

from ..model.loop_ir import (
    Assign,
    Element,
    Expression,
    Extent,
    For,
    Function,
    If,
    Name,
    Opaque,
    Statement,
    Update,
    walk_expression,
)
from ..model.source import Span


def live_after(function: Function, span: Span) -> frozenset[str]:
    """Return the names that may be read after the statement at `span`."""
    found: dict[Span, frozenset[str]] = {}
    _block(function.body, function.shared_names, found)
    return found[span] | function.shared_names


def exposed_reads(statement: Statement) -> frozenset[str]:
    """Return the names that `statement` may read before it binds them itself."""
    return _statement(statement, frozenset(), {})


def _block(
    body: tuple[Statement, ...], live: frozenset[str], found: dict[Span, frozenset[str]]
) -> frozenset[str]:
    for statement in reversed(body):
        live = _statement(statement, live, found)
    return live


def _statement(
    statement: Statement, live: frozenset[str], found: dict[Span, frozenset[str]]
) -> frozenset[str]:
    found[statement.span] = live | found.get(statement.span, frozenset())
    match statement:
        case Assign(target=Name() as target):
            return (live - {target.name}) | reads(statement.value)
        case Assign():
            return live | reads(statement.value) | reads(statement.target)
        case Update():
            return live | reads(statement.value) | reads(statement.target)
        case If():
            taken = _block(statement.body, live, found)
            return taken | _block(statement.orelse, live, found) | reads(statement.test)
        case For():
            return _loop(statement, live, found)
        case Opaque():
            return _opaque(statement, live, found)


def _loop(loop: For, live: frozenset[str], found: dict[Span, frozenset[str]]) -> frozenset[str]:
    bounds = reads(loop.start) | reads(loop.stop) | reads(loop.step)
    # The loop variable is bound before each iteration of the body, and only then.
    again = _block(loop.body, live, {}) - {loop.variable}
    inside = _block(loop.body, live | again, found) - {loop.variable}
    return live | inside | bounds


def _opaque(
    statement: Opaque, live: frozenset[str], found: dict[Span, frozenset[str]]
) -> frozenset[str]:
    # Control may go from any nested statement to any other (loops, handlers, finally).
    inside = live | statement.reads
    for nested in statement.body:
        _statement(nested, inside, found)
    return (live - statement.kills) | statement.reads


def reads(expression: Expression) -> frozenset[str]:
    """Return the names that `expression` reads, arrays included."""
    names: set[str] = set()
    for node in walk_expression(expression):
        match node:
            case Name():
                names.add(node.name)
            case Element() | Extent():
                names.add(node.array)
            case _:
                pass
    return frozenset(names)
