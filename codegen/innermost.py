"""Loops of kernels, rewritten one by one with scalars that something before them sets.

Before:  the loops of a program, and what is to stand for some of them
After:   a program in which that stands for them, its new scalars declared

What finds the elements of arrays that scalars can stand for is the caller's (`held`,
`fixed_reads`); here are the walk, the names and the first values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from itertools import chain, count
from typing import TypeAlias

from autopar.analysis.model.loop_ir import Compare
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Load, ScalarVariable, SetVariable, Store, Variable

from .elements import with_scalars_for
from .kernel import Branch, Decision, Instance, Loop, Node, Program, names_of, walk_nodes


@dataclass(slots=True)
class Scalars:
    """The scalars made so far."""

    taken: set[str]
    made: list[ScalarVariable] = field(default_factory=list)

    def of(self, load: Load, word: str) -> tuple[Variable, SetVariable]:
        """Return a new scalar for an element that `load` reads, and what sets it."""
        first = f"{load.array}_{word}"
        others = (f"{first}_{number}" for number in count(2))
        name = next(each for each in chain([first], others) if each not in self.taken)
        self.taken.add(name)
        self.made.append(
            ScalarVariable(name=name, type=load.type, is_live_in=False, live_in_type=None)
        )
        variable = Variable(name=name, type=load.type, span=load.span)
        return variable, SetVariable(name=name, value=load, span=load.span)

    def standing_for(
        self, elements: Mapping[str, tuple[Instance, Load]], word: str
    ) -> tuple[dict[str, Variable], list[Node], list[Node]]:
        """Return new scalars for elements, by their texts, what sets them and what stores them."""
        values: dict[str, Variable] = {}
        before: list[Node] = []
        after: list[Node] = []
        for number, (key, (instance, load)) in enumerate(elements.items()):
            values[key], first = self.of(load, word)
            last = Store(array=load.array, indices=load.indices, value=values[key], span=load.span)
            before.append(replace(instance, name=f"{instance.name}_{number}_0", statement=first))
            after.append(replace(instance, name=f"{instance.name}_{number}_1", statement=last))
        return values, before, after


# A loop of a kernel, the loops around it: what stands for it; None where it stays.
Rewrite: TypeAlias = Callable[[Loop, tuple[Loop, ...], Scalars], Node | None]


def rewritten(program: Program, rewrite: Rewrite) -> Program:
    """Return `program` with what `rewrite` makes of the loops that run inside kernels."""
    # Where no loop is shared, the host may run what stands outside of all of them.
    is_shared = any(isinstance(each, Loop) and each.is_shared for each in walk_nodes(program.body))
    scalars = Scalars(taken=set(names_of(program)))

    def nodes(found: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
        return tuple(node(each, around) for each in found)

    def node(found: Node, around: tuple[Loop, ...]) -> Node:
        match found:
            case Instance():
                return found
            case Loop():
                is_in_kernel = any(each.is_shared for each in around) or (
                    not is_shared and bool(around)
                )
                another = rewrite(found, around, scalars) if is_in_kernel else None
                return another or replace(found, body=nodes(found.body, (*around, found)))
            case Branch():
                return replace(found, body=nodes(found.body, around))
            case Decision():
                body, orelse = nodes(found.body, around), nodes(found.orelse, around)
                return replace(found, body=body, orelse=orelse)

    body = nodes(program.body, ())
    if not scalars.made:
        return program
    return replace(
        program,
        body=body,
        variables=(*program.variables, *scalars.made),
        local=program.local | {each.name for each in scalars.made},
    )


def between(
    before: list[Node], loop: Loop, values: dict[str, Variable], after: list[Node]
) -> Branch:
    """Return `loop` with scalars for elements, by their texts, if it has an iteration at all."""
    body = _with_scalars(loop.body, values)
    return Branch(
        test=Compare(operator="<", left=loop.lower, right=loop.upper, span=loop.span),
        body=(*before, replace(loop, body=body), *after),
        span=loop.span,
    )


def _with_scalars(nodes: tuple[Node, ...], values: dict[str, Variable]) -> tuple[Node, ...]:
    found: list[Node] = []
    for node in nodes:
        match node:
            case Instance():
                found.append(with_scalars_for(node, values))
            case Branch():
                found.append(replace(node, body=_with_scalars(node.body, values)))
            case Decision():
                body, orelse = (_with_scalars(each, values) for each in (node.body, node.orelse))
                found.append(replace(node, body=body, orelse=orelse))
            case Loop():
                raise AssertionError("an innermost loop holds none")
    return tuple(found)
