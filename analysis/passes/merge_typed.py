"""One typed expression for several types of the same variables.

`s + a[i]` is `float32(s) + a[i]` while `s` is a Python float and `s + a[i]` once it is a
np.float32. With `s` held in float32 both are `s + a[i]`; what they may do besides is united.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..model.typed import (
    FAILURES,
    Cast,
    Computed,
    Index,
    Load,
    Number,
    Operation,
    Subscript,
    TypedExpression,
    Variable,
)
from ..model.types import INT, INTEGER_LIMITS, PythonScalar, ScalarType

_SINGLE = ("float32", "complex64")


def hold(expression: TypedExpression, dtypes: Mapping[str, str]) -> TypedExpression | None:
    """Return `expression` with each variable in `dtypes` read in the dtype it is held in.

    A variable of another dtype must be cast to that one where it is read, without a check that
    the other types do not need; None where one is not.
    """
    match expression:
        case Variable():
            dtype = dtypes.get(expression.name, expression.type.dtype)
            return expression if dtype == expression.type.dtype else None
        case Cast(operand=Variable() as variable):
            dtype = dtypes.get(variable.name, variable.type.dtype)
            if dtype == variable.type.dtype:
                return expression
            if dtype != expression.type.dtype or not _may_come_early(expression, variable):
                return None
            return replace(variable, type=expression.type)
        case Cast(operand=Load() as load) if dtypes.get(load.array, load.type.dtype) != (
            load.type.dtype
        ):
            # An element of a list of another type than what is stored in it.
            if dtypes[load.array] != expression.type.dtype or not _may_come_early(expression, load):
                return None
            indices = hold_subscripts(load.indices, dtypes)
            return None if indices is None else replace(load, indices=indices, type=expression.type)
        case Cast():
            operand = hold(expression.operand, dtypes)
            return None if operand is None else replace(expression, operand=operand)
        case Operation():
            found = [hold(operand, dtypes) for operand in expression.operands]
            operands = tuple(operand for operand in found if operand is not None)
            return replace(expression, operands=operands) if len(operands) == len(found) else None
        case Load():
            if dtypes.get(expression.array, expression.type.dtype) != expression.type.dtype:
                return None
            indices = hold_subscripts(expression.indices, dtypes)
            return None if indices is None else replace(expression, indices=indices)
        case Number() | Index():
            return expression


def hold_subscripts(
    indices: tuple[Subscript, ...], dtypes: Mapping[str, str]
) -> tuple[Subscript, ...] | None:
    """Return subscripts with each variable in `dtypes` read in the dtype it is held in."""
    held: list[Subscript] = []
    for index in indices:
        if not isinstance(index, Computed):
            held.append(index)
            continue
        value = hold(index.value, dtypes)
        if value is None:
            return None
        held.append(replace(index, value=value))
    return tuple(held)


def _may_come_early(cast: Cast, variable: Variable | Load) -> bool:
    """Return whether the cast may be made once, where the variable is assigned."""
    if cast.type.dtype in INTEGER_LIMITS:
        return variable.type.dtype in INTEGER_LIMITS  # a float would lose its fraction
    return not cast.hazards & FAILURES


def merge(left: TypedExpression, right: TypedExpression) -> TypedExpression | None:
    """Return what does as both do, with the hazards of both; None where they compute apart."""
    if left == right:
        return left
    if left.type.dtype != right.type.dtype:
        return None
    type_ = _merged_type(left.type, right.type)
    match left, right:
        case (Variable(), Variable()) if left.name == right.name:
            return replace(left, type=type_)
        case (Cast(), Cast()):
            return _merged_cast(left, right, type_)
        case (Operation(), Operation()) if left.name == right.name:
            pairs = zip(left.operands, right.operands, strict=True)
            merged = [merge(*pair) for pair in pairs]
            operands = tuple(each for each in merged if each is not None)
            if len(operands) < len(merged):
                return None
            hazards = left.hazards | right.hazards
            return replace(left, operands=operands, type=type_, hazards=hazards)
        case (Load(), Load()) if left.array == right.array:
            indices = merge_subscripts(left.indices, right.indices)
            return None if indices is None else replace(left, indices=indices, type=type_)
        case (Number(), Number()) if repr(left.value) == repr(right.value):
            return replace(left, type=type_)
        case _:
            return None


def merge_subscripts(
    left: tuple[Subscript, ...], right: tuple[Subscript, ...]
) -> tuple[Subscript, ...] | None:
    """Return the subscripts that are both; None where a computed one is computed apart."""
    merged: list[Subscript] = []
    for first, second in zip(left, right, strict=True):
        if not (isinstance(first, Computed) and isinstance(second, Computed)):
            if first != second:
                return None
            merged.append(first)
            continue
        value = merge(first.value, second.value)
        if value is None:
            return None
        merged.append(replace(first, value=value))
    return tuple(merged)


def _merged_cast(left: Cast, right: Cast, type_: ScalarType) -> Cast | None:
    operand = merge(left.operand, right.operand)
    # A Python int becomes a float32 by way of a float64, a np.int64 at once.
    rounds_apart = (left.operand.type == INT) != (right.operand.type == INT)
    if operand is None or (rounds_apart and type_.dtype in _SINGLE):
        return None
    return replace(left, operand=operand, type=type_, hazards=left.hazards | right.hazards)


def _merged_type(left: ScalarType, right: ScalarType) -> ScalarType:
    return right if isinstance(left, PythonScalar) else left
