"""Functions of arrays along one axis, as loops that give NumPy's own bits.

Before:  f.sum(axis=0), of axes (n, m)     After:  for j: s[j] = -0.0
                                                   for i, in order: for j: s[j] = s[j] + f[i, j]
         np.mean(x, axis=1)                        for i: m[i] = <steps over the row x[i]> / m

NumPy goes through an array as it lies in memory. Along an axis that has others within it, it adds
row after row, so each number is added up in order. Along the innermost one it adds pairwise, by
its own loop, which kernels call for a row (decision 0020); of fewer than eight numbers that is in
order too. Axes of extent 1 do not count. An axis that a call shows to be short is written out.

Helper of the `array_fusion` pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NoReturn, TypeAlias

import numpy as np

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    Assign,
    Call,
    Constant,
    Element,
    Expression,
    For,
    Name,
    Statement,
    walk_expression,
)
from ..model.row_functions import LAST
from ..model.source import Span
from ..model.types import FLOAT_DTYPES
from .array_axes import Axis, View
from .array_lines import Axes, Member, Places
from .array_parts import Part, is_one
from .row_reductions import Taken

Way: TypeAlias = Literal["written out", "in order", "row"]

# Numbers that NumPy adds one after the other although they lie side by side.
_UNPAIRED = 8
# A row of two elements has a single step from one to the other, which is no loop.
_SHORTEST_ROW = 2
# What an expression may grow to where it is written out for each element of an axis.
_MOST_NODES = 600
_SUMS = frozenset(("numpy.sum", "numpy.mean"))
_OF_ROWS = _SUMS | {
    "numpy.prod", "numpy.max", "numpy.min", "numpy.any", "numpy.all", "numpy.argmax",
    "numpy.argmin",
}  # fmt: skip
# What sums of floats begin with: versions of NumPy differ in the sign.
_NOTHING = float(np.add.reduce(np.array([[-0.0, -0.0]]), axis=0)[0])
# Outer extents that are known to be few are too few for threads.
_FEWEST_ROWS = 16


def way_of(function: str, axes: Axes, dtype: str, axis: int) -> Way | None:
    """Return how loops reduce an array along an axis; None where NumPy is to do it.

    The array lies in memory as in C.
    """
    is_float = dtype in FLOAT_DTYPES
    others = [each for number, each in enumerate(axes) if number != axis]
    if all(map(is_one, others)) or (function == "numpy.mean" and not is_float):
        return None  # pairwise through all of it; or of numbers that are converted in portions
    (known,) = _known(axes[axis : axis + 1]) or (None,)
    is_last = all(map(is_one, axes[axis + 1 :]))
    if function in _SUMS:
        if known is not None and (known < _UNPAIRED or not is_last):
            return "written out"
        if not is_last:
            return "in order"
    if not is_last or function not in _OF_ROWS or dtype == "bool":
        return None
    if known is not None and known <= _SHORTEST_ROW:
        return None
    few = _known(tuple(others))
    return None if few is not None and math.prod(few) < _FEWEST_ROWS else "row"


def _known(axes: Axes) -> tuple[int, ...] | None:
    """Return how long axes are; None where a call does not show it of all."""
    found = tuple(
        each.value for each in axes if isinstance(each, Constant) and type(each.value) is int
    )
    return found if len(found) == len(axes) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """One function of one array along an axis."""

    function: str
    part: Part
    axis: int
    dtype: str  # of the result
    header: str
    span: Span

    @property
    def axes(self) -> Axes:
        """The axes that are left."""
        return tuple(e for number, e in enumerate(self.part.axes) if number != self.axis)

    def at(self, outer: Places, place: Expression) -> Expression:
        """Return an element of the array."""
        return self.part.at((*outer[: self.axis], place, *outer[self.axis :]))

    def written_out(self) -> Part | None:
        """Return the values, each element of the axis by name; None where that is long."""
        (number,) = _known(self.part.axes[self.axis : self.axis + 1]) or (0,)  # `way_of` knows it

        def element(outer: Places) -> Expression:
            total = self.nothing()
            for k in range(number):
                term = self.held(self.at(outer, Constant(value=k, span=self.span)))
                total = Call(function="numpy.add", arguments=(total, term), span=self.span)
            return self.divided(total)

        outer = tuple(Name(name=f"?{n}", span=self.span) for n in range(len(self.axes)))
        if sum(1 for _ in walk_expression(element(outer))) > _MOST_NODES:
            return None
        return Part(axes=self.axes, at=element, is_array=True)

    def in_order(self, name: str) -> tuple[Member, Member]:
        """Return what gives the array `name` its first values, and what adds to them."""
        at = self.span

        def total(outer: Places) -> Element:
            return Element(array=name, indices=outer, span=at, has_tuple=True)

        def started(outer: Places) -> Assign:
            return Assign(target=total(outer), value=self.nothing(), span=at)

        def added(places: Places) -> Assign:
            outer = (*places[: self.axis], *places[self.axis + 1 :])
            terms = (total(outer), self.held(self.part.at(places)))
            value = Call(function="numpy.add", arguments=terms, span=at)
            return Assign(target=total(outer), value=value, span=at)

        first = self.member(self.axes, started)
        return first, Member(
            axes=self.part.axes,
            stored=added,
            tested=lambda _: None,
            header=self.header,
            span=at,
            ordered=frozenset((self.axis,)),
        )

    def member(self, axes: Axes, stored: Callable[[Places], Assign]) -> Member:
        return Member(
            axes=axes, stored=stored, tested=lambda _: None, header=self.header, span=self.span
        )

    def of_rows(self, name: str, fresh: Callable[[str], str]) -> Member:
        """Return what stores the value of each row in the array `name`."""

        def stored(outer: Places) -> Assign:
            target = Element(array=name, indices=outer, span=self.span, has_tuple=True)
            return Assign(target=target, value=target, span=self.span)

        def steps(outer: Places) -> tuple[tuple[Statement, ...], Expression]:
            taken = Taken(expanding=_Row(self, outer, fresh), refuse=_never)
            operand = Name(name=name, span=self.span)  # one for the row, which `_Row` knows
            value = taken.value(Call(function=self.function, arguments=(operand,), span=self.span))
            return tuple(map(_without_requirements, taken.before)), value

        return replace(self.member(self.axes, stored), steps=steps)

    def nothing(self) -> Expression:
        """Return what a sum begins with."""
        value = _NOTHING if self.dtype in FLOAT_DTYPES else 0
        start = Constant(value=value, span=self.span)
        return Call(function=f"numpy.{self.dtype}", arguments=(start,), span=self.span)

    def held(self, term: Expression) -> Expression:
        """Return an element in the type in which NumPy adds: integers in 64 bits."""
        if self.dtype in FLOAT_DTYPES:
            return term
        return Call(function=f"numpy.{self.dtype}", arguments=(term,), span=self.span)

    def divided(self, total: Expression) -> Expression:
        """Return a sum as it is, or over the number of elements."""
        if self.function != "numpy.mean":
            return total
        arguments = (total, self.part.axes[self.axis])
        return Call(function=f"{self.function}{LAST}", arguments=arguments, span=self.span)


@dataclass(frozen=True, slots=True)
class _Row:
    """The row of one place on the other axes, for what makes steps of functions of rows."""

    along: Along
    outer: Places
    fresh: Callable[[str], str]

    def row(self, node: Expression, span: Span) -> tuple[tuple[Statement, ...], View]:
        """Return the row; it is there, whatever stands for it."""
        del node
        along = self.along
        place = along.at(self.outer, Name(name="?", span=span))
        assert isinstance(place, Element)  # of a whole array
        zero = Constant(value=0, span=span)
        whole = Axis(start=zero, step=1, extent=along.part.axes[along.axis], requires=())
        entries = (*place.indices[: along.axis], whole, *place.indices[along.axis + 1 :])
        return (), View(array=place.array, entries=entries, span=span)

    def text_at(self, span: Span) -> str:
        """Return what a report calls it, wherever it stands."""
        del span
        return self.along.header


def _without_requirements(node: Statement) -> Statement:
    """Return a loop over a row that asks nothing of its bounds: they are those of the array."""
    return replace(node, requires=()) if isinstance(node, For) else node


def _never(span: Span, detail: str) -> NoReturn:
    raise AssertionError(f"{span}: {detail}")  # it is asked of conditions alone
