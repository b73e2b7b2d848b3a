"""Private copies of arrays: what threads that run one loop at the same time each get.

Before:  arguments (x, row, out, m) of a launch, row private
After:   (x, row 1, out, m), (x, row 2, out, m), ... one for each thread, as far as there is room
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The position of an array among the arguments, and whether a copy starts as the array is.
Private: TypeAlias = tuple[int, bool]
Arguments: TypeAlias = tuple[object, ...]
# All copies of one launch together, in bytes.
MOST_COPIED_BYTES = 1 << 28


class NoRoomError(Exception):
    """There is no memory for an array that a region allocates."""


def new_array(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Return a new array. Raises NoRoomError where there is no memory for it."""
    try:
        return np.zeros(shape, dtype)
    except (MemoryError, ValueError) as error:  # too large to be counted, for one
        raise NoRoomError(str(error)) from error


def private_copies(
    arguments: tuple[Any, ...], private: tuple[Private, ...], threads: int
) -> tuple[Arguments, ...]:
    """Return arguments for each of `threads` threads, or for as many as there is memory for."""
    size = sum(arguments[position].nbytes for position, _ in private)
    found: list[Arguments] = []
    for number in range(threads):
        if (number + 1) * size > MOST_COPIED_BYTES:
            break
        try:
            found.append(_with_copies(arguments, private))
        except MemoryError:
            break
    return tuple(found)


def _with_copies(arguments: tuple[Any, ...], private: tuple[Private, ...]) -> Arguments:
    own = list(arguments)
    for position, starts_filled in private:
        own[position] = alike(arguments[position])
        if starts_filled:
            np.copyto(own[position], arguments[position])
    return tuple(own)


def empty_like(array: NDArray[Any], value: int) -> NDArray[Any]:
    """Return a new array full of `value` that compiled code takes for the type of `array`."""
    made = alike(array)
    if value:
        made.fill(value)
    return made


def alike(array: NDArray[Any]) -> NDArray[Any]:
    """Return a new array that compiled code takes for the type of `array`."""
    if array.flags.c_contiguous:
        return np.zeros(array.shape, array.dtype)
    if array.flags.f_contiguous:
        return np.zeros(array.shape, array.dtype, order="F")
    # A gap after each element, so that it is as little contiguous as the other.
    return np.zeros((*array.shape, 2), array.dtype)[..., 0]
