"""NEP 50 applied to one expression: every conversion explicit, every hazard noted.

Before:  a[i] * 2 + k          (a: float32 array, k: a Python int held by the region)
After:   a[i] * float32(2) + float32(k)      a np.float32, may set FLOAT_WARNING

An operation without a cell in the table, and one whose result type depends on values, is
returned as an `UnsupportedType`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

from ..model.loop_ir import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Unary,
)
from ..model.source import Span
from ..model.typed import (
    CONVERSION,
    FLOAT_WARNING,
    Cast,
    Index,
    Load,
    Number,
    Operation,
    TypedExpression,
    Variable,
    walk_typed,
)
from ..model.types import (
    BOOL,
    COMPILED_DTYPES,
    COMPLEX,
    FLOAT,
    FLOAT_DTYPES,
    INT,
    INTEGER_LIMITS,
    ArrayType,
    NumpyScalar,
    PythonScalar,
    ScalarType,
)
from .conversions import convert, convert_operands
from .hazards import call_hazards, operation_hazards
from .promotion import binary_cell, call_cell, unary_cell
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


def type_expression(expression: Expression, scope: Scope) -> Result:
    """Return the typed form of `expression`."""
    match expression:
        case Constant():
            return _number(expression.value, expression.span)
        case Name():
            return _name(expression, scope)
        case Extent():
            return Index(expression=expression, type=INT, span=expression.span)
        case Element():
            return _element(expression, scope)
        case Unary():
            return _unary(expression, scope)
        case Binary() | Compare():
            operands = type_all((expression.left, expression.right), scope)
            if isinstance(operands, UnsupportedType):
                return operands
            return binary(expression.operator, operands, expression.span, scope)
        case BoolOp():
            operands = type_all(expression.values, scope)
            if isinstance(operands, UnsupportedType):
                return operands
            return _connective(expression, operands)
        case Call():
            operands = type_all(expression.arguments, scope)
            if isinstance(operands, UnsupportedType):
                return operands
            return _call(expression, operands, scope)


def type_all(
    expressions: tuple[Expression, ...], scope: Scope
) -> tuple[TypedExpression, ...] | UnsupportedType:
    """Return the typed forms of `expressions`, or the first reason found."""
    typed: list[TypedExpression] = []
    for expression in expressions:
        each = type_expression(expression, scope)
        if isinstance(each, UnsupportedType):
            return each
        typed.append(each)
    return tuple(typed)


def unsupported(name: str, operands: tuple[TypedExpression, ...], span: Span) -> UnsupportedType:
    """Return the reason that `name` is not compiled for these operands."""
    types = tuple(str(operand.type) for operand in operands)
    return UnsupportedType(span=span, operation=name, types=types)


# ------------------------------------------------------------------------------ leaves


def _number(value: complex, span: Span) -> Result:
    if isinstance(value, bool):
        return Number(value=value, type=BOOL, span=span)
    if isinstance(value, int):
        low, high = INTEGER_LIMITS["int64"]
        if low <= value <= high:
            return Number(value=value, type=INT, span=span)
        return UnsupportedType(span=span, operation=str(value), types=("int",))
    return Number(value=value, type=FLOAT if isinstance(value, float) else COMPLEX, span=span)


def _name(expression: Name, scope: Scope) -> Result:
    known = scope.integers.get(expression.name)
    if known is not None:
        if known.dtype in INTEGER_LIMITS:
            return Index(expression=expression, type=known, span=expression.span)
        return UnsupportedType(span=expression.span, operation="range", types=(str(known),))
    type_ = scope.variables.get(expression.name)
    if type_ is None or type_.dtype not in COMPILED_DTYPES:
        shown = "unknown" if type_ is None else str(type_)
        return UnsupportedType(span=expression.span, operation=expression.name, types=(shown,))
    return Variable(name=expression.name, type=type_, span=expression.span)


def _element(expression: Element, scope: Scope) -> Result:
    array = scope.arrays.get(expression.array)
    if array is None or array.dtype not in COMPILED_DTYPES:
        shown = "unknown" if array is None else str(array)
        return UnsupportedType(span=expression.span, operation="[]", types=(shown,))
    return Load(
        array=expression.array,
        indices=expression.indices,
        type=NumpyScalar(dtype=array.dtype),
        span=expression.span,
    )


# -------------------------------------------------------------------------- operations


def _unary(expression: Unary, scope: Scope) -> Result:
    operand = type_expression(expression.operand, scope)
    if isinstance(operand, UnsupportedType):
        return operand
    return _apply_unary(expression.operator, operand, expression.span, scope)


def _apply_unary(name: str, operand: TypedExpression, span: Span, scope: Scope) -> Result:
    cell = unary_cell(name, operand.type)
    if cell is None:
        return unsupported(name, (operand,), span)
    if name == "-" and isinstance(operand, Number) and isinstance(operand.type, PythonScalar):
        return _number(-operand.value, span)
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
    result = _apply_unary("+", base, span, scope)  # True ** 1 is 1
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
        return _number(_FOLDED[name](left.value, right.value), span)
    except (ArithmeticError, ValueError, TypeError):
        return None  # it is for the interpreter to raise


def _connective(expression: BoolOp, operands: tuple[TypedExpression, ...]) -> Result:
    """Return `and` or `or` of truth values of one type: others return one of their operands."""
    types = {operand.type for operand in operands}
    is_safe = not any(_hazards(operand) for operand in operands[1:])
    if len(types) > 1 or operands[0].type.dtype != "bool" or not is_safe:
        return unsupported(expression.operator, operands, expression.span)
    return Operation(
        name=expression.operator,
        operands=operands,
        type=operands[0].type,
        hazards=0,
        span=expression.span,
    )


def _hazards(expression: TypedExpression) -> int:
    found = 0
    for node in walk_typed(expression):
        if isinstance(node, Cast | Operation):
            found |= node.hazards
    return found


# ------------------------------------------------------------------------------- calls


def _call(expression: Call, operands: tuple[TypedExpression, ...], scope: Scope) -> Result:
    name, span = expression.function, expression.span
    match name, operands:
        case "abs", (operand,):
            return _apply_unary("abs", operand, span, scope)
        case (("min" | "max"), (_, _, *_)):
            return _extremum(name, operands, span)
        case (("int" | "float" | "bool"), (operand,)):
            kind = {"int": INT, "float": FLOAT, "bool": BOOL}[name]
            return _converted(name, operand, kind, span, scope)
        case "pow", (_, _):
            return binary("**", operands, span, scope)
        case "numpy.square", (operand,):
            return _square(operand, span)
        case _, (operand,) if name.removeprefix("numpy.") in COMPILED_DTYPES:
            target = NumpyScalar(dtype=name.removeprefix("numpy."))
            return _converted(name, operand, target, span, scope)
        case _:
            return _library_call(name, operands, span, scope)


def _converted(
    name: str, operand: TypedExpression, target: ScalarType, span: Span, scope: Scope
) -> Result:
    """Return `operand` as a scalar of another type: always a `Cast`, even of the same dtype."""
    result = convert(operand, target, scope.intervals)
    if result is None:
        return unsupported(name, (operand,), span)
    if name == "int" and isinstance(result, Cast) and operand.type.dtype == "uint64":
        result = replace(result, hazards=CONVERSION)  # Python goes on with all 64 bits
    if result is operand and operand.type != target:
        return Cast(operand=operand, type=target, hazards=0, span=span)
    return result


def _extremum(name: str, operands: tuple[TypedExpression, ...], span: Span) -> Result:
    """Return Python's min or max: `b if b < a else a`, one of its operands as it is."""
    types = {operand.type for operand in operands}
    dtype = operands[0].type.dtype
    if len(types) > 1 or dtype == "bool" or dtype not in (*FLOAT_DTYPES, *INTEGER_LIMITS):
        return unsupported(name, operands, span)
    return Operation(name=name, operands=operands, type=operands[0].type, hazards=0, span=span)


def _square(operand: TypedExpression, span: Span) -> Result:
    """Return np.square(x): x * x for floats, x ** 2 for integers, which wraps silently."""
    type_ = NumpyScalar(dtype=operand.type.dtype)
    if type_.dtype in FLOAT_DTYPES:
        return Operation(
            name="*", operands=(operand, operand), type=type_, hazards=FLOAT_WARNING, span=span
        )
    if type_.dtype not in INTEGER_LIMITS or type_.dtype == "bool":
        return unsupported("numpy.square", (operand,), span)
    two = Number(value=2, type=type_, span=span)
    return Operation(name="**", operands=(operand, two), type=type_, hazards=0, span=span)


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
        return _number(getattr(math, name.removeprefix("math."))(*values), span)
    except (ArithmeticError, ValueError):
        return None


def stored(value: TypedExpression, dtype: str, scope: Scope) -> TypedExpression | None:
    """Return `value` as `array[...] = value` stores it; None for what NumPy refuses."""
    return convert(value, NumpyScalar(dtype=dtype), scope.intervals)


def element_value(expression: Expression, dtype: str, scope: Scope) -> Result:
    """Return `expression` as it is stored in an array of `dtype`.

    A store forgets whether a value was Python's or NumPy's, so `min`, `max`, `and` and `or` may
    mix the two here where they compare in `dtype` itself: `b[i] = max(0.0, a[i])`.
    """
    if isinstance(expression, Call) and expression.function in ("min", "max"):
        mixed = _mixed_extremum(expression, dtype, scope)
        if mixed is not None:
            return mixed
    typed = type_expression(expression, scope)
    if isinstance(typed, UnsupportedType):
        return typed
    result = stored(typed, dtype, scope)
    if result is None:
        return unsupported(f"store in {dtype}", (typed,), expression.span)
    return result


def _mixed_extremum(expression: Call, dtype: str, scope: Scope) -> TypedExpression | None:
    operands = type_all(expression.arguments, scope)
    if isinstance(operands, UnsupportedType) or len(operands) < 2 or dtype not in FLOAT_DTYPES:
        return None
    for first in operands:
        for second in operands:
            cell = binary_cell("<", first.type, second.type)
            if first is not second and (cell is None or set(cell.operands) != {dtype}):
                return None
    converted = tuple(stored(operand, dtype, scope) for operand in operands)
    known = tuple(operand for operand in converted if operand is not None)
    if len(known) < len(operands):
        return None
    return Operation(
        name=expression.function,
        operands=known,
        type=NumpyScalar(dtype=dtype),
        hazards=0,
        span=expression.span,
    )
