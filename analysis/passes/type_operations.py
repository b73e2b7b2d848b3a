"""Operators on typed operands: conversions made explicit, constants folded, hazards noted.

Before:  "*" on a[i] (np.float32) and 2 (int)         After:  a[i] * float32(2), a np.float32

An operation without a cell in the table, and one whose result type depends on values, is
returned as an `UnsupportedType`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

from ..model.source import Span
from ..model.typed import Number, Operation, TypedExpression
from ..model.types import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    INTEGER_LIMITS,
    ArrayType,
    NumpyScalar,
    PythonScalar,
    ScalarType,
)
from .conversions import convert_operands
from .hazards import operation_hazards
from .promotion import binary_cell, unary_cell
from .ranges import Interval
from .reasons import UnsupportedType

_LARGEST_INTEGER_POWER = 4
_LARGEST_FOLDED_POWER = 64

Result: TypeAlias = TypedExpression | UnsupportedType


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the names of an expression mean."""

    arrays: Mapping[str, ArrayType]
    integers: Mapping[str, ScalarType]  # loop variables around it and integer parameters
    variables: Mapping[str, ScalarType]  # every other scalar
    intervals: Mapping[str, Interval]  # of integers and integer variables, where known
    # Which operand `min`, `max`, `and` and `or` return where they have some of both kinds.
    chosen: Literal["numpy", "python"] = "numpy"
    places: frozenset[tuple[str, int, str]] = frozenset()  # see `Scop`


def unsupported(name: str, operands: tuple[TypedExpression, ...], span: Span) -> UnsupportedType:
    """Return the reason that `name` is not compiled for these operands."""
    types = tuple(str(operand.type) for operand in operands)
    return UnsupportedType(span=span, operation=name, types=types)


def number(value: complex, span: Span) -> Result:
    """Return a Python constant, typed; ints that no int64 holds are refused."""
    if isinstance(value, bool):
        return Number(value=value, type=BOOL, span=span)
    if isinstance(value, int):
        low, high = INTEGER_LIMITS["int64"]
        if low <= value <= high:
            return Number(value=value, type=INT, span=span)
        return UnsupportedType(span=span, operation=str(value), types=("int",))
    return Number(value=value, type=FLOAT if isinstance(value, float) else COMPLEX, span=span)


def unary(name: str, operand: TypedExpression, span: Span, scope: Scope) -> Result:
    """Return `-x`, `+x`, `~x`, `not x` or `abs(x)`, typed."""
    cell = unary_cell(name, operand.type)
    if cell is None:
        return unsupported(name, (operand,), span)
    if name == "-" and isinstance(operand, Number) and isinstance(operand.type, PythonScalar):
        return number(-operand.value, span)
    operands = convert_operands((operand,), cell, scope.intervals)
    if operands is None:
        return unsupported(name, (operand,), span)
    if name == "+":
        return operands[0]
    hazards = operation_hazards(name, operands, cell.result, scope.intervals)
    return Operation(name=name, operands=operands, type=cell.result, hazards=hazards, span=span)


def binary(name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return `left name right`, an arithmetic operation or a comparison, typed."""
    folded = _fold(name, operands, span)
    if folded is not None:
        return folded
    left, right = operands
    cell = binary_cell(name, left.type, right.type)
    if cell is None:
        return unsupported(name, operands, span)
    if name == "**" and cell.result == INT:
        return _integer_power(operands, span, scope)
    is_python = all(isinstance(operand.type, PythonScalar) for operand in operands)
    # Python divides and compares integers exactly, also those that no float64 holds.
    is_exact = is_python and (cell.result == BOOL or (name == "/" and _are_integers(operands)))
    converted = convert_operands(operands, cell, scope.intervals, is_exact=is_exact)
    if converted is None:
        return unsupported(name, operands, span)
    hazards = operation_hazards(name, converted, cell.result, scope.intervals)
    return Operation(name=name, operands=converted, type=cell.result, hazards=hazards, span=span)


def _are_integers(operands: tuple[TypedExpression, ...]) -> bool:
    return all(operand.type.dtype in INTEGER_LIMITS for operand in operands)


def _integer_power(operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return a small constant power of a Python int as products; others may become floats."""
    base, exponent = operands
    count = exponent.value if isinstance(exponent, Number) else -1
    if not (isinstance(count, int) and 1 <= count <= _LARGEST_INTEGER_POWER):
        return unsupported("**", operands, span)
    result = unary("+", base, span, scope)  # True ** 1 is 1
    for _ in range(count - 1):
        if isinstance(result, UnsupportedType):
            break
        result = binary("*", (result, base), span, scope)
    return result


_FOLDED: Mapping[str, Callable[[complex, complex], complex]] = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "//": operator.floordiv,
        "%": operator.mod,
        "**": operator.pow,
        "<<": operator.lshift,
    }
)


def _fold(name: str, operands: tuple[TypedExpression, ...], span: Span) -> Result | None:
    """Return the value of an operation on two Python constants; None where it is none."""
    left, right = operands
    if not (isinstance(left, Number) and isinstance(right, Number) and name in _FOLDED):
        return None
    if any(isinstance(operand.type, NumpyScalar) for operand in operands):
        return None
    if name in ("**", "<<") and abs(right.value) > _LARGEST_FOLDED_POWER:
        return None
    try:
        return number(_FOLDED[name](left.value, right.value), span)
    except (ArithmeticError, ValueError, TypeError):
        return None  # it is for the interpreter to raise


def connective(
    name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope
) -> Result:
    """Return `and` or `or` of truth values; of others it would be one of the operands."""
    if any(operand.type.dtype != "bool" for operand in operands):
        return unsupported(name, operands, span)
    return Operation(
        name=name,
        operands=operands,
        type=chosen_type(operands, scope),
        hazards=0,
        span=span,
    )


def chosen_type(operands: tuple[TypedExpression, ...], scope: Scope) -> ScalarType:
    """Return the type of the operand that the operation is taken to return."""
    types = [operand.type for operand in operands]
    return next(
        (each for each in types if isinstance(each, NumpyScalar) == (scope.chosen == "numpy")),
        types[0],
    )
