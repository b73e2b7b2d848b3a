"""At a call: private copies of arrays on a device, one for each thread of a launch.

Before:  row of shape (m,), 100,000 threads
After:   a batch of shape (m, 65,536), and two launches: as many threads as there is room for
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np

DeviceArray: TypeAlias = Any

MOST_BYTES = 1 << 30  # of all copies of one launch
# As many as the largest devices hold at a time.
MOST_COPIES = 1 << 18


class Allocator(Protocol):
    """What makes arrays on a device: `codegen.cudalib`."""

    def empty(self, shape: tuple[int, ...], dtype: type[np.generic]) -> DeviceArray:
        """Return a new array on the device."""


def copies_for(
    device: Allocator, private: tuple[DeviceArray, ...], threads: int, least: int
) -> tuple[int, tuple[DeviceArray, ...]]:
    """Return how many threads may run at a time, and a batch of copies for each array.

    All of them where nothing is private, else at least a block of `least` threads. A batch has
    one axis more, the last one.
    """
    if not private:
        return threads, ()
    size = sum(math.prod(each.shape) * each.dtype.itemsize for each in private)
    most = min(threads, MOST_COPIES, max(1, MOST_BYTES // max(1, size)))
    most = max(least, most)
    return most, tuple(device.empty((*each.shape, most), each.dtype) for each in private)
