"""What an operation may do besides giving a value, decided from its types and intervals.

Maps an operation on converted operands to hazard bits: a Python `//` may raise, a NumPy `//`
may warn, and neither does when the divisor is proven not to be zero.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model.source import Span
from ..model.typed import (
    DOMAIN_ERROR,
    FLOAT_WARNING,
    INTEGER_OVERFLOW,
    INTEGER_WARNING,
    ZERO_DIVISION,
    Cast,
    Number,
    Operation,
    TypedExpression,
)
from ..model.types import FLOAT, INTEGER_LIMITS, PythonScalar, ScalarType
from .ranges import Interval, exact_interval, is_within, may_be, value_interval

_NOWHERE = Span(line=0, column=0, end_line=0, end_column=0)
_DIVISIONS = ("/", "//", "%")
# Functions of `math` that are finite for finite and defined for infinite arguments.
_TOTAL = (
    "math.fabs", "math.copysign", "math.atan", "math.atan2", "math.tanh", "math.asinh",
    "math.cbrt", "math.isnan", "math.isinf", "math.isfinite",
    "math.floor", "math.ceil", "math.trunc",
)  # fmt: skip
_TOTAL_IF_FINITE = ("math.sin", "math.cos", "math.tan")


def operation_hazards(
    name: str,
    operands: tuple[TypedExpression, ...],
    result: ScalarType,
    known: Mapping[str, Interval],
) -> int:
    """Return the hazards of an operator (or `abs`) on operands in their compute dtype."""
    if result.dtype == "bool" or name in ("&", "|", "^", "~"):
        return 0
    if result.dtype in INTEGER_LIMITS:
        return _integer_hazards(name, operands, result, known)
    if name in ("-", "abs") and len(operands) == 1:
        return 0
    if result == FLOAT:
        if name in _DIVISIONS:
            return 0 if _is_nonzero(operands[1], known) else ZERO_DIVISION
        return DOMAIN_ERROR if name == "**" else 0
    if isinstance(result, PythonScalar):  # complex + - *
        return 0
    if name == "/" and value_interval(operands[0], known) and _is_nonzero(operands[1], known):
        return 0  # an integer by an integer
    return FLOAT_WARNING


def _is_nonzero(operand: TypedExpression, known: Mapping[str, Interval]) -> bool:
    if isinstance(operand, Number):
        return operand.value != 0
    interval = value_interval(operand, known)
    return interval is not None and not may_be(interval, 0)


def _integer_hazards(
    name: str,
    operands: tuple[TypedExpression, ...],
    result: ScalarType,
    known: Mapping[str, Interval],
) -> int:
    is_python = isinstance(result, PythonScalar)
    bare = Operation(name=name, operands=operands, type=result, hazards=0, span=_NOWHERE)
    fits = is_within(exact_interval(bare, known), INTEGER_LIMITS[result.dtype])
    # A np.bool and a Python int are added by the ufunc, which does not warn: start over.
    is_silent = is_python or any(each.type.dtype == "bool" for each in map(_source, operands))
    outgrows = 0 if fits else INTEGER_OVERFLOW if is_silent else INTEGER_WARNING
    if name in ("<<", ">>"):
        if not is_python:
            return 0
        count = value_interval(operands[1], known)
        negative = DOMAIN_ERROR if count is None or count[0] < 0 else 0
        return negative | (outgrows if name == "<<" else 0)
    if name == "**":  # of NumPy integers: wraps silently, refuses negative exponents
        exponent = value_interval(operands[1], known)
        return DOMAIN_ERROR if exponent is None or exponent[0] < 0 else 0
    if name in _DIVISIONS:
        zero = ZERO_DIVISION if is_python else INTEGER_WARNING
        by_zero = 0 if _is_nonzero(operands[1], known) else zero
        return by_zero | (outgrows if name == "//" else 0)
    return outgrows


def _source(operand: TypedExpression) -> TypedExpression:
    """Return the operand before its conversion."""
    return operand.operand if isinstance(operand, Cast) else operand


def call_hazards(
    name: str, operands: tuple[TypedExpression, ...], known: Mapping[str, Interval]
) -> int:
    """Return the hazards of a function of `math`."""
    interval = value_interval(operands[0], known)  # of an integer that became a float
    if name in _TOTAL or (name in _TOTAL_IF_FINITE and interval is not None):
        return 0
    if name == "math.sqrt" and interval is not None and interval[0] >= 0:
        return 0
    return DOMAIN_ERROR
