"""The types that scalars have after a region, given that its loops are not empty.

Before:  for i: s = 0.0; for k in range(n): s = s + a[i, k]
After:   s is a np.float64: the inner loop runs whenever the region does

Abstract interpretation over the loop tree. A loop whose bounds depend on another loop's
variable may be empty in some iterations (`range(i)`), and a statement under an `if` may be
skipped; both keep the types from before as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import TypeAlias

from ..model import isl
from ..model.loop_ir import Name, walk_expression
from ..model.scop import Loop, Scop, Statement
from ..model.types import ScalarType
from .affine import affine, bound

Environment: TypeAlias = Mapping[str, frozenset[ScalarType]]
ValueTypes: TypeAlias = Callable[[Statement, Environment], frozenset[ScalarType]]


def final_types(scop: Scop, entry: Environment, value_types: ValueTypes) -> Environment:
    """Return the types of the scalars after `scop`; `value_types` types one assignment."""
    return _block(scop, scop.statements, 0, entry, value_types)


def _block(
    scop: Scop,
    statements: tuple[Statement, ...],
    depth: int,
    before: Environment,
    value_types: ValueTypes,
) -> Environment:
    """Return the environment after `statements`, which share their loops down to `depth`."""
    after = before
    for loop, group in groupby(statements, lambda each: (*each.loops, None)[depth : depth + 1]):
        members = tuple(group)
        if loop == (None,):
            for statement in members:
                after = _assignment(scop, statement, after, value_types)
        else:
            after = _loop(scop, members, depth, after, value_types)
    return after


def _loop(
    scop: Scop,
    members: tuple[Statement, ...],
    depth: int,
    before: Environment,
    value_types: ValueTypes,
) -> Environment:
    start = before
    while True:
        after = _block(scop, members, depth + 1, start, value_types)
        again = _join(start, after)
        if again == start:
            break
        start = again
    loop = scop.loops[members[0].loops[depth]]
    return after if _runs_with_region(scop, loop) else _join(before, after)


def _assignment(
    scop: Scop, statement: Statement, before: Environment, value_types: ValueTypes
) -> Environment:
    target = statement.body.target
    if not isinstance(target, Name):
        return before
    after = {**before, target.name: value_types(statement, before)}
    return after if _is_unconditional(scop, statement) else _join(before, after)


def _join(left: Environment, right: Environment) -> Environment:
    names = {**left, **right}
    return {name: left.get(name, frozenset()) | right.get(name, frozenset()) for name in names}


def _runs_with_region(scop: Scop, loop: Loop) -> bool:
    variables = {each.variable for each in scop.loops}
    return not any(
        isinstance(node, Name) and node.name in variables
        for limit in (loop.start, loop.stop)
        for node in walk_expression(limit)
    )


def _is_unconditional(scop: Scop, statement: Statement) -> bool:
    """Return whether `statement` runs in every iteration of the loops around it."""
    dimensions = statement.domain.dimensions
    atoms = {each.text: each.name for each in scop.parameters}
    constraints: list[str | None] = []
    for number, variable in zip(statement.loops, dimensions, strict=True):
        loop = scop.loops[number]
        rises = loop.step > 0
        constraints.append(bound(variable, ">=" if rises else "<=", loop.start, atoms))
        constraints.append(bound(variable, "<" if rises else ">", loop.stop, atoms))
        if abs(loop.step) > 1:
            origin = affine(loop.start, atoms)
            stride = f"({variable} - ({origin})) mod {abs(loop.step)} = 0"
            constraints.append(None if origin is None else stride)
        atoms[loop.variable] = variable
    known = [each for each in constraints if each is not None]
    if len(known) < len(constraints):
        return False
    parameters = ", ".join(each.name for each in scop.parameters)
    instance = f"{statement.name}[{', '.join(dimensions)}]"
    box = isl.Set.parse(f"[{parameters}] -> {{ {instance} : {' and '.join(known)} }}")
    return box.intersect_params(scop.context).is_subset(statement.domain)
