"""Write a condition the way a person would.

Before:  n + k <= 0 or k >= n or k == 0
After:   k == 0 or k >= n or k <= -n

Only linear comparisons are touched: one name is brought to the left, `>= x + 1` becomes `> x`,
and short alternatives come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    Binary,
    BoolOp,
    Compare,
    CompareOperator,
    Constant,
    Expression,
    Name,
    Unary,
    walk_expression,
)
from ..model.source import Span

_MIRRORED: Mapping[CompareOperator, CompareOperator] = {
    "<=": ">=", ">=": "<=", "<": ">", ">": "<", "==": "==", "!=": "!=",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sum:
    """A sum of multiples of names, without zeros, and a constant."""

    terms: Mapping[str, int]
    constant: int

    def plus(self, other: _Sum, factor: int) -> _Sum:
        terms = dict(self.terms)
        for name, value in other.terms.items():
            terms[name] = terms.get(name, 0) + factor * value
        return _Sum(
            {name: value for name, value in terms.items() if value},
            self.constant + factor * other.constant,
        )


def readable(test: Expression, names: tuple[str, ...]) -> Expression:
    """Return a test with the same value; of `names`, later ones rather stand on the left."""
    match test:
        case BoolOp():
            parts = [readable(each, names) for each in _flattened(test, test.operator)]
            parts.sort(key=lambda part: _weight(part, names))
            return replace(test, values=tuple(parts))
        case Compare():
            left, right = _linear(test.left), _linear(test.right)
            if left is not None and right is not None:
                return _comparison(test, left.plus(right, -1), names)
    return test


def negated(value: Expression) -> Expression:
    """Return minus `value`, as a sum where it is one."""
    total = _linear(value)
    if total is None:
        return Unary(operator="-", operand=value, span=value.span)
    return _expression(_Sum({}, 0).plus(total, -1), value.span)


def _flattened(test: Expression, operator: str) -> list[Expression]:
    if isinstance(test, BoolOp) and test.operator == operator:
        return [inner for each in test.values for inner in _flattened(each, operator)]
    return [test]


def _weight(test: Expression, names: tuple[str, ...]) -> tuple[bool, int, int, int]:
    """Sort key of an alternative: equalities first, few names, no signs, early names."""
    nodes = list(walk_expression(test))
    is_equality = isinstance(test, Compare) and test.operator == "=="
    used = {names.index(each.name) for each in nodes if isinstance(each, Name)}
    return not is_equality, len(used), len(nodes), min(used, default=0)


def _linear(expression: Expression) -> _Sum | None:
    match expression:
        case Constant(value=int(value)):
            return _Sum({}, value)
        case Name(name=name):
            return _Sum({name: 1}, 0)
        case Unary(operator="-"):
            inner = _linear(expression.operand)
            return None if inner is None else _Sum({}, 0).plus(inner, -1)
        case Binary(operator="+" | "-" | "*" as operator):
            left, right = _linear(expression.left), _linear(expression.right)
            if left is None or right is None:
                return None
            if operator != "*":
                return left.plus(right, 1 if operator == "+" else -1)
            if left.terms and right.terms:
                return None
            factor, inner = (right, left) if left.terms else (left, right)
            return _Sum({}, 0).plus(inner, factor.constant)
    return None


def _comparison(test: Compare, difference: _Sum, names: tuple[str, ...]) -> Expression:
    """Return `difference operator 0` with one name on the left, the test itself where none is."""
    lead = next((each for each in reversed(names) if abs(difference.terms.get(each, 0)) == 1), None)
    if lead is None:
        return test
    rising = difference.terms[lead] > 0
    rest = _Sum({n: v for n, v in difference.terms.items() if n != lead}, difference.constant)
    rest = _Sum({}, 0).plus(rest, -1 if rising else 1)
    operator = test.operator if rising else _MIRRORED[test.operator]
    if rest.terms and (operator, rest.constant) in {(">=", 1), ("<=", -1)}:
        operator, rest = ">" if operator == ">=" else "<", replace(rest, constant=0)
    return Compare(
        operator=operator,
        left=Name(name=lead, span=test.span),
        right=_expression(rest, test.span),
        span=test.span,
    )


def _expression(total: _Sum, span: Span) -> Expression:
    """Return a sum as an expression, what is added before what is taken away."""
    found: Expression | None = None
    terms = [(value, Name(name=name, span=span)) for name, value in total.terms.items()]
    for value, name in sorted(terms, key=lambda term: term[0] < 0):
        size = Constant(value=abs(value), span=span)
        product: Expression = name
        if abs(value) != 1:
            product = Binary(operator="*", left=size, right=name, span=span)
        found = _joined(found, product, value < 0, span)
    if total.constant or found is None:
        size = Constant(value=abs(total.constant) if found else total.constant, span=span)
        found = _joined(found, size, total.constant < 0 and found is not None, span)
    return found


def _joined(
    left: Expression | None,
    right: Expression,
    negative: bool,  # noqa: FBT001  # private, named by its callers
    span: Span,
) -> Expression:
    if left is None:
        return Unary(operator="-", operand=right, span=span) if negative else right
    return Binary(operator="-" if negative else "+", left=left, right=right, span=span)
