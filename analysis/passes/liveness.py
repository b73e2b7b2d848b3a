"""Which names are read after a statement of a function, whatever path is taken.

Backward may-liveness over the structured loop IR: a name is live where some path from there
reads it before it surely binds it. Opaque compound statements kill nothing, and whatever a
loop's body reads is live at its end, since the body may run again. An opaque statement may also
leave the loop around it or go on with its next iteration: what is live there is live before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.chains import base_of
from ..model.loop_ir import (
    Allocate,
    Assign,
    Break,
    Each,
    Element,
    Exchange,
    Expression,
    Extent,
    For,
    Function,
    If,
    Name,
    Opaque,
    Statement,
    Update,
    While,
    appended_list,
    expressions_of,
    names_in,
    walk_expression,
)
from ..model.source import Span


def live_after(function: Function) -> Mapping[Span, frozenset[str]]:
    """Return for each statement the names that may be read after it."""
    found: dict[Span, frozenset[str]] = {}
    _Walk(found=found).block(function.body, function.shared_names)
    shared = function.shared_names
    return {span: shared if names <= shared else names | shared for span, names in found.items()}


def exposed_reads(statement: Statement) -> frozenset[str]:
    """Return the names that `statement` may read before it binds them itself."""
    found = _Walk().statement(statement, frozenset())
    before = dict(statement.before) if isinstance(statement, For) else {}
    return frozenset(before.get(name, name) for name in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """Goes backwards through statements; every method returns what is live before."""

    found: dict[Span, frozenset[str]] | None = None  # what is live after each statement; wanted?
    # What is live where `break` and `continue` of the loop around lead.
    elsewhere: frozenset[str] = frozenset()
    # What the body of each loop may read before it binds it, by the loop's identity.
    exposed: dict[int, frozenset[str]] = field(default_factory=dict)

    def block(self, body: tuple[Statement, ...], live: frozenset[str]) -> frozenset[str]:
        for statement in reversed(body):
            live = self.statement(statement, live)
        return live

    def statement(self, statement: Statement, live: frozenset[str]) -> frozenset[str]:
        if self.found is not None:
            self.found[statement.span] = live | self.found.get(statement.span, frozenset())
        match statement:
            case Assign(target=Name() as target):
                return (live - {target.name}) | reads(statement.value) | statement.shown
            case Assign():
                return live | reads(statement.value) | reads(statement.target)
            case Update():
                return live | reads(statement.value) | reads(statement.target)
            case Allocate():
                shape = frozenset[str]().union(*map(reads, statement.shape))
                return (live - {statement.name}) | shape | _named(statement.like)
            case If():
                taken = self.block(statement.body, live)
                return taken | self.block(statement.orelse, live) | reads(statement.test)
            case For() | Each() | While():
                return self.loop(statement, live)
            case Exchange():
                return live | {*statement.values, *map(base_of, statement.values)}
            case Break():
                if statement.returns is not None:
                    return live | statement.returns | self.elsewhere
                return live  # where it leads is what may follow the loop: live at its end too
            case Opaque():
                return self.opaque(statement, live)

    def loop(self, loop: For | Each | While, live: frozenset[str]) -> frozenset[str]:
        bounds = frozenset[str]().union(*map(reads, expressions_of(loop)))
        if not isinstance(loop, While) and loop.held is not None:
            bounds |= loop.held.reads
        if id(loop) not in self.exposed:
            # What it counts with is bound before each iteration of the body, and only then.
            body = _Walk(exposed=self.exposed).block(loop.body, frozenset())
            self.exposed[id(loop)] = body - _counted(loop)
        # What the body reads is live at its end; what is live there and passes through it is
        # live after the loop. So once round is enough, and a nest is walked but twice.
        live = live | self.exposed[id(loop)]
        if isinstance(loop, While):
            live = live | bounds  # its test is asked again after each turn
        if self.found is not None:
            replace(self, elsewhere=live).block(loop.body, live)
        return live | bounds

    def opaque(self, statement: Opaque, live: frozenset[str]) -> frozenset[str]:
        if self.found is not None:
            # Control may go from any nested statement to any other (loops, handlers, finally).
            inside = live | statement.reads | self.elsewhere
            for nested in statement.body:
                self.statement(nested, inside)
        return (live - statement.kills) | statement.reads | self.elsewhere


def _counted(loop: For | Each | While) -> frozenset[str]:
    """Return the names that a loop binds before each iteration."""
    match loop:
        case For():
            return frozenset({loop.variable})
        case Each():
            return frozenset(names_in(loop.target))
        case While():
            return frozenset()


def _named(name: str | None) -> frozenset[str]:
    return frozenset() if name is None else frozenset({name})


def reads(expression: Expression) -> frozenset[str]:
    """Return the names that `expression` reads, arrays and the variables of chains included."""
    names: set[str] = set()
    for node in walk_expression(expression):
        match node:
            case Name():
                names |= {node.name, base_of(node.name)}
            case Element() | Extent():
                name = appended_list(node.array) or node.array
                names |= {name, base_of(name)}
            case _:
                pass
    return frozenset(names)
