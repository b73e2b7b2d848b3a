"""Which scalars of a loop are read after it, before they are set anew.

Before:  for j: w = a[j]; b[j] = w            After:   none of the first loop: the second one
         for j: w = b[j]; a[j] = w                     sets `w` before it reads it
"""

from __future__ import annotations

from dataclasses import field

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import SetVariable, Variable, walk_statement

from .kernel import Branch, Decision, Instance, Loop, Node, Program
from .liveness import assigned, exposed


def outliving(loop: Loop, program: Program) -> frozenset[str]:
    """Return scalars that `loop` sets and that may be read after it, or in its next iteration."""
    own = assigned(loop.body)
    walk = _Walk(loop=loop)
    walk.nodes(program.body, frozenset())
    return own & (walk.read | exposed(loop.body) | frozenset(program.results))


@dataclass(slots=True)
class _Walk:
    """Walks a program in order; what may still hold a value of `loop` comes in and goes out."""

    loop: Loop
    read: set[str] = field(default_factory=set)  # of these, what is read outside of `loop`

    def nodes(self, nodes: tuple[Node, ...], held: frozenset[str]) -> frozenset[str]:
        for node in nodes:
            held = self._node(node, held)
        return held

    def _node(self, node: Node, held: frozenset[str]) -> frozenset[str]:
        match node:
            case Instance():
                statement = node.statement
                names = {e.name for e in walk_statement(statement) if isinstance(e, Variable)}
                self.read |= held & names
                gone = statement.name if isinstance(statement, SetVariable) else None
                return held - {gone}
            case Loop():
                return held | self._loop(node, held)
            case Branch():
                return held | self.nodes(node.body, held)
            case Decision():
                self.read |= held & {node.predicate}
                return self.nodes(node.body, held) | self.nodes(node.orelse, held)

    def _loop(self, node: Loop, held: frozenset[str]) -> frozenset[str]:
        if node is self.loop:
            return assigned(node.body)
        stays = frozenset() if node.stays is None else frozenset({node.stays})
        within = frozenset[str]() if node.within is None else node.within.scalars
        for _ in range(2):  # what an iteration leaves, the next one may read
            self.read |= held & (stays | within)
            held |= self.nodes(node.body, held)
        return held
