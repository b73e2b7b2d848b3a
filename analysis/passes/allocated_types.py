"""The types of arrays that a region allocates: scop, types of what it is given -> types.

Before:  row = np.zeros_like(x), x: float32[:]        After:  row: float32[:]
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model.diagnostics import Refusal
from ..model.loop_ir import Element, Name
from ..model.scop import Scop
from ..model.types import INT, OPEN, ArrayType, LiveInType, NumpyScalar
from .reasons import UnsupportedType
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
    value = type_expression(first.body.value, scope)
    if isinstance(value, UnsupportedType) or not isinstance(value.type, NumpyScalar):
        return None
    return value.type.dtype
