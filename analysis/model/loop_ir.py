"""The loop IR: the subset of Python that autopar models, as frozen dataclasses.

A function becomes a tree of statements. What the model does not know is an `Opaque`
statement, which keeps its effects and its nested statements, so that the loops inside and
around it can still be analysed and reported.

No concrete node is ever subclassed: `match` with `assert_never` is exhaustive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

from .diagnostics import Reason
from .source import Span

BinaryOperator: TypeAlias = Literal["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^"]
UnaryOperator: TypeAlias = Literal["-", "+", "~", "not"]
CompareOperator: TypeAlias = Literal["<", "<=", ">", ">=", "==", "!="]


# --------------------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A literal number: bool, int, float or complex."""

    value: bool | int | float | complex
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A read of a scalar name (or, bare, of anything)."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """`a.shape[axis]`, `len(a)`: the extent of an array along an axis, in elements."""

    array: str
    axis: int  # as written; a negative one counts from the last, build_scop resolves it
    span: Span
    # Written as `a.shape[k]`, which lists do not have; `len(a)` means the same otherwise.
    is_attribute: bool = field(default=False, compare=False)
    # Of `n, m = a.shape`: how many axes the array has, or the interpreter raises.
    of: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """`a[i, j]` or `a[i][j]`: one element of an array."""

    array: str
    indices: tuple[Expression, ...]
    span: Span
    has_tuple: bool = field(default=False, compare=False)  # `a[i, j]`: lists of lists refuse it
    # Of `x, y = a[i]`: how many elements its last axis has, or the interpreter raises.
    of: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """`start:stop:step`, only as a subscript: all elements of a range along one axis.

    A pass (`array_statements`) makes loops of the statements that have any.
    """

    start: Expression | None  # None: from the first one, or the last where the step is negative
    stop: Expression | None
    step: Expression | None  # None: 1
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary:
    """`-x`, `+x`, `~x`, `not x`."""

    operator: UnaryOperator
    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """An arithmetic or bitwise operation."""

    operator: BinaryOperator
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """One comparison; a chained one is an `And` of these (operands must be free of effects)."""

    operator: CompareOperator
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class BoolOp:
    """`x and y and ...`, `x or y or ...`."""

    operator: Literal["and", "or"]
    values: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """`body if test else orelse`: only one of the two is evaluated."""

    test: Expression
    body: Expression
    orelse: Expression
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a function that autopar knows, by its canonical name: `math.sqrt`, `abs`."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span
    # Which of several values of a user's function; the calls of the others follow this one.
    part: int | None = None


# `wrapped(i - 1)`, only as a subscript: it counts from the end of its axis where it is negative.
# No function of the user has this name; what does not know it finds no affine form.
WRAPPED = "wrapped"

# The function that `u.copy()` calls, only as all of what is assigned to a name.
COPY = "copy of"

# What `sum` adds up, each of its elements: from Python 3.12 on it does not just add floats.
SUMMED = "item of sum"

# An element of what NumPy makes an array of: a number of Python's becomes one of NumPy's.
AS_NUMPY = "numpy.array item"

# A list of numbers that is written where it is used, as an argument of what draws.
DISPLAY = "list display"

# What is true in the first turn of the loop in which it stands, and in no other.
FIRST_TURN = "autopar_first_turn"

# Begins the names of scalars that no user wrote: values on their way to one of several targets.
TEMPORARY = "autopar_value_"
# Begins the names of those that NumPy's functions of rows are computed in.
OF_ROW = f"{TEMPORARY}of_row"

# The array of `out.append(value)` is called `out.append`, those of `out.append((a, b))` so too
# with the number of a part behind it: no name of the user, and without subscripts until a nest
# of loops is there to number them (`passes/appends`).
_APPEND = ".append"
# What the list of a comprehension is called, which has no name.
NEW_LIST = "[]"
# Behind the name of its array, where what is appended to it are lists of their own.
ROWS = "[...]"


def append_to(name: str, part: str = "") -> str:
    """Return what the array is called in which a list is given another element, or part of one."""
    return f"{name}{_APPEND}{part}"


def appended_list(array: str) -> str | None:
    """Return the list that an array stands for while it grows; None for any other array."""
    name, append, _ = array.rpartition(_APPEND)
    return name if append else None


Expression: TypeAlias = (
    Constant
    | Name
    | Extent
    | Element
    | Slice
    | Unary
    | Binary
    | Compare
    | BoolOp
    | Conditional
    | Call
)

# ---------------------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """`target = value`."""

    target: Name | Element
    value: Expression
    span: Span
    # Names that the interpreter reads where this fails: those in what it raises.
    shown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """`target op= value`: reads the target, then writes it."""

    operator: BinaryOperator
    target: Name | Element
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocate:
    """`name = np.zeros(shape)`, `np.empty_like(other)` and their like: a new array each time."""

    name: str
    shape: tuple[Expression, ...]  # extents, outermost axis first; () where it is that of `like`
    like: str | None  # the array whose shape it takes, and its dtype where `dtype` is None
    dtype: str | None
    fill: Constant | None  # what every element is; None: they have no value yet
    span: Span
    is_of_values: bool = False  # its dtype is that of the values first stored in it
    copied: str | None = None  # the array, or list, whose elements these values are, all of them
    order: str = "C"  # how its elements lie: as for `np.empty`, or as for `np.empty_like`


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """`u, v = v, u`: names of arrays stand for each other's.

    A pass (`exchanges`) makes tests of it where it may.
    """

    targets: tuple[str, ...]
    values: tuple[str, ...]  # the same names in another order
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """An array that the guard of a nest makes, for one that the nest makes in each turn."""

    name: str  # in the nest
    like: str | None  # the given array whose shape it takes, and its dtype where `dtype` is None
    shape: tuple[Expression, ...]  # of names that the nest leaves alone; () where it is `like`'s
    dtype: str | None
    order: str  # as `Allocate.order`


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """That names of arrays stand for other ones in each turn of a loop, and for which."""

    turns: str  # a scalar of ours: how many turns there were
    names: tuple[str, ...]  # those that may be read after the loop, sorted
    orders: tuple[tuple[str, ...], ...]  # what each stands for after 0, 1, ... turns, then again
    again: int = 0  # the number of turns with which the orders begin again
    fresh: tuple[Fresh, ...] = ()  # what they may stand for beside the arrays that are given
    copies: int = 1  # how often the nest has each statement, at most
    needed: tuple[str, ...] = ()  # names that the first turn takes as they are: bound before


@dataclass(frozen=True, slots=True, kw_only=True)
class If:
    """`if test: body else: orelse`."""

    test: Expression
    body: tuple[Statement, ...]
    orelse: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One place where a list grows, and the arrays that hold what it grows by."""

    # "value"; "tuple" or "list" where the arrays hold the parts of one; "rows" where it grows by
    # a list for each iteration of the loops but the innermost.
    kind: str
    parts: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A list that a nest appends to, in the same loops at all of its sites."""

    list: str
    sites: tuple[Site, ...]  # in textual order

    @property
    def is_new(self) -> bool:
        """Whether it is the value of a comprehension."""
        return self.list == NEW_LIST

    @property
    def arrays(self) -> tuple[str, ...]:
        """The arrays of all sites."""
        return tuple(name for site in self.sites for name in site.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """That the header of a loop computes values which a guard has to be shown."""

    reads: frozenset[str]  # names that it reads for them
    reason: Reason  # why the loop is no part of a nest, where values cannot be shown


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """`for variable in range(start, stop, step)` without `break` and `else`."""

    variable: str
    start: Expression
    stop: Expression
    step: Expression
    body: tuple[Statement, ...]
    header: str  # source text of the header without its colon
    span: Span
    # What the user calls its turns, where the variable is one of ours: "x" of `for x in a`.
    label: str | None = None
    # Names of the user that stand for a part of an array in each turn: "row" for `a[row_turn]`.
    rows: tuple[tuple[str, Element], ...] = ()
    is_inner_axis: bool = False  # together with the one around it, it is one loop of the source
    is_inlined: bool = False  # of a function that is called in the nest; no loop of this source
    has_else: bool = False  # its span is that of its `else` too, which follows it here
    inlined: tuple[str, ...] = ()  # of a whole nest: the functions that stand in it now
    # It may be left before its last iteration: by a `break` in it, or as a `while` loop does,
    # whose range is then only as many turns as are tried.
    leaves: Literal["break", "while"] | None = None
    exchanged: Exchanged | None = None  # of a whole nest: how names move, no longer in its body
    must_run: bool = False  # what it counts with is read after it, and had no value before
    # Of a whole nest: names of ours for what scalars that the nest assigns were before it.
    before: tuple[tuple[str, str], ...] = ()
    collects: tuple[Collected, ...] = ()  # of a whole nest: the lists that it appends to
    is_value: bool = False  # a comprehension: nothing of it is seen but a list of its own
    # Over an axis of what a whole-array statement assigns; the statement is one row of a report.
    is_axis: bool = False
    is_ordered: bool = False  # of an axis: new arrays add up along it, one element after the other
    requires: tuple[Compare, ...] = ()  # what must hold wherever it is reached, for it to be right
    is_block: bool = False  # no loop: what is in it follows one another, once
    runs_once: bool = False  # no loop of the source: what holds a driver and its `else`
    is_driver: bool = False  # it may be left, and is the outermost loop of the source
    exits: Exits | None = None  # of a whole nest: the `return` statements that leave it
    held: Held | None = None  # what its header computes first


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """The `return` statements that leave an outermost loop: the interpreter runs them then."""

    name: str  # a scalar of ours: 0, or the number of the one that was reached, from 1
    places: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`range(start, stop)`: integers, one after the other."""

    start: Expression
    stop: Expression
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """`a`, `reversed(a)`: what an array holds along its first axis, elements or rows.

    Several names take the elements of one row each.
    """

    array: str
    is_reversed: bool
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumerated:
    """`enumerate(inner, start)`: pairs of a number and a value."""

    start: Expression
    inner: Iterable
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Zipped:
    """`zip(first, second, ...)`: tuples, as many as the shortest has values."""

    parts: tuple[Iterable, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """`np.ndindex(n, m)`, `itertools.product(range(n), range(m))`: tuples, the last one fastest.

    With `array`, pairs of such a tuple and the element there: `np.ndenumerate(array)`.
    """

    axes: tuple[Counts, ...]
    array: str | None
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """`((1, 0), (-1, 0))`: numbers that are written where a loop runs over them."""

    columns: tuple[tuple[Constant, ...], ...]  # of each name of the target, turn by turn; not empty
    span: Span


Iterable: TypeAlias = Counts | Elements | Enumerated | Zipped | Grid | Listed
# Names to bind, as the target of a loop nests them: (i, (x, y)).
Pattern: TypeAlias = "Name | tuple[Pattern, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """`for target in iterable` over something else than a range.

    A pass (`index_loops`) makes loops over ranges of it, nest by nest.
    """

    target: Pattern
    iterable: Iterable
    body: tuple[Statement, ...]
    header: str
    span: Span
    is_inlined: bool = False  # as of `For`
    has_else: bool = False  # as of `For`
    inlined: tuple[str, ...] = ()  # as of `For`
    is_inner_axis: bool = False  # as of `For`
    is_value: bool = False  # as of `For`
    is_driver: bool = False  # as of `For`
    held: Held | None = None  # as of `For`
    requires: tuple[Compare, ...] = ()  # as of `For`
    label: str | None = None  # as of `For`


@dataclass(frozen=True, slots=True, kw_only=True)
class While:
    """`while test: body` without `else`.

    A pass (`leaving_loops`) makes a loop of it that ends when it is left.
    """

    test: Expression
    body: tuple[Statement, ...]
    header: str
    span: Span
    is_driver: bool = False  # as of `For`
    has_else: bool = False  # as of `For`


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """`break`: nothing of the innermost loop around it runs any more."""

    span: Span
    # Names that what is returned reads, where it is the `return` of an outermost loop.
    returns: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tame:
    """What a statement does besides computing, where that can be told: nothing but this.

    It changes no number and no array that others may read, if what stands here is what it seems.
    """

    calls: frozenset[str] = frozenset()  # builtin functions, `print` among them
    stores: frozenset[str] = frozenset()  # dicts that it stores into, lists that it appends to
    plain: frozenset[str] = frozenset()  # names that have to hold numbers, strings and their like
    arrays: frozenset[str] = frozenset()  # names that have to hold arrays of numbers
    helpers: frozenset[Span] = frozenset()  # calls of the user's functions, which have to be pure

    def __or__(self, other: Tame) -> Tame:
        """Return what two statements do."""
        return Tame(
            calls=self.calls | other.calls,
            stores=self.stores | other.stores,
            plain=self.plain | other.plain,
            arrays=self.arrays | other.arrays,
            helpers=self.helpers | other.helpers,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """A statement that is not modelled: its effects, and the statements nested in it.

    `reads` and `writes` over-approximate; a may-write never kills. `kills` are names that
    the statement surely binds when it completes.
    """

    reason: Reason
    reads: frozenset[str]
    writes: frozenset[str]
    kills: frozenset[str]
    has_effects: bool  # may raise, print, call unknown code
    is_loop: bool  # a `while`, a `for` over something else, a comprehension: a report row
    is_array_statement: bool  # a whole-array statement: a report row
    header: str
    body: tuple[Statement, ...]  # nested statements, in source order
    span: Span
    is_value: bool = False  # as of `For`
    # Calls of the user's functions in it that are surely computed, each once.
    computes: tuple[Call, ...] = ()
    tame: Tame | None = None  # None: it may do anything
    # The same with elements of lists for the random numbers that it draws; (): it does more.
    drawn: tuple[Statement, ...] = ()
    # The same with loops for what it folds (`sum(x for x in a)`), which have no place of their own
    # in the source; () where it has none, or does more.
    folded: tuple[Statement, ...] = ()


Statement: TypeAlias = (
    Assign | Update | Allocate | Exchange | If | For | Each | While | Break | Opaque
)


# The value of a function of the user, in its body: no name, and none of ours.
RESULT = "return"
# What takes the value of a call that stands alone.
DISCARDED = "autopar_value_of_call"


def result_name(part: int | None) -> str:
    """Return what one of several values of a function is called in its body."""
    return RESULT if part is None else f"{RESULT} {part}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A function of the user that others call: what it does to a value."""

    key: str  # what calls of it name as their function: "def 12"
    name: str
    parameters: tuple[str, ...]
    body: tuple[Statement, ...]  # assigns RESULT on every path
    values: int  # how many it returns; 0: none, and its body assigns no RESULT
    functions: frozenset[str]  # what it calls its parameters that are functions, here known ones
    local_names: frozenset[str]  # parameters among them
    refusal: Reason | None  # why nothing is known of it
    # Whose its outside names are: of the text that calls; of the same module, in another text;
    # of another module, or of functions around it.
    # `inside`: of the function that calls, in which it is defined.
    place: Literal["here", "near", "far", "inside"]
    span: Span
    draws: tuple[Draw, ...] = ()  # what its body may draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One place where a number is drawn, or an array of `size` numbers."""

    array: str  # the list that stands for what is drawn there
    path: tuple[str, ...]  # what is called: ("np", "random", "normal"), ("rng", "normal")
    arguments: tuple[Expression, ...]
    span: Span
    keywords: tuple[str, ...] = ()  # those of the last arguments
    size: Expression | None = None  # None: one number


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function (or module level) in the loop IR."""

    name: str  # qualified
    line: int
    parameters: tuple[str, ...]  # names bound when the body starts, in order
    body: tuple[Statement, ...]
    # Names that code elsewhere may read or write at any time: captured by a closure, declared
    # global or nonlocal; at module level of an imported module, all of them.
    shared_names: frozenset[str]
    local_names: frozenset[str]  # names bound somewhere in the body
    is_module: bool
    # Set where the whole function must be left alone (`locals()`, `exec`, ...).
    refusal: Reason | None
    span: Span
    helpers: tuple[Helper, ...] = ()  # functions of the same text that it may call, at any depth
    dicts: frozenset[str] = frozenset()  # names that it binds to dicts, and to nothing else
    draws: tuple[Draw, ...] = ()  # all that stand in its opaque statements


def walk_statements(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """Yield every statement of `body` and of its nested bodies, in source order."""
    for statement in body:
        yield statement
        match statement:
            case If():
                yield from walk_statements(statement.body)
                yield from walk_statements(statement.orelse)
            case For() | Each() | While() | Opaque():
                yield from walk_statements(statement.body)
            case _:
                pass


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the direct operands of `expression`, in the order of evaluation."""
    match expression:
        case Constant() | Name() | Extent():
            return ()
        case Element():
            return expression.indices
        case Slice():
            parts = (expression.start, expression.stop, expression.step)
            return tuple(each for each in parts if each is not None)
        case Unary():
            return (expression.operand,)
        case Binary() | Compare():
            return (expression.left, expression.right)
        case BoolOp():
            return expression.values
        case Conditional():
            return (expression.test, expression.body, expression.orelse)
        case Call():
            return expression.arguments


def expressions_of(statement: Statement) -> tuple[Expression, ...]:
    """Return the expressions of a statement itself, a target that is only bound left out."""
    match statement:
        case Assign(target=Element() as target):
            return (statement.value, target)
        case Assign():
            return (statement.value,)
        case Update():
            return (statement.value, statement.target)
        case Allocate():
            return statement.shape
        case If():
            return (statement.test,)
        case For():
            return (statement.start, statement.stop, statement.step)
        case Each():
            return tuple(iterated(statement.iterable))
        case While():
            return (statement.test,)
        case Break() | Exchange() | Opaque():
            return ()


def own_breaks(body: tuple[Statement, ...]) -> Iterator[Break]:
    """Yield each `break` that leaves the loop of which `body` is the body."""
    for statement in body:
        match statement:
            case Break():
                yield statement
            case If():
                yield from own_breaks(statement.body)
                yield from own_breaks(statement.orelse)
            case _:
                pass


def iterated(iterable: Iterable) -> Iterator[Expression]:
    """Yield what decides how many values an iterable has, arrays as their extents."""
    match iterable:
        case Counts():
            yield from (iterable.start, iterable.stop)
        case Elements():
            yield Extent(array=iterable.array, axis=0, span=iterable.span)
        case Enumerated():
            yield iterable.start
            yield from iterated(iterable.inner)
        case Zipped():
            for part in iterable.parts:
                yield from iterated(part)
        case Grid():
            for axis in iterable.axes:
                yield from iterated(axis)
        case Listed():
            pass


def names_in(pattern: Pattern) -> tuple[str, ...]:
    """Return the names that the target of a loop binds, in order."""
    if isinstance(pattern, Name):
        return (pattern.name,)
    return tuple(name for part in pattern for name in names_in(part))


def walk_expression(expression: Expression) -> Iterator[Expression]:
    """Return `expression` and everything below it, operands before the operation."""
    found: list[Expression] = []
    pending = [expression]
    while pending:
        node = pending.pop()
        found.append(node)
        pending += children(node)
    return reversed(found)  # last to first, each before its operands


def wrapped_value(subscript: Expression) -> Expression | None:
    """Return what stands in a `wrapped(...)` subscript; None for any other subscript."""
    match subscript:
        case Call(function=name, arguments=(value,)) if name == WRAPPED:
            return value
    return None
