"""Loops that run in passes over blocks of their iterations: scans, and those that only overwrite.

Before:  for i in range(0, n): a[i] = a[i + 1] + s; s = s + b[i]
After:   the same with `Passes`: what the host runs instead where the loop is long
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from autopar.analysis.model.loop_ir import Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import ScalarVariable, SetVariable, Variable, walk_statement
from autopar.analysis.model.types import BOOL
from autopar.analysis.model.unused import unused

from .blocks import Blocks, count_of
from .canonical import scan_block
from .extremes import names_in
from .halos import halo_block, halo_passes
from .kernel import ArrayArgument, Branch, Instance, Loop, Node, Program, names_of, walk_nodes
from .liveness import assigned, exposed
from .recurrences import is_recurrence, recurrence_passes
from .scans import accumulated, scan_passes
from .sharing import most


def with_passes(program: Program) -> Program:
    """Return `program` with passes for each such loop that the host may start."""
    planner = _Planner(program=program, taken=set(names_of(program)))
    body = planner.nodes(program.body, ())
    return replace(
        program,
        body=body,
        arrays=(*program.arrays, *planner.arrays),
        variables=(*program.variables, *planner.variables),
    )


@dataclass(slots=True, kw_only=True)
class _Planner:
    """Finds these loops among those that the host runs, and remembers what their passes take."""

    program: Program
    taken: set[str]
    arrays: list[ArrayArgument] = field(default_factory=list)
    variables: list[ScalarVariable] = field(default_factory=list)

    def nodes(self, nodes: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
        return tuple(self._node(each, around) for each in nodes)

    def _node(self, node: Node, around: tuple[Loop, ...]) -> Node:
        match node:
            case Loop() if node.stands_for is not None:
                return node
            case Loop() if node.scans or node.renamings:
                found = self._in_passes(node, around)
                return found or self._node(replace(node, scans=(), renamings=()), around)
            case Loop() if not node.is_shared and node.within is None and node.stays is None:
                return replace(node, body=self.nodes(node.body, (*around, node)))
            case Branch():
                return replace(node, body=self.nodes(node.body, around))
        return node

    def _in_passes(self, loop: Loop, around: tuple[Loop, ...]) -> Loop | None:
        if loop.is_shared or loop.within is not None or loop.stays is not None:
            return None
        size = scan_block(loop) if loop.scans else halo_block(loop)
        room = self._most(count_of(loop, size), around)
        if room is None or not self._is_all(loop, accumulated(loop)):
            return None
        block = Name(name=unused("block", self.taken), span=loop.span)
        blocks = Blocks(
            loop=loop, size=size, room=room, block=block, taken=self.taken | {block.name}
        )
        make = scan_passes if loop.scans else halo_passes
        passes = (recurrence_passes if is_recurrence(loop) else make)(blocks, self.program)
        if passes is None:
            return None
        self.taken = blocks.taken
        self.arrays += blocks.arrays
        self.variables += blocks.variables
        return replace(loop, passes=passes)

    def _most(self, count: Expression, around: tuple[Loop, ...]) -> Expression | None:
        """Return a bound of a number over parameters alone."""
        bound: Expression | None = count
        for loop in reversed(around):
            bound = None if bound is None else most(bound, loop)
        known = {each.name for each in self.program.integers}
        return bound if bound is not None and names_in(bound) <= known else None

    def _is_all(self, loop: Loop, targets: frozenset[str]) -> bool:
        """Return whether no other scalar goes from one iteration to the next, or out of some."""
        body = loop.body
        if exposed(body) & assigned(body) - targets:
            return False
        wanted = _read_outside(self.program, loop) | set(self.program.results)
        others = (assigned(body) - targets) & wanted
        return not exposed((*body, *_asking(others, loop))) & others


def _read_outside(program: Program, loop: Loop) -> set[str]:
    """Return the scalars that something outside of `loop` reads."""
    inside = {id(node) for node in walk_nodes((loop,))}
    return {
        leaf.name
        for node in walk_nodes(program.body)
        if isinstance(node, Instance) and id(node) not in inside
        for leaf in walk_statement(node.statement)
        if isinstance(leaf, Variable)
    }


def _asking(names: frozenset[str], loop: Loop) -> Iterator[Instance]:
    """Yield statements that read scalars, to see which of them may have no value."""
    for name in sorted(names):
        value = Variable(name=name, type=BOOL, span=loop.span)
        statement = SetVariable(name=f"{name} asked", value=value, span=loop.span)
        yield Instance(name="asked", statement=statement, iterators=(), span=loop.span)
