"""The outcome of the analysis: verdicts, conditions and a schedule for every region."""

from __future__ import annotations

from typing import Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

from . import isl
from .array_run import ArrayRun
from .dependence import Dependence, Reduction, Renaming, Scan
from .diagnostics import Reason
from .draws import Draws
from .loop_ir import Each, Expression, For, Function, Tame
from .scop import Scop
from .source import SourceText, Span

VerdictKind: TypeAlias = Literal[
    "parallel", "reduction", "conditional", "sequential", "unsupported"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A set of parameter values, with the Python expression that tests for it."""

    set: isl.Set
    # Over the user's names and what is found in data: "k == 0 or k >= n"; "True" where nothing
    # is asked.
    text: str
    words: str  # the same for a reader


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateArray:
    """An array of which iterations that run at the same time need copies of their own.

    The last iteration works on the array itself: it writes every element that any of them
    writes, so that nothing has to be put back.
    """

    name: str
    # Iterations read elements that none of them writes: copies start as the array is.
    starts_filled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What an inspector must find in the data before the iterations of a loop may run at once.

    No two of them may touch the same element of an array, where one of the two writes it.
    """

    array: str
    text: str  # for a reader: "idx[i] distinct for 0 <= i < n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPlan:
    """The verdict on one loop of a region, as written."""

    loop: int  # index into Scop.loops
    verdict: VerdictKind
    condition: Condition | None  # for `conditional`: parallel exactly where it holds
    private: tuple[str, ...]  # scalars and arrays
    private_arrays: tuple[PrivateArray, ...]  # those of `private` that are arrays
    reductions: tuple[Reduction, ...]
    dependences: tuple[Dependence, ...]
    reason: Reason | None  # None where the loop is parallel
    # Whether its iterations may run at the same time, `condition` or `inspections` holding:
    # parallel, or a conditional one without reductions.
    is_coincident: bool
    # The same, once each of `reductions` and `kept` is combined from partial values.
    is_reducible: bool = False
    # Private scalars that live on although the last iteration may not assign them: theirs is the
    # value of the last iteration that does. Parts of the loop are combined as for a reduction.
    kept: tuple[Reduction, ...] = ()
    # What the data must be like. Then `condition` is never true: nothing but an inspector can
    # tell. A reduction has some where its updates might be of distinct elements.
    inspections: tuple[Inspection, ...] = ()
    # All that a sequential loop carries, where it is scans alone: parts of it may run at the same
    # time once it is known with what values they start.
    scans: tuple[Scan, ...] = ()
    # The same where it is linear recurrences alone, for those who let floats be rounded otherwise.
    recurrences: tuple[Scan, ...] = ()
    # All that a sequential loop carries, where that are anti dependences of a bounded distance:
    # parts of it may run at the same time once each has put aside what the next one overwrites.
    renamings: tuple[Renaming, ...] = ()
    # Arrays of which parts of the loop may have copies that note what they write: the last part
    # that writes an element decides (`passes/kept_arrays`). Where the verdict is conditional, for
    # calls that do not meet the condition; else always, and nothing else is carried then.
    kept_arrays: tuple[PrivateArray, ...] = ()
    # The parameters for which an inspector is worth asking; None without inspections.
    inspected_where: Condition | None = None

    @property
    def condition_text(self) -> str | None:
        """What a conditional loop is conditional on, for a reader; None for other loops."""
        where = self.inspected_where or self.condition
        if self.verdict != "conditional" or where is None:
            return None
        asked = [] if where.text == "True" else [where.words]
        if asked and self.inspections and " or " in where.text:
            asked = [f"({where.words})"]
        return " and ".join([*asked, *(each.text for each in self.inspections)])


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDimension:
    """One dimension of the time vector."""

    is_textual: bool  # a constant position; scans nothing
    # Name of the iterator for each statement that the dimension scans.
    iterators: tuple[tuple[str, str], ...]
    # The statements for which the dimension carries nothing, under the chosen conditions.
    coincident: frozenset[str]
    # What that takes: the statement of a coincident loop, with an array that is private to it.
    private_arrays: tuple[tuple[str, PrivateArray], ...] = ()
    # Those for which it carries only reductions, and these.
    reducible: frozenset[str] = frozenset()
    reductions: tuple[Reduction, ...] = ()
    # What that takes: the statement of a loop, with an array that keeps its last values.
    kept_arrays: tuple[tuple[str, PrivateArray], ...] = ()
    # Those for which it carries only scans, and these.
    scannable: frozenset[str] = frozenset()
    scans: tuple[Scan, ...] = ()
    # Those for which it carries only what renaming removes, and the arrays.
    renamable: frozenset[str] = frozenset()
    renamings: tuple[Renaming, ...] = ()
    blocks_of: str | None = None  # it counts blocks of this loop variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """Two loops, one directly in the other, of which several outer iterations may overlap.

    Iteration `outer` runs its inner iteration `inner` at the time `factor * outer + inner`: what
    runs at one time may run in any order, and all that it needs ran before.
    """

    outer: int  # loops, as indices into Scop.loops
    inner: int
    factor: int  # positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Instance -> time, lexicographic, and what each dimension of time carries."""

    relation: isl.UnionMap  # { S0[i, j] -> [0, i, 0, j, 0] }, restricted to the domains
    dimensions: tuple[ScheduleDimension, ...]
    # Scalars whose values never leave an iteration of an outermost parallel loop.
    local: frozenset[str] = frozenset()
    skews: tuple[Skew, ...] = ()
    # What was done to loops of the source, as indices into Scop.loops: "interchange", ...
    transforms: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionPlan:
    """One region that can be taken over: its model, verdicts and the conditions to check."""

    scop: Scop
    # What dependences, and all that follows from them, were found on: `scop` itself, or the
    # same with each group of arrays that share memory as one base.
    memory: Scop
    loops: tuple[LoopPlan, ...]  # in the order of Scop.loops
    # Every subscript is in range for all instances where all of these hold.
    in_bounds: tuple[Condition, ...]
    # Pairs of arrays that must not overlap (one of the two is written).
    disjoint: tuple[tuple[str, str], ...]
    # Last values of the loop variables that live on, as Python over the parameters; None
    # where isl finds no single expression, and the region stays in the interpreter.
    last_values: tuple[tuple[str, str], ...] | None
    # Everything that lives on has a last value: the loops concerned are not empty.
    live_out_defined: Condition | None
    # Whether sums of floats keep the interpreter's order however long they are: whether a kernel
    # or the interpreter runs the region may depend on the calls before.
    keeps_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedLoop:
    """A loop, comprehension or array statement outside every region, with the reasons."""

    header: str
    reasons: tuple[Reason, ...]  # the first one decides
    depth: int
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredRegion:
    """A nest that has a model once the values of some names are known: at a call."""

    nest: For
    text: SourceText
    names: tuple[str, ...]  # as Python: "n", "a.shape[1]"
    live_out: frozenset[str]  # names that may be read after the nest

    @property
    def span(self) -> Span:
        """Where the nest stands."""
        return self.nest.span


@dataclass(frozen=True, slots=True, kw_only=True)
class UnrankedRegion:
    """A nest with statements on arrays of which the code does not show how many axes they have."""

    arguments: tuple[str, ...]  # every name whose value a plan of it may ask for, sorted
    results: tuple[str, ...]  # names that it may leave behind, sorted
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRegion:
    """A nest that may have a model once it is known which functions some variables hold."""

    functions: tuple[str, ...]  # the variables, sorted
    arguments: tuple[str, ...]  # every name whose value it may ask for, sorted
    results: tuple[str, ...]  # names that it may leave behind, sorted
    is_value: bool  # a comprehension
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPart:
    """Something in the body of a split loop that a kernel computes ahead."""

    places: tuple[Span, ...]  # of statements that follow each other, or of one expression
    names: tuple[str, ...]  # what the statements leave behind; () for an expression


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRegion:
    """A loop of which a kernel computes parts ahead; the interpreter runs the rest in order."""

    region: RegionPlan  # computes the parts, for iterations from `first` to before `last`
    loop: For | Each  # as written, without its body
    start: Expression  # the iterator of the kernel's loop before the first iteration
    step: int  # what it grows by
    first: str  # what the limits are called in `region`
    last: str
    parts: tuple[SplitPart, ...]
    tame: Tame | None  # what the rest does; None: it may do anything
    may_end: bool  # the loop may be left before its last iteration

    @property
    def span(self) -> Span:
        """Where the loop stands."""
        return self.loop.span


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRegion:
    """A nest that draws random numbers: they are drawn first, the rest is a region."""

    region: RegionPlan  # takes lists of what is drawn
    draws: Draws

    @property
    def span(self) -> Span:
        """Where the nest stands."""
        return self.region.scop.span


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchRegion:
    """A loop of which a kernel runs the turns between statements that the interpreter runs."""

    region: RegionPlan  # the turns from `first` on, left where the interpreter goes on
    variable: str | None  # what counts the turns; None: a `while` loop
    step: int  # what it grows by
    first: str  # what the limits of a `for` loop are called in `region`
    last: str
    stops: tuple[Span, ...]  # where it goes on; other exits are its own `break` and `return`

    @property
    def span(self) -> Span:
        """Where the loop stands."""
        return self.region.scop.span


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the analysis has to say of one function."""

    function: Function
    # In source order, disjoint; or inside another one, for calls that it does not take.
    regions: tuple[RegionPlan, ...]
    unsupported: tuple[UnsupportedLoop, ...]  # in source order
    # Nests of unsupported loops that a call analyses again; regions may lie inside.
    deferred: tuple[DeferredRegion, ...] = ()
    # The same of nests that a call analyses with the functions that it is given.
    waiting: tuple[WaitingRegion, ...] = ()
    unranked: tuple[UnrankedRegion, ...] = ()
    # Unsupported loops of which a part is computed ahead.
    splits: tuple[SplitRegion, ...] = ()
    # Statements on what may be whole arrays, which a call plans; regions may lie inside.
    array_runs: tuple[ArrayRun, ...] = ()
    # Unsupported loops that draw random numbers, which are drawn first.
    drawn: tuple[DrawnRegion, ...] = ()
    # Unsupported loops that run in kernels from one statement of the interpreter's to the next.
    stretches: tuple[StretchRegion, ...] = ()
