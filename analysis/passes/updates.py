"""Associative updates: statements that only accumulate into their target.

Before:  s = a[i] + s - b[i]           m = max(m, abs(r[i]))
After:   "+"                           "max"

The target stands once in the value, and every operation between it and the top of the value
is of one associative class: `-` counts as `+` where it subtracts from the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from ..model.dependence import ReductionOperator
from ..model.indirect import indirect_values
from ..model.loop_ir import (
    Assign,
    Binary,
    BoolOp,
    Call,
    Compare,
    Conditional,
    Element,
    Expression,
    Name,
    Update,
    children,
    walk_expression,
)

Extremum: TypeAlias = Literal["min", "max"]

# The class of each operator, function or connective that may be reordered, but for rounding.
_CLASSES: Mapping[str, ReductionOperator] = MappingProxyType(
    {
        "+": "+", "-": "+", "*": "*", "&": "&", "|": "|", "^": "^", "and": "and", "or": "or",
        "min": "min", "max": "max", "numpy.minimum": "min", "numpy.maximum": "max",
    }
)  # fmt: skip


def accumulating_operator(body: Assign | Update) -> ReductionOperator | None:
    """Return the operator by which `body` only accumulates into its target; None if it does not."""
    if isinstance(body.target, Element):  # `a[a[i]] += 1` reads what it updates
        subscripts = indirect_values(body.target)
        if any(_reads(each, body.target) for each in subscripts):
            return None
    match body:
        case Update():
            operator = _CLASSES.get(body.operator)
            return None if _reads(body.value, body.target) else operator
        case Assign(value=Conditional() as value):
            return _conditional(value, body)
        case Assign():
            operator = _CLASSES.get(_word(body.value))
            if operator is None or not _accumulates(body.value, body.target, _word(body.value)):
                return None
            return operator


def _conditional(value: Conditional, body: Assign) -> ReductionOperator | None:
    """Return the operator of `m = e if e > m else m`, or of `s = s + e if test else s`."""
    for kept, new, is_true in ((value.orelse, value.body, True), (value.body, value.orelse, False)):
        if not same_cell(kept, body.target):
            continue
        if not reads_of(new, body.target):
            is_alone = reads_of(value.test, body.target) == 1
            found = compared_extremum(value.test, body.target, new, is_true=is_true)
            return found if is_alone else None
        if not reads_of(value.test, body.target):
            return accumulating_operator(replace(body, value=new))
    return None


def compared_extremum(
    test: Expression, target: Name | Element, value: Expression, *, is_true: bool = True
) -> Extremum | None:
    """Return which extremum the target becomes where it gets `value` if `test` is `is_true`."""
    if not isinstance(test, Compare) or test.operator in {"==", "!="}:
        return None
    pairs = ((test.left, test.right, False), (test.right, test.left, True))
    for new, old, is_flipped in pairs:
        if same_cell(old, target) and same_expression(new, value):
            is_less = test.operator.startswith("<") != is_flipped
            return "min" if is_less == is_true else "max"
    return None


def reads_of(expression: Expression, target: Name | Element) -> int:
    """Return how often `expression` reads the array or scalar that `target` belongs to."""
    name = target_name(target)
    return sum(
        (isinstance(node, Name) and node.name == name)
        or (isinstance(node, Element) and node.array == name)
        for node in walk_expression(expression)
    )


def _word(expression: Expression) -> str:
    """Return what an expression does with its operands: an operator or the name of a function."""
    match expression:
        case Binary() | BoolOp():
            return expression.operator
        case Call():
            return expression.function
    return ""


def _accumulates(value: Expression, target: Name | Element, word: str) -> bool:
    """Return whether `value` is the target combined, once or several times, by the class of `word`.

    Functions must be the same all along: `min` and `np.minimum` treat nan in two ways.
    """
    if same_cell(value, target):
        return True
    here = _word(value)
    is_alike = _CLASSES.get(here) == _CLASSES.get(word) and ("." in here) == ("." in word)
    if not is_alike or not here:
        return False
    operands = children(value)
    inner = [each for each in operands if _reads(each, target)]
    if len(inner) != 1 or (here == "-" and inner[0] is not operands[0]):
        return False
    return len(operands) > 1 and _accumulates(inner[0], target, word)


def same_cell(expression: Expression, target: Name | Element) -> bool:
    """Return whether `expression` reads exactly what `target` names."""
    match expression, target:
        case Name(), Name():
            return expression.name == target.name
        case Element(), Element():
            return (
                expression.array == target.array
                and len(expression.indices) == len(target.indices)
                and all(map(same_expression, expression.indices, target.indices))
            )
    return False


def same_expression(left: Expression, right: Expression) -> bool:
    """Return whether two expressions are the same but for where they stand."""
    return _without_spans(left) == _without_spans(right)


def _without_spans(expression: Expression) -> object:
    """Return a value equal for expressions that differ only in where they stand."""
    kind = type(expression).__name__
    parts: list[object] = [kind]
    for field in expression.__dataclass_fields__:
        if field == "span":
            continue
        value = getattr(expression, field)
        if isinstance(value, tuple):
            parts.append(tuple(_without_spans(each) for each in value))
        elif hasattr(value, "__dataclass_fields__"):
            parts.append(_without_spans(value))
        else:
            parts.append((type(value).__name__, value))
    return tuple(parts)


def _reads(expression: Expression, target: Name | Element) -> bool:
    """Return whether `expression` reads the array or scalar that `target` belongs to."""
    return target_name(target) in names_read(expression)


def names_read(expression: Expression) -> frozenset[str]:
    """Return the scalars and arrays that `expression` reads, subscripts included."""
    return frozenset(
        node.name if isinstance(node, Name) else node.array
        for node in walk_expression(expression)
        if isinstance(node, Name | Element)
    )


def target_name(target: Name | Element) -> str:
    """Return the name of the array or scalar."""
    return target.name if isinstance(target, Name) else target.array
