"""At a call: a reduced loop runs on the device as a tree, and the host decides what it is worth.

    reduce0 gives a partial value for each block of threads, reduce0_fold combines 128 neighbours,
    again until one is left; then what `codegen.combine` does with partial values of the CPU.

The order of all that is `codegen.canonical`'s, whatever the device.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from autopar.analysis.model.nouns import dataclass

from .combine import Reduction
from .cudalib import DeviceArray
from .device_copies import copies_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

Kernel: TypeAlias = Any  # what `cuda.jit` gives
Number: TypeAlias = Any  # a Python number
Arguments: TypeAlias = tuple[Any, ...]
# The status word where there is one, arguments, arrays of which each thread has a copy.
Passed: TypeAlias = tuple[Arguments, Arguments, Arguments]
Bounds: TypeAlias = tuple[int, int, int]  # lower, upper, step

_COUNT_BYTES = 4
MOST_SHARED_BYTES = 48 << 10  # that a block of threads has on every device
_WIDEST = 8  # bytes of a partial value
MOST_BLOCKS = 2048  # that count: more than the largest devices run at a time
MOST_STRIPS = 65_535  # blocks along y that every device takes
LEAST_TERMS = 2048  # of a block
FEWEST_TO_A_BIN = 4  # terms of a block: adding up its counts must stay a small part of it
MOST_COUNTED = 2**31 - 1


class Device(Protocol):
    """What a tree needs of `codegen.cudalib`."""

    def launch(
        self,
        kernel: Kernel,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        arguments: Arguments,
        shared_bytes: int = 0,
    ) -> None:
        """Start `kernel` on a grid of blocks of threads, which share so many bytes each."""

    def empty(self, shape: tuple[int, ...], dtype: type[np.generic]) -> DeviceArray:
        """Return a new array on the device."""

    def fetched(self, array: DeviceArray) -> NDArray[Any]:
        """Return a copy of a contiguous array on the host."""

    def duplicate(self, value: DeviceArray) -> DeviceArray:
        """Return a copy of a contiguous array on the device."""

    def copied(self, target: DeviceArray, source: DeviceArray) -> None:
        """Store all of one array in another."""

    def first_of(self, array: DeviceArray) -> Number:
        """Return the first element of an array, a Python number."""

    def set_first(self, array: DeviceArray, value: Number) -> None:
        """Store a number as the only element of an array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """The kernel of a reduced loop whose blocks count elements by themselves, in 32 bits each."""

    kernel: Kernel
    positions: tuple[int, ...]  # of the arrays whose elements grow, among the arguments
    is_flat: bool  # no loop within; else all threads of a block run the inner one together
    largest: int  # most that an iteration adds to a count of what has 64 bits; 0: unknown, or none
    narrow: tuple[int, ...]  # those of the bounds found by a run that are of such counts

    def shares(
        self, arguments: Arguments, trips: int, terms: int, room: int
    ) -> tuple[int, int, int, int] | None:
        """Return iterations of a block and blocks, strips of the inner loop, bytes of a block.

        None where elements take more than `room` bytes, or too few are added for it to pay.
        """
        count = sum(math.prod(arguments[each].shape) for each in self.positions)
        terms = trips if self.is_flat else terms
        if count * _COUNT_BYTES > room or terms < max(1, FEWEST_TO_A_BIN * count):
            return None
        blocks = max(1, min(MOST_BLOCKS, terms // max(LEAST_TERMS, FEWEST_TO_A_BIN * count)))
        share = -(-trips // blocks)
        if self.largest:
            share = min(share, MOST_COUNTED // self.largest)
        found = -(-trips // share)
        strips = 1 if self.is_flat else max(1, min(blocks // found, MOST_STRIPS))
        return share, found, strips, max(1, count) * _COUNT_BYTES

    def holds(self, grown: tuple[float | None, ...]) -> bool:
        """Return whether no count has left its 32 bits: `grown` bounds what all have together."""
        known = [each for each in grown if each is not None]
        return all(known[each] <= MOST_COUNTED // 2 for each in self.narrow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A reduced loop on a device, as its generated module knows it."""

    reduction: Reduction
    kernel: Kernel  # partial values of blocks of iterations
    fold: Kernel  # ... and of neighbouring partial values
    threads: int  # of a block of `kernel`
    iterations: int  # that it takes
    width: int  # threads of a block of `fold`
    dtypes: tuple[type[np.generic], ...]  # of the partial values
    bins: Bins | None = None

    def run(
        self,
        device: Device,
        bounds: Bounds,
        passed: Passed,
        terms: int,
        cells: tuple[DeviceArray, ...],
    ) -> bool:
        """Store the values after the loop in `cells`; return False where it must run in order."""
        if not range(*bounds):
            return True
        reduction, arguments = self.reduction, passed[1]
        starts = tuple(device.first_of(each) for each in cells)
        trips = len(range(*bounds))
        if not reduction.may_start(trips, terms, starts):
            return False
        for each in reduction.cells:
            if each.largest is not None and not each.stays_within(
                {each.position: device.fetched(arguments[each.position])}, each.largest * trips
            ):
                return False
        # Elements grow in place: they must come back where the order matters after all.
        may_turn_back = bool(reduction.scalars) or any(e.has_bound for e in reduction.cells)
        before = {
            each.position: device.duplicate(arguments[each.position])
            for each in (reduction.cells if may_turn_back else ())
        }
        found = self._counted(device, bounds, passed, terms)
        if found is None or not self._holds(found):
            for position, array in before.items() if found is not None else ():
                device.copied(arguments[position], array)
            found = self.partial(device, bounds, passed)
        settled = reduction.settled([found], starts)
        if settled is None or not self._stay_within(device, before, settled[2]):
            for position, array in before.items():
                device.copied(arguments[position], array)
            return False
        # A device tells nothing of what NumPy would warn of: the status is for the CPU.
        for cell, value in zip(cells, settled[1], strict=True):
            device.set_first(cell, value)
        return True

    def _stay_within(
        self,
        device: Device,
        before: Mapping[int, DeviceArray],
        grown: tuple[float | None, ...],
    ) -> bool:
        """Return whether no element can have left its dtype, in whatever order it grew."""
        return all(
            bound is None
            or each.stays_within({each.position: device.fetched(before[each.position])}, bound)
            for each, bound in zip(self.reduction.cells, grown, strict=True)
        )

    def _counted(
        self, device: Device, bounds: Bounds, passed: Passed, terms: int
    ) -> tuple[Number, ...] | None:
        """Return the partial values where blocks count by themselves; None where they do not."""
        lower, upper, step = bounds
        status, arguments, _ = passed
        trips = len(range(*bounds))
        room = MOST_SHARED_BYTES - len(self.dtypes) * self.width * _WIDEST
        shares = None if self.bins is None else self.bins.shares(arguments, trips, terms, room)
        if self.bins is None or shares is None:
            return None
        share, blocks, strips, shared_bytes = shares
        values = self._new(device, blocks * strips)
        given = (lower, upper, share * step, strips, *status, *values, *arguments)
        grid = (blocks, strips)
        device.launch(self.bins.kernel, grid, (self.width,), given, shared_bytes)
        return self._folded(device, values, blocks * strips)

    def _holds(self, found: tuple[Number, ...]) -> bool:
        """Return whether counts of blocks were large enough; loops with bins have no scalars."""
        assert self.bins is not None  # else nothing was counted
        return self.bins.holds(found)

    def partial(self, device: Device, bounds: Bounds, passed: Passed) -> tuple[Number, ...]:
        """Return the partial values of the whole loop."""
        lower, upper, step = bounds
        status, arguments, private = passed
        count = -(-len(range(*bounds)) // self.iterations)
        values = self._new(device, count)
        most, copies = copies_for(device, private, count * self.threads, self.threads)
        most //= self.threads
        for first in range(0, count, most):
            blocks = min(most, count - first)
            begin = lower + first * self.iterations * step
            part = values if blocks == count else tuple(v[first : first + blocks] for v in values)
            given = (begin, upper, *status, *part, *arguments, *copies)
            device.launch(self.kernel, (blocks,), (self.threads,), given)
        return self._folded(device, values, count)

    def _folded(
        self, device: Device, values: tuple[DeviceArray, ...], count: int
    ) -> tuple[Number, ...]:
        """Return neighbouring partial values together, until one of each is left."""
        while values and count > 1:
            left = -(-count // self.width)
            folded = self._new(device, left)
            device.launch(self.fold, (left,), (self.width,), (count, *values, *folded))
            count, values = left, folded
        return tuple(device.first_of(each) for each in values)

    def _new(self, device: Device, count: int) -> tuple[DeviceArray, ...]:
        return tuple(device.empty((count,), dtype) for dtype in self.dtypes)
