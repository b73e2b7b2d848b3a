"""The subscripts of a model as isl reads them.

Before:  a[i - 1, wrapped(j - k)]      After:  i - 1, not negative; j - k, which may wrap

Helper of the passes that read access relations together with the extents of arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import Binary, Constant, Expression, Extent, wrapped_value
from ..model.scop import Scop, Statement
from ..model.source import Span
from .affine import Affine, affine
from .order import dimensions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptForm:
    """One subscript: its affine form, and whether it counts from the end where that is negative."""

    form: Affine
    may_wrap: bool


def subscript_form(index: Expression, atoms: Mapping[str, str]) -> SubscriptForm | None:
    """Return the form of a subscript, None where it is not affine."""
    inner = wrapped_value(index)
    form = affine(index if inner is None else inner, atoms)
    return None if form is None else SubscriptForm(form=form, may_wrap=inner is not None)


def extent_of(scop: Scop, array: str, axis: int, span: Span) -> Expression:
    """Return the extent of an axis; of an array that the region makes, what it makes."""
    allocation = scop.array(array).allocation
    if allocation is None:
        return Extent(array=array, axis=axis, span=span)
    return replace(allocation.extents[axis], span=span)


def from_the_end(index: Expression, extent: Expression) -> Binary:
    """Return a negative subscript counted from the start of its axis."""
    # The extent stands where the whole subscript stands, which no source text can say.
    extent = replace(extent, span=index.span)
    match index:
        case Constant(value=int(value)):
            size = Constant(value=-value, span=index.span)
            return Binary(operator="-", left=extent, right=size, span=index.span)
    return Binary(operator="+", left=extent, right=index, span=index.span)


def counts_from_the_end(index: Expression) -> bool:
    """Return whether a subscript is, or may be, counted from the end by the model."""
    match index:
        case Binary(operator="+" | "-", left=extent, span=span):
            return extent.span == span
    return wrapped_value(index) is not None


def atoms_of(scop: Scop, statement: Statement) -> dict[str, str]:
    """Return what the subscripts of a statement may mention: Python text -> isl identifier."""
    atoms = {parameter.word: parameter.name for parameter in scop.parameters}
    names = dimensions_of(statement)
    for level, loop in enumerate(statement.loops):
        atoms[scop.loops[loop].variable] = names[level]
    return atoms
