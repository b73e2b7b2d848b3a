"""Integer expressions of the loop tree: substitution, simplification, comparison.

Maps loop IR expressions to simpler ones of the same value: `(n - 1) + 1` to `n`. What is not
linear (`//`, `%`, `min`, `max`) is kept as one term.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from autopar.analysis.model.loop_ir import (
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
    children,
)
from autopar.analysis.model.source import Span

# Coefficient of each term that is not a constant, and the constant.
Linear = tuple[dict[Expression, int], int]


def substitute(expression: Expression, values: Mapping[Expression, Expression]) -> Expression:
    """Return `expression` with every occurrence of a key of `values` replaced.

    Keys are names and extents; they are compared without their spans.
    """
    match expression:
        case Name() | Extent():
            return values.get(without_span(expression), expression)
        case Constant():
            return expression
        case Element():
            indices = tuple(substitute(each, values) for each in expression.indices)
            return replace(expression, indices=indices)
        case Slice():
            raise AssertionError(f"loops stand in the place of {expression}")
        case Unary():
            return replace(expression, operand=substitute(expression.operand, values))
        case Binary() | Compare():
            left = substitute(expression.left, values)
            return replace(expression, left=left, right=substitute(expression.right, values))
        case BoolOp():
            operands = tuple(substitute(each, values) for each in expression.values)
            return replace(expression, values=operands)
        case Conditional():
            test, body, orelse = (substitute(each, values) for each in children(expression))
            return replace(expression, test=test, body=body, orelse=orelse)
        case Call():
            arguments = tuple(substitute(each, values) for each in expression.arguments)
            return replace(expression, arguments=arguments)


NOWHERE = Span(line=0, column=0, end_line=0, end_column=0)


def without_span(leaf: Name | Extent) -> Name | Extent:
    """Return `leaf` as it would stand nowhere, so that equal leaves compare equal."""
    return replace(leaf, span=NOWHERE)


def rename(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """Return `expression` with the names in `values` replaced."""
    keys: dict[Expression, Expression] = {
        Name(name=name, span=NOWHERE): value for name, value in values.items()
    }
    return substitute(expression, keys)


def linear(expression: Expression) -> Linear:
    """Return `expression` as coefficients of its terms and a constant."""
    match expression:
        case Constant(value=int(number)):
            return {}, number
        case Unary(operator="-", operand=operand):
            return _scaled(linear(operand), -1)
        case Binary(operator="+", left=left, right=right):
            return _sum(linear(left), linear(right))
        case Binary(operator="-", left=left, right=right):
            return _sum(linear(left), _scaled(linear(right), -1))
        case Binary(operator="*", left=left, right=right):
            return _product(expression, linear(left), linear(right))
    return {expression: 1}, 0


def _scaled(form: Linear, factor: int) -> Linear:
    terms, constant = form
    return {term: factor * number for term, number in terms.items()}, factor * constant


def _sum(left: Linear, right: Linear) -> Linear:
    terms = dict(left[0])
    for term, number in right[0].items():
        terms[term] = terms.get(term, 0) + number
    return {term: number for term, number in terms.items() if number}, left[1] + right[1]


def _product(expression: Expression, left: Linear, right: Linear) -> Linear:
    if not left[0]:
        return _scaled(right, left[1]) if left[1] else ({}, 0)
    if not right[0]:
        return _scaled(left, right[1]) if right[1] else ({}, 0)
    return {expression: 1}, 0


def difference(left: Expression, right: Expression) -> int | None:
    """Return `left - right` where it is one number for all values of the names."""
    terms, constant = _sum(linear(left), _scaled(linear(right), -1))
    return None if terms else constant


def simplify(expression: Expression, span: Span) -> Expression:
    """Return an expression of the same value with like terms gathered, positive ones first."""
    match expression:
        case Binary(operator="//" | "%") | Compare():
            left, right = simplify(expression.left, span), simplify(expression.right, span)
            return replace(expression, left=left, right=right)
        case Call():
            arguments = tuple(simplify(each, span) for each in expression.arguments)
            return replace(expression, arguments=arguments)
        case BoolOp():
            operands = tuple(simplify(each, span) for each in expression.values)
            return replace(expression, values=operands)
    return from_linear(linear(expression), span)


def from_linear(form: Linear, span: Span) -> Expression:
    """Return the expression that `form` stands for."""
    terms, constant = form
    signed = [(number > 0, _term(term, abs(number), span)) for term, number in terms.items()]
    signed.sort(key=lambda each: not each[0])  # stable: positive terms first
    if constant or not signed:
        number = Constant(value=abs(constant), span=span)
        has_positive = bool(signed) and signed[0][0]
        signed.insert(len(signed) if has_positive else 0, (constant >= 0, number))
    (is_positive, result), *others = signed
    if not is_positive:
        result = Unary(operator="-", operand=result, span=span)
    for is_added, each in others:
        result = Binary(operator="+" if is_added else "-", left=result, right=each, span=span)
    return result


def _term(term: Expression, factor: int, span: Span) -> Expression:
    if factor == 1:
        return term
    number = Constant(value=factor, span=span)
    return Binary(operator="*", left=number, right=term, span=span)


_OPERATORS: Mapping[str, ast.operator] = MappingProxyType(
    {
        "+": ast.Add(),
        "-": ast.Sub(),
        "*": ast.Mult(),
        "//": ast.FloorDiv(),
        "%": ast.Mod(),
    }
)
_COMPARISONS: Mapping[str, ast.cmpop] = MappingProxyType(
    {
        "<": ast.Lt(),
        "<=": ast.LtE(),
        ">": ast.Gt(),
        ">=": ast.GtE(),
        "==": ast.Eq(),
        "!=": ast.NotEq(),
    }
)
_UNARY: Mapping[str, ast.unaryop] = MappingProxyType(
    {"-": ast.USub(), "+": ast.UAdd(), "not": ast.Not()}
)


def text(expression: Expression, names: Mapping[str, str]) -> str:
    """Return `expression` as Python; names that stand in `names` are spelled as there."""
    return ast.unparse(_syntax(expression, names))


def _syntax(expression: Expression, names: Mapping[str, str]) -> ast.expr:
    match expression:
        case Constant():
            return ast.Constant(expression.value)
        case Name():
            return ast.Name(names.get(expression.name, expression.name))
        case Unary():
            return ast.UnaryOp(_UNARY[expression.operator], _syntax(expression.operand, names))
        case Binary():
            left, right = _syntax(expression.left, names), _syntax(expression.right, names)
            return ast.BinOp(left, _OPERATORS[expression.operator], right)
        case Compare():
            left, right = _syntax(expression.left, names), _syntax(expression.right, names)
            return ast.Compare(left, [_COMPARISONS[expression.operator]], [right])
        case BoolOp():
            operator = ast.And() if expression.operator == "and" else ast.Or()
            return ast.BoolOp(operator, [_syntax(each, names) for each in expression.values])
        case Call():
            arguments = [_syntax(each, names) for each in expression.arguments]
            return ast.Call(ast.Name(expression.function), arguments, [])
        case Extent() | Element() | Slice() | Conditional():
            raise AssertionError(f"{expression} is no integer expression of a loop tree")
