"""Typed statements: the loop IR after NEP 50 has been applied to every node.

Every conversion is an explicit `Cast`; a code generator prints what it sees and never
promotes on its own. What an operation may do besides giving a value (raise, warn) stands
in its `hazards`, so that the mode of a region can be chosen from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

from .loop_ir import Expression
from .source import Span
from .types import ScalarType

# What an operation may do besides giving its value. Bits of the status word of a kernel.
ZERO_DIVISION = 1  # a Python number divided by zero: the interpreter raises
INTEGER_OVERFLOW = 2  # a Python int outgrew 64 bits: the interpreter goes on exactly
DOMAIN_ERROR = 4  # math.sqrt(-1), math.exp(1000): the interpreter raises
CONVERSION = 8  # a store that NumPy refuses or warns about (300 into uint8, nan into int)
INTEGER_WARNING = 16  # NumPy integer division by zero, scalar integer overflow: a RuntimeWarning
FLOAT_INVALID = 32  # the processor's flags: perhaps a RuntimeWarning
FLOAT_DIVIDE = 64
FLOAT_OVERFLOW = 128
FLOAT_WARNING = FLOAT_INVALID | FLOAT_DIVIDE | FLOAT_OVERFLOW  # which of them, only a run tells
INDEX_ERROR = 256  # a computed subscript out of range: the interpreter raises
REPEATED = 512  # two iterations of an inspected loop touch one element: never of a kernel that runs
# Nothing to tell: it wraps in two's complement, where anything else would do if it did not.
WRAPS = 1024

FAILURES = ZERO_DIVISION | INTEGER_OVERFLOW | DOMAIN_ERROR | CONVERSION | INDEX_ERROR
WARNINGS = INTEGER_WARNING | FLOAT_WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A constant of type `type`."""

    value: bool | int | float | complex
    type: ScalarType
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A read of a scalar variable, live into the region or assigned in it."""

    name: str
    type: ScalarType
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An integer known to the model (loop variable, parameter, extent) used as a value."""

    expression: Expression  # Name or Extent
    type: ScalarType  # INT
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A subscript that is data: an integer that counts from the end where it is negative."""

    value: TypedExpression
    hazards: int  # INDEX_ERROR where it may leave its axis; 0 once that is excluded
    span: Span


# Those that are expressions are affine and proven in range.
Subscript: TypeAlias = Expression | Computed


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A read of an array element; an affine subscript in `wrapped(...)` may be negative."""

    array: str
    indices: tuple[Subscript, ...]
    type: ScalarType
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """A conversion to the dtype of `type`; `hazards` when the conversion itself may fail."""

    operand: TypedExpression
    type: ScalarType
    hazards: int
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation whose operands already have the dtype in which it is computed.

    `name` is an operator of the loop IR ("+", "//", "<", "not", "and", ...) or the canonical
    name of a function ("math.sqrt", "abs", "min").
    """

    name: str
    operands: tuple[TypedExpression, ...]
    type: ScalarType
    hazards: int
    span: Span


TypedExpression: TypeAlias = Number | Variable | Index | Load | Cast | Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """`array[indices] = value`; `value` already has the dtype of the array."""

    array: str
    indices: tuple[Subscript, ...]
    value: TypedExpression
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariable:
    """`name = value` for a scalar; the variable holds `value.type` afterwards."""

    name: str
    value: TypedExpression
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Compute `values`, and the subscripts of `places`, for what may fail; nothing is stored.

    Only in the checks of a region (`codegen.checks`).
    """

    values: tuple[TypedExpression, ...]
    places: tuple[Load, ...]  # their elements are not read
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Note that the iteration `turn` writes elements, or look who else touches its elements.

    Only in the inspector of a loop (`codegen.inspect`).
    """

    written: tuple[Load, ...]
    read: tuple[Load, ...]
    marks: tuple[tuple[str, str], ...]  # for each array the one that holds its notes
    turn: Variable
    # The turn of the first iteration of this execution of the loop: notes below it are old.
    first: TypedExpression
    is_noting: bool
    span: Span


TypedStatement: TypeAlias = Store | SetVariable | Check | Trace


# What an assignment makes of a scalar: a NumPy scalar, a Python number, the one of the two that it
# was, or a NumPy scalar where `min` or `max` chooses it.
Kind: TypeAlias = Literal["numpy", "python", "same", "chosen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarVariable:
    """A scalar variable of a kernel, with the one dtype it is held in."""

    name: str
    type: ScalarType  # the type it has after the region, if it was assigned there
    is_live_in: bool  # its value before the region is read
    live_in_type: ScalarType | None  # type of that value; None where not live in
    is_true_before: bool = False  # a truth value of ours, not live in, that is True before

    @property
    def is_given(self) -> bool:
        """Whether its value before is one that it can hold: another one is never read.

        A float before a loop over ints of the same name is gone once that loop has run; to make an
        int of it would raise for NaN and warn for a complex number.
        """
        return self.live_in_type is not None and _rank(self.live_in_type) <= _rank(self.type)


def _rank(type_: ScalarType) -> int:
    return {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}[type_.dtype[0]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListElements:
    """What a list holds, all its elements being of one type."""

    name: str
    before: ScalarType | None  # None: no element is read, and they may be anything
    after: ScalarType  # of those that are stored; `before` where none is

    @property
    def is_changed(self) -> bool:
        """Whether a stored element may be told from the one before by its type alone."""
        return self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedProgram:
    """All statements of a region, typed; `statements` in the order of the Scop's."""

    statements: tuple[tuple[str, TypedStatement], ...]  # (name of the Scop's statement, typed)
    variables: tuple[ScalarVariable, ...]
    hazards: int  # union over all operations
    # Loops, as indices into Scop.loops, that must not be empty for these types to hold: a sum
    # that starts as the Python 0.0 is a np.float32 only after the loop that adds np.float32s.
    # Their bounds do not depend on other loops.
    nonempty_loops: tuple[int, ...] = ()
    # Scalars that have, after the region, their type only if they were assigned in it; if not,
    # they are what they were.
    maybe_assigned: tuple[str, ...] = ()
    # Scalars that are Python numbers after the region or NumPy scalars of the same dtype, with
    # what each statement that assigns them makes of them.
    kinds: tuple[tuple[str, tuple[tuple[str, Kind], ...]], ...] = ()
    # Statements `m = max(m, e)` that leave m what it was where e is not chosen.
    choosing: frozenset[str] = frozenset()
    lists: tuple[ListElements, ...] = ()

    def statement(self, name: str) -> TypedStatement:
        """Return the typed form of the Scop's statement `name`."""
        return dict(self.statements)[name]


def walk_typed(expression: TypedExpression) -> Iterator[TypedExpression]:
    """Yield `expression` and everything below it, operands first."""
    match expression:
        case Cast():
            yield from walk_typed(expression.operand)
        case Operation():
            for operand in expression.operands:
                yield from walk_typed(operand)
        case Load():
            yield from walk_computed(expression.indices)
        case Number() | Variable() | Index():
            pass
    yield expression


def walk_computed(indices: tuple[Subscript, ...]) -> Iterator[TypedExpression]:
    """Yield the expressions of the computed ones among `indices`, operands first."""
    for index in indices:
        if isinstance(index, Computed):
            yield from walk_typed(index.value)


def walk_statement(statement: TypedStatement) -> Iterator[TypedExpression]:
    """Yield every expression that `statement` computes, operands first."""
    match statement:
        case Store():
            yield from walk_computed(statement.indices)
            yield from walk_typed(statement.value)
        case SetVariable():
            yield from walk_typed(statement.value)
        case Check():
            for place in statement.places:
                yield from walk_computed(place.indices)
            for value in statement.values:
                yield from walk_typed(value)
        case Trace():
            for place in (*statement.written, *statement.read):
                yield from walk_computed(place.indices)
            yield statement.turn
            yield from walk_typed(statement.first)


def places_of(statement: TypedStatement) -> Iterator[Load | Store]:
    """Yield everything in `statement` that has subscripts."""
    yield from (each for each in walk_statement(statement) if isinstance(each, Load))
    match statement:
        case Store():
            yield statement
        case Check():
            yield from statement.places
        case Trace():
            yield from statement.written
            yield from statement.read
        case SetVariable():
            pass


def hazards_of(node: TypedExpression) -> int:
    """Return what `node` itself may do besides giving its value, its operands left out."""
    match node:
        case Cast() | Operation():
            return node.hazards
        case Load():
            return subscript_hazards(node.indices)
        case Number() | Variable() | Index():
            return 0


def subscript_hazards(indices: tuple[Subscript, ...]) -> int:
    """Return INDEX_ERROR where a subscript may leave its axis, else 0."""
    found = 0
    for index in indices:
        if isinstance(index, Computed):
            found |= index.hazards
    return found


def statement_hazards(statement: TypedStatement) -> int:
    """Return what `statement` may do besides its work, its expressions included."""
    found = 0
    for node in walk_statement(statement):
        found |= hazards_of(node)
    for place in places_of(statement):
        found |= subscript_hazards(place.indices)
    return found
