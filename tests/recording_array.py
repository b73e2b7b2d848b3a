"""An array that writes down its accesses: NumPy array -> object that answers as it does and notes every element.

Elements, slices (as recording views), ufuncs, NumPy functions and methods are covered; a whole array read or
written counts as an access to each of its elements.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tests.arguments import Array, address

METADATA = frozenset({"shape", "ndim", "size", "strides", "itemsize", "nbytes", "dtype", "flags"})
NOT_READING = (np.empty_like, np.zeros_like, np.ones_like, np.shape, np.ndim, np.size)

Kind = Literal["read", "write"]


class Listener(Protocol):
    """What a recording array reports to."""

    def element(self, kind: Kind, name: str, array: Array, index: tuple[int, ...]) -> None:
        """Note an access to one element; `index` is known to be in range."""

    def touch(self, kind: Kind, name: str, cells: Array, size_bytes: int) -> None:
        """Note an access to all elements whose addresses are in `cells`."""


class RecordingArray(NDArrayOperatorsMixin):
    """An array that answers as NumPy's does and notes which elements are read and written."""

    def __init__(self, array: Array, name: str, recorder: Listener) -> None:
        self.array = array
        self.name = name
        self._recorder = recorder

    def __getitem__(self, index: Any) -> object:
        plain = self._plain(index)
        result = self.array[plain]
        element = _element_index(plain, self.array.ndim)
        if element is not None:
            self._recorder.element("read", self.name, self.array, element)
        elif isinstance(result, np.ndarray) and _is_basic(plain):
            return RecordingArray(result, self.name, self._recorder)
        else:
            self._touch("read", _addresses(self.array)[plain])
        return result

    def __setitem__(self, index: Any, value: object) -> None:
        plain = self._plain(index)
        self.array[plain] = self._plain(value)
        element = _element_index(plain, self.array.ndim)
        if element is not None:
            self._recorder.element("write", self.name, self.array, element)
        else:
            self._touch("write", np.asarray(_addresses(self.array)[plain]))

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[object]:
        return (self[position] for position in range(len(self.array)))

    def __bool__(self) -> bool:
        return bool(self._read_all())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._read_all(), dtype=dtype)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.array, name)
        if name in METADATA:
            return found
        if isinstance(found, np.ndarray):
            return RecordingArray(found, self.name, self._recorder)
        return self._method(found) if callable(found) else found

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> object:
        outs = options.get("out", ())
        plain = [self._plain(item) for item in inputs]
        if outs:
            options["out"] = tuple(
                item.array if isinstance(item, RecordingArray) else item for item in outs
            )
        result = getattr(ufunc, method)(*plain, **options)
        for out in outs:
            if isinstance(out, RecordingArray):
                out._touch("write", _addresses(out.array))
        return outs[0] if len(outs) == 1 else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> object:
        if function in NOT_READING:
            return function(
                *[item.array if isinstance(item, RecordingArray) else item for item in args],
                **kwargs,
            )
        return function(*[self._plain(item) for item in args], **kwargs)

    def _method(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self._read_all()
            result = method(*[self._plain(item) for item in arguments], **options)
            if isinstance(result, np.ndarray) and np.may_share_memory(result, self.array):
                return RecordingArray(result, self.name, self._recorder)
            return result

        return call

    def _plain(self, value: Any) -> Any:
        match value:
            case RecordingArray():
                return value._read_all()
            case tuple() | list():
                return type(value)(self._plain(item) for item in value)
            case _:
                return value

    def _read_all(self) -> Array:
        self._touch("read", _addresses(self.array))
        return self.array

    def _touch(self, kind: Kind, cells: Any) -> None:
        self._recorder.touch(kind, self.name, np.asarray(cells), self.array.itemsize)


def _element_index(index: object, rank: int) -> tuple[int, ...] | None:
    """Return `index` as `rank` integers, or None where it names more or less than one element."""
    parts = index if isinstance(index, tuple) else (index,)
    if len(parts) != rank or not all(_is_integer(part) for part in parts):
        return None
    return tuple(operator.index(part) for part in parts)


def _is_integer(part: object) -> bool:
    return isinstance(part, int | np.integer) and not isinstance(part, bool)


def _is_basic(index: object) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        _is_integer(part) or isinstance(part, slice) or part is None or part is Ellipsis
        for part in parts
    )


def _addresses(array: Array) -> Array:
    """Return the address of every element of `array`, in its shape."""
    grid = np.full(array.shape, address(array), np.int64)
    for axis, (extent, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        along = [1] * array.ndim
        along[axis] = extent
        grid += (np.arange(extent, dtype=np.int64) * stride).reshape(along)
    return grid
