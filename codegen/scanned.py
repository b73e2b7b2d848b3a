"""Scanned values: what typed statements accumulate and use on the way.

Before:  for i: S0: s = s + a[i]; S1: out[i] = s          the model says: a scan of s
After:   Scanned(s, +, np.float64)
Before:  for i: S0: p[i] = p[i - 1] + a[i]                the model says: a scan of p
After:   Scanned(p, +, np.float64), since p[i] holds all bits of what is accumulated

The typed statements must still show the shape that the model saw, as for reductions.
"""

from __future__ import annotations

from dataclasses import replace

from autopar.analysis.model.dependence import AFFINE, Scan
from autopar.analysis.model.typed import (
    Cast,
    Load,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    Variable,
    walk_typed,
)
from autopar.analysis.model.types import COMPLEX_DTYPES, FLOAT_DTYPES

from .kernel import Instance, Node, Reduced, Scanned, walk_nodes
from .linear_parts import linear_part
from .reduced import may_need_order, reduced_by, terms_of

_SIGNS = {"-": "+"}
_PLACE_DTYPE = "int64"  # one that no counter outgrows


def find_scanned(body: tuple[Node, ...], scans: tuple[Scan, ...]) -> tuple[Scanned, ...]:
    """Return how `scans` accumulate in the body of a loop; nothing if one of them does not."""
    found = [_scanned(body, each) for each in scans]
    known = tuple(each for each in found if each is not None)
    return known if len(known) == len(found) else ()


def _scanned(body: tuple[Node, ...], scan: Scan) -> Scanned | None:
    instances = [node for node in walk_nodes(body) if isinstance(node, Instance)]
    own = [each.statement for each in instances if each.name in scan.statements]
    is_element = any(isinstance(each, Store) for each in own)
    if is_element:
        own = [held(each, scan.target) or each for each in own]
    if scan.operator == AFFINE:
        return _affine(own, scan, is_element=is_element)
    several = [terms_of(each, scan.target) for each in own]
    terms = tuple(term for each in several for term in each)
    operators = {_SIGNS.get(each.operation.name, each.operation.name) for each in terms}
    types = {each.operation.type for each in terms}
    if not all(several) or len(operators) != 1 or len({each.dtype for each in types}) != 1:
        return None
    found = reduced_by(scan, operators.pop(), terms)
    if found is None or found.dtype in COMPLEX_DTYPES:
        return None
    # Integers may wrap on the way: modulo 2 ** 64 what a part starts with is right all the same.
    found = replace(found, largest=0)
    if may_need_order(found) or (scan.is_place and found.dtype != _PLACE_DTYPE):
        return None
    return Scanned(reduced=found, is_element=is_element, is_place=scan.is_place)


def _affine(own: list[TypedStatement], scan: Scan, *, is_element: bool) -> Scanned | None:
    """Return a linear recurrence of floats."""
    if len(own) != 1 or not isinstance(own[0], SetVariable):
        return None
    value = own[0].value
    if value.type.dtype not in FLOAT_DTYPES or not linear_part(value, scan.target, scan.target):
        return None
    found = Reduced(
        target=scan.target,
        operator=AFFINE,
        type=value.type,
        is_flipped=False,
        statements=scan.statements,
        largest=None,
        can_repeat=False,
    )
    return Scanned(reduced=found, is_element=is_element)


def held(statement: TypedStatement, array: str, name: str | None = None) -> SetVariable | None:
    """Return the assignment of a scalar for that of an element that the next iteration reads.

    The scalar is called `name`, or like the array. None where it would not hold the same value.
    """
    if not isinstance(statement, Store) or statement.array != array:
        return None
    loads = earlier(statement)
    if len(loads) != 1 or loads[0].type.dtype != statement.value.type.dtype:
        return None
    variable = Variable(name=name or array, type=statement.value.type, span=loads[0].span)
    value = _with(statement.value, loads[0], variable)
    return SetVariable(name=variable.name, value=value, span=statement.span)


def earlier(statement: Store) -> list[Load]:
    """Return the elements of the array that the value of a store is computed from."""
    return [
        node
        for node in walk_typed(statement.value)
        if isinstance(node, Load) and node.array == statement.array
    ]


def _with(value: TypedExpression, load: Load, variable: Variable) -> TypedExpression:
    match value:
        case Load() if value is load:
            return variable
        case Cast():
            return replace(value, operand=_with(value.operand, load, variable))
        case Operation():
            operands = tuple(_with(each, load, variable) for each in value.operands)
            return replace(value, operands=operands)
    return value
