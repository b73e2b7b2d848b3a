"""Subscripts that are data: `a[idx[i]]`, `h[k + 1]` with a `k` that was read from an array.

Before:  a[idx[i], j]        After:  a[indirect(idx[i]), j], any cell of column j to the model

The mark stands around a subscript of a statement's body; what is inside is a value like any
other, with its own reads and its own type.
"""

from __future__ import annotations

from .loop_ir import Call, Element, Expression, children

# No function of the user has this name; what does not know it finds no affine form.
INDIRECT = "indirect"


def indirect(value: Expression) -> Call:
    """Return the subscript whose value is computed as `value`."""
    return Call(function=INDIRECT, arguments=(value,), span=value.span)


def indirect_value(subscript: Expression) -> Expression | None:
    """Return what an indirect subscript is computed from; None for any other subscript."""
    match subscript:
        case Call(function=name, arguments=(value,)) if name == INDIRECT:
            return value
    return None


def indirect_values(element: Element) -> tuple[Expression, ...]:
    """Return what the indirect subscripts of `element` are computed from."""
    found = (indirect_value(index) for index in element.indices)
    return tuple(value for value in found if value is not None)


def value_children(expression: Expression) -> tuple[Expression, ...]:
    """Return the operands of `expression` that are values; affine subscripts are none."""
    if isinstance(expression, Element):
        return indirect_values(expression)
    return children(expression)
