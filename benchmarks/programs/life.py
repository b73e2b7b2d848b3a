"""Conway's Game of Life, neighbours counted by slices."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

STEPS = 20


def program(cells):
    """The cells after all steps."""
    for _ in range(STEPS):
        count = (
            cells[:-2, :-2]
            + cells[:-2, 1:-1]
            + cells[:-2, 2:]
            + cells[1:-1, :-2]
            + cells[1:-1, 2:]
            + cells[2:, :-2]
            + cells[2:, 1:-1]
            + cells[2:, 2:]
        )
        born = (count == 3) & (cells[1:-1, 1:-1] == 0)
        stays = ((count == 2) | (count == 3)) & (cells[1:-1, 1:-1] == 1)
        cells[...] = 0
        cells[1:-1, 1:-1][born | stays] = 1
    return (cells,)


def given(size, dtype):
    """A random soup; the type is that of counts."""
    kind = np.int32 if dtype == "float32" else np.int64
    return (np.random.default_rng(10).integers(0, 2, (size, size)).astype(kind),)


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
