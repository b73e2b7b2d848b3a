"""Integer expressions with known values worked out, in the operators that kernels know.

Before:  i << 3, (4 - 1) * i, i // -2, i % (2**2)      After:  i * 8, 3 * i, -i // 2, i % 4

Helper of the `build_scop` pass. Operands are loop variables, parameters and extents, which are
exact integers; a shift of an array's element could wrap in its dtype, so others are left alone.
"""

from __future__ import annotations

from ..model.loop_ir import (
    Binary,
    Call,
    Constant,
    Expression,
    Extent,
    Name,
    Unary,
    walk_expression,
)
from .name_uses import NameUses
from .substitution import rebuilt

# A larger exponent or shift makes a number that no subscript and no bound can be.
_LARGEST_SHIFT = 62


def folded(expression: Expression, uses: NameUses) -> Expression:
    """Return `expression` with constants worked out, and only `+ - * // %` by positive ones."""
    expression = rebuilt(expression, lambda node: folded(node, uses))
    match expression:
        case Unary(operator="-", operand=Constant(value=value)) if _is_int(value):
            return Constant(value=-value, span=expression.span)
        case Binary(left=Constant(value=left), right=Constant(value=right)):
            number = _number(expression.operator, left, right)
            return expression if number is None else Constant(value=number, span=expression.span)
        case Binary(right=Constant(value=right)) if _is_int(right):
            if _is_exact(expression.left, uses):
                return _canonical(expression, int(right.real))
    return expression


def _is_int(value: complex) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_exact(expression: Expression, uses: NameUses) -> bool:
    """Return whether every leaf is a loop variable, a parameter, an extent or an integer."""
    return all(
        (isinstance(node, Name) and node.name not in uses.assigned)
        or (isinstance(node, Constant) and _is_int(node.value))
        or isinstance(node, Extent | Unary | Binary)
        or (isinstance(node, Call) and node.function in {"min", "max", "abs"})
        for node in walk_expression(expression)
    )


def _number(operator: str, left: complex, right: complex) -> int | None:
    """Return what Python makes of two integers; None where that is no integer, or too large."""
    if not isinstance(left, int) or not isinstance(right, int):
        return None
    if isinstance(left, bool) or isinstance(right, bool):
        return None
    number = _exact(operator, left, right)
    # NumPy's integers would have wrapped.
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _exact(operator: str, left: int, right: int) -> int | None:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "//" if right:
            return left // right
        case "%" if right:
            return left % right
        case "<<" if 0 <= right <= _LARGEST_SHIFT:
            return left << right
        case ">>" if right >= 0:
            return left >> right
        case "**" if 0 <= right <= _LARGEST_SHIFT:
            return int(left**right)
    return None


def _canonical(expression: Binary, right: int) -> Expression:
    """Return `left operator right` with an operator that kernels know, the divisor positive."""
    left, span = expression.left, expression.span
    number = Constant(value=abs(right), span=span)
    match expression.operator:
        case "<<" if 0 <= right <= _LARGEST_SHIFT:
            return Binary(
                operator="*", left=left, right=Constant(value=1 << right, span=span), span=span
            )
        case ">>" if 0 <= right <= _LARGEST_SHIFT:
            return Binary(
                operator="//", left=left, right=Constant(value=1 << right, span=span), span=span
            )
        case "//" if right < 0:
            mirrored = Unary(operator="-", operand=left, span=span)
            return Binary(operator="//", left=mirrored, right=number, span=span)
        case "%" if right < 0:
            mirrored = Unary(operator="-", operand=left, span=span)
            rest = Binary(operator="%", left=mirrored, right=number, span=span)
            return Unary(operator="-", operand=rest, span=span)
    return expression
