"""What NumPy arrays are, remembered as numbers and compared without Python.

Two calls with the same arrays differ in nothing that a guard looks at, as long as each array has
its address, extents, strides, dtype and flags. Asking NumPy for all that, and judging it anew,
fetches some hundred cache lines that a kernel has just thrown out; a comparison in native code
fetches a few.

Before:  (u, v, 0.5)
After:   [&ndarray, 2, data, &float64, flags, 700, 700, 5600, 8][&ndarray, ...][&float, -1]
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .lasting_code import lasting
from .once import once

# Offsets in objects, in bytes: NumPy's C interface (`PyObject`, `PyArrayObject_fields`).
_HEAD = object.__basicsize__
_TYPE = _HEAD - 8
_DATA, _RANK, _EXTENTS, _STRIDES = _HEAD, _HEAD + 8, _HEAD + 16, _HEAD + 24
_DESCRIPTION, _FLAGS = _HEAD + 40, _HEAD + 48
_NO_ARRAY = -1

_TEXT = f"""
; Whether the `count` objects at `objects` are what `wanted` says: for each its type and its rank,
; for arrays also data, description, flags, extents and strides.
define i64 @same(ptr %wanted, ptr %objects, i64 %count) {{
start:
  br label %next
next:
  %number = phi i64 [ 0, %start ], [ %later, %other ], [ %later, %rest ]
  %at = phi ptr [ %wanted, %start ], [ %after_other, %other ], [ %after_array, %rest ]
  %is_left = icmp slt i64 %number, %count
  br i1 %is_left, label %object, label %yes
object:
  %object_at = getelementptr ptr, ptr %objects, i64 %number
  %it = load ptr, ptr %object_at
  %later = add i64 %number, 1
  %type_at = getelementptr i8, ptr %it, i64 {_TYPE}
  %type = load i64, ptr %type_at
  %wanted_type = load i64, ptr %at
  %rank_wanted_at = getelementptr i64, ptr %at, i64 1
  %rank = load i64, ptr %rank_wanted_at
  %after_other = getelementptr i64, ptr %at, i64 2
  %has_type = icmp eq i64 %type, %wanted_type
  br i1 %has_type, label %kind, label %no
kind:
  %is_array = icmp sge i64 %rank, 0
  br i1 %is_array, label %array, label %other
other:
  br label %next
array:
  %data_at = getelementptr i8, ptr %it, i64 {_DATA}
  %data = load i64, ptr %data_at
  %data_wanted = load i64, ptr %after_other
  %has_data = icmp eq i64 %data, %data_wanted
  %rank_at = getelementptr i8, ptr %it, i64 {_RANK}
  %rank_short = load i32, ptr %rank_at
  %rank_here = sext i32 %rank_short to i64
  %has_rank = icmp eq i64 %rank_here, %rank
  %description_at = getelementptr i8, ptr %it, i64 {_DESCRIPTION}
  %description = load i64, ptr %description_at
  %description_wanted_at = getelementptr i64, ptr %at, i64 3
  %description_wanted = load i64, ptr %description_wanted_at
  %has_description = icmp eq i64 %description, %description_wanted
  %flags_at = getelementptr i8, ptr %it, i64 {_FLAGS}
  %flags_short = load i32, ptr %flags_at
  %flags = sext i32 %flags_short to i64
  %flags_wanted_at = getelementptr i64, ptr %at, i64 4
  %flags_wanted = load i64, ptr %flags_wanted_at
  %has_flags = icmp eq i64 %flags, %flags_wanted
  %a = and i1 %has_data, %has_rank
  %b = and i1 %has_description, %has_flags
  %c = and i1 %a, %b
  %extents_at = getelementptr i8, ptr %it, i64 {_EXTENTS}
  %extents = load ptr, ptr %extents_at
  %strides_at = getelementptr i8, ptr %it, i64 {_STRIDES}
  %strides = load ptr, ptr %strides_at
  %extents_wanted = getelementptr i64, ptr %at, i64 5
  %strides_wanted = getelementptr i64, ptr %extents_wanted, i64 %rank
  %after_array = getelementptr i64, ptr %strides_wanted, i64 %rank
  br i1 %c, label %rest, label %no
rest:
  %axis = phi i64 [ 0, %array ], [ %axis_later, %axis_same ]
  %is_axis = icmp slt i64 %axis, %rank
  br i1 %is_axis, label %compare, label %next
compare:
  %extent_at = getelementptr i64, ptr %extents, i64 %axis
  %extent = load i64, ptr %extent_at
  %extent_wanted_at = getelementptr i64, ptr %extents_wanted, i64 %axis
  %extent_wanted = load i64, ptr %extent_wanted_at
  %has_extent = icmp eq i64 %extent, %extent_wanted
  %stride_at = getelementptr i64, ptr %strides, i64 %axis
  %stride = load i64, ptr %stride_at
  %stride_wanted_at = getelementptr i64, ptr %strides_wanted, i64 %axis
  %stride_wanted = load i64, ptr %stride_wanted_at
  %has_stride = icmp eq i64 %stride, %stride_wanted
  %has_axis = and i1 %has_extent, %has_stride
  br i1 %has_axis, label %axis_same, label %no
axis_same:
  %axis_later = add i64 %axis, 1
  br label %rest
yes:
  ret i64 1
no:
  ret i64 0
}}
"""


class Headers:
    """What the arguments of one call were: the types of all, the headers of arrays."""

    def __init__(self, values: Sequence[object]) -> None:
        cells: list[int] = []
        for value in values:
            cells += _cells_of(value)
        self._wanted = (ctypes.c_int64 * len(cells))(*cells)
        self.address = ctypes.addressof(self._wanted)
        self._objects = ctypes.c_int64 * len(values)
        self._count = len(values)
        # Nothing else may come to lie where a dtype or type of the call lies.
        self._kept = [getattr(value, "dtype", None) for value in values]
        self._kept += [type(value) for value in values]

    def are_those_of(self, values: tuple[object, ...]) -> bool:
        """Return whether `values`, as many, have these headers; what they contain may differ."""
        return bool(_same()(self.address, self._objects(*map(id, values)), self._count))


def _cells_of(value: object) -> list[int]:
    if type(value) is not np.ndarray:
        return [id(type(value)), _NO_ARRAY]
    head = [id(np.ndarray), value.ndim, value.ctypes.data, id(value.dtype), value.flags.num]
    return [*head, *value.shape, *value.strides]


@once
def are_known() -> bool:
    """Return whether arrays look in memory as they are expected to."""
    array = np.arange(30.0).reshape(5, 6)[::2, 1:]
    return Headers((array, 1.5)).are_those_of((array, 2.5))


def address_of_same() -> int:
    """Return where the comparison lies: same(wanted, objects, count), 0 for no."""
    found: int = _engine().get_function_address("same")
    return found


@once
def _engine() -> Any:  # noqa: ANN401 - llvmlite is untyped
    return lasting(_TEXT)


@once
def _same() -> Callable[[int, Any, int], int]:
    # Holds the GIL: another thread may be giving an array another shape.
    kind = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
    return kind(address_of_same())
