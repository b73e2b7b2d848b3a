"""Print typed statements as Python for Numba, on the CPU and on CUDA.

Before:  Store(b, [i], Operation("+", Load(a, [i - 1]), Cast(k, int8)))      may wrap
After:   S0_0 = np.int64(a[np.uintp(i - 1)]) + np.int64(np.int8(k))
         status |= range_status(S0_0, -128, 127, 16)
         b[np.uintp(i)] = np.int8(S0_0)

Every text has exactly its expression's dtype under Numba's own rules, which widen small
integers. What may fail becomes a statement that sets bits of the local variable `status`; all
else stays in the expression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from autopar.analysis.model.loop_ir import Expression, wrapped_value
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    CONVERSION,
    FLOAT_WARNING,
    REPEATED,
    Cast,
    Check,
    Computed,
    Index,
    Load,
    Number,
    Operation,
    SetVariable,
    Store,
    Subscript,
    Trace,
    TypedExpression,
    TypedStatement,
    Variable,
    walk_statement,
)
from autopar.analysis.model.types import (
    COMPLEX_DTYPES,
    EXACT_IN_FLOAT64,
    FLOAT_DTYPES,
    INT,
    INTEGER_LIMITS,
)

from .device_functions import is_on_device
from .float_status import status_call
from .integers import rename, simplify, text
from .operations import CHECKED, connected, has_own_loop, operation_text
from .printing import Lines, bare, cast_text, number_text, operand

_LARGEST_INT64 = f"np.uint64({2**63 - 1})"
_UNKNOWN_TO_CUDA = ("math.cbrt", "math.exp2")
_ATOMICS: Mapping[str, str] = MappingProxyType(
    {"+": "add", "&": "and_", "|": "or_", "^": "xor", "min": "min", "max": "max"}
)
Target: TypeAlias = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Where threads of a block count the elements of an array, in memory that they share."""

    bins: str  # the array of counts
    base: str  # the number of the first of them
    is_narrow: bool  # 32 bits for elements of 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How the names of a statement are spelled where it is printed."""

    # Value of each source loop variable, over the iterators of the loop tree.
    iterators: Mapping[str, Expression] = field(default_factory=dict)
    # Other spellings of arrays, variables, iterators and parameters.
    spelled: Mapping[str, str] = field(default_factory=dict)
    prefix: str = "t"  # of temporaries; unique to the statement within its function
    # Whether subscripts stay signed: see `codegen.strides`.
    signed: bool = False
    # Whether operations themselves tell what NumPy would warn of: see `codegen.float_status`.
    tells_warnings: bool = False
    # Whether no iterations are made into vectors here, which branches would be in the way of.
    is_in_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A statement or an expression as text, and the functions that the text calls."""

    lines: tuple[str, ...]  # what must run before `text`; for a statement, all of it
    text: str  # "" for a statement
    helpers: frozenset[str]  # names in codegen.scalars
    device: frozenset[str]  # names in codegen.cudalib


def print_statement(
    statement: TypedStatement, names: Names, target: Target, *, fastmath: bool = False
) -> Printed:
    """Return `statement` as source lines; failures are or-ed into the variable `status`."""
    printer = _Printer(names=names, lines=_lines(names, target, is_fast=fastmath))
    match statement:
        case Store():
            value = bare(printer.value(statement.value))
            place, failed = printer.place(statement)
            only = f"if {failed} == 0: " if failed else ""
            printer.lines.lines.append(f"{only}{place} = {value}")
        case SetVariable():
            value = bare(printer.value(statement.value))
            printer.lines.lines.append(f"{printer.spelled(statement.name)} = {value}")
        case Check():
            for each in statement.values:
                printer.value(each)
            for place_ in statement.places:
                printer.place(place_)
        case Trace():
            for each in statement.written if statement.is_noting else ():
                printer.note(each, statement)
            for each in () if statement.is_noting else (*statement.written, *statement.read):
                printer.compare(each, statement)
    return printer.printed("")


def atomic_name(operator: str) -> str:
    """Return the function that updates an element for several threads."""
    return f"cuda.atomic.{_ATOMICS[operator]}"


def print_atomic(
    statement: Store, operator: str, names: Names, counter: Counter | None = None
) -> Printed:
    """Return the update of an element, `h[k] = h[k] + x`, as one that threads do at a time.

    With `counter` it is an update of what the block has counted so far.
    """
    printer = _Printer(names=names, lines=_lines(names, "cuda", is_fast=False))
    value = statement.value
    assert isinstance(value, Operation)  # an update is one
    (other,) = (
        each
        for each in value.operands
        if not (isinstance(each, Load) and each.array == statement.array)
    )
    if value.name == "-":
        zero = Number(value=0, type=other.type, span=other.span)
        other = replace(value, operands=(zero, other), hazards=0)
    source = bare(printer.value(other))
    array = printer.spelled(statement.array)
    if counter is None:
        positions, failed = printer.positions(statement)
        places = ", ".join(f"np.uintp({bare(each)})" for each in positions)
        place = places if len(positions) == 1 else f"({places})"
    else:
        array = counter.bins
        source = f"np.int32(np.int64({source}))" if counter.is_narrow else source
        offset, failed = printer.place_in_order(statement)
        place = f"np.uintp({counter.base} + {bare(offset)})"
    only = f"if {failed} == 0: " if failed else ""
    printer.lines.lines.append(f"{only}{atomic_name(operator)}({array}, {place}, {source})")
    return printer.printed("")


def print_expression(
    expression: TypedExpression, names: Names, target: Target, *, fastmath: bool = False
) -> Printed:
    """Return `expression` as text of exactly its dtype, with the lines to run before it."""
    printer = _Printer(names=names, lines=_lines(names, target, is_fast=fastmath))
    return printer.printed(bare(printer.value(expression)))


def print_integer(expression: Expression, names: Names) -> str:
    """Return an index expression as Python text over int64 iterators and parameters."""
    return text(simplify(rename(expression, names.iterators), expression.span), names.spelled)


def is_printable(statement: TypedStatement, target: Target) -> bool:
    """Return whether the target has the statement's operations; CUDA has no complex numbers."""
    return target == "cpu" or not any(
        node.type.dtype in COMPLEX_DTYPES
        or (isinstance(node, Operation) and _is_unknown_to_cuda(node))
        for node in walk_statement(statement)
    )


def _is_unknown_to_cuda(operation: Operation) -> bool:
    if has_own_loop(operation):
        return not is_on_device(operation)
    return operation.name in _UNKNOWN_TO_CUDA


def _lines(names: Names, target: Target, *, is_fast: bool) -> Lines:
    return Lines(
        prefix=names.prefix,
        is_cuda=target == "cuda",
        is_fast=is_fast,
        tells_warnings=names.tells_warnings,
        may_branch=names.is_in_order,
    )


@dataclass(frozen=True, slots=True)
class _Printer:
    """Prints the expression of one statement, operands first."""

    names: Names
    lines: Lines

    def printed(self, source: str) -> Printed:
        return Printed(
            lines=tuple(self.lines.lines),
            text=source,
            helpers=frozenset(self.lines.helpers),
            device=frozenset(self.lines.device),
        )

    def spelled(self, name: str) -> str:
        return self.names.spelled.get(name, name)

    def place(self, place: Load | Store) -> tuple[str, str]:
        """Return an element, and a text that is 0 where it may be touched; "" where it always may.

        A computed subscript that leaves its axis has set its bit of the status by then.
        """
        positions, failed = self.positions(place)
        subscripts = [
            self.subscript(index, source)
            for index, source in zip(place.indices, positions, strict=True)
        ]
        return f"{self.spelled(place.array)}[{', '.join(subscripts)}]", failed

    def subscript(self, index: Subscript, source: str) -> str:
        """Return a subscript whose position from the start is `source`."""
        if not isinstance(index, Computed):
            inner = wrapped_value(index)
            if inner is not None:
                # A signed subscript: Numba counts it from the end by a select, as NumPy does.
                return print_integer(inner, self.names)
            if self.names.signed:
                return source
        # Cast last: knowing the sign, LLVM needs no select that wraps around.
        return f"np.uintp({bare(source)})"

    def positions(self, place: Load | Store) -> tuple[tuple[str, ...], str]:
        """Return the subscripts counted from the start, and what is 0 where all are in range."""
        positions, failed = [], []
        for axis, index in enumerate(place.indices):
            extent = f"{self.spelled(place.array)}.shape[{axis}]"
            if isinstance(index, Computed):
                position, status = self.position(index, extent)
                positions.append(position)
                failed += [status] if status else []
            elif (inner := wrapped_value(index)) is not None:
                source = print_integer(inner, self.names)
                positions.append(f"({source} if {source} >= 0 else {source} + {extent})")
            else:
                positions.append(print_integer(index, self.names))
        return tuple(positions), _any_of(failed)

    def offset(self, place: Load) -> tuple[str, str]:
        """Return the number of an element in C order, and what is 0 where it is in range."""
        offset, failed = self.place_in_order(place)
        return f"np.uintp({bare(offset)})", failed

    def place_in_order(self, place: Load | Store) -> tuple[str, str]:
        """Return the number of an element in C order as an int64, and whether it is in range."""
        (first, *rest), failed = self.positions(place)
        offset = f"np.int64({bare(first)})"
        for axis, position in enumerate(rest, start=1):
            extent = f"{self.spelled(place.array)}.shape[{axis}]"
            offset = f"({offset} * {extent} + np.int64({bare(position)}))"
        return offset, failed

    def note(self, place: Load, trace: Trace) -> None:
        """Print that this turn writes an element."""
        offset, failed = self.offset(place)
        only = f"if {failed} == 0: " if failed else ""
        turn = self.spelled(trace.turn.name)
        self.lines.lines.append(f"{only}{self.marks(place, trace)}[{offset}] = {turn}")

    def compare(self, place: Load, trace: Trace) -> None:
        """Print the look at who writes an element that this turn touches."""
        offset, failed = self.offset(place)
        turn, seen = self.spelled(trace.turn.name), f"{self.marks(place, trace)}[{offset}]"
        seen = self.lines.temporary(f"{seen} if {failed} == 0 else {turn}" if failed else seen)
        first = self.value(trace.first)
        test = f"({seen} != {turn}) & ({seen} >= {first})"
        self.lines.lines.append(f"status |= {REPEATED} if {test} else 0")

    def marks(self, place: Load, trace: Trace) -> str:
        return self.spelled(dict(trace.marks)[place.array])

    def position(self, index: Computed, extent: str) -> tuple[str, str]:
        """Return a computed subscript counted from the start, and the name of its status or ""."""
        source, dtype = self.value(index.value), index.value.type.dtype
        if not index.hazards and dtype.startswith("u"):
            return source, ""
        if dtype == "uint64":  # larger ones are out of range as well
            source = self.lines.helper("least", source, _LARGEST_INT64)
        number = cast_text(source, dtype, "int64")
        if not index.hazards:
            return self.lines.helper("wrapped_index", number, extent), ""
        position = self.lines.checked("index_in", number, extent, index.hazards)
        return position, f"{position}_failed"

    def value(self, expression: TypedExpression) -> str:
        match expression:
            case Number():
                return number_text(expression.value, expression.type.dtype)
            case Variable():
                return self.spelled(expression.name)
            case Index():
                source = print_integer(expression.expression, self.names)
                return cast_text(source, "int64", expression.type.dtype)
            case Load():
                place, failed = self.place(expression)
                if not failed:
                    return place
                nothing = number_text(0, expression.type.dtype)
                return f"({place} if {failed} == 0 else {nothing})"
            case Cast():
                return self.cast(expression)
            case Operation(name="and" | "or"):
                return self.connective(expression)
            case Operation(name="if"):
                return self.choice(expression)
            case Operation():
                sources = tuple(self.value(each) for each in expression.operands)
                return operation_text(self.lines, expression, sources)

    def connective(self, expression: Operation) -> str:
        """Return `and` or `or`; what may fail in an operand runs only where that is asked."""
        first, *others = expression.operands
        sources = [self.value(first)]
        for each in others:
            lines, other = self.apart(each)
            if lines:
                found = self.lines.own(connected(expression.name, sources))
                test = found if expression.name == "and" else f"not {found}"
                self.lines.block(f"if {test}:", (*lines, f"{found} = {bare(other)}"))
                sources = [found]
            else:
                sources.append(other)
        return connected(expression.name, sources)

    def choice(self, expression: Operation) -> str:
        """Return one of two values; what may fail in one runs only where that one is asked."""
        test, *sides = expression.operands
        source = self.value(test)
        (lines, one), (others, other) = map(self.apart, sides)
        if not lines and not others:
            return f"({operand(one)} if {operand(source)} else {operand(other)})"
        name = self.lines.fresh()
        self.lines.block(f"if {bare(source)}:", (*lines, f"{name} = {bare(one)}"))
        self.lines.block("else:", (*others, f"{name} = {bare(other)}"))
        return name

    def apart(self, expression: TypedExpression) -> tuple[tuple[str, ...], str]:
        """Return the lines that `expression` needs before it, not printed yet, and its text."""
        start = len(self.lines.lines)
        source = self.value(expression)
        lines = tuple(self.lines.lines[start:])
        del self.lines.lines[start:]
        return lines, source

    def cast(self, expression: Cast) -> str:
        operand, dtype = expression.operand, expression.type.dtype
        source, origin = self.value(operand), operand.type.dtype
        status = expression.hazards & CHECKED
        if status & CONVERSION and origin in FLOAT_DTYPES:
            return self.float_to_integer(source, origin, dtype, status)
        if status:
            source = self.lines.temporary(source)
            self.lines.note("range_status", source, *_accepted(origin, dtype), status)
        if operand.type == INT and dtype in ("float32", "complex64"):
            # As NumPy does it: a Python int goes by way of a double and is rounded twice.
            source, origin = f"np.float64({bare(source)})", "float64"
        if self.lines.tells_warnings and expression.hazards & FLOAT_WARNING:
            source = self.lines.temporary(source)
            value = self.lines.temporary(cast_text(source, origin, dtype))
            self.lines.note_warning(status_call("cast", origin), source, value=value, dtype=dtype)
            return value
        return cast_text(source, origin, dtype)

    def float_to_integer(self, source: str, origin: str, dtype: str, status: int) -> str:
        number = cast_text(source, origin, "float64")
        if dtype == "uint64":
            return self.lines.checked("float_to_uint64", number, status)
        low, high = INTEGER_LIMITS[dtype]
        # The least float whose fraction cut off gives `low`; there is none between the int64s.
        least = float(low) if dtype == "int64" else math.nextafter(low - 1, 0.0)
        limits = (repr(least), repr(float(high + 1)))
        value = self.lines.checked("float_to_int64", number, *limits, status)
        return cast_text(value, "int64", dtype)


def _any_of(failed: list[str]) -> str:
    return failed[0] if len(failed) == 1 else f"({' | '.join(failed)})" if failed else ""


def _accepted(origin: str, dtype: str) -> tuple[str, str]:
    """Return the ends of the integers of dtype `origin` that `dtype` takes, as text."""
    low, high = INTEGER_LIMITS.get(dtype, (-EXACT_IN_FLOAT64, EXACT_IN_FLOAT64))
    low, high = max(low, -(2**63)), min(high, 2**63 - 1)
    if origin == "uint64":
        return "np.uint64(0)", f"np.uint64({high})"
    return str(low), str(high)
