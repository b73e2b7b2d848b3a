"""Look at bounds that are data: an inspector of nothing but the bounds.

Before:  starts ptr[0:n], stops ptr[1:n + 1]      After:  least start, greatest stop, mean length,
                                                          and whether no two ranges overlap

One pass of NumPy over the bounds, without the loop itself (Saltz, Mirchandaney and Crowley,
Run-time parallelization and scheduling of loops, IEEE Transactions on Computers, 1991).
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

_Integers: TypeAlias = Any  # an array of integers, or one integer
_LARGEST = 2**62  # bounds are compared and negated in 64 bits
_LARGEST_PART = 2**31  # so that 64 bits hold sums and products of two
_MOST_TRIPS = 2**31 - 1


class Rows(NamedTuple):
    """What is known of the executions of a loop."""

    first: int  # the least value of the loop variable
    end: int  # one more than the greatest
    trips: int  # mean number of iterations of an execution, rounded up
    apart: bool  # no value is met in two executions


NO_ROWS = Rows(first=0, end=0, trips=0, apart=True)


def values(least: int, greatest: int, axis: int, axes: int) -> _Integers:
    """Return the values of a loop variable along its own of several axes."""
    shape = [1] * axes
    shape[axis] = -1
    return np.arange(least, greatest + 1, dtype=np.int64).reshape(shape)


def part(array: _Integers, least: int, greatest: int) -> _Integers:
    """Return `array[least]` to `array[greatest]`, negative places counted from the end.

    Raises IndexError where one is out of range.
    """
    if least >= 0 and greatest < len(array):
        return array[least : max(least, greatest + 1)]
    return array[np.arange(least, greatest + 1)]


def whole(number: _Integers) -> _Integers:
    """Return `int(number)`; ValueError where that need not fit its further use."""
    found = np.asarray(number)
    if found.dtype.kind not in "iu" or (
        found.size and (found.min() < -_LARGEST_PART or found.max() > _LARGEST_PART)
    ):
        raise ValueError(number)
    return found.astype(np.int64)


def least(*numbers: _Integers) -> _Integers:
    """Return Python's `min` of integers."""
    return _chosen(np.minimum, numbers)


def greatest(*numbers: _Integers) -> _Integers:
    """Return Python's `max` of integers."""
    return _chosen(np.maximum, numbers)


def _chosen(choose: np.ufunc, numbers: tuple[_Integers, ...]) -> _Integers:
    found, *others = map(whole, numbers)
    for each in others:
        found = choose(found, each)
    return found


def all_rows(
    start: _Integers, stop: _Integers, step: _Integers = 1, *, falls: bool, wants_apart: bool
) -> Rows:
    """Return what is known of all `range(start, stop, step)`, with a step of -1 where it `falls`.

    `apart` is only looked for where it is wanted, and rows with steps that interlock are not.
    Raises ValueError where a bound is no integer that fits in 64 bits, or a step not positive.
    """
    starts, stops = _checked(start), _checked(stop)
    if falls:
        starts, stops = stops + 1, starts + 1
    starts, stops, steps = np.broadcast_arrays(starts, stops, _checked(step))
    rows = starts.size
    if not rows:
        return NO_ROWS
    if steps.min() <= 0:
        raise ValueError(step)
    lengths = -((starts - stops) // steps)
    if lengths.min() <= 0:
        runs = lengths > 0
        starts, stops, lengths = starts[runs], stops[runs], lengths[runs]
        if not starts.size:
            return NO_ROWS
    total = int(lengths.sum())
    return Rows(
        first=int(starts.min()),
        end=int(stops.max()),
        trips=min(-(-total // rows), _MOST_TRIPS),
        apart=wants_apart and _are_apart(starts.ravel(), stops.ravel()),
    )


def compressed_rows(array: _Integers, least: int, greatest: int) -> Rows:
    """Return what is known of all `range(array[i], array[i + 1])`, for `i` within the ends.

    One look, where the array never decreases there.
    """
    if least > greatest:
        return NO_ROWS
    if least < 0 or greatest + 1 >= len(array) or array.dtype.kind not in "iu":
        start, stop = part(array, least, greatest), part(array, least + 1, greatest + 1)
        return all_rows(start, stop, falls=False, wants_apart=True)
    places = array[least : greatest + 2]
    starts, stops = places[:-1], places[1:]
    if not (starts <= stops).all():
        return all_rows(starts, stops, falls=False, wants_apart=True)
    first, end = int(places[0]), int(places[-1])
    if first < -_LARGEST or end > _LARGEST:
        raise ValueError(array)
    if first == end:
        return NO_ROWS
    trips = -(-(end - first) // (greatest - least + 1))
    return Rows(first=first, end=end, trips=min(trips, _MOST_TRIPS), apart=True)


def one_row(start: _Integers, stop: _Integers, *, falls: bool) -> Rows:
    """Return the bounds of a loop that has the same ones each time, empty or not."""
    first, end = int(_checked(start)), int(_checked(stop))
    if falls:
        first, end = end + 1, first + 1
    return Rows(first=first, end=end, trips=min(max(0, end - first), _MOST_TRIPS), apart=True)


def _checked(bound: _Integers) -> Any:  # noqa: ANN401  # an array of int64
    found = np.asarray(bound)
    if found.dtype.kind not in "iu":
        raise ValueError(bound)
    if found.dtype.itemsize == np.dtype(np.int64).itemsize and found.size:
        low, high = int(found.min()), int(found.max())
        if low < -_LARGEST or high > _LARGEST:
            raise ValueError(bound)
    return found.astype(np.int64, copy=False)


def _are_apart(starts: _Integers, stops: _Integers) -> bool:
    """Return whether ranges, none of them empty, have no value in common."""
    if bool((starts[1:] >= stops[:-1]).all()):
        return True
    order = np.argsort(starts, kind="stable")
    return bool((starts[order][1:] >= stops[order][:-1]).all())
