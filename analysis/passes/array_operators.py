"""Operations on whole arrays as NumPy's functions of their elements.

Before:  -u[:] ** 2 + c                After:  numpy.add(numpy.negative(numpy.square(u)), c)

An operator with an array on either side is the function of that name; its warnings say so, and
integers wrap without one. What stands between scalars alone stays as it is. Helper of the
`array_statements` pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..model.loop_ir import (
    COPY,
    Binary,
    Call,
    Compare,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Unary,
    children,
)
from ..model.ufuncs import FUNCTIONS

_BINARY: Mapping[str, str] = MappingProxyType(
    {
        "+": "numpy.add", "-": "numpy.subtract", "*": "numpy.multiply", "/": "numpy.divide",
        "//": "numpy.floor_divide", "%": "numpy.remainder", "<<": "numpy.left_shift",
        ">>": "numpy.right_shift", "&": "numpy.bitwise_and", "|": "numpy.bitwise_or",
        "^": "numpy.bitwise_xor", "<": "numpy.less", "<=": "numpy.less_equal",
        ">": "numpy.greater", ">=": "numpy.greater_equal", "==": "numpy.equal",
        "!=": "numpy.not_equal", "**": "numpy.power",
    }
)  # fmt: skip
_UNARY: Mapping[str, str] = MappingProxyType(
    {"-": "numpy.negative", "+": "numpy.positive", "~": "numpy.invert"}
)
# What NumPy computes a power of floats as, if the exponent is one of these.
_POWERS: Mapping[float, str] = MappingProxyType({2: "numpy.square"})
# Functions that take several steps, of which each has its own type rules for arrays.
_OF_SCALARS = frozenset(("numpy.clip", "numpy.round", "numpy.real", "numpy.conjugate"))

IsArray = Callable[[Expression], bool]


def operation(node: Expression, is_array: IsArray) -> Expression | None:
    """Return an operation one of whose operands is an array, as a function of its elements.

    `is_array` tells for each operand; None where arrays have no such operation.
    """
    match node:
        case Binary(operator="**", left=left, right=right):
            return _power(node, left, right, is_array)
        case Binary(operator=operator) | Compare(operator=operator):
            operands = (node.left, node.right)
            return Call(function=_BINARY[operator], arguments=operands, span=node.span)
        case Unary(operator=operator, operand=operand) if operator in _UNARY:
            return Call(function=_UNARY[operator], arguments=(operand,), span=node.span)
        case Call(function="abs", arguments=(operand,)):
            return Call(function="numpy.absolute", arguments=(operand,), span=node.span)
        case Call(function=function, arguments=(operand,)) if function == COPY:
            return operand
        case Call(function=name) if name in FUNCTIONS - _OF_SCALARS:
            return node
    return None


def _power(
    node: Binary, base: Expression, exponent: Expression, is_array: IsArray
) -> Expression | None:
    """Return a power: NumPy takes a shorter way where the exponent is one of a few numbers."""
    if not is_array(base) or is_array(exponent):
        return Call(function="numpy.power", arguments=(base, exponent), span=node.span)
    match exponent:
        case Constant(value=int() | float() as value) if value in _POWERS:
            return Call(function=_POWERS[value], arguments=(base,), span=node.span)
        case Constant(value=int() | float() as value) if value > 1:  # no shorter way
            return Call(function="numpy.power", arguments=(base, exponent), span=node.span)
    return None


def is_bare(expression: Expression) -> bool:
    """Return whether computing a scalar can neither raise nor warn."""
    if isinstance(expression, Element):
        return True  # in range, or the statement is not taken over
    if isinstance(expression, Constant | Name | Extent):
        return True
    return isinstance(expression, Unary) and all(map(is_bare, children(expression)))
