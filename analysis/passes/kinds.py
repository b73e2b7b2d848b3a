"""Python numbers that become NumPy scalars as a loop goes on, and back; a run tells which.

Before:  m = 0.0                              After:  m held in float64, and whether it is one of a:
         for i: m = max(m, a[i])                              once a[i] > m
Before:  for i: s = 0.0                       After:  s held in float64, and whether it is a sum:
             for j in range(ptr[i], ...):             no after `s = 0.0`, yes after `s += v[j]`
                 s += v[j]

Python's `min` and `max` return one of their operands as it is (Python library reference, built-in
functions): a comparison tells which. Helper of the `typing` pass.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..model.loop_ir import Assign, Call, Compare, Expression, Name
from ..model.scop import Statement
from ..model.typed import Kind, Operation
from ..model.types import NumpyScalar, PythonScalar, ScalarType
from .reasons import UnsupportedType
from .type_expression import type_expression
from .type_operations import Scope
from .updates import names_read


def compared_value(statement: Statement) -> Expression | None:
    """Return `e` where a statement is `m = max(m, e)`, or its like; None where it is not."""
    body = statement.body
    if not isinstance(body, Assign) or not isinstance(body.target, Name):
        return None
    match body.value:
        case Call(function="min" | "max", arguments=(Name(name=name), other)) if (
            name == body.target.name
        ):
            pass
        case Call(function="min" | "max", arguments=(other, Name(name=name))) if (
            name == body.target.name
        ):
            pass
        case _:
            return None
    return None if name in names_read(other) else other


def chosen_value(statement: Statement, scope: Scope) -> Operation | None:
    """Return the value of `m = max(m, e)` where m is a Python number and e a NumPy scalar.

    Its type is that of e: what m has once e was chosen. None for any other statement.
    """
    other = compared_value(statement)
    target, body = statement.body.target, statement.body
    if other is None or not isinstance(target, Name) or not isinstance(body.value, Call):
        return None
    if not isinstance(scope.variables.get(target.name), PythonScalar):
        return None
    compared = type_expression(
        Compare(operator=">", left=other, right=target, span=body.value.span), scope
    )
    if not isinstance(compared, Operation) or len(compared.operands) != 2:
        return None
    value, old = compared.operands
    if not isinstance(value.type, NumpyScalar) or value.type.dtype in {"bool", "complex128"}:
        return None
    own = type_expression(other, scope)
    if isinstance(own, UnsupportedType) or own.type.dtype != value.type.dtype:
        return None
    is_first = isinstance(body.value.arguments[0], Name) and (
        body.value.arguments[0].name == target.name
    )
    return Operation(
        name=body.value.function,
        operands=(old, own) if is_first else (own, old),
        type=own.type,
        hazards=compared.hazards,
        span=body.value.span,
    )


def kind_of(types: Iterable[tuple[ScalarType, ScalarType]]) -> Kind | None:
    """Return what an assignment makes of a scalar, from (its type before, that of the value).

    None where it depends on something else.
    """
    pairs = tuple(types)
    made = {isinstance(value, NumpyScalar) for _, value in pairs}
    if len(made) == 1:
        return "numpy" if made.pop() else "python"
    kinds = {tuple(isinstance(each, NumpyScalar) for each in pair) for pair in pairs}
    return "same" if kinds <= {(True, True), (False, False)} else None


def numpy_of_two(types: frozenset[ScalarType]) -> frozenset[ScalarType]:
    """Return the NumPy scalar of two types of one dtype, the other one Python's; else nothing."""
    numpy = frozenset(each for each in types if isinstance(each, NumpyScalar))
    is_pair = len(types) == 2 and len(numpy) == 1  # a pair
    return numpy if is_pair and len({each.dtype for each in types}) == 1 else frozenset()
