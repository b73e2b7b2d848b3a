"""Elements that an innermost loop reads again and again are read once, before it.

Before:  for j in range(k + 1, n): a[i, j] = a[i, j] - a[i, k] * a[k, j]
After:   if k + 1 < n:
             a_fixed = a[i, k]
             for j in range(k + 1, n): a[i, j] = a[i, j] - a_fixed * a[k, j]

A compiler has to read the element in each iteration, since for all it knows the loop stores there,
and does not vectorise then. Here subscripts and the ranges of loops say that it does not: `j` is
never `k`. (Scalar replacement of invariant references: Carr and Kennedy, Scalar replacement in the
presence of conditional control flow, Software Practice and Experience, 1994.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

from autopar.analysis.model.loop_ir import Compare
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Load,
    ScalarVariable,
    SetVariable,
    Store,
    Variable,
    places_of,
)
from autopar.analysis.model.unused import unused

from .elements import Cell, cell_of, differ, key_of, moves, with_scalars_for
from .kernel import Branch, Decision, Instance, Loop, Node, Program, names_of, walk_nodes


def with_fixed_reads(program: Program) -> Program:
    """Return `program` with elements read before the innermost loops that leave them alone."""
    is_shared = any(isinstance(each, Loop) and each.is_shared for each in walk_nodes(program.body))
    reader = _Reader(
        taken=set(names_of(program)), overlapping=program.overlapping, is_shared=is_shared
    )
    body = reader.nodes(program.body, ())
    if not reader.variables:
        return program
    return replace(
        program,
        body=body,
        variables=(*program.variables, *reader.variables),
        local=program.local | {each.name for each in reader.variables},
    )


@dataclass(slots=True)
class _Reader:
    """Rewrites nodes, and remembers the scalars it made."""

    taken: set[str]
    overlapping: frozenset[str]
    is_shared: bool  # some loop is; then the host may run what stands outside of all of these
    variables: list[ScalarVariable] = field(default_factory=list)

    def nodes(self, nodes: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
        return tuple(self._node(each, around) for each in nodes)

    def _node(self, node: Node, around: tuple[Loop, ...]) -> Node:
        match node:
            case Instance():
                return node
            case Loop():
                is_in_kernel = any(each.is_shared for each in around) or (
                    not self.is_shared and bool(around)
                )
                fixed = _fixed(node, around, self.overlapping) if is_in_kernel else {}
                if fixed:
                    return self._read_before(node, fixed)
                return replace(node, body=self.nodes(node.body, (*around, node)))
            case Branch():
                return replace(node, body=self.nodes(node.body, around))
            case Decision():
                body, orelse = self.nodes(node.body, around), self.nodes(node.orelse, around)
                return replace(node, body=body, orelse=orelse)

    def _read_before(self, loop: Loop, fixed: dict[str, tuple[Instance, Load]]) -> Branch:
        """Return what stands for `loop`, with elements, by their texts, read before it."""
        before: list[Node] = []
        values: dict[str, Variable] = {}
        for number, (key, (instance, load)) in enumerate(fixed.items()):
            name = unused(f"{load.array}_fixed", self.taken)
            self.taken.add(name)
            self.variables.append(
                ScalarVariable(name=name, type=load.type, is_live_in=False, live_in_type=None)
            )
            values[key] = Variable(name=name, type=load.type, span=load.span)
            first = SetVariable(name=name, value=load, span=load.span)
            before.append(replace(instance, name=f"{instance.name}_fixed{number}", statement=first))
        body = tuple(
            with_scalars_for(each, values) for each in loop.body if isinstance(each, Instance)
        )
        return Branch(
            test=Compare(operator="<", left=loop.lower, right=loop.upper, span=loop.span),
            body=(*before, replace(loop, body=body)),
            span=loop.span,
        )


def _fixed(
    loop: Loop, around: Sequence[Loop], overlapping: frozenset[str]
) -> dict[str, tuple[Instance, Load]]:
    """Return the elements of arrays that `loop` stores elsewhere, and where it reads them.

    Every statement runs in every iteration, so the elements are there if there is an iteration.
    """
    instances = [each for each in loop.body if isinstance(each, Instance)]
    if len(instances) < len(loop.body) or not _takes_its_range(loop):
        return {}
    places = [(each, place) for each in instances for place in places_of(each.statement)]
    stored: dict[str, list[Cell | None]] = {}
    for instance, place in places:
        if isinstance(place, Store):
            stored.setdefault(place.array, []).append(cell_of(instance, place))
    found: dict[str, tuple[Instance, Load]] = {}
    for instance, place in places:
        if isinstance(place, Store) or place.array not in stored or place.array in overlapping:
            continue
        cell = cell_of(instance, place)
        if cell is None or moves(cell, loop):
            continue
        if all(differ(cell, each, (*around, loop)) for each in stored[place.array]):
            found.setdefault(key_of(place.array, cell), (instance, place))
    return found


def _takes_its_range(loop: Loop) -> bool:
    """Return whether a loop inside a kernel runs from its first to its last bound by itself."""
    is_whole = loop.within is None and loop.stays is None and not loop.is_endless
    is_whole = is_whole and loop.lanes is None and loop.passes is None
    return is_whole and not loop.reductions and not loop.cells and not loop.private_arrays
