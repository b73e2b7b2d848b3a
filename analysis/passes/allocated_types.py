"""The types of arrays that a region allocates: scop, types of what it is given -> types.

Before:  row = np.zeros_like(x), x: float32[:]        After:  row: float32[:]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..model.diagnostics import Refusal
from ..model.loop_ir import Assign, Element, Name
from ..model.scop import Scop
from ..model.types import INT, OPEN, ArrayType, LiveInType, NumpyScalar, ScalarType
from .reasons import UnsupportedType
from .substitution import value_names
from .type_expression import type_expression
from .type_operations import Scope


def allocated_types(scop: Scop, given: Mapping[str, LiveInType]) -> dict[str, LiveInType] | Refusal:
    """Return `given` with the types of the allocated arrays added; in C order, all of them.

    That of one which takes the type of its values may depend on what the region computes: then
    it is refused.

    How the interpreter's array lies in memory makes no difference: nobody else sees it.
    """
    types = dict(given)
    for array in scop.arrays:
        if array.is_collected:  # what is stored in it decides about the rest
            types[array.name] = ArrayType(
                dtype=OPEN, rank=array.rank, layout="C", is_aligned=True, is_writeable=True,
                is_list=True,
            )  # fmt: skip
        if array.allocation is None:
            continue
        like = types.get(array.allocation.like or "")
        dtype = array.allocation.dtype or (like.dtype if isinstance(like, ArrayType) else None)
        dtype = dtype or _dtype_of_values(scop, array.name, types)
        if dtype is None:
            at = array.allocation.span
            unknown = UnsupportedType(span=at, operation=array.name, types=("unknown",))
            return Refusal(reasons=(unknown,))
        types[array.name] = ArrayType(
            dtype=dtype, rank=array.rank, layout="C", is_aligned=True, is_writeable=True
        )
    return types


def _dtype_of_values(scop: Scop, name: str, types: Mapping[str, LiveInType]) -> str | None:
    """Return the dtype of the values that are stored first in an array; None if it is not known."""
    first = next(
        each
        for each in scop.statements
        if isinstance(each.body.target, Element) and each.body.target.array == name
    )
    loops = {scop.loops[number].variable: INT for number in first.loops}
    names = (each.expression for each in scop.parameters)
    integers = {each.name: INT for each in names if isinstance(each, Name)} | loops
    scalars = {each: kind for each, kind in types.items() if not isinstance(kind, ArrayType)}
    assigned = {
        each.body.target.name for each in scop.statements if isinstance(each.body.target, Name)
    }
    scope = Scope(
        arrays={each: kind for each, kind in types.items() if isinstance(kind, ArrayType)},
        integers=integers | {each: scalars[each] for each in integers if each in scalars},
        variables={each: kind for each, kind in scalars.items() if each not in assigned},
        intervals={},
    )
    needed = value_names(first.body.value) & assigned
    if needed:
        scope = replace(scope, variables={**scope.variables, **_assigned_types(scop, scope)})
    value = type_expression(first.body.value, scope)
    if isinstance(value, UnsupportedType) or not isinstance(value.type, NumpyScalar):
        return None
    return value.type.dtype


def _assigned_types(scop: Scop, scope: Scope) -> dict[str, ScalarType]:
    """Return the types of those scalars that every statement gives the same type.

    A statement that reads a scalar of unknown type waits for the one that assigns it.
    """
    loops = {each.variable: INT for each in scop.loops}
    found: dict[str, ScalarType] = {}
    mixed: set[str] = set()
    grown = True
    while grown:
        grown = False
        here = replace(
            scope, integers={**scope.integers, **loops}, variables={**scope.variables, **found}
        )
        for statement in scop.statements:
            body = statement.body
            if not isinstance(body, Assign) or not isinstance(body.target, Name):
                mixed.update([body.target.name] if isinstance(body.target, Name) else [])
                continue
            value, name = type_expression(body.value, here), body.target.name
            if isinstance(value, UnsupportedType):
                continue
            if name not in found:
                found[name], grown = value.type, True
            elif found[name] != value.type:
                mixed.add(name)
    return {name: kind for name, kind in found.items() if name not in mixed}
