"""Functions of whole arrays whose bits depend on how NumPy walks through its arrays.

Before:  u[:] = np.exp(v[::-1])              After:  refused: it goes through v backwards
Before:  u[:] = np.exp(v), of any strides    After:  min(v.strides) >= 0 is left for the call

NumPy has several loops for a function and chooses by the strides of its operands. Going forward
all give the bits of the function of a scalar, backwards they do not (decision 0014); what an
operation makes for the next one lies forward in memory. `fmax` and `fmin` choose between 0.0 and
-0.0 by where in the array these lie.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.diagnostics import Refusal
from ..model.loop_ir import Name, walk_expression
from ..model.scop import Loop, Scop
from ..model.source import Span
from ..model.typed import (
    Computed,
    Load,
    Operation,
    Subscript,
    TypedExpression,
    TypedProgram,
    TypedStatement,
    walk_statement,
)
from ..model.types import FLOAT_DTYPES
from ..model.ufuncs import OWN_LOOPS
from .array_axes import form
from .reasons import ArrayStatement

_BY_PLACE = frozenset(("numpy.fmax", "numpy.fmin"))


def refused_functions(scop: Scop, typed: TypedProgram) -> Refusal | None:
    """Return why whole-array statements are left to NumPy, if their functions are such."""
    reasons = tuple(
        ArrayStatement(span=span, text=axes[0].header, detail=detail)
        for statement, axes in _statements(scop, typed)
        for span, detail in _refused(statement, frozenset(each.variable for each in axes))
    )
    return Refusal(reasons=reasons) if reasons else None


def walked_through(scop: Scop, typed: TypedProgram) -> tuple[str, ...]:
    """Return the given arrays that functions of whole arrays read as they lie in memory."""
    given = {each.name for each in scop.given_arrays}
    found = (
        load.array
        for statement, _ in _statements(scop, typed)
        for _, load in _operands(statement)
        if load.array in given
    )
    return tuple(dict.fromkeys(found))


def _statements(
    scop: Scop, typed: TypedProgram
) -> Iterator[tuple[TypedStatement, tuple[Loop, ...]]]:
    """Yield the statements that stand for whole-array statements, and their axes."""
    for name, statement in typed.statements:
        around = (scop.loops[loop] for loop in scop.statement(name).loops)
        axes = tuple(each for each in around if each.is_axis)
        if axes:
            yield statement, axes


def _refused(statement: TypedStatement, axes: frozenset[str]) -> Iterator[tuple[Span, str]]:
    for node in walk_statement(statement):
        if _is_by_place(node):
            yield node.span, "which of two zeros it gives depends on where they lie"
    for operation, load in _operands(statement):
        if any(_may_descend(index, axes) for index in load.indices):
            yield load.span, f"'{operation.name}' goes through '{load.array}' backwards"


def _is_by_place(node: TypedExpression) -> bool:
    is_by_place = isinstance(node, Operation) and node.name in _BY_PLACE
    return is_by_place and node.type.dtype in FLOAT_DTYPES


def _operands(statement: TypedStatement) -> Iterator[tuple[Operation, Load]]:
    """Yield the elements that functions with loops of NumPy's own read by themselves."""
    for node in walk_statement(statement):
        if isinstance(node, Operation) and node.name in OWN_LOOPS:
            for operand in node.operands:
                if isinstance(operand, Load):
                    yield node, operand


def _may_descend(index: Subscript, axes: frozenset[str]) -> bool:
    """Return whether a subscript may get smaller as one of `axes` goes on."""
    if isinstance(index, Computed):
        return True
    names = {each.name for each in walk_expression(index) if isinstance(each, Name)}
    if names.isdisjoint(axes):
        return False
    found = form(index)
    return found is None or any(name in axes and factor < 0 for name, factor in found.terms)
