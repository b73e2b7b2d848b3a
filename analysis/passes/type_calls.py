"""Calls of functions that autopar knows, on typed operands.

Before:  math.floor(x) on a np.float32         After:  int(math.floor(float64(x)))

Builtins and `math`; those of NumPy are `type_ufuncs`'; all others are an `UnsupportedType`.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace

from ..model.loop_ir import AS_NUMPY, SUMMED
from ..model.source import Span
from ..model.typed import CONVERSION, Cast, Number, Operation, TypedExpression
from ..model.types import (
    BOOL,
    COMPILED_DTYPES,
    COMPLEX,
    COMPLEX_DTYPES,
    FLOAT,
    FLOAT_DTYPES,
    INT,
    INTEGER_LIMITS,
    NumpyScalar,
    ScalarType,
)
from ..model.ufuncs import FUNCTIONS, WHERE, operator_of
from .conversions import convert, convert_operands
from .hazards import call_hazards
from .promotion import call_cell
from .type_complex import absolute, complex_part, made_complex
from .type_operations import Result, Scope, binary, chosen_type, number, unary, unsupported
from .type_rows import ROW_STEPS, row_step
from .type_ufuncs import ufunc_call

# Since then `sum` adds Python's floats with what was lost in between.
_COMPENSATES = sys.version_info >= (3, 12)
_FLOAT64 = NumpyScalar(dtype="float64")


def call(name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return the call of function `name`, typed."""
    match name, operands:
        case _, (operand,) if name in {SUMMED, AS_NUMPY}:
            return _item(name, operand, span, scope)
        case (("real" | "imag" | "conjugate"), (operand,)):
            return complex_part(name, operand, span)
        case "complex", ((_,) | (_, _)):
            return made_complex(operands, span, scope)
        case (("divmod.quotient" | "divmod.remainder"), (_, _)):
            return _part_of_divmod(name, operands, span, scope)
        case "round", ((_,) | (_, Number())):
            return _rounded(operands, span, scope)
        case "abs", (operand,):
            is_complex = operand.type.dtype in COMPLEX_DTYPES
            return absolute(operand, span) if is_complex else unary("abs", operand, span, scope)
        case (("min" | "max"), (_, _, *_)):
            return _extremum(name, operands, span, scope)
        case (("int" | "float" | "bool"), (operand,)):
            kind = {"int": INT, "float": FLOAT, "bool": BOOL}[name]
            return _converted(name, operand, kind, span, scope)
        case "pow", (_, _):
            return binary("**", operands, span, scope)
        case _, (operand,) if name.removeprefix("numpy.") in COMPILED_DTYPES:
            target = NumpyScalar(dtype=name.removeprefix("numpy."))
            return _converted(name, operand, target, span, scope)
        case _ if name in ROW_STEPS or name in FUNCTIONS or name == WHERE:
            of_numpy = row_step if name in ROW_STEPS else ufunc_call
            return of_numpy(name, operands, span, scope)
        case _:
            return _library_call(name, operands, span, scope)


def _item(name: str, operand: TypedExpression, span: Span, scope: Scope) -> Result:
    """Return an element of what `sum` adds up, where it does no more than add it.

    Or one of what NumPy makes an array of.
    """
    if name == AS_NUMPY:
        target = NumpyScalar(dtype=operand.type.dtype)
        is_python = operand.type != target
        return _converted(name, operand, target, span, scope) if is_python else operand
    is_compensated = _COMPENSATES and operand.type in (FLOAT, COMPLEX)
    return unsupported("sum", (operand,), span) if is_compensated else operand


def _converted(
    name: str, operand: TypedExpression, target: ScalarType, span: Span, scope: Scope
) -> Result:
    """Return `operand` as a scalar of another type: always a `Cast`, even of the same dtype."""
    if target == BOOL and operand.type.dtype in COMPLEX_DTYPES:
        zero = Number(value=0j, type=operand.type, span=span)
        return binary("!=", (operand, zero), span, scope)
    result = convert(operand, target, scope.intervals)
    if result is None:
        return unsupported(name, (operand,), span)
    if name == "int" and isinstance(result, Cast) and operand.type.dtype == "uint64":
        result = replace(result, hazards=CONVERSION)  # Python goes on with all 64 bits
    if result is operand and operand.type != target:
        return Cast(operand=operand, type=target, hazards=0, span=span)
    return result


def _part_of_divmod(
    name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope
) -> Result:
    """Return one of the two values of `divmod(x, y)`."""
    found = binary(operator_of(name), operands, span, scope)
    is_numpy = isinstance(found, Operation) and isinstance(found.type, NumpyScalar)
    return replace(found, name=name) if isinstance(found, Operation) and is_numpy else found


def _rounded(operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return `round(x)`: the nearest Python int, of two the even one; or `round(x, digits)`."""
    operand, *digits = operands
    if digits:  # a float of NumPy's has np.round; Python's is right to the last digit
        is_numpy = isinstance(operand.type, NumpyScalar)
        found = ufunc_call("numpy.round", operands, span, scope) if is_numpy else None
        return found or unsupported("round", operands, span)
    if operand.type.dtype in FLOAT_DTYPES:
        wide = convert(operand, _FLOAT64, scope.intervals)
        assert wide is not None  # a wider float
        whole = Operation(name="numpy.rint", operands=(wide,), type=_FLOAT64, hazards=0, span=span)
        return Cast(operand=whole, type=INT, hazards=CONVERSION, span=span)
    if operand.type.dtype in COMPLEX_DTYPES or operand.type == NumpyScalar(dtype="bool"):
        return unsupported("round", (operand,), span)
    return _converted("int", operand, INT, span, scope)


def _extremum(name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return Python's min or max: `b if b < a else a`, one of its operands as it is.

    Operands of different dtypes are refused: the result would have the one or the other.
    """
    dtypes = {operand.type.dtype for operand in operands}
    if len(dtypes) > 1 or not dtypes <= {*FLOAT_DTYPES, *INTEGER_LIMITS} - {"bool"}:
        return unsupported(name, operands, span)
    type_ = chosen_type(operands, scope)
    return Operation(name=name, operands=operands, type=type_, hazards=0, span=span)


def _library_call(
    name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope
) -> Result:
    cell = call_cell(name, tuple(operand.type for operand in operands))
    if cell is None:
        return unsupported(name, operands, span)
    converted = convert_operands(operands, cell, scope.intervals)
    if converted is None:
        return unsupported(name, operands, span)
    folded = _fold_call(name, converted, span)
    if folded is not None:
        return folded
    hazards = call_hazards(name, converted, scope.intervals)
    result: TypedExpression = Operation(
        name=name, operands=converted, type=cell.result, hazards=hazards, span=span
    )
    if name in ("math.floor", "math.ceil", "math.trunc"):
        return Cast(operand=result, type=INT, hazards=CONVERSION, span=span)
    return result


def _fold_call(name: str, operands: tuple[TypedExpression, ...], span: Span) -> Result | None:
    """Return the value of a function of `math` on constants; None where it raises."""
    values = [operand.value for operand in operands if isinstance(operand, Number)]
    if not name.startswith("math.") or len(values) < len(operands):
        return None
    try:
        return number(getattr(math, name.removeprefix("math."))(*values), span)
    except (ArithmeticError, ValueError):
        return None
