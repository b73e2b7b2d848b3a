"""Quasi-affine forms: integer expressions as isl understands them.

Before:  2 * i + (n - 1) // 2          After:  the text "2*i + floor((n - 1)/2)"
Before:  max(i - 1, 0)                 After:  the text "max(i - 1, 0)"

An expression is quasi-affine when it is a sum of constant multiples of loop variables,
parameters, and floors and remainders of such sums by positive constants (isl manual,
"quasi-affine expressions"). The builtins `min`, `max` and `abs` of such sums are piecewise
quasi-affine, and isl's text knows them too.
"""

from __future__ import annotations

from collections.abc import Mapping

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Constant,
    Expression,
    Extent,
    Name,
    Unary,
    walk_expression,
)

# Coefficients and constants beyond this could make index arithmetic leave 64 bits although
# every parameter stays within 32 (see `passes.ranges`).
_LARGEST_COEFFICIENT = 2**20
_LARGEST_CONSTANT = 2**31
# isl answers nothing in time, and heeds no limit, where many remainders meet in one space.
_MOST_DIVISIONS = 2
# Each makes two pieces of every piece.
_MOST_EXTREMA = 4


@dataclass(frozen=True, slots=True)
class Affine:
    """A sum of terms; a term is an isl atom, such as `i` or `floor((n - 1)/2)`."""

    terms: tuple[tuple[str, int], ...]  # (atom, coefficient), sorted, no zero coefficient
    constant: int

    def __str__(self) -> str:
        parts = [atom if factor == 1 else f"{factor}*{atom}" for atom, factor in self.terms]
        if self.constant or not parts:
            parts.append(str(self.constant))
        return " + ".join(parts).replace("+ -", "- ")

    @property
    def is_constant(self) -> bool:
        """Whether the form has no terms."""
        return not self.terms


def number(value: int) -> Affine:
    """Return the constant form."""
    return Affine(terms=(), constant=value)


def atom(name: str) -> Affine:
    """Return the form that is one isl atom."""
    return Affine(terms=((name, 1),), constant=0)


def plus(left: Affine, right: Affine, factor: int = 1) -> Affine:
    """Return `left + factor * right`."""
    terms = dict(left.terms)
    for name, coefficient in right.terms:
        terms[name] = terms.get(name, 0) + factor * coefficient
    kept = tuple(sorted((name, value) for name, value in terms.items() if value))
    return Affine(terms=kept, constant=left.constant + factor * right.constant)


def affine(expression: Expression, atoms: Mapping[str, str]) -> Affine | None:
    """Return the quasi-affine form of `expression`, or None where it has none.

    `atoms` maps the text of names and extents (`name_of`) to isl identifiers.
    """
    form = _form(expression, atoms)
    if form is None or abs(form.constant) > _LARGEST_CONSTANT:
        return None
    text = str(form)
    divisions = text.count(") mod ") + text.count("floor((")
    extrema = text.count("min(") + text.count("max(")
    fits = all(abs(c) <= _LARGEST_COEFFICIENT for _, c in form.terms)
    fits = fits and divisions <= _MOST_DIVISIONS and extrema <= _MOST_EXTREMA
    return form if fits else None


def has_form(expression: Expression) -> bool:
    """Return whether `expression` is quasi-affine, were all its names integers that stay."""
    leaves = (each for each in walk_expression(expression) if isinstance(each, Name | Extent))
    return affine(expression, {name_of(each): name_of(each) for each in leaves}) is not None


def name_of(expression: Name | Extent) -> str:
    """Return the key under which a name or extent stands in `atoms`, as Python text."""
    match expression:
        case Name():
            return expression.name
        case Extent():
            return f"{expression.array}.shape[{expression.axis}]"


def _form(expression: Expression, atoms: Mapping[str, str]) -> Affine | None:
    match expression:
        case Constant(value=bool()):
            return None  # True is an index, but nobody means it as one
        case Constant(value=int(value)):
            return number(value)
        case Name() | Extent():
            known = atoms.get(name_of(expression))
            return None if known is None else atom(known)
        case Unary(operator="-"):
            inner = _form(expression.operand, atoms)
            return None if inner is None else plus(number(0), inner, -1)
        case Unary(operator="+"):
            return _form(expression.operand, atoms)
        case Binary():
            left, right = _form(expression.left, atoms), _form(expression.right, atoms)
            return None if left is None or right is None else _binary(expression, left, right)
        case Call(function="min" | "max" | "abs"):
            forms = [_form(each, atoms) for each in expression.arguments]
            parts = [form for form in forms if form is not None]
            return None if len(parts) < len(forms) else _extremum(expression.function, parts)
    return None


def _extremum(function: str, parts: list[Affine]) -> Affine | None:
    """Return the form of `min`, `max` or `abs` of some forms, as one atom."""
    if function == "abs":
        if len(parts) != 1:
            return None
        parts, function = [parts[0], plus(number(0), parts[0], -1)], "max"
    if len(parts) < 2:  # of an iterable
        return None
    if all(part.is_constant for part in parts):
        return number((min if function == "min" else max)(part.constant for part in parts))
    return atom(f"{function}({', '.join(map(str, parts))})")


def _binary(expression: Binary, left: Affine, right: Affine) -> Affine | None:
    match expression.operator:
        case "+":
            return plus(left, right)
        case "-":
            return plus(left, right, -1)
        case "*" if right.is_constant:
            return plus(number(0), left, right.constant)
        case "*" if left.is_constant:
            return plus(number(0), right, left.constant)
        case "//" if right.is_constant and right.constant > 0:
            if left.is_constant:
                return number(left.constant // right.constant)
            if _is_long(left, right.constant):
                return None
            return atom(f"floor(({left})/{right.constant})")
        case "%" if right.is_constant and right.constant > 0:
            if left.is_constant:
                return number(left.constant % right.constant)
            if _is_long(left, right.constant):
                return None
            return atom(f"(({left}) mod {right.constant})")
    return None


def _is_long(form: Affine, divisor: int) -> bool:
    """Return whether a division by `divisor` makes numbers that isl takes long to pivot with."""
    largest = max(abs(coefficient) for _, coefficient in form.terms)
    return divisor > _LARGEST_COEFFICIENT or largest * divisor > _LARGEST_CONSTANT


def constraint(test: Expression, atoms: Mapping[str, str]) -> str | None:
    """Return an isl constraint that holds exactly where `test` does, or None."""
    match test:
        case Constant(value=bool(value)):
            return "0 = 0" if value else "0 = 1"
        case BoolOp():
            parts = [constraint(each, atoms) for each in test.values]
            known = [part for part in parts if part is not None]
            return None if len(known) < len(parts) else f"({f' {test.operator} '.join(known)})"
        case Unary(operator="not"):
            inner = constraint(test.operand, atoms)
            return None if inner is None else f"not ({inner})"
        case Compare():
            return _comparison(test, atoms)
    return None


def _comparison(test: Compare, atoms: Mapping[str, str]) -> str | None:
    left, right = affine(test.left, atoms), affine(test.right, atoms)
    if left is None or right is None:
        return None
    operator = {"==": "=", "!=": "!="}.get(test.operator, test.operator)
    return f"{left} {operator} {right}"


def bound(variable: str, operator: str, limit: Expression, atoms: Mapping[str, str]) -> str | None:
    """Return `variable operator limit` as an isl constraint; `limit` may use min and max."""
    match limit:
        case Call(function="min" | "max") if len(limit.arguments) > 1:
            parts = [bound(variable, operator, each, atoms) for each in limit.arguments]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            # Above the largest means above all of them; above the smallest, above one.
            above = operator.startswith(">")
            word = "and" if above == (limit.function == "max") else "or"
            return f"({f' {word} '.join(known)})"
    form = affine(limit, atoms)
    return None if form is None else f"{variable} {operator} {form}"
