"""Calls of NumPy's functions on scalars, typed.

Before:  np.exp(k) of a Python int         After:  numpy.exp(float64(k)), a np.float64
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..model.source import Span
from ..model.typed import (
    FLOAT_WARNING,
    INTEGER_WARNING,
    WRAPS,
    Cast,
    Number,
    Operation,
    TypedExpression,
)
from ..model.types import (
    COMPLEX_DTYPES,
    FLOAT_DTYPES,
    INTEGER_LIMITS,
    NumpyScalar,
    PythonScalar,
    ScalarType,
)
from ..model.ufuncs import COMPARISONS, EXACT, FUSED_PRODUCT, LOGICAL, OPERATORS
from .complex_products import complex_products
from .conversions import convert, convert_operands
from .hazards import operation_hazards
from .promotion import result_of
from .reasons import UnsupportedType
from .type_operations import Result, Scope, unsupported
from .ufunc_cells import ufunc_cell

_NUMPY_BOOL = NumpyScalar(dtype="bool")
# What the function does without a warning although the operator of Python warns.
_WRAPPING = frozenset(("+", "-", "*"))
_MOST_DECIMALS = 22  # 10.0 ** 22 is exact


def ufunc_call(
    name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope
) -> Result:
    """Return the call of NumPy's function `name`, typed."""
    match name, operands:
        case "numpy.square", (operand,):
            return _square(operand, span)
        case (("numpy.real" | "numpy.conjugate"), (operand,)):
            return _itself(name, operand, span)
        case "numpy.logical_not", (operand,) if operand.type.dtype not in COMPLEX_DTYPES:
            return Operation(
                name="not", operands=(operand,), type=_NUMPY_BOOL, hazards=0, span=span
            )
        case "numpy.where", (_, _, _):
            return _one_of_two(operands, span, scope)
        case "numpy.clip", (_, _, _):
            return _clipped(operands, span, scope)
        case "numpy.round", (operand,):
            return _rounded(operand, 0, span, scope)
        case "numpy.round", (operand, Number(value=int() as decimals)):
            return _rounded(operand, decimals, span, scope)
    if name in LOGICAL and len(operands) == 2:
        return _logical(name, operands, span, scope)
    return _function(name, operands, span, scope)


def _function(name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    cell = ufunc_cell(name, tuple(operand.type for operand in operands))
    converted = None if cell is None else convert_operands(operands, cell, scope.intervals)
    if cell is None or converted is None:
        return unsupported(name, operands, span)
    if name == "numpy.positive":
        return converted[0]
    if name == "numpy.multiply" and cell.result.dtype in COMPLEX_DTYPES:
        return _complex_product(converted, cell.result, span)
    hazards = _hazards(name, converted, cell.result, scope)
    return Operation(name=name, operands=converted, type=cell.result, hazards=hazards, span=span)


def _complex_product(
    operands: tuple[TypedExpression, ...], type_: ScalarType, span: Span
) -> Result:
    """Return np.multiply of complex numbers, rounded as NumPy's loops round it here."""
    way = complex_products(type_.dtype)
    if way is None:
        return unsupported("numpy.multiply", operands, span)
    name = "numpy.multiply" if way == "plain" else FUSED_PRODUCT
    return Operation(name=name, operands=operands, type=type_, hazards=FLOAT_WARNING, span=span)


def _hazards(
    name: str, operands: tuple[TypedExpression, ...], result: ScalarType, scope: Scope
) -> int:
    if name in COMPARISONS:
        return 0
    if name == "numpy.power" and result.dtype in INTEGER_LIMITS:
        return operation_hazards("**", operands, result, scope.intervals)
    if name in OPERATORS:
        operator = OPERATORS[name]
        found = operation_hazards(operator, operands, result, scope.intervals)
        if operator in _WRAPPING and found & INTEGER_WARNING:
            # NumPy goes on with the wrapped value, and so does a kernel: LLVM must not take it
            # that int64 does not wrap. Narrower ones are computed in 64 bits.
            return WRAPS if result.dtype == "int64" else 0
        return found
    is_exact = name in EXACT and name != "numpy.sqrt"
    return FLOAT_WARNING if operands[0].type.dtype in FLOAT_DTYPES and not is_exact else 0


def _square(operand: TypedExpression, span: Span) -> Result:
    """Return np.square(x): x * x for floats, x ** 2 for integers, which wraps silently."""
    type_ = NumpyScalar(dtype=operand.type.dtype)
    if type_.dtype in FLOAT_DTYPES:
        return Operation(
            name="*", operands=(operand, operand), type=type_, hazards=FLOAT_WARNING, span=span
        )
    if type_.dtype in COMPLEX_DTYPES and isinstance(operand.type, NumpyScalar):
        return _complex_product((operand, operand), type_, span)
    if type_.dtype not in INTEGER_LIMITS or type_.dtype == "bool":
        return unsupported("numpy.square", (operand,), span)
    two = Number(value=2, type=type_, span=span)
    return Operation(name="**", operands=(operand, two), type=type_, hazards=0, span=span)


def _itself(name: str, operand: TypedExpression, span: Span) -> Result:
    """Return a real number: np.conjugate makes NumPy's scalar of it, np.real leaves it."""
    if operand.type.dtype in COMPLEX_DTYPES or operand.type.dtype == "bool":
        return unsupported(name, (operand,), span)
    type_ = NumpyScalar(dtype=operand.type.dtype)
    if name == "numpy.real" or operand.type == type_:
        return operand
    return Cast(operand=operand, type=type_, hazards=0, span=span)


def _logical(name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    truths = [convert(each, _NUMPY_BOOL, scope.intervals) for each in operands]
    known = tuple(each for each in truths if each is not None)
    if len(known) < len(operands) or any(each.type.dtype in COMPLEX_DTYPES for each in operands):
        return unsupported(name, operands, span)
    return Operation(name=LOGICAL[name], operands=known, type=_NUMPY_BOOL, hazards=0, span=span)


def _one_of_two(operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return np.where of scalars: one of two values, as their common type."""
    test, *values = operands
    type_ = result_of(_common_scalar, *(each.type for each in values))
    if test.type.dtype != "bool" or not isinstance(type_, NumpyScalar):
        return unsupported("numpy.where", operands, span)
    converted = [convert(each, type_, scope.intervals) for each in values]
    known = tuple(each for each in converted if each is not None)
    if len(known) < len(values):
        return unsupported("numpy.where", operands, span)
    return Operation(name="if", operands=(test, *known), type=type_, hazards=0, span=span)


def _common_scalar(one: object, other: object) -> object:
    """Return what np.where makes of two samples, as a scalar."""
    return np.where(True, one, other)[()]  # type: ignore[call-overload]


def _clipped(operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return np.clip(x, low, high) of floats that have one dtype, or Python's bounds."""
    value = operands[0]
    dtype = value.type.dtype
    is_weak = isinstance(value.type, NumpyScalar)
    if dtype not in FLOAT_DTYPES:
        return unsupported("numpy.clip", operands, span)
    for bound in operands[1:]:
        may_be_weak = is_weak and isinstance(bound.type, PythonScalar)
        if bound.type.dtype not in (*FLOAT_DTYPES, "int64") or (
            bound.type.dtype != dtype and not may_be_weak
        ):
            return unsupported("numpy.clip", operands, span)
    type_ = NumpyScalar(dtype=dtype)
    converted = [convert(each, type_, scope.intervals) for each in operands]
    known = tuple(each for each in converted if each is not None)
    if len(known) < len(operands):
        return unsupported("numpy.clip", operands, span)
    return Operation(name="numpy.clip", operands=known, type=type_, hazards=0, span=span)


def _rounded(operand: TypedExpression, decimals: int, span: Span, scope: Scope) -> Result:
    """Return np.round: rint of the multiple, divided again, each by a function of NumPy."""
    if operand.type.dtype not in FLOAT_DTYPES or not 0 <= decimals <= _MOST_DECIMALS:
        return unsupported("numpy.round", (operand,), span)
    type_ = NumpyScalar(dtype=operand.type.dtype)
    number = replace(operand, type=type_) if isinstance(operand, Number) else operand
    factor = Number(value=10.0**decimals, type=PythonScalar(kind="float"), span=span)
    if decimals == 0:
        return _function("numpy.rint", (number,), span, scope)
    scaled = _function("numpy.multiply", (number, factor), span, scope)
    if isinstance(scaled, UnsupportedType):
        return scaled
    whole = _function("numpy.rint", (scaled,), span, scope)
    if isinstance(whole, UnsupportedType):
        return whole
    return _function("numpy.divide", (whole, factor), span, scope)
