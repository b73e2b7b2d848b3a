"""Subscripts and extents as the model needs them.

Before:  j = 2 * i; a[j] + b.shape[-1]         After:  a[2 * i] + b.shape[1]
Before:  k = idx[i]; y[k] + y[idx[i]]          After:  y[indirect(k)] + y[indirect(idx[i])]
Before:  y[i * j]                              After:  y[indirect(i * j)]

Helper of the `build_scop` pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..model.indirect import indirect
from ..model.loop_ir import (
    Binary,
    Call,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Unary,
    walk_expression,
)
from .affine import has_form, name_of
from .folding import folded
from .name_uses import NameUses
from .substitution import rebuilt, substituted

_INTEGER_OPERATORS = frozenset(("+", "-", "*", "//", "%", "<<", ">>", "&", "|", "^"))


def integer(expression: Expression, known: Mapping[str, Expression], uses: NameUses) -> Expression:
    """Return a bound or test with known scalars, values and ranks put in."""
    return folded(resolved(substituted(expression, known), known, uses), uses)


def resolved(expression: Expression, known: Mapping[str, Expression], uses: NameUses) -> Expression:
    """Return `expression` with subscripts over loop variables and parameters, or indirect ones."""

    def visit(node: Expression) -> Expression:
        match node:
            case Element():
                indices = tuple(_subscript(index, known, uses) for index in node.indices)
                return replace(node, indices=indices)
            case Extent():
                return _known_extent(node, known, uses)
        return rebuilt(node, visit)

    return visit(expression)


def _subscript(index: Expression, known: Mapping[str, Expression], uses: NameUses) -> Expression:
    put_in = substituted(index, known)
    if any(_is_data(node, uses) for node in walk_expression(put_in)):
        # Its scalars stay variables: they have types of their own, and a NumPy integer wraps.
        return indirect(resolved(index, known, uses))
    whole = folded(resolved(put_in, known, uses), uses)
    if _is_integer(whole) and not has_form(whole):
        # No affine form, but an integer that can be computed: data, to the model.
        return indirect(resolved(index, known, uses))
    return whole


def _is_integer(expression: Expression) -> bool:
    """Return whether `expression` is an integer wherever its names are."""
    match expression:
        case Constant(value=value):
            return type(value) is int
        case Name() | Extent():
            return True
        case Unary(operator="-" | "+" | "~"):
            return _is_integer(expression.operand)
        case Binary(operator="**", left=left, right=Constant(value=int(exponent))):
            return exponent >= 0 and _is_integer(left)
        case Binary(operator=operator, left=left, right=right):
            return operator in _INTEGER_OPERATORS and _is_integer(left) and _is_integer(right)
        case Call(function="min" | "max" | "abs"):
            return all(map(_is_integer, expression.arguments))
        case Call(function="int" | "math.floor" | "math.ceil" | "math.trunc"):
            return True
    return False


def _is_data(node: Expression, uses: NameUses) -> bool:
    return isinstance(node, Element) or (isinstance(node, Name) and node.name in uses.assigned)


def _known_extent(extent: Extent, known: Mapping[str, Expression], uses: NameUses) -> Expression:
    """Return the value of an extent if it is known, else the extent itself.

    That of an array which the nest allocates is what the nest allocates.
    """
    if extent.array in uses.shapes:
        allocated = integer(uses.shapes[extent.array][extent.axis], known, uses)
        return replace(allocated, span=extent.span)
    counted = counted_extent(extent, uses)
    value = known.get(name_of(counted))
    return counted if value is None else replace(value, span=extent.span)


def counted_extent(extent: Extent, uses: NameUses) -> Extent:
    """Return an extent with its axis counted from the first, if the rank is known."""
    axis = extent.axis + uses.ranks.get(extent.array, (0,))[0]
    # An axis before the first one stays as written: it raises, and a guard finds out.
    return replace(extent, axis=axis) if extent.axis < 0 <= axis else extent
