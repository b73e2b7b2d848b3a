"""The static control part: statements with their instances, accesses and original order.

Vocabulary of Feautrier and of the isl manual: an iteration domain holds the instances of a
statement, an access relation maps an instance to the cells it touches, the schedule maps an
instance to the time at which the source program runs it.
"""

from __future__ import annotations

from typing import Literal

from autopar.analysis.model.nouns import dataclass

from . import isl
from .loop_ir import (
    Assign,
    Call,
    Collected,
    Constant,
    Element,
    Exchanged,
    Exits,
    Expression,
    Extent,
    Name,
    Update,
    walk_expression,
)
from .row_functions import ORDERED_STEPS
from .source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """An integer that does not change within the region: a name or an extent."""

    name: str  # its identifier in isl sets, unique in the Scop: "n", "a_shape_0"
    expression: Name | Extent
    text: str  # as Python: "n", "a.shape[0]"
    # A look at the data finds it at the call (`DataBounds`); no name of the user.
    is_found: bool = False

    @property
    def is_before(self) -> bool:
        """Whether it is what a scalar was before the region, which the region assigns."""
        return self.word != self.text

    @property
    def word(self) -> str:
        """How the expressions of the region have it: as Python, but for what was before it."""
        return self.expression.name if isinstance(self.expression, Name) else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """A truth value found by an earlier statement, and which of the two it takes to run."""

    name: str  # one of Scop.predicates, a boolean
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A loop variable that bounds are computed from, and the values between which it lies."""

    loop: int  # index into Scop.loops
    variable: str
    least: Expression  # over parameters
    greatest: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class DataBounds:
    """Bounds of a loop that are data, and what a call finds out about them beforehand.

    The loop of `for j in range(ptr[i], ptr[i + 1])` runs within an envelope, whose ends are
    parameters of the model; a predicate tells which of its iterations really run.
    """

    # What the bounds are computed from: loop variables, parameters and elements of arrays that
    # the region leaves alone.
    start: Expression
    stop: Expression
    boxes: tuple[Box, ...]  # of the loop variables in them, outermost first
    # Parameters: the least start and the greatest stop of all executions that are not empty;
    # the very bounds where there are no boxes. None where that bound is affine.
    first: str | None
    end: str | None
    trips: str  # parameter: the mean number of iterations, rounded up
    # Parameter: 1 where executions for other values of the loop variables in the bounds have no
    # iteration in common, else 0. None without boxes.
    apart: str | None
    # The scalars that hold the bounds, set before the loop; None for an affine bound, and
    # without boxes.
    start_name: str | None
    stop_name: str | None
    # Says whether an iteration of the envelope runs; None without boxes.
    predicate: str | None
    # What an iteration is apart from the next where that is no constant: positive, affine over
    # loop variables; and the scalar that holds it. Such a loop has boxes and a `start_name`.
    step: Expression | None = None
    step_name: str | None = None

    @property
    def arrays(self) -> frozenset[str]:
        """The arrays that the bounds are read from."""
        return frozenset(
            node.array
            for limit in (self.start, self.stop)
            for node in walk_expression(limit)
            if isinstance(node, Element)
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that a call finds, in the order in which it does."""
        found = (self.first, self.end, self.trips, self.apart)
        return tuple(name for name in found if name is not None)


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
    # Its iterations are a superset where there are any: it runs only where all of them hold.
    predicates: tuple[Predicate, ...] = ()
    is_fill: bool = False  # gives an array its first values; no loop of the source
    # What the user calls its turns, where the variable is one of ours: "x" of `for x in a`.
    label: str | None = None
    is_inner_axis: bool = False  # together with the one around it, it is one loop of the source
    is_inlined: bool = False  # of a function that is called in the region
    # It may be left before its last iteration; then everything in it has the predicate `stays`
    # among its predicates, which a statement before the loop sets and leaving it takes back.
    leaves: Literal["break", "while"] | None = None
    stays: str | None = None
    # Where it is reached, over the loops around it, if it may not be empty there.
    reached: isl.Set | None = None
    data: DataBounds | None = None  # then `start` and `stop` are those of the envelope
    is_axis: bool = False  # of a whole-array statement: in an order of NumPy's own
    is_ordered: bool = False  # but for this one, along which new arrays add up in its order
    runs_once: bool = False  # no loop of the source: what holds a driver and its `else`
    is_driver: bool = False  # it may be left, and nothing stands around it

    @property
    def known_turns(self) -> int | None:
        """How many iterations it has, where the source says so in numbers."""
        match self.start, self.stop:
            case Constant(value=int(start)), Constant(value=int(stop)):
                return len(range(start, stop, self.step))
        return None

    @property
    def written_bounds(self) -> tuple[Expression, Expression]:
        """Its start and stop as the source has them, scalars put in."""
        return (self.start, self.stop) if self.data is None else (self.data.start, self.data.stop)

    @property
    def shown(self) -> str:
        """What it counts with, in the user's words."""
        return self.variable if self.label is None else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One read or write of a statement."""

    # `may_write` where the statement has predicates: it kills nothing by itself.
    kind: Literal["read", "may_write", "must_write"]
    array: str  # a scalar is an array of rank 0
    relation: isl.Map  # { S0[i] -> a[i - 1] }
    indices: tuple[Expression, ...]  # over loop variables and parameters; () for a scalar
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One assignment of the loop body, with all its instances.

    A condition on data is a statement of its own, which sets a private boolean scalar
    (`if_7 = a[i] > 0`); those under it read that scalar and have it among their `predicates`.
    """

    name: str  # unique in its Scop: S0, S1, ... in textual order
    # { S0[i, j] : ... }; dimensions are the surrounding loops, outermost first. A superset of
    # the instances that run, where there are predicates.
    domain: isl.Set
    loops: tuple[int, ...]  # the surrounding loops, as indices into Scop.loops
    accesses: tuple[Access, ...]  # in evaluation order; the write is last
    # The source statement with every subscript rewritten over loop variables and parameters.
    body: Assign | Update
    # Where it stands in the source: the position among its siblings at each depth; one longer
    # than `loops`.
    position: tuple[int, ...]
    span: Span
    # All of these must hold for an instance to run, outermost condition first. Each is set
    # before, in the same iteration of the loops around the statement that sets it.
    predicates: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """That an array is made anew in each iteration of a loop, and nobody else ever sees it."""

    extents: tuple[Expression, ...]  # over parameters, affine
    dtype: str | None  # None: that of `like`, or of the values first stored in it
    like: str | None
    within: int | None  # the innermost loop around, as an index into Scop.loops; None: no loop
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """What the region knows of an array: the number of subscripts (0: a scalar)."""

    name: str
    rank: int
    # Memory that arrays of a call share, under the names of all: nothing to copy or to reduce
    # into by that name.
    is_base: bool = False
    allocation: Allocation | None = None  # None: it comes from outside the region
    # It holds what a list grows by: an element for each iteration of the loops around, made at
    # the call. Nothing else has it.
    is_collected: bool = False
    # Over extents of other arrays, affine, where the call vouches for them; None: it has its own.
    extents: tuple[Expression, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A name of the user that stands for a part of an array in each iteration of a loop."""

    name: str
    part: Element  # over loop variables; fewer subscripts than the array has axes
    loop: int  # that binds it, as an index into Scop.loops


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
    # The private scalars that hold what conditions on data, and bounds, came to; no names of
    # the user.
    predicates: tuple[str, ...] = ()
    # Of `live_out`, those that may not be assigned and then are what they were, bound or not:
    # nothing in the region reads that.
    maybe_assigned: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()  # those that live on: they are bound once the region has run
    inlined: tuple[str, ...] = ()  # functions of the user whose calls became statements
    exchanged: Exchanged | None = None  # names that stand for other arrays once it has run
    # Arrays that are used as no list can be: `a.shape[0]`, `a[i, j]`.
    no_lists: frozenset[str] = frozenset()
    collects: tuple[Collected, ...] = ()  # lists that it appends to
    # Parameter values for which whole-array statements are what the model takes them for.
    requires: tuple[isl.Set, ...] = ()
    # Scalars that a driver counts its turns with: where they are integers and begin within 32
    # bits, they stay within 64.
    counted: frozenset[str] = frozenset()
    exits: Exits | None = None  # `return` statements that may end it
    # (array, axis, scalar): such a scalar is in range as a subscript there, though it is data.
    places: frozenset[tuple[str, int, str]] = frozenset()

    def array(self, name: str) -> Array:
        """Return the array (or scalar) called `name`."""
        return next(array for array in self.arrays if array.name == name)

    @property
    def given_arrays(self) -> tuple[Array, ...]:
        """The arrays that come from outside, scalars left out."""
        return tuple(
            each
            for each in self.arrays
            if each.rank > 0 and each.allocation is None and not each.is_collected
        )

    @property
    def is_value(self) -> bool:
        """Whether it is a comprehension, of which nothing is seen but its value."""
        return any(each.is_new for each in self.collects)

    @property
    def arrays_read(self) -> frozenset[str]:
        """The arrays and scalars that some statement reads an element of."""
        return frozenset(
            access.array
            for statement in self.statements
            for access in statement.accesses
            if access.kind == "read"
        )

    @property
    def arrays_written(self) -> frozenset[str]:
        """The arrays and scalars that some statement writes an element of."""
        return frozenset(
            access.array
            for statement in self.statements
            for access in statement.accesses
            if access.kind != "read"
        )

    def statement(self, name: str) -> Statement:
        """Return the statement called `name`."""
        return next(statement for statement in self.statements if statement.name == name)

    def loops_around_test(self, predicate: str) -> int:
        """Return in how many loops a predicate is set."""
        return next(
            len(statement.loops)
            for statement in self.statements
            if isinstance(statement.body.target, Name) and statement.body.target.name == predicate
        )

    def statements_in(self, loop: int) -> tuple[Statement, ...]:
        """Return the statements that loop number `loop` surrounds."""
        return tuple(statement for statement in self.statements if loop in statement.loops)


def takes_rows(scop: Scop) -> bool:
    """Return whether some statement is a step that only NumPy's own loop over a row takes."""
    return any(
        isinstance(node, Call) and node.function in ORDERED_STEPS
        for statement in scop.statements
        for node in walk_expression(statement.body.value)
    )
