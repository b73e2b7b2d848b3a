"""Lanes of vectors for the interpreter: what `codegen.lanes` does, by NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autopar.codegen.lane_plan import TIMES


def lanes_of(values: tuple[Any, ...]) -> Any:
    """Return lanes with the values of a tuple."""
    return np.array(values, np.result_type(np.asarray(values[0])))


def lanes_all(value: Any, count: int) -> Any:
    """Return `count` lanes with one value."""
    return np.full(count, value)


def lane(lanes: Any, number: int) -> Any:
    """Return the value of one lane."""
    return lanes[number]


def lanes_shifted(lanes: Any, first: Any) -> Any:
    """Return lanes moved up by one, `first` in lane 0."""
    assert lanes.dtype == np.asarray(first).dtype
    return np.concatenate([[first], lanes[:-1]]).astype(lanes.dtype)


def lanes_room(lanes: Any) -> list[Any]:
    """Return room for some times of lanes like these."""
    return [np.full_like(lanes, 77)] * TIMES


def lanes_keep(room: list[Any], number: int, lanes: Any) -> None:
    """Put the lanes of a time into its place in a room."""
    assert room[0].dtype == lanes.dtype
    assert 0 <= number < len(room)
    room[number] = lanes.copy()


def lanes_turn(room: list[Any]) -> None:
    """Turn what is in a room round."""
    room[:] = [*np.array(room[:TIMES]).T]


def lanes_put(array: Any, indices: tuple[Any, ...], room: list[Any], number: int) -> None:
    """Store a row of a room in an array, from an element on."""
    assert array.dtype == room[0].dtype
    *others, first = map(int, indices)
    assert first + TIMES <= array.shape[-1]
    array[(*others, slice(first, first + TIMES))] = room[number]


def _of_two(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        assert left.dtype == right.dtype
        with np.errstate(all="ignore"):
            return operation(left, right)

    return apply


lanes_add, lanes_sub, lanes_mul = map(_of_two, (np.add, np.subtract, np.multiply))
lanes_and, lanes_or, lanes_xor = map(_of_two, (np.bitwise_and, np.bitwise_or, np.bitwise_xor))
lanes_lt, lanes_le = map(_of_two, (np.less, np.less_equal))
lanes_gt, lanes_ge = map(_of_two, (np.greater, np.greater_equal))
lanes_eq, lanes_ne = map(_of_two, (np.equal, np.not_equal))
lanes_least, lanes_greatest = map(_of_two, (np.minimum, np.maximum))


def lanes_not(lanes: Any) -> Any:
    """Return all bits turned round."""
    return ~lanes


def lanes_if(test: Any, one: Any, other: Any) -> Any:
    """Return lanes of `one` where `test` holds, else of `other`."""
    assert one.dtype == other.dtype
    assert test.dtype == np.bool_
    return np.where(test, one, other)


def lanes_negative(lanes: Any) -> bool:
    """Return whether any lane is negative."""
    return bool((lanes < 0).any())


def _conversion(dtype: Any) -> Callable[[Any], Any]:
    return lambda lanes: lanes.astype(dtype)


lanes_int8, lanes_int16, lanes_int32, lanes_int64 = map(
    _conversion, (np.int8, np.int16, np.int32, np.int64)
)
lanes_uint8, lanes_uint16, lanes_uint32 = map(_conversion, (np.uint8, np.uint16, np.uint32))
