"""Elements of arrays by their subscripts: which are one, which are never one, and scalars for them.

Before:  a[i, j] and a[i, k], in for k in range(0, n): for j in range(k + 1, n)
After:   two elements, whatever `k` and `j` are
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from autopar.analysis.model.loop_ir import Expression, Name, walk_expression, wrapped_value
from autopar.analysis.model.typed import (
    Cast,
    Computed,
    Load,
    Operation,
    SetVariable,
    Store,
    Subscript,
    TypedExpression,
    TypedStatement,
    Variable,
)

from .integers import rename, text
from .kernel import Instance, Loop
from .least import are_apart

Cell: TypeAlias = tuple[Expression, ...]


def cell_of(instance: Instance, place: Load | Store) -> Cell | None:
    """Return the subscripts over iterators and parameters; None where data decide, or they wrap."""
    values = dict(instance.iterators)
    found: list[Expression] = []
    for index in place.indices:
        if isinstance(index, Computed) or wrapped_value(index) is not None:
            return None
        found.append(rename(index, values))
    return tuple(found)


def moves(cell: Cell, loop: Loop) -> bool:
    """Return whether iterations of `loop` have elements of their own."""
    return any(
        isinstance(n, Name) and n.name == loop.iterator for e in cell for n in walk_expression(e)
    )


def differ(one: Cell, other: Cell | None, around: Sequence[Loop]) -> bool:
    """Return whether two elements of an array are surely two in each iteration of `around`."""
    if other is None:
        return False
    return any(are_apart(a, b, around) for a, b in zip(one, other, strict=True))


def key_of(array: str, cell: Cell) -> str:
    """Return a text that elements share that are one and the same."""
    return f"{array}[{', '.join(text(each, {}) for each in cell)}]"


def with_scalars_for(instance: Instance, values: Mapping[str, Variable]) -> Instance:
    """Return a statement that has scalars in the place of the elements with these keys."""
    swap = _Swap(instance, values)
    return replace(instance, statement=swap.statement(instance.statement))


class _Swap:
    def __init__(self, instance: Instance, values: Mapping[str, Variable]) -> None:
        self._instance = instance
        self._values = values

    def _variable(self, place: Load | Store) -> Variable | None:
        cell = cell_of(self._instance, place)
        return None if cell is None else self._values.get(key_of(place.array, cell))

    def statement(self, statement: TypedStatement) -> TypedStatement:
        assert isinstance(statement, Store | SetVariable)  # checks and traces store nothing
        value = self._expression(statement.value)
        if isinstance(statement, SetVariable):
            return replace(statement, value=value)
        variable = self._variable(statement)
        if variable is not None:
            return SetVariable(name=variable.name, value=value, span=statement.span)
        return replace(statement, value=value, indices=self._indices(statement.indices))

    def _indices(self, indices: tuple[Subscript, ...]) -> tuple[Subscript, ...]:
        return tuple(
            replace(each, value=self._expression(each.value))
            if isinstance(each, Computed)
            else each
            for each in indices
        )

    def _expression(self, value: TypedExpression) -> TypedExpression:
        match value:
            case Load():
                variable = self._variable(value)
                if variable is not None:
                    return replace(variable, span=value.span)
                return replace(value, indices=self._indices(value.indices))
            case Cast():
                return replace(value, operand=self._expression(value.operand))
            case Operation():
                operands = tuple(map(self._expression, value.operands))
                return replace(value, operands=operands)
            case _:
                return value
