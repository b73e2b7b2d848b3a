"""Parts and absolute values of complex numbers, typed, and the calls that make them.

Before:  z.real of a np.complex64         After:  real(z), a np.float32
         abs(z) of a complex                      abs(z), a float, which may overflow

Real numbers have these parts as well: a Python `bool` those of an `int`. CPython and NumPy take
the absolute value from libm's hypot (Objects/complexobject.c, npy_math_complex.c.src).
"""

from __future__ import annotations

from ..model.source import Span
from ..model.typed import (
    DOMAIN_ERROR,
    Cast,
    Number,
    Operation,
    TypedExpression,
    Variable,
)
from ..model.types import (
    BOOL,
    COMPLEX,
    COMPLEX_DTYPES,
    FLOAT,
    FLOAT_DTYPES,
    INT,
    INTEGER_LIMITS,
    NumpyScalar,
    ScalarType,
)
from .conversions import convert
from .type_operations import Result, Scope, unsupported

_PART_DTYPES = {"complex64": "float32", "complex128": "float64"}


def part_type(operand: ScalarType) -> ScalarType:
    """Return the type of the real part of a complex number."""
    if operand == COMPLEX:
        return FLOAT
    return NumpyScalar(dtype=_PART_DTYPES[operand.dtype])


def complex_part(name: str, operand: TypedExpression, span: Span) -> Result:
    """Return `x.real`, `x.imag` or `x.conjugate()`, typed."""
    if operand.type.dtype in COMPLEX_DTYPES:
        type_ = operand.type if name == "conjugate" else part_type(operand.type)
        return Operation(name=name, operands=(operand,), type=type_, hazards=0, span=span)
    type_ = INT if operand.type == BOOL else operand.type
    if name != "imag":
        if type_ == operand.type:
            return operand
        return Cast(operand=operand, type=type_, hazards=0, span=span)
    if isinstance(operand, Variable | Number):
        return Number(value=0.0 if type_.dtype in FLOAT_DTYPES else 0, type=type_, span=span)
    return unsupported(name, (operand,), span)  # what it is computed from may fail


def absolute(operand: TypedExpression, span: Span) -> Result:
    """Return `abs(z)` of a complex number, typed: NumPy does not warn where it overflows."""
    hazards = DOMAIN_ERROR if operand.type == COMPLEX else 0
    return Operation(
        name="abs", operands=(operand,), type=part_type(operand.type), hazards=hazards, span=span
    )


def made_complex(operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return `complex(x)` or `complex(x, y)` of real numbers, typed."""
    if len(operands) == 1 and operands[0].type.dtype in COMPLEX_DTYPES:
        return Cast(operand=operands[0], type=COMPLEX, hazards=0, span=span)
    zero = Number(value=0.0, type=FLOAT, span=span)
    parts = [convert(each, FLOAT, scope.intervals) for each in (*operands, zero)[:2]]
    known = tuple(each for each in parts if each is not None)
    if len(known) < len(parts) or any(
        each.type.dtype not in (*FLOAT_DTYPES, *INTEGER_LIMITS) for each in operands
    ):
        return unsupported("complex", operands, span)
    return Operation(name="complex", operands=known, type=COMPLEX, hazards=0, span=span)
