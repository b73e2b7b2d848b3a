"""The lowered form of a region: a small, target-neutral tree of loops over typed statements.

Both generators (CPU, CUDA) print this tree. Its integer expressions are loop IR expressions
over iterators and parameters, with `//` and `%` as in Python and the calls `min` and `max`;
they are proven to fit in 64 bits. The tree of

    for i in range(1, n - 1):
        for j in range(i):
            b[i, j] = 0.5 * a[i, j]

is `Loop(i, 1, n - 1, parallel, [Loop(j, 0, i, parallel, [Instance(S0, i=i, j=j)])])`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from autopar.analysis.model.dependence import AFFINE, Renaming
from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import PrivateArray
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import ScalarVariable, TypedStatement
from autopar.analysis.model.types import ArrayType, ScalarType


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One statement, run once for the current values of the iterators."""

    name: str  # the statement's name in the Scop, "S0"
    statement: TypedStatement
    # Value of each source loop variable at this instance, over the iterators of the tree.
    iterators: tuple[tuple[str, Expression], ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A scalar that is set where an extremum is chosen: the place of it, say."""

    name: str
    type: ScalarType


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """A scalar that the iterations of a loop only accumulate into, and how."""

    target: str
    # "+", "*", "&", "|", "^", "and", "or", "min", "max", "numpy.minimum", ...; a comparison
    # where a new value is chosen if it is "<", "<=", ">" or ">=" the old one; "last" where it
    # always is, and nothing is read from one iteration to the next; "affine" where it is a
    # multiple of the old one and something more.
    operator: str
    type: ScalarType  # of the scalar, while it is accumulated
    # `min(e, m)` instead of `min(m, e)`: the later one of equals, and another fate of nan.
    is_flipped: bool
    statements: tuple[str, ...]  # that update it
    # For a sum of integers, a bound of what one iteration adds; None where none is known.
    largest: int | None
    # Whether the loop may be run again, in order, after it has been run: it stores nothing.
    can_repeat: bool
    noted: tuple[Noted, ...] = ()  # what is set where it is chosen
    # Truth values that become True where an extremum is no longer what it was before the loop.
    replaced: tuple[str, ...] = ()
    element_of: str | None = None  # the array of the element that it stands for
    # Inner loops add to it, nobody knows how often: `largest` bounds what one of their turns adds.
    is_nested: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        """Every scalar that has its value from all iterations."""
        return (self.target, *(each.name for each in self.noted), *self.replaced)

    @property
    def is_chosen(self) -> bool:
        """Whether it is one of the values that it got, as they were: an extremum, or the last."""
        return self.operator[0] in "<>" or self.is_last

    @property
    def is_last(self) -> bool:
        """Whether it is the value that the last iteration gave which gave any."""
        return self.operator == "last"

    @property
    def dtype(self) -> str:
        """The dtype in which the scalar is held."""
        return self.type.dtype

    @property
    def is_rounded(self) -> bool:
        """Whether another order gives another value."""
        return self.operator in {"+", "*", AFFINE} and self.dtype[0] in "fc"

    @property
    def may_wrap(self) -> bool:
        """Whether a partial value may leave its dtype although no value of the program does."""
        return self.operator in {"+", "*"} and self.dtype[0] in "iu"

    @property
    def has_zeros(self) -> bool:
        """Whether it is a smallest or largest float, of which 0.0 and -0.0 may be two."""
        is_extremum = self.operator.removeprefix("numpy.")[:3] in {"min", "max"}
        return is_extremum and self.dtype[0] == "f"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRange:
    """Bounds of a loop that are data: it runs no iterations but those between them."""

    start: str | None  # scalars, set before the loop; None where that bound is no data
    stop: str | None
    is_mirrored: bool  # the iterator counts the negated variable of a descending loop
    trips: Expression  # how many iterations to reckon with
    # The scalar that holds how far iterations are apart, beginning at `start`; None: the next.
    step: str | None = None

    @property
    def scalars(self) -> frozenset[str]:
        """The scalars that hold the bounds."""
        found = (self.start, self.stop, self.step)
        return frozenset(name for name in found if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """An array into whose elements the iterations of a loop only accumulate.

    Or one whose elements keep the last value that they are given; others may read it then.
    """

    array: str
    operator: str  # "+", "&", "|", "^", "min", "max"; or "last"
    type: ScalarType  # of the elements
    statements: tuple[str, ...]  # that update them
    largest: int | None  # a bound of what one iteration adds; None where none is known
    can_repeat: bool  # the loop overwrites nothing else that it reads
    starts_filled: bool = False  # of "last": iterations read elements that none of them writes

    @property
    def is_last(self) -> bool:
        """Whether each element keeps the value of the last iteration that writes it."""
        return self.operator == "last"

    @property
    def may_wrap(self) -> bool:
        """Whether a partial value may leave its dtype although no value of the program does."""
        return self.operator == "+" and self.type.dtype[0] in "iu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A value that the iterations of a loop accumulate, and use on the way."""

    reduced: Reduced  # how; its target is an array where each iteration goes on from an element
    is_element: bool = False
    is_place: bool = False  # it selects where elements are stored, and must start at 0 or above

    @property
    def target(self) -> str:
        """The scalar, or the array."""
        return self.reduced.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """A loop in passes over blocks of its iterations.

    What each block needs of others: sums, or elements that the next one overwrites. With what
    each one starts. The loop itself.
    """

    before: Loop | None  # parallel, over all blocks but the last; None where it finds nothing
    starts: tuple[Node, ...]  # in order; () where blocks need nothing more
    run: Loop  # parallel, over all blocks
    own: frozenset[str]  # scalars that have another value in the first two passes
    # A truth value that `starts` sets where the loop must run in order after all.
    in_order: str
    terms: Expression  # how many iterations there are; fewer than many run in order
    is_rounded: bool  # whether the order changes a value
    fits: Expression | None = None  # a test; where it fails, the loop runs in order, too

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All that runs, in order."""
        return (*((self.before,) if self.before else ()), *self.starts, self.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneBand:
    """Rows of a nest of two loops of which each iteration of a loop over times runs one element.

    Row `rows + r` is at column `time - skew * (rows + r)`.
    """

    outer: str  # iterators of the two loops, as `body` has them
    inner: str
    rows: str  # iterator of a loop around: the first row
    skew: int
    count: int  # of rows
    body: tuple[Node, ...]  # what one iteration of the two loops does


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """`for iterator in range(lower, upper, step)`, ascending."""

    iterator: str  # unique along the path from the root
    lower: Expression
    upper: Expression  # exclusive
    step: int  # positive
    is_parallel: bool  # carries no dependence: any order, any thread
    private_arrays: tuple[PrivateArray, ...]  # ... once each thread has its own copy of these
    body: tuple[Node, ...]
    span: Span
    # Scalars that its iterations only accumulate into; then it carries nothing else, and parts
    # of its range may run in any order if each has scalars of its own.
    reductions: tuple[Reduced, ...] = ()
    # It is left where this boolean scalar is False at the start of an iteration.
    stays: str | None = None
    # It is a `while` loop: taking all of its range is a failure, since there would be more.
    is_endless: bool = False
    # It may be left, and runs on the host or in slices: nothing stands around it.
    is_driver: bool = False
    # Narrows the range, which the host does not know then: such a loop is never shared.
    within: DataRange | None = None
    # The same for elements of arrays, of which each part then has copies.
    cells: tuple[Cells, ...] = ()
    # Where its iteration `i` runs iteration `j` of the one loop inside at the time `skew * i + j`,
    # all that runs at one time may run in any order. None: nothing of the kind is known.
    skew: int | None = None
    # Its iterations are rows whose times may overlap with those of the iteration before: it holds
    # loops over consecutive times, which depend on earlier ones alone.
    is_staggered: bool = False
    # Its iterations are times of these rows: `body` once more, for vectors (`codegen.lane_text`).
    lanes: LaneBand | None = None
    # The loop that it runs in another way: its work is the work of that one.
    stands_for: Loop | None = None
    # It carries just these, and is no parallel loop.
    scans: tuple[Scanned, ...] = ()
    # Nor does this one: it only overwrites what it has read of these.
    renamings: tuple[Renaming, ...] = ()
    passes: Passes | None = None  # how to run it if it is long
    dimension: int | None = None  # of time, that it scans
    # How many iterations to reckon with, where its bounds hide that they are mostly as many.
    turns: int | None = None
    # Its iterations are groups of those of `stands_for`, or of times, and this is where one ends:
    # at the next one, or at the end of the part that runs. Parts of the range may begin anywhere.
    group_end: str | None = None

    @property
    def is_reduced(self) -> bool:
        """Whether it carries something, and that only accumulates."""
        return bool(self.reductions or self.cells)

    @property
    def only_keeps(self) -> bool:
        """Whether all that it carries is which value of a scalar or an element is the last one."""
        is_last = all(each.is_last for each in self.reductions)
        return self.is_reduced and is_last and all(each.is_last for each in self.cells)

    @property
    def unit(self) -> int:
        """How far apart parts of its range may begin."""
        return 1 if self.group_end else self.step

    @property
    def is_shared(self) -> bool:
        """Whether parts of its range may run at the same time."""
        return self.is_parallel or self.is_reduced


def runs_by_times(loop: Loop) -> bool:
    """Return whether the iterations of the loop inside `loop` come one by one, with their times.

    As they do on a device: nothing can be done before all of them, or after.
    """
    return loop.is_staggered and loop.skew is not None


def targets(loop: Loop) -> tuple[str, ...]:
    """Return every scalar that has its value from all iterations of `loop`."""
    return tuple(name for each in loop.reductions for name in each.targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """`if test: body`, with a test over iterators and parameters."""

    test: Expression
    body: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`if predicate: body else: orelse`, on a truth value that an earlier instance set."""

    predicate: str  # a boolean scalar, set in the same iteration of the loops around it
    body: tuple[Node, ...]
    orelse: tuple[Node, ...]  # one of the two may be empty
    span: Span


Node: TypeAlias = Instance | Loop | Branch | Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayArgument:
    """An array that the region touches."""

    name: str
    type: ArrayType
    is_read: bool
    is_written: bool
    # Over parameters; None for what the caller passes. The others `run` makes itself, and they
    # are gone after it.
    extents: tuple[Expression, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerArgument:
    """A parameter of the model, passed as an int64."""

    name: str  # its identifier in generated code: "n", "a_shape_0"
    text: str  # as Python in the user's program: "n", "a.shape[0]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Everything a code generator needs to know of one region.

    Generated entry points take the given arrays, then the integers, then the live-in variables,
    each in the order given here.
    """

    name: str  # an identifier: part of the names of generated functions
    file: str  # of the user's source, for comments
    body: tuple[Node, ...]
    arrays: tuple[ArrayArgument, ...]
    integers: tuple[IntegerArgument, ...]
    variables: tuple[ScalarVariable, ...]
    # Scalars, loop variables excluded, whose last value the region hands back, in this order.
    results: tuple[str, ...]
    hazards: int  # union of the hazards of all statements
    # Scalars whose values never leave an iteration of an outermost parallel loop.
    local: frozenset[str] = frozenset()
    # Whether it may run again from its start, or any part of a parallel loop: nothing that is
    # stored is read.
    may_rerun: bool = False
    # Given arrays that share memory with others, or with themselves: stores of one may be seen
    # through another.
    overlapping: frozenset[str] = frozenset()
    # Whether stores pass the caches, since arrays are larger; None where none of them may.
    streams: bool | None = None

    @property
    def given_arrays(self) -> tuple[ArrayArgument, ...]:
        """The arrays that the caller passes."""
        return tuple(array for array in self.arrays if array.extents is None)

    @property
    def live_in(self) -> tuple[ScalarVariable, ...]:
        """The variables whose value before the region is read."""
        return tuple(variable for variable in self.variables if variable.is_live_in)

    def variable(self, name: str) -> ScalarVariable:
        """Return the scalar variable called `name`."""
        return next(variable for variable in self.variables if variable.name == name)


def decided(node: Decision) -> tuple[str, tuple[Node, ...], tuple[Node, ...]]:
    """Return a decision as printed: "" or "not ", what comes under that, what under `else`."""
    return ("", node.body, node.orelse) if node.body else ("not ", node.orelse, ())


def loops_in(body: tuple[Node, ...]) -> Iterator[Loop]:
    """Yield every loop of `body` and below, and those of the passes of scans."""
    for node in walk_nodes(body):
        if isinstance(node, Loop):
            yield node
            if node.passes is not None:
                yield from loops_in(node.passes.nodes)


def walk_nodes(body: tuple[Node, ...]) -> Iterator[Node]:
    """Yield every node of `body` and below, parents first."""
    for node in body:
        yield node
        match node:
            case Loop() | Branch():
                yield from walk_nodes(node.body)
            case Decision():
                yield from walk_nodes(node.body)
                yield from walk_nodes(node.orelse)
            case Instance():
                pass


def names_of(program: Program) -> frozenset[str]:
    """Return the names of `program`'s arrays, integers, variables and iterators."""
    return frozenset(
        (
            *(each.name for each in program.arrays),
            *(each.name for each in program.integers),
            *(each.name for each in program.variables),
            *(loop.iterator for loop in loops_in(program.body)),
            *(loop.group_end for loop in loops_in(program.body) if loop.group_end),
        )
    )
