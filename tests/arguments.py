"""Arguments of a test program: copies that keep aliasing, and comparison bit for bit.

Maps the arguments of one call to an independent second set with the same overlaps, strides and flags,
and two outcomes to the first difference between them. NaNs are equal whatever their sign and payload.
"""

from __future__ import annotations

import array
import struct
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def byte_range(array: Array) -> tuple[int, int]:
    """Return the first byte of `array` and the byte after its last; equal where it has no element."""
    low = high = address(array)
    if array.size == 0:
        return low, low
    for extent, stride in zip(array.shape, array.strides, strict=True):
        low += min(0, (extent - 1) * stride)
        high += max(0, (extent - 1) * stride)
    return low, high + array.itemsize


def address(array: Array) -> int:
    """Return the address of the element of `array` whose indices are all zero."""
    return int(array.__array_interface__["data"][0])


def copy_arguments(arguments: Sequence[object]) -> list[Any]:
    """Return independent copies of `arguments` in which the same pairs of arrays overlap as before.

    So are lists, those in lists too; anything else that is not an array is passed on as it is.
    """
    roots: dict[int, Array] = {}
    copies: dict[int, Any] = {}
    return [_copy(argument, roots, copies) for argument in arguments]


def _copy(argument: object, roots: dict[int, Array], copies: dict[int, Any]) -> object:
    match argument:
        case np.ndarray():
            if id(argument) not in copies:
                copies[id(argument)] = _copy_array(argument, roots)
            return copies[id(argument)]
        case list():
            if id(argument) not in copies:
                copies[id(argument)] = [_copy(item, roots, copies) for item in argument]
            return copies[id(argument)]
        case _:
            return argument


def _copy_array(array: Array, roots: dict[int, Array]) -> Array:
    root = _root(array)
    if id(root) not in roots:
        roots[id(root)] = np.array(root, order="K", copy=True, subok=True)
    twin = roots[id(root)]
    if array is not root:
        twin = _same_view(array, root, twin)
    if type(twin) is not type(array):
        twin = twin.view(type(array))
    twin.flags.writeable = array.flags.writeable
    return twin


def _root(array: Array) -> Array:
    while True:
        base = array.base
        if not isinstance(base, np.ndarray):
            base = getattr(base, "base", None)  # what `as_strided` puts between a view and its base
        if not isinstance(base, np.ndarray):
            return array
        array = base


def _same_view(array: Array, root: Array, twin: Array) -> Array:
    flat = np.asarray(twin)
    if array.size == 0:  # where it begins may lie before its base
        return np.ndarray(array.shape, array.dtype, flat.ravel("K")[:0], 0, array.strides)
    return np.ndarray(
        shape=array.shape,
        dtype=array.dtype,
        buffer=flat if flat.flags.c_contiguous else flat.T,
        offset=address(array) - address(root),
        strides=array.strides,
    )


def all_bytes(arguments: Sequence[object]) -> list[object]:
    """Return the bits of every array among `arguments`, the memory around a view included."""
    return [_bits(_root(item)) for item in arguments if isinstance(item, np.ndarray)]


def is_same(expected: object, actual: object) -> bool:
    """Return whether two values have the same exact type and the same bits, NaN and -0.0 included."""
    if type(expected) is not type(actual):
        return False
    if isinstance(expected, np.ma.MaskedArray) and isinstance(actual, np.ma.MaskedArray):
        parts = [(np.asarray(each.data), np.ma.getmaskarray(each)) for each in (expected, actual)]
        return is_same(parts[0], parts[1])
    if isinstance(expected, np.ndarray | np.generic) and isinstance(
        actual, np.ndarray | np.generic
    ):
        return (
            expected.dtype == actual.dtype
            and expected.shape == actual.shape
            and _bits(expected) == _bits(actual)
        )
    match expected, actual:
        case float(), float():
            if expected != expected and actual != actual:  # both are NaN
                return True
            return struct.pack("d", expected) == struct.pack("d", actual)
        case complex(), complex():
            return is_same(expected.real, actual.real) and is_same(expected.imag, actual.imag)
        case ((tuple() | list()), (tuple() | list())):
            pairs = zip(expected, actual, strict=False)
            return len(expected) == len(actual) and all(is_same(*pair) for pair in pairs)
        case ((array.array() | memoryview()), (array.array() | memoryview())):
            return expected.tobytes() == actual.tobytes()
        case SimpleNamespace(), SimpleNamespace():
            return is_same([*vars(expected).items()], [*vars(actual).items()])
        case _:
            return bool(expected == actual)


def _bits(value: Any) -> object:
    if isinstance(value, np.ma.MaskedArray):  # `tobytes` would fill it
        return _bits(np.asarray(value.data)), np.ma.getmaskarray(value).tobytes()
    if value.dtype.char in "gG":  # some of their bytes mean nothing
        return list(map(repr, value.ravel("K").tolist()))
    if value.dtype.hasobject:  # a NaN is not equal to another one
        return [
            _bits(each)
            if isinstance(each, np.ndarray)
            else repr(each)
            if isinstance(each, float | complex)
            else each
            for each in value.ravel()
        ]
    return _with_one_nan(value).tobytes("A")


def _with_one_nan(value: Any) -> Any:
    """Return `value` with all NaNs of one sign and payload: these may differ (docs/what-may-differ.md)."""
    if value.dtype.kind == "f" and np.isnan(value).any():
        value = np.array(value)
        value[np.isnan(value)] = np.nan
    elif value.dtype.kind == "c" and np.isnan(value).any():
        value = np.array(value)
        for part in (value.real, value.imag):
            part[np.isnan(part)] = np.nan
    return value
