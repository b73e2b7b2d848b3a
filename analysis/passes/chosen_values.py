"""`np.where` of numbers: both values are computed, then one of them is taken.

Before:  b[i] = 2.0 * np.where(t, x, y)     After:  autopar_value_3_0 = bool(t)
                                                    autopar_value_3_1 = x
                                                    autopar_value_3_2 = y
                                                    b[i] = numpy.multiply(2.0, numpy.where(...))

What it returns is an array without axes (NumPy, numpy.where). So only where it is stored in an
array, which takes its one element, or where arithmetic makes a scalar of it, by NumPy's functions:
they warn in other words than the operators of scalars, and wrap integers silently.
Helper of the `parse` pass.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.loop_ir import (
    Assign,
    Binary,
    Call,
    Element,
    Expression,
    Unary,
    Update,
    appended_list,
    walk_expression,
)
from ..model.source import Span
from ..model.ufuncs import OPERATORS, WHERE
from .several_targets import temporary
from .truth import truth

_FUNCTIONS = {
    **{operator: name for name, operator in OPERATORS.items() if name.startswith("numpy.")},
    "-": "numpy.subtract",
    "+": "numpy.add",
}
# Of an array: `x ** 2` is computed by another function than of a scalar.
_OTHERS = frozenset(("**",))
_UNARY = {"-": "numpy.negative", "+": "numpy.positive", "~": "numpy.invert"}


def has_choice(expression: Expression) -> bool:
    """Return whether `np.where` stands in an expression."""
    return any(map(_is_choice, walk_expression(expression)))


def chosen(statement: Assign | Update) -> tuple[Assign | Update, ...]:
    """Return a statement with `np.where` after what it is given; nothing where it has no form."""
    target = statement.target
    if _is_choice(statement.value):
        if not isinstance(statement, Assign) or not isinstance(target, Element):
            return ()
        if appended_list(target.array) is not None:
            return ()
    if isinstance(target, Element):
        target = replace(target, has_tuple=True)  # a list would hold the array
    try:
        taking = _Taking(statement.span)
        value = taking.placed(statement.value)
    except _NoPlaceError:
        return ()
    return (*taking.before, replace(statement, target=target, value=value))


class _NoPlaceError(Exception):
    """An array without axes is used as no scalar would be."""


class _Taking:
    """Puts names in the place of what `np.where` is given."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.before: list[Assign] = []

    def placed(self, node: Expression) -> Expression:
        """Return `node` with functions of NumPy's where operators are given an array."""
        if not has_choice(node):
            return node
        match node:
            case Call(function=name, arguments=arguments) if name == WHERE:
                test, *values = map(self.placed, arguments)
                named = tuple(map(self.named, (truth(test), *values)))
                return replace(node, arguments=named)
            case Binary(operator=operator) if operator not in _OTHERS:
                sides = self.placed(node.left), self.placed(node.right)
                if not any(map(_is_choice, (node.left, node.right))):
                    return replace(node, left=sides[0], right=sides[1])
                return Call(function=_FUNCTIONS[operator], arguments=sides, span=node.span)
            case Unary(operator=operator) if operator in _UNARY:
                operand = self.placed(node.operand)
                if not _is_choice(node.operand):
                    return replace(node, operand=operand)
                return Call(function=_UNARY[operator], arguments=(operand,), span=node.span)
            case Call(function=name, arguments=arguments) if name.startswith("numpy."):
                return replace(node, arguments=tuple(map(self.placed, arguments)))
        raise _NoPlaceError

    def named(self, value: Expression) -> Expression:
        """Return what holds a value; one that `np.where` gave stays where it is."""
        if _is_choice(value):
            return value
        name = temporary(self.span, len(self.before))
        self.before.append(Assign(target=name, value=value, span=value.span))
        return name


def _is_choice(expression: Expression) -> bool:
    return isinstance(expression, Call) and expression.function == WHERE
