"""At a call: a reduced loop runs on the device as a tree, and the host decides what it is worth.

    reduce0 gives a partial value for each block of threads, reduce0_fold combines 128 neighbours,
    again until one is left; then what `codegen.combine` does with partial values of the CPU.

The order of all that is `codegen.canonical`'s, whatever the device.
"""

from __future__ import annotations

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


class Device(Protocol):
    """What a tree needs of `codegen.cudalib`."""

    def launch(
        self, kernel: Kernel, grid: tuple[int, ...], block: tuple[int, ...], arguments: Arguments
    ) -> None:
        """Start `kernel` on a grid of blocks of threads."""

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
class Tree:
    """A reduced loop on a device, as its generated module knows it."""

    reduction: Reduction
    kernel: Kernel  # partial values of blocks of iterations
    fold: Kernel  # ... and of neighbouring partial values
    threads: int  # of a block of `kernel`
    iterations: int  # that it takes
    width: int  # threads of a block of `fold`
    dtypes: tuple[type[np.generic], ...]  # of the partial values

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
        settled = reduction.settled([self.partial(device, bounds, passed)], starts)
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
        while values and count > 1:
            left = -(-count // self.width)
            folded = self._new(device, left)
            device.launch(self.fold, (left,), (self.width,), (count, *values, *folded))
            count, values = left, folded
        return tuple(device.first_of(each) for each in values)

    def _new(self, device: Device, count: int) -> tuple[DeviceArray, ...]:
        return tuple(device.empty((count,), dtype) for dtype in self.dtypes)
