"""Arrays into whose elements a loop accumulates: each thread adds into a copy of its own.

Before:  for i: h[k[i]] = h[k[i]] + 1           two threads, h of 256 elements
After:   copies of 256 zeros; h += copy, for each of them

Integers only: there no order shows, as long as nothing wraps on the way. Nothing is stored into
the array before all parts are done, so that a loop whose order matters after all can be run
again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.types import INTEGER_LIMITS

from .copies import MOST_COPIED_BYTES, Arguments, Private, empty_like, private_copies
from .last_copies import Lasting

if TYPE_CHECKING:
    from numpy.typing import NDArray

Combine: TypeAlias = Callable[..., object]

_UFUNCS: Mapping[str, Combine] = MappingProxyType(
    {
        "+": np.add, "&": np.bitwise_and, "|": np.bitwise_or, "^": np.bitwise_xor,
        "min": np.minimum, "max": np.maximum,
    }
)  # fmt: skip
# A bound is a float sum: larger by this it holds for certain.
_ROUNDED_UP = 1 + 2.0**-10
# What making a copy and adding it up costs for each byte, in hundredths of a nanosecond.
_BYTE_COST = 30
# Parts of a loop whose order matters, where each has copies: iterations need not cost the same.
_PARTS_PER_THREAD = 4


@dataclass(frozen=True, slots=True)
class Copied:
    """One array into which a loop accumulates."""

    position: int  # among the arguments of the kernel
    operator: str
    dtype: str
    largest: int | None  # a bound of what one iteration adds to an element
    has_bound: bool = False  # a bound of what all add to any element comes with the outcome

    is_last: ClassVar[bool] = False

    @property
    def width(self) -> int:
        """How many partial values a part gives."""
        return int(self.has_bound)

    @property
    def neutral(self) -> int:
        """What changes nothing it is combined with."""
        low, high = INTEGER_LIMITS[self.dtype]
        match self.operator:
            case "max":
                return low
            case "min":
                return high
            case "&":
                return -1 if low < 0 else high
        return 0

    def stays_within(self, arguments: Arguments | Mapping[int, object], bound: float) -> bool:
        """Return whether no element can leave its dtype, in whatever order it grew."""
        array: NDArray[Any] = arguments[self.position]  # type: ignore[assignment]
        low, high = INTEGER_LIMITS[self.dtype]
        if not math.isfinite(bound):
            return False
        if not array.size:
            return True
        whole = math.ceil(bound * _ROUNDED_UP)
        return int(array.max()) + whole <= high and int(array.min()) - whole >= low

    def size(self, arguments: Arguments) -> int:
        """Return how many bytes a copy takes."""
        array: NDArray[Any] = arguments[self.position]  # type: ignore[assignment]
        return array.nbytes

    def put_copy(self, own: list[object]) -> None:
        """Put an array like the one among some arguments there, to accumulate into."""
        array: NDArray[Any] = own[self.position]  # type: ignore[assignment]
        own[self.position] = empty_like(array, self.neutral)

    def add_up(self, arguments: Arguments, own: tuple[Arguments, ...]) -> None:
        """Combine what was accumulated in all copies into the array."""
        array: NDArray[Any] = arguments[self.position]  # type: ignore[assignment]
        for each in own:
            _UFUNCS[self.operator](array, each[self.position], out=array)


def own_arguments(
    cells: tuple[Copied | Lasting, ...], arguments: Arguments, trips: int, size: tuple[int, int]
) -> tuple[Arguments, ...]:
    """Return arguments for each thread, and for the last part; () where there is no gain.

    `size`: how many threads share the loop, and the nanoseconds it takes. () too where an
    element might leave its dtype, or there is no memory. Where the order of the parts matters
    they are arguments of parts, not of threads, and more where they cost little.
    """
    workers, work = size
    if not cells or workers < 2:
        return ()
    bytes_copied = sum(each.size(arguments) for each in cells)
    count = workers
    if any(each.is_last for each in cells):
        while count < _PARTS_PER_THREAD * workers and _cost(2 * count, bytes_copied) < work // 10:
            count *= 2
    if _cost(count, bytes_copied) > work // 2 or (count + 1) * bytes_copied > MOST_COPIED_BYTES:
        return ()
    for each in cells:
        if each.largest is not None and not each.stays_within(arguments, each.largest * trips):
            return ()
    try:
        return tuple(_with_copies(cells, arguments) for _ in range(count + 1))
    except MemoryError:
        return ()


def _cost(count: int, size: int) -> int:
    """Return how many nanoseconds it takes to make copies of so many bytes and add them up."""
    return (count + 1) * size * _BYTE_COST // 100


def _with_copies(cells: tuple[Copied | Lasting, ...], arguments: Arguments) -> Arguments:
    own = list(arguments)
    for each in cells:
        each.put_copy(own)
    return tuple(own)


def with_private(
    own: tuple[Arguments, ...], arguments: Arguments, private: tuple[Private, ...], workers: int
) -> tuple[Arguments, ...] | None:
    """Return arguments of threads with private arrays too, as many as there is room for.

    None where nothing is to be copied at all. `own` are theirs so far, if they have any.
    """
    if not private:
        return own or None
    if workers < 2:
        return ()
    copies = private_copies(arguments, private, workers)
    found: list[Arguments] = []
    for number, each in enumerate(copies):
        mixed = list(own[number] if own else each)
        for position, _ in private:
            mixed[position] = each[position]
        found.append(tuple(mixed))
    return tuple(found)
