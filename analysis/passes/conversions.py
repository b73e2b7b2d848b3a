"""Conversions between dtypes as NumPy makes them of scalars, and what they may do besides.

Maps a typed value and a target type to the value with an explicit `Cast`: a Python 300 into
uint8 raises, a `np.int64(300)` wraps, a nan into an integer raises or warns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..model.typed import (
    CONVERSION,
    FLOAT_WARNING,
    INTEGER_OVERFLOW,
    Cast,
    Number,
    TypedExpression,
)
from ..model.types import (
    BOOL,
    COMPLEX,
    COMPLEX_DTYPES,
    EXACT_IN_FLOAT64,
    FLOAT,
    FLOAT_DTYPES,
    INT,
    INTEGER_LIMITS,
    NumpyScalar,
    PythonScalar,
    ScalarType,
)
from .promotion import Cell
from .ranges import Interval, is_within, value_interval

_EXACT: Interval = (-EXACT_IN_FLOAT64, EXACT_IN_FLOAT64)
_SINGLE = ("float32", "complex64")
_PYTHON = {kind.dtype: kind for kind in (BOOL, INT, FLOAT, COMPLEX)}


def convert_operands(
    operands: tuple[TypedExpression, ...],
    cell: Cell,
    known: Mapping[str, Interval],
    *,
    is_exact: bool = False,
) -> tuple[TypedExpression, ...] | None:
    """Return the operands, each in the dtype that `cell` asks for; None where one cannot be.

    With `is_exact`, integers that a float64 would round fail instead.
    """
    converted: list[TypedExpression] = []
    for operand, dtype in zip(operands, cell.operands, strict=True):
        is_python = isinstance(cell.result, PythonScalar) and dtype in _PYTHON
        target = _PYTHON[dtype] if is_python else NumpyScalar(dtype=dtype)
        each = convert(operand, target, known)
        if each is None:
            return None
        converted.append(_made_exact(operand, each, known) if is_exact else each)
    return tuple(converted)


def _made_exact(
    operand: TypedExpression, cast: TypedExpression, known: Mapping[str, Interval]
) -> TypedExpression:
    is_rounding = operand.type.dtype in INTEGER_LIMITS and cast.type.dtype in FLOAT_DTYPES
    if not is_rounding or is_within(value_interval(operand, known), _EXACT):
        return cast
    return Cast(operand=operand, type=cast.type, hazards=INTEGER_OVERFLOW, span=operand.span)


def convert(
    value: TypedExpression, target: ScalarType, known: Mapping[str, Interval]
) -> TypedExpression | None:
    """Return `value` in the dtype of `target`, itself where it has that dtype; None if refused.

    The same rules hold for a weak operand, for a store and for `np.int8(value)`.
    """
    source, dtype = value.type.dtype, target.dtype
    if source == dtype:
        return value
    if source in COMPLEX_DTYPES and dtype not in COMPLEX_DTYPES:
        return None
    hazards = _conversion_hazards(value, dtype, known)
    folded = _fold(value, target) if hazards == 0 and isinstance(value, Number) else None
    return folded or Cast(operand=value, type=target, hazards=hazards, span=value.span)


def _conversion_hazards(value: TypedExpression, dtype: str, known: Mapping[str, Interval]) -> int:
    source = value.type.dtype
    if dtype in INTEGER_LIMITS and dtype != "bool":
        if source in INTEGER_LIMITS and value.type != INT:
            return 0  # NumPy's integers wrap
        is_proven = is_within(value_interval(value, known), INTEGER_LIMITS[dtype])
        return 0 if is_proven else CONVERSION
    if dtype in _SINGLE and source not in INTEGER_LIMITS and source not in _SINGLE:
        return 0 if isinstance(value, Number) and _is_finite_single(value.value) else FLOAT_WARNING
    return 0


def _is_finite_single(value: complex) -> bool:
    largest = float(np.finfo(np.float32).max)
    number = complex(value)
    return all(
        not math.isfinite(part) or abs(part) <= largest for part in (number.real, number.imag)
    )


def _fold(value: Number, target: ScalarType) -> Number | None:
    """Return the constant converted, where that loses nothing; None where it does."""
    if isinstance(value.value, complex):
        return None
    if target.dtype in INTEGER_LIMITS and isinstance(value.value, int):
        number = bool(value.value) if target.dtype == "bool" else int(value.value)
        return replace(value, value=number, type=target)
    if target.dtype in FLOAT_DTYPES:
        try:
            real = float(value.value)
        except OverflowError:
            return None
        if target.dtype == "float64" or float(np.float32(real)) == real or math.isnan(real):
            return replace(value, value=real, type=target)
    return None
