"""The static control part: statements with their instances, accesses and original order.

Vocabulary of Feautrier and of the isl manual: an iteration domain holds the instances of a
statement, an access relation maps an instance to the cells it touches, the schedule maps an
instance to the time at which the source program runs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import isl
from .loop_ir import Assign, Expression, Extent, Name, Update
from .source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """An integer that does not change within the region: a name or an extent."""

    name: str  # its identifier in isl sets, unique in the Scop: "n", "a_shape_0"
    expression: Name | Extent
    text: str  # as Python: "n", "a.shape[0]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One `for` loop of the region."""

    variable: str
    depth: int  # 0 for the outermost loop of the region
    step: int  # nonzero; negative for a descending range
    iterations: isl.Set  # { [i, j] : ... }: of the loops around it and its own, this one last
    start: Expression  # over parameters and outer loop variables, affine
    stop: Expression
    header: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One read or write of a statement."""

    kind: Literal["read", "may_write", "must_write"]
    array: str  # a scalar is an array of rank 0
    relation: isl.Map  # { S0[i] -> a[i - 1] }
    indices: tuple[Expression, ...]  # over loop variables and parameters; () for a scalar
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One assignment of the loop body, with all its instances."""

    name: str  # unique in its Scop: S0, S1, ... in textual order
    domain: isl.Set  # { S0[i, j] : ... }; dimensions are the surrounding loops, outermost first
    loops: tuple[int, ...]  # the surrounding loops, as indices into Scop.loops
    accesses: tuple[Access, ...]  # in evaluation order; the write is last
    # The source statement with every subscript rewritten over loop variables and parameters.
    body: Assign | Update
    # Where it stands in the source: the position among its siblings at each depth; one longer
    # than `loops`.
    position: tuple[int, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """What the region knows of an array: the number of subscripts (0: a scalar)."""

    name: str
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scop:
    """A region of the program in the polyhedral model."""

    parameters: tuple[Parameter, ...]
    context: isl.Set  # what holds for the parameters: extents are not negative
    arrays: tuple[Array, ...]  # in order of first appearance; scalars included
    loops: tuple[Loop, ...]  # in source order
    statements: tuple[Statement, ...]  # in textual order
    # Scalars that the statements read as values without having assigned them first.
    live_in: tuple[str, ...]
    # Scalars (loop variables included) whose value after the region may be read.
    live_out: tuple[str, ...]
    span: Span

    def array(self, name: str) -> Array:
        """Return the array (or scalar) called `name`."""
        return next(array for array in self.arrays if array.name == name)

    def statement(self, name: str) -> Statement:
        """Return the statement called `name`."""
        return next(statement for statement in self.statements if statement.name == name)

    def statements_in(self, loop: int) -> tuple[Statement, ...]:
        """Return the statements that loop number `loop` surrounds."""
        return tuple(statement for statement in self.statements if loop in statement.loops)
