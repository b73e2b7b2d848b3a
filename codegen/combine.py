"""On the host: partial values of a reduced loop become the values after it.

Before:  outcomes of parts, each (status, last values ..., partial values ...)
After:   (status, last values ..., s, m, ...), or None: the loop must run in order

Parts are combined in pairs, as `codegen.canonical` has it, so where the range was cut makes no
difference. None comes where the order matters after all: few terms, integers that might have
wrapped on the way, an extremum that is 0.0 or -0.0, a sum that is not finite.
"""

from __future__ import annotations

import cmath
import ctypes
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeAlias

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import FLOAT_INVALID, FLOAT_OVERFLOW
from autopar.analysis.model.types import INTEGER_LIMITS

from .copies import Private
from .heaps import Copied, own_arguments, with_private
from .last_copies import Lasting
from .scalars import greatest, least, maximum, minimum

Value: TypeAlias = Any  # a Python number
Combine: TypeAlias = Callable[[Value, Value], Value]
Kernel: TypeAlias = Callable[..., tuple[Any, ...]]

# A bound is a float sum or product: larger by this it holds for certain.
_ROUNDED_UP = 1 + 2.0**-10
# What integers of few bits may come to in loops that a machine gets through.
_MOST_NESTED = 2**62
_OPERATORS: dict[str, Combine] = {
    "+": lambda x, y: x + y,
    "*": lambda x, y: x * y,
    "&": lambda x, y: x & y,
    "|": lambda x, y: x | y,
    "^": lambda x, y: x ^ y,
    "and": lambda x, y: x and y,
    "or": lambda x, y: x or y,
    "min": least,
    "max": greatest,
    "numpy.minimum": minimum,
    "numpy.maximum": maximum,
}


_COMPARISONS: Mapping[str, Callable[[Value, Value], bool]] = MappingProxyType(
    {
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "last": lambda _new, _old: True,
    }
)


# When `min(m, e)` is e.
_CHOOSES: Mapping[str, str] = MappingProxyType({"min": "<", "max": ">"})


class Reducer(Protocol):
    """A launcher, as far as a reduced loop needs it."""

    def reduce(  # noqa: PLR0913 - all that a launch is made of
        self,
        kernel: Kernel,
        bounds: tuple[int, int, int],
        arguments: tuple[object, ...],
        work: int,
        block: int,
        copies: tuple[tuple[object, ...], ...] | None = None,
        *,
        by_part: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Return what `kernel` gives for consecutive parts of range(*bounds).

        With `copies`, each thread takes one of them for its arguments, and the last part
        `arguments`; where there are none of them, all parts run in order on `arguments`. With
        `by_part` each part takes one, the first part the first, and there are no more parts.
        """

    def workers(self, work: int) -> int:
        """Return how many threads share `work` nanoseconds."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One reduced scalar."""

    operator: str
    dtype: str
    is_flipped: bool = False
    is_watched: bool = False  # NumPy warns of an overflow
    has_bound: bool = False  # a bound of all partial values follows the value
    has_doubt: bool = False  # whether the order matters follows
    largest: int | None = None  # a bound of what one iteration adds to an integer
    is_nested: bool = False  # that is of a turn of inner loops, which run who knows how often
    marks: int = 0  # truth values beside it: whether it is what it was before the loop no more

    @property
    def is_rounded(self) -> bool:
        """Whether another order gives another value."""
        return self.operator in {"+", "*"} and self.dtype[0] in "fc"

    @property
    def width(self) -> int:
        """How many partial values a part gives."""
        return 1 + self.has_bound + self.has_doubt

    @property
    def count(self) -> int:
        """How many scalars of the program these are."""
        return 1 + self.marks

    def combined(self, parts: Sequence[tuple[Value, ...]]) -> tuple[Value, ...]:
        """Return the partial values of all parts together."""
        columns = list(zip(*parts, strict=True))
        value = pairwise(columns[0], self.combine)
        others = [
            pairwise(each, _OPERATORS[self.operator]) for each in columns[1:2] * self.has_bound
        ]
        if self.has_doubt:
            others.append(any(columns[-1]))
        return (value, *others)

    def combine(self, left: Value, right: Value) -> Value:
        """Return two neighbouring values combined, in the scalar's dtype."""
        if self.is_flipped:
            left, right = right, left
        return self._rounded(_OPERATORS[self.operator](left, right))

    def finished(
        self, starts: tuple[Value, ...], found: tuple[Value, ...]
    ) -> tuple[Value, ...] | None:
        """Return the value after the loop, and its marks; None where that is not certain."""
        start, *marks = starts
        value, *others = found
        if self.has_doubt and others.pop():
            return None
        if self.is_flipped and start != start:  # noqa: PLR0124  # nan, which the next value replaces
            return None
        start = self._rounded(start)
        if self.has_bound and not self.stays_within(start, others[0] * _ROUNDED_UP):
            return None
        # The first value that was chosen was compared with the one from before.
        is_replaced = bool(marks) and _COMPARISONS[_CHOOSES[self.operator]](value, start)
        return (self.combine(start, value), *(each or is_replaced for each in marks))

    def stays_within(self, start: Value, bound: float) -> bool:
        """Return whether an integer cannot have left its dtype, in whatever order it grew."""
        low, high = INTEGER_LIMITS[self.dtype]
        if not math.isfinite(bound):
            return False
        whole = math.ceil(bound)  # in floats the largest integers lie thousands apart
        if self.operator == "*":
            return bool(max(1, abs(start)) * whole <= high)
        return bool(start + whole <= high and (low == 0 or start - whole >= low))

    def _rounded(self, value: Value) -> Value:
        return _rounded(value, self.dtype)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that is chosen, an extremum or the last one, and the scalars noted with it."""

    operator: str  # what a new value must be to the old one: ">", ...; or "last"
    dtype: str
    noted: int

    # As a `Scalar` has them.
    largest: ClassVar[None] = None
    is_rounded: ClassVar[bool] = False
    is_watched: ClassVar[bool] = False

    @property
    def width(self) -> int:
        """How many partial values a part gives."""
        return 2 + self.noted

    @property
    def count(self) -> int:
        """How many scalars of the program these are."""
        return 1 + self.noted

    def combined(self, parts: Sequence[tuple[Value, ...]]) -> tuple[Value, ...]:
        """Return the partial values of all parts together: value, whether chosen, notes."""
        found = parts[0]
        for later in parts[1:]:
            if self._wins(later, found[0]):
                found = later
        return found

    def finished(
        self, starts: tuple[Value, ...], found: tuple[Value, ...]
    ) -> tuple[Value, ...] | None:
        """Return the values after the loop."""
        start = _rounded(starts[0], self.dtype)
        if self._wins(found, start):
            return (found[0], *found[2:])
        return (start, *starts[1:])

    def _wins(self, found: tuple[Value, ...], old: Value) -> bool:
        return bool(found[1] and _COMPARISONS[self.operator](found[0], old))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """A reduced loop, as its generated module knows it."""

    scalars: tuple[Scalar | Choice, ...] = ()
    cells: tuple[Copied | Lasting, ...] = ()  # arrays of which each thread, or part, has a copy
    private: tuple[Private, ...] = ()  # the same, but for the last part
    block: int  # iterations that no part may cut
    fewest: int  # terms; fewer are added in order
    can_repeat: bool  # in order, after it has been run

    def run(
        self,
        launcher: Reducer,
        kernel: Kernel,
        bounds: tuple[int, int, int],
        arguments: tuple[object, ...],
        size: tuple[int, int],
        starts: tuple[Value, ...],
    ) -> tuple[Value, ...] | None:
        """Return the status, last values, and the scalars after the loop; None: run it in order.

        `size`: predicted nanoseconds, and terms.
        """
        work, terms = size
        trips = len(range(*bounds))
        if not self.may_start(trips, terms, starts):
            return None
        workers = launcher.workers(work)
        copies = own_arguments(self.cells, arguments, trips, (workers, work))
        if self.cells and not copies:
            return None
        # The last part works on the first of these.
        passed = copies[0] if copies else arguments
        by_part = any(each.is_last for each in self.cells)
        count = len(copies) - 1 if by_part else workers
        others = with_private(copies[1:], arguments, self.private, count)
        outcomes = launcher.reduce(
            kernel, bounds, passed, work, self.block, others, by_part=by_part
        )
        status = 0
        for outcome in outcomes:
            status |= outcome[0]
        end = len(outcomes[0]) - self.width
        settled = self.settled([outcome[end:] for outcome in outcomes], starts)
        if settled is None:
            return None
        raised, values, grown = settled
        for each, bound in zip(self.cells, grown, strict=True):
            if bound is not None and not each.stays_within(arguments, bound):
                return None
        for each in self.cells:
            each.add_up(arguments, copies)
        return (status | raised, *outcomes[-1][1:end], *values)

    @property
    def width(self) -> int:
        """How many partial values a part gives."""
        return sum(each.width for each in (*self.scalars, *self.cells))

    def may_start(self, trips: int, terms: int, starts: tuple[Value, ...]) -> bool:
        """Return whether parts may run in any order, as far as that is known before."""
        return terms >= self.fewest and all(
            isinstance(each, Choice)
            or each.largest is None
            or each.stays_within(own[0], _MOST_NESTED if each.is_nested else each.largest * trips)
            for each, own in self._with(starts)
        )

    def settled(
        self, parts: Sequence[tuple[Value, ...]], starts: tuple[Value, ...]
    ) -> tuple[int, tuple[Value, ...], tuple[float | None, ...]] | None:
        """Return what the partial values of consecutive parts come to; None: run it in order.

        A status, the scalars after the loop, and how much any element of each of the cells may
        have grown, where that has a bound.
        """
        status, end = 0, 0
        values: list[Value] = []
        for scalar, own in self._with(starts):
            found = scalar.combined([part[end : end + scalar.width] for part in parts])
            firsts = [part[end] for part in parts]
            end += scalar.width
            after = scalar.finished(own, found)
            if after is None:
                return None
            if scalar.is_rounded and not cmath.isfinite(after[0]):
                # Another order may not overflow, and NumPy may not warn then.
                if self.can_repeat:
                    return None
                if scalar.is_watched:
                    status |= _raised(after[0], (own[0], *firsts))
            values += after
        grown = iter(zip(*(part[end:] for part in parts), strict=True))
        bounds = tuple(sum(next(grown)) if each.has_bound else None for each in self.cells)
        return status, tuple(values), bounds

    def _with(
        self, starts: tuple[Value, ...]
    ) -> Iterator[tuple[Scalar | Choice, tuple[Value, ...]]]:
        """Yield each of `scalars` with its values from before the loop."""
        first = 0
        for each in self.scalars:
            yield each, starts[first : first + each.count]
            first += each.count


def _rounded(value: Value, dtype: str) -> Value:
    """Return a number as `dtype` has it."""
    match dtype:
        case "float32":
            return ctypes.c_float(value).value
        case "complex64":
            return complex(ctypes.c_float(value.real).value, ctypes.c_float(value.imag).value)
    return value


def pairwise(values: Sequence[Value], combine: Combine) -> Value:
    """Return neighbours combined, then the results, and so on; the last of an odd number waits."""
    while len(values) > 1:
        pairs = [combine(*values[at : at + 2]) for at in range(0, len(values) - 1, 2)]
        values = pairs + list(values[2 * len(pairs) :])
    return values[0]


def _raised(value: Value, parts: tuple[Value, ...]) -> int:
    """Return the flags that combining `parts` to `value` must have raised."""
    if cmath.isnan(value):
        return 0 if any(map(cmath.isnan, parts)) else FLOAT_INVALID
    if cmath.isinf(value):
        return FLOAT_OVERFLOW if all(map(cmath.isfinite, parts)) else 0
    return 0
