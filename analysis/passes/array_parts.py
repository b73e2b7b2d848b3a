"""The values of an expression on whole arrays, for one place on each axis.

Before:  x[1:] of axes (n,)            After:  axes (n - 1,); at i: x[i + 1]

Helper of the `array_fusion` pass.
"""

from __future__ import annotations

from collections.abc import Callable

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import Constant, Expression
from ..model.source import Span

Places = tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The values of an expression: its axes, outermost first, and the one at a place."""

    axes: tuple[Expression, ...]  # extents; a literal 1 where it broadcasts
    at: Callable[[Places], Expression]  # for one place on each axis
    is_array: bool  # an operation on it is NumPy's
    whole: str | None = None  # the array of the loops whose elements these are, in their order


def is_one(extent: Expression) -> bool:
    """Return whether an extent is 1 by itself."""
    return isinstance(extent, Constant) and extent.value == 1


def with_axis(part: Part, axis: int, span: Span) -> Part:
    """Return the same with another axis, of one element."""
    one = Constant(value=1, span=span)
    return Part(
        axes=(*part.axes[:axis], one, *part.axes[axis:]),
        at=lambda places: part.at((*places[:axis], *places[axis + 1 :])),
        is_array=True,
    )
