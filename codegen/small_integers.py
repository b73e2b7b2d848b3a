"""A loop for integers that are small, as nearly all are: its products cannot overflow.

Before:  for i: z[i] = checked(x[i] * y[i]) + 7
After:   for i: z[i] = x[i] * y[i] + 7; wide |= size of x[i], y[i]
         if wide: the loop as it was, again

To find out whether a product of 64 bits wraps takes three times as long as the product. Where
both factors lie in 32 bits it does not, and whether they all do is one test for the whole loop.
The loop may run again because nothing that it stores is read by it; both compute the same values.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TypeAlias

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    INTEGER_WARNING,
    WRAPS,
    Cast,
    Computed,
    Load,
    Number,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    Variable,
    walk_statement,
)
from autopar.analysis.model.types import INTEGER_LIMITS

from .kernel import Decision, Instance, Loop, Node, walk_nodes

Interval: TypeAlias = tuple[int, int]

SMALL: Interval = (-(2**31), 2**31 - 1)  # what `wide` says of every value that it was told
_DTYPE = "int64"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallLoop:
    """A loop without the checks that small values do not need."""

    loop: Loop
    told: dict[str, tuple[Load, ...]]  # by instance: the values whose size it depends on


def with_small_integers(loop: Loop) -> SmallLoop | None:
    """Return `loop` for small integers; None where that would save no product its check."""
    nodes = list(walk_nodes((loop,)))
    inner = [each for each in nodes if isinstance(each, Loop)]
    if any(each.stays or each.is_endless or each.within or each.is_reduced for each in inner):
        return None
    instances = [each for each in nodes if isinstance(each, Instance)]
    known = _Known(_set_once(instances))
    proven = {each.name: known.statement(each.statement) for each in instances}
    if not known.saves_products:
        return None
    told = {each.name: _loads(each.statement) for each in instances}
    (small,) = _replaced((loop,), proven)
    assert isinstance(small, Loop)  # as it was
    return SmallLoop(loop=small, told=told)


def _set_once(instances: list[Instance]) -> frozenset[str]:
    """Return the scalars that one statement alone assigns."""
    found = [e.statement.name for e in instances if isinstance(e.statement, SetVariable)]
    return frozenset(name for name in found if found.count(name) == 1)


def _is_small(load: Load) -> bool:
    """Return whether the size of an element is told, so that it may be taken to be small."""
    return load.type.dtype == _DTYPE and not any(isinstance(e, Computed) for e in load.indices)


def _loads(statement: TypedStatement) -> tuple[Load, ...]:
    found = (each for each in walk_statement(statement) if isinstance(each, Load))
    return tuple(each for each in found if _is_small(each))


def _replaced(nodes: tuple[Node, ...], proven: dict[str, TypedStatement]) -> tuple[Node, ...]:
    found: list[Node] = []
    for node in nodes:
        match node:
            case Instance():
                found.append(replace(node, statement=proven[node.name]))
            case Decision():
                body, orelse = _replaced(node.body, proven), _replaced(node.orelse, proven)
                found.append(replace(node, body=body, orelse=orelse))
            case _:
                found.append(replace(node, body=_replaced(node.body, proven)))
    return tuple(found)


class _Known:
    """Proves statements in their order, by the intervals of what they compute."""

    def __init__(self, set_once: frozenset[str]) -> None:
        self._set_once = set_once
        self._scalars: dict[str, Interval] = {}
        self.saves_products = False

    def statement(self, statement: TypedStatement) -> TypedStatement:
        """Return a statement without the checks that small integers do not need."""
        if not isinstance(statement, SetVariable | Store):
            return statement
        value, interval = self._expression(statement.value)
        if isinstance(statement, SetVariable) and statement.name in self._set_once and interval:
            self._scalars[statement.name] = interval
        return replace(statement, value=value)

    def _expression(self, expression: TypedExpression) -> tuple[TypedExpression, Interval | None]:
        """Return an expression without checks, and the interval of an integer."""
        match expression:
            case Number(value=bool() | int() as value):
                return expression, (int(value), int(value))
            case Load() if _is_small(expression):
                return expression, SMALL
            case Variable():
                return expression, self._scalars.get(expression.name, _limits(expression))
            case Cast():
                operand, interval = self._expression(expression.operand)
                widens = interval is not None and _is_within(interval, _limits(expression))
                return replace(expression, operand=operand), interval if widens else None
            case Operation():
                return self._operation(expression)
            case _:
                return expression, _limits(expression)

    def _operation(self, operation: Operation) -> tuple[Operation, Interval | None]:
        pairs = [self._expression(each) for each in operation.operands]
        found = replace(operation, operands=tuple(each for each, _ in pairs))
        interval = _computed(operation.name, [each for _, each in pairs])
        if interval is None or not _is_within(interval, _limits(operation)):
            return found, None
        if operation.hazards & INTEGER_WARNING:
            self.saves_products |= operation.name == "*"
            # Where values are not small it may wrap, and then goes on as the loop with checks.
            wraps = WRAPS if operation.type.dtype == _DTYPE else 0
            found = replace(found, hazards=operation.hazards & ~INTEGER_WARNING | wraps)
        return found, interval


def _limits(expression: TypedExpression) -> Interval | None:
    return INTEGER_LIMITS.get(expression.type.dtype)


def _is_within(inner: Interval, outer: Interval | None) -> bool:
    return outer is not None and outer[0] <= inner[0] and inner[1] <= outer[1]


def _computed(name: str, parts: list[Interval | None]) -> Interval | None:
    """Return the interval of an operation as if nothing limited it; None where it is not known."""
    known = [each for each in parts if each is not None]
    if len(known) < len(parts):
        return None
    match name, known:
        case "-", [(low, high)]:
            return -high, -low
        case "+", [first, second]:
            return first[0] + second[0], first[1] + second[1]
        case "-", [first, second]:
            return first[0] - second[1], first[1] - second[0]
        case "*", [first, second]:
            corners = [one * other for one, other in product(first, second)]
            return min(corners), max(corners)
    return None
