"""Intervals of integer values, to prove that arithmetic fits its dtype.

Maps an integer expression and the intervals of its names to the smallest interval that
interval arithmetic gives: `2 * i + 1` with `0 <= i <= 9` lies in (1, 19). None is an integer
of unknown size.

Moore, Interval Analysis, Prentice-Hall, 1966; without its care for rounding: ends are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from types import MappingProxyType
from typing import TypeAlias

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
from ..model.scop import Loop, Scop, Statement
from ..model.typed import Cast, Index, Load, Number, Operation, TypedExpression, Variable
from ..model.types import INTEGER_LIMITS, PythonScalar

Interval: TypeAlias = tuple[int, int]

# A dispatcher takes a region over only where every integer parameter lies within.
PARAMETER_INTERVAL: Interval = (-(2**31), 2**31)
# What the turns of a driver are counted with: see `passes.counted`.
COUNTED_INTERVAL: Interval = (-(2**62), 2**62)
EXTENT_INTERVAL: Interval = (0, 2**31)
INT64: Interval = INTEGER_LIMITS["int64"]
_LARGEST_SHIFT = 64


def statement_intervals(scop: Scop, statement: Statement) -> dict[str, Interval]:
    """Return the intervals of the parameters and of the loop variables around `statement`."""
    known = parameter_intervals(scop)
    for number in statement.loops:
        loop = scop.loops[number]
        known[loop.variable] = loop_interval(loop, known)
    return known


def parameter_intervals(scop: Scop) -> dict[str, Interval]:
    """Return the intervals that a dispatcher guarantees for the named parameters."""
    return {
        parameter.expression.name: PARAMETER_INTERVAL
        for parameter in scop.parameters
        if isinstance(parameter.expression, Name)
    }


def loop_interval(loop: Loop, known: Mapping[str, Interval]) -> Interval:
    """Return the interval of a loop variable where the loop runs."""
    start = expression_interval(loop.start, known) or INT64
    stop = expression_interval(loop.stop, known) or INT64
    low, high = (start[0], stop[1] - 1) if loop.step > 0 else (stop[0] + 1, start[1])
    return low, max(low, high)


def expression_interval(expression: Expression, known: Mapping[str, Interval]) -> Interval | None:
    """Return the interval of an integer expression over the names in `known`."""
    match expression:
        case Constant(value=bool() | int()):
            return int(expression.value.real), int(expression.value.real)
        case Name():
            return known.get(expression.name)
        case Extent():
            return EXTENT_INTERVAL
        case Unary(operator="-"):
            return _apply("neg", expression_interval(expression.operand, known))
        case Unary(operator="+"):
            return expression_interval(expression.operand, known)
        case Binary():
            left = expression_interval(expression.left, known)
            return _apply(expression.operator, left, expression_interval(expression.right, known))
        case Call(function="min" | "max" | "abs"):
            parts = (expression_interval(each, known) for each in expression.arguments)
            return _apply(expression.function, *parts)
        case Compare() | BoolOp() | Unary() | Element() | Slice() | Conditional():
            return None
        case Call() | Constant():
            return None


def value_interval(
    expression: TypedExpression, known: Mapping[str, Interval] = MappingProxyType({})
) -> Interval | None:
    """Return the interval of an integer value; None for other values and unknown sizes.

    A Python int is in int64 whenever it is used further: where it is not, the operation that
    made it has failed. A NumPy integer that may have wrapped has its dtype's interval.
    """
    limits = INTEGER_LIMITS.get(expression.type.dtype)
    exact = exact_interval(expression, known)
    if limits is None:
        return exact  # an integer in a float, or None
    if exact is None:
        return limits
    if isinstance(expression.type, PythonScalar):
        low, high = max(exact[0], limits[0]), min(exact[1], limits[1])
        return (low, high) if low <= high else limits
    return exact if is_within(exact, limits) else limits


def exact_interval(
    expression: TypedExpression, known: Mapping[str, Interval] = MappingProxyType({})
) -> Interval | None:
    """Return the interval of an integer value as if no dtype limited it."""
    match expression:
        case Number(value=bool() | int() as value):
            return int(value), int(value)
        case Number(value=float() as value) if value.is_integer():
            return int(value), int(value)
        case Index():
            return expression_interval(expression.expression, known)
        case Variable():
            return known.get(expression.name)
        case Cast():
            return value_interval(expression.operand, known)
        case Operation(name="if", operands=(_, body, orelse)):
            return join(value_interval(body, known), value_interval(orelse, known))
        case Operation() if expression.type.dtype in INTEGER_LIMITS:
            name = "neg" if expression.name == "-" and len(expression.operands) == 1 else ""
            parts = (value_interval(each, known) for each in expression.operands)
            return _apply(name or expression.name.removeprefix("numpy."), *parts)
        case Number() | Load() | Operation():
            return None


def is_within(inner: Interval | None, outer: Interval) -> bool:
    """Return whether `inner` is known and lies in `outer`."""
    return inner is not None and outer[0] <= inner[0] and inner[1] <= outer[1]


def may_be(interval: Interval | None, value: int) -> bool:
    """Return whether an integer in `interval` may equal `value`."""
    return interval is None or interval[0] <= value <= interval[1]


def join(left: Interval | None, right: Interval | None) -> Interval | None:
    """Return the smallest interval that holds both."""
    if left is None or right is None:
        return None
    return min(left[0], right[0]), max(left[1], right[1])


def _apply(name: str, *parts: Interval | None) -> Interval | None:
    known = [part for part in parts if part is not None]
    rule = _RULES.get(name)
    return None if rule is None or len(known) < len(parts) else rule(*known)


def _corners(function: Callable[[int, int], int]) -> Callable[[Interval, Interval], Interval]:
    """Return the rule of a function that is monotone in each operand separately."""

    def rule(left: Interval, right: Interval) -> Interval:
        values = [function(first, second) for first, second in product(left, right)]
        return min(values), max(values)

    return rule


def _floor_division(left: Interval, right: Interval) -> Interval:
    # Monotone on either side of zero; dividing by zero gives 0 (NumPy) or fails (Python).
    ends = [end for end in (*right, 1, -1) if end and right[0] <= end <= right[1]]
    values = [first // second for first in left for second in ends]
    if right[0] <= 0 <= right[1]:
        values.append(0)
    return min(values), max(values)


def _modulo(left: Interval, right: Interval) -> Interval:
    if left[0] >= 0 and right[0] > 0:
        return 0, min(left[1], right[1] - 1)
    return min(0, right[0] + 1), max(0, right[1] - 1)


def _left_shift(left: Interval, right: Interval) -> Interval | None:
    if right[0] < 0 or right[1] >= _LARGEST_SHIFT:
        return None
    return _corners(lambda x, y: x << y)(left, right)


def _right_shift(left: Interval, right: Interval) -> Interval | None:
    # NumPy's own shifts by a negative or large count fill with the sign: still between.
    if right[0] < 0:
        return min(left[0], -1 if left[0] < 0 else 0), max(left[1], 0)
    return _corners(lambda x, y: x >> min(y, _LARGEST_SHIFT))(left, right)


def _and(left: Interval, right: Interval) -> Interval | None:
    ends = [part[1] for part in (left, right) if part[0] >= 0]
    return (0, min(ends)) if ends else None


def _absolute(part: Interval) -> Interval:
    low = 0 if part[0] <= 0 <= part[1] else min(abs(part[0]), abs(part[1]))
    return low, max(abs(part[0]), abs(part[1]))


_RULES: Mapping[str, Callable[..., Interval | None]] = MappingProxyType(
    {
        "+": lambda x, y: (x[0] + y[0], x[1] + y[1]),
        "-": lambda x, y: (x[0] - y[1], x[1] - y[0]),
        "*": _corners(lambda x, y: x * y),
        "//": _floor_division,
        "%": _modulo,
        "<<": _left_shift,
        ">>": _right_shift,
        "&": _and,
        "neg": lambda x: (-x[1], -x[0]),
        "~": lambda x: (~x[1], ~x[0]),
        "abs": _absolute,
        "min": lambda *x: (min(low for low, _ in x), min(high for _, high in x)),
        "max": lambda *x: (max(low for low, _ in x), max(high for _, high in x)),
    }
)
