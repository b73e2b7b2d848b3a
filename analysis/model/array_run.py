"""Consecutive statements that may be about whole arrays, and what a call finds of these.

The code does not say how many axes a name has, so a run has no model before a call: that shows
the arrays among its names, and which of their extents are equal.
"""

from __future__ import annotations

from autopar.analysis.model.nouns import dataclass

from .loop_ir import Assign, Expression, For, Update
from .source import SourceText, Span

# A subscript that makes a new axis: `None`, `numpy.newaxis`; and all the axes not named: `...`.
NEW_AXIS, OTHER_AXES = "None", "..."
# An array's `T`, as a function; what has three operands; a copy by a method or a function.
TRANSPOSE, WHERE, COPIED = "transpose of", "numpy.where", "copy of"
# What a whole array is reduced to.
REDUCTIONS = frozenset(
    f"numpy.{name}" for name in ("sum", "prod", "max", "min", "any", "all")
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRun:
    """A run of assignments of one block."""

    statements: tuple[Assign | Update, ...]  # one for each statement of the source
    arguments: tuple[str, ...]  # names that it reads before it assigns them, sorted
    results: tuple[str, ...]  # those it assigns that may be read afterwards, sorted
    text: SourceText
    span: Span  # of the first statement: where the guard stands

    @property
    def whole(self) -> Span:
        """Where all of it stands."""
        end = self.statements[-1].span
        return Span(
            line=self.span.line,
            column=self.span.column,
            end_line=end.end_line,
            end_column=end.end_column,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenArray:
    """An array of a call: its type, and each extent as one of the numbers 0, 1, ...

    Equal numbers are equal extents, of all arrays; None is an extent of 1, which broadcasts.
    """

    dtype: str
    extents: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenScalar:
    """A number of a call: "int", "float" and so on of Python, or the dtype of one of NumPy's."""

    kind: str
    is_python: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArray:
    """An array that a call makes before the loops run."""

    name: str  # in the loops; none of the user's
    dtype: str
    extents: tuple[Expression, ...]  # over extents of arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedRun:
    """A run as loops over the axes of its arrays."""

    nest: For  # a block
    arrays: tuple[NewArray, ...]
    # What each result is: one of `arrays`, the argument of that name, or a scalar of the loops.
    results: tuple[tuple[str, str], ...]
    scalars: frozenset[str]  # the results among them that are scalars
    # Of all arrays of the loops, over extents of arguments: the call vouches for them.
    extents: tuple[tuple[str, tuple[Expression, ...]], ...]
    span: Span
