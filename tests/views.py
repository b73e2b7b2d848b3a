"""Random views of one piece of memory: shifted, strided, reversed, transposed, reshaped, self-overlapping.

Before:  choices, a buffer, the shape that a program needs      After:  an array of that shape in the buffer
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tests.arguments import Array
from tests.program import Choices

# Room before and behind a view, in elements, so that every shift and direction fits.
MARGIN = 12


def buffer_for(shape: tuple[int, ...], dtype: str) -> Array:
    """Return memory in which every view of `shape` that `drawn_view` makes has room."""
    size = 4 * int(np.prod([extent + 4 for extent in shape])) + 4 * MARGIN
    numbers = np.arange(size) % 251
    return (numbers % 2 == 0) if dtype == "bool" else numbers.astype(dtype)


def drawn_view(
    choices: Choices, memory: Array, shape: tuple[int, ...], *, may_overlap_itself: bool = False
) -> Array:
    """Return an array of `shape` somewhere in `memory`, which came from `buffer_for`."""
    strides = _strides(choices, shape, may_overlap_itself=may_overlap_itself)
    shift = choices.one_of((0, 0, 1, 2, 3, shape[-1], shape[-1] + 1, MARGIN))
    back = sum(
        -stride * (extent - 1) for stride, extent in zip(strides, shape, strict=True) if stride < 0
    )
    size = memory.itemsize
    return as_strided(memory[back + shift :], shape, [stride * size for stride in strides])


def _strides(
    choices: Choices, shape: tuple[int, ...], *, may_overlap_itself: bool
) -> tuple[int, ...]:
    """Return strides in elements."""
    if len(shape) == 1:
        options = (1, 1, 1, -1, 2, 2, 3, -2)
        return (choices.one_of((*options, 0) if may_overlap_itself else options),)
    step = choices.one_of((1, 1, 1, 2))
    wider = choices.one_of((0, 0, 1, 2, -3 if may_overlap_itself else 3))
    row = step * shape[-1] + wider
    found = (row, step)
    if choices.integer(1, 4) == 4:
        found = found[::-1] if shape[0] == shape[1] else found
    if choices.integer(1, 5) == 5:
        found = (-found[0], found[1])
    return found
