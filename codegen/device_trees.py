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

if TYPE_CHECKING:
    import numpy as np

Kernel: TypeAlias = Any  # what `cuda.jit` gives
Number: TypeAlias = Any  # a Python number
Arguments: TypeAlias = tuple[Any, ...]
Bounds: TypeAlias = tuple[int, int, int]  # lower, upper, step


class Device(Protocol):
    """What a tree needs of `codegen.cudalib`."""

    def launch(
        self, kernel: Kernel, grid: tuple[int, ...], block: tuple[int, ...], arguments: Arguments
    ) -> None:
        """Start `kernel` on a grid of blocks of threads."""

    def empty(self, count: int, dtype: type[np.generic]) -> DeviceArray:
        """Return a new array on the device."""

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
        status: tuple[DeviceArray, ...],
        arguments: Arguments,
        terms: int,
        cells: tuple[DeviceArray, ...],
    ) -> bool:
        """Store the values after the loop in `cells`; return False where it must run in order."""
        if not range(*bounds):
            return True
        starts = tuple(device.first_of(each) for each in cells)
        grown = _Grown(self, device, status)
        found = self.reduction.run(grown, self.kernel, bounds, arguments, (0, terms), starts)
        if found is None:
            return False
        # A device tells nothing of what NumPy would warn of: the first of `found` is for the CPU.
        for cell, value in zip(cells, found[1:], strict=True):
            device.set_first(cell, value)
        return True

    def partial(
        self, device: Device, bounds: Bounds, status: tuple[DeviceArray, ...], arguments: Arguments
    ) -> tuple[Any, ...]:
        """Return the partial values of the whole loop."""
        lower, upper, _ = bounds
        count = -(-len(range(*bounds)) // self.iterations)
        values = self._new(device, count)
        passed = (lower, upper, *status, *values, *arguments)
        device.launch(self.kernel, (count,), (self.threads,), passed)
        while count > 1:
            left = -(-count // self.width)
            folded = self._new(device, left)
            device.launch(self.fold, (left,), (self.width,), (count, *values, *folded))
            count, values = left, folded
        return tuple(device.first_of(each) for each in values)

    def _new(self, device: Device, count: int) -> tuple[DeviceArray, ...]:
        return tuple(device.empty(count, dtype) for dtype in self.dtypes)


@dataclass(frozen=True, slots=True)
class _Grown:
    """A launcher for which the whole loop is one part."""

    tree: Tree
    device: Device
    status: tuple[DeviceArray, ...]

    def reduce(
        self,
        kernel: Kernel,  # noqa: ARG002 - the tree's
        bounds: Bounds,
        arguments: tuple[object, ...],
        work: int,  # noqa: ARG002 - all of the device
        block: int,  # noqa: ARG002 - not cut
        copies: tuple[tuple[object, ...], ...] | None = None,  # noqa: ARG002 - none
    ) -> list[tuple[Any, ...]]:
        return [(0, *self.tree.partial(self.device, bounds, self.status, arguments))]

    @staticmethod
    def workers(work: int) -> int:  # noqa: ARG004
        return 1
