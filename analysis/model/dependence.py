"""Dependences: pairs of statement instances that touch the same cell, one of them writing.

Flow: write before read; anti: read before write; output: write before write. A dependence
is carried by the outermost loop whose iterations differ between source and sink.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

from . import isl
from .loop_ir import Expression
from .source import Span

Kind: TypeAlias = Literal["flow", "anti", "output"]
Direction: TypeAlias = Literal["<", "=", ">", "*"]
ReductionOperator: TypeAlias = Literal[
    "+", "*", "min", "max", "&", "|", "^", "and", "or", "argmin", "argmax", "last"
]
# Of a linear recurrence, `a * p + b`.
AFFINE: Literal["affine"] = "affine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """All pairs (source instance, sink instance) between two statements on one array."""

    kind: Kind
    array: str
    source: str  # statement names
    sink: str
    source_span: Span
    sink_span: Span
    relation: isl.Map  # { S0[i] -> S1[i + 1] }
    carried_by: int  # the loop, as an index into Scop.loops
    # Sink minus source iteration, over the loops that surround both, counted in iterations
    # of each loop; None where it is not one constant vector.
    distance: tuple[int, ...] | None
    direction: tuple[Direction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """Associative updates of one target, whose iterations may be reordered but for rounding."""

    operator: ReductionOperator
    target: str
    statements: tuple[str, ...]  # all that update it in the loop, by name, in textual order
    # The updates also read elements of the target that no iteration updates: `a[i] += a[j]`.
    # Whoever gives iterations copies of the target has to leave these reads as they are.
    reads_others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A target that iterations accumulate into, and whose values on the way they use."""

    operator: ReductionOperator | Literal["affine"]
    target: str
    statements: tuple[str, ...]  # all that update it in the loop, by name, in textual order
    # It selects where elements are stored, a new one in each iteration that stores any, as long
    # as it is not negative before the loop.
    is_place: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """An array that a loop only overwrites: no value in it goes from one iteration to another."""

    array: str
    # By statement and subscripts: the reads of what was there before the loop, and what later
    # iterations overwrite.
    reads: tuple[tuple[str, tuple[Expression, ...]], ...]
    # The statements of which later iterations overwrite all that they store, unread, but for
    # the last iterations of the loop.
    stores: tuple[str, ...]
    reach: int  # by how many iterations either comes before such a write, at most

    @property
    def statements(self) -> frozenset[str]:
        """All these statements."""
        return frozenset((*(name for name, _ in self.reads), *self.stores))
