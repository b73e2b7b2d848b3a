"""NEP 50 applied to one expression: every conversion explicit, every hazard noted.

Before:  a[i] * 2 + k          (a: float32 array, k: a Python int held by the region)
After:   a[i] * float32(2) + float32(k)      a np.float32, may set FLOAT_WARNING
"""

from __future__ import annotations

from dataclasses import replace

from ..model.indirect import indirect_value
from ..model.loop_ir import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Conditional,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Slice,
    Unary,
)
from ..model.typed import (
    CONVERSION,
    INDEX_ERROR,
    Cast,
    Computed,
    Index,
    Load,
    Operation,
    Subscript,
    TypedExpression,
    Variable,
)
from ..model.types import COMPILED_DTYPES, FLOAT_DTYPES, INT, INTEGER_LIMITS, NumpyScalar
from .conditionals import lifted
from .conversions import convert
from .promotion import binary_cell
from .ranges import is_within, value_interval
from .reasons import UnsupportedType
from .truth import truth
from .type_calls import call
from .type_operations import (
    Result,
    Scope,
    binary,
    chosen_type,
    connective,
    number,
    unary,
    unsupported,
)


def type_expression(expression: Expression, scope: Scope) -> Result:
    """Return the typed form of `expression`."""
    typed = _typed(expression, scope)
    if isinstance(typed, UnsupportedType) and not isinstance(expression, Conditional):
        # The sides of a conditional inside may have one type only once the rest is done to each.
        choice = lifted(expression)
        again = None if choice is None else type_expression(choice, scope)
        if again is not None and not isinstance(again, UnsupportedType):
            return again
    return typed


def _typed(expression: Expression, scope: Scope) -> Result:
    match expression:
        case Constant():
            return number(expression.value, expression.span)
        case Name():
            return _name(expression, scope)
        case Extent():
            return Index(expression=expression, type=INT, span=expression.span)
        case Element():
            return _element(expression, scope)
        case Slice():
            raise AssertionError("loops stand in its place")
        case Unary():
            return _unary(expression, scope)
        case Binary() | Compare():
            operands = type_all((expression.left, expression.right), scope)
            if isinstance(operands, UnsupportedType):
                return operands
            return binary(expression.operator, operands, expression.span, scope)
        case BoolOp():
            return _connective(expression, scope)
        case Conditional():
            return _conditional(expression, scope)
        case Call():
            operands = type_all(expression.arguments, scope)
            if isinstance(operands, UnsupportedType):
                return operands
            return call(expression.function, operands, expression.span, scope)


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


def _connective(expression: BoolOp, scope: Scope) -> Result:
    operands = type_all(expression.values, scope)
    if isinstance(operands, UnsupportedType):
        return operands
    return connective(expression.operator, operands, expression.span, scope)


def _conditional(expression: Conditional, scope: Scope) -> Result:
    sides = type_all((expression.body, expression.orelse), scope)
    return sides if isinstance(sides, UnsupportedType) else _choice(expression, sides, scope)


def _choice(expression: Conditional, sides: tuple[TypedExpression, ...], scope: Scope) -> Result:
    """Return one of two values of one dtype; which of their types it has, `scope` says."""
    test = type_expression(truth(expression.test), scope)
    if isinstance(test, UnsupportedType):
        return test
    if len({each.type.dtype for each in sides}) > 1:
        return unsupported("if else", sides, expression.span)
    return Operation(
        name="if",
        operands=(test, *sides),
        type=chosen_type(sides, scope),
        hazards=0,
        span=expression.span,
    )


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
    indices = type_subscripts(expression, scope)
    if isinstance(indices, UnsupportedType):
        return indices
    return Load(
        array=expression.array,
        indices=indices,
        type=array.element_type,
        span=expression.span,
    )


def type_subscripts(element: Element, scope: Scope) -> tuple[Subscript, ...] | UnsupportedType:
    """Return the subscripts of `element`, the indirect ones typed.

    NumPy takes a bool for a mask and refuses a float; neither is compiled.
    """
    typed: list[Subscript] = []
    for axis, index in enumerate(element.indices):
        value = indirect_value(index)
        if value is None:
            typed.append(index)
            continue
        each = type_expression(value, scope)
        if isinstance(each, UnsupportedType):
            return each
        if each.type.dtype == "bool" or each.type.dtype not in INTEGER_LIMITS:
            return unsupported(f"{element.array}[]", (each,), index.span)
        is_inside = isinstance(value, Name) and (element.array, axis, value.name) in scope.places
        hazards = 0 if is_inside else INDEX_ERROR
        typed.append(Computed(value=each, hazards=hazards, span=index.span))
    return tuple(typed)


def _unary(expression: Unary, scope: Scope) -> Result:
    operand = type_expression(expression.operand, scope)
    if isinstance(operand, UnsupportedType):
        return operand
    return unary(expression.operator, operand, expression.span, scope)


def stored(value: TypedExpression, dtype: str, scope: Scope) -> TypedExpression | None:
    """Return `value` as `array[...] = value` stores it; None for what NumPy refuses.

    Storing np.int16(300) in an int8 array raises, np.int64(300) wraps: neither is compiled.
    """
    result = convert(value, NumpyScalar(dtype=dtype), scope.intervals)
    limits = INTEGER_LIMITS.get(dtype, (0, 1))
    if not isinstance(result, Cast) or limits == (0, 1) or result.hazards:
        return result
    interval = value_interval(value, scope.intervals)
    is_narrowed = value.type.dtype in INTEGER_LIMITS and not is_within(interval, limits)
    return replace(result, hazards=CONVERSION) if is_narrowed else result


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
    choice = lifted(expression) if isinstance(typed, UnsupportedType) else None
    if choice is not None:
        sides = [element_value(each, dtype, scope) for each in (choice.body, choice.orelse)]
        known = tuple(each for each in sides if not isinstance(each, UnsupportedType))
        return _choice(choice, known, scope) if len(known) == len(sides) else typed
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
