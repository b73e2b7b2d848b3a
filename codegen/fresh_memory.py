"""New arrays in memory that an array of ours was freed from a moment ago.

Before:  y = f(x), again and again: the system maps 64 MB, clears them page by page, and unmaps them
After:   the same 64 MB, still mapped, as soon as nobody has the array that was in them

A page that is touched for the first time costs about as much as what a kernel stores in it. NumPy
lets go of large arrays at once; a kernel that fills a new array at each call would spend half of
its time in the system. So arrays made here have their memory by a handler (NumPy's NEP 49) that
keeps a few large pieces when they are freed, for as large a demand. All else about it is NumPy's
own handler: what an array is allocated by is no difference that a program sees.

What is kept beyond some megabytes belongs to the system as soon as that wants it (MADV_FREE), and
goes back to it when
an array of another size is asked for, so that a process never holds more than it would need at
that moment but for what NumPy itself has asked for in between.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .lasting_code import lasting
from .once import once

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Arrays of fewer bytes are in the heap, which has kept their pages.
LEAST = 1 << 20
# How many pieces of memory are kept, and which share of the machine's memory at most.
_PIECES, _SHARE = 4, 16
# Up to so many bytes are not offered to the system: the heap of the C library, which NumPy's arrays
# up to half of that lie in, keeps as much too. (Offered pages are slow to write for a while.)
_OWN = 64 << 20
_FREE_LAZILY, _PAGE = 8, 4096  # MADV_FREE of Linux; no page is smaller
# In NumPy's table of functions: PyDataMem_SetHandler, PyDataMem_DefaultHandler (NumPy 1.22).
_SET, _DEFAULT = 304, 306
# Of a handler: its name and version, then the context, malloc, calloc, realloc, free.
_HANDLER, _MALLOC, _FREE = 168, 136, 160
_CAPSULE = b"mem_handler"

_TEXT = f"""
declare i64 @malloc_usable_size(ptr)
declare i32 @madvise(ptr, i64, i32)

@pieces = global [{_PIECES} x ptr] zeroinitializer
@oldest = global i64 0
@held = global i64 0
@most = global i64 0
@own_malloc = global ptr null
@own_free = global ptr null

define void @let_go(ptr %context, ptr %piece) {{
start:
  %size = call i64 @malloc_usable_size(ptr %piece)
  %before = atomicrmw sub ptr @held, i64 %size seq_cst
  %free = load ptr, ptr @own_free
  call void %free(ptr %context, ptr %piece, i64 %size)
  ret void
}}

; Memory of so many bytes: a piece that is kept, if one is as large; else all of them go.
define ptr @take(ptr %context, i64 %size) {{
start:
  %is_small = icmp ult i64 %size, {LEAST}
  br i1 %is_small, label %new, label %look
look:
  %number = phi i64 [ 0, %start ], [ %next, %looked ]
  %is_over = icmp eq i64 %number, {_PIECES}
  br i1 %is_over, label %clear, label %see
see:
  %place = getelementptr ptr, ptr @pieces, i64 %number
  %piece = atomicrmw xchg ptr %place, ptr null seq_cst
  %is_none = icmp eq ptr %piece, null
  br i1 %is_none, label %looked, label %measure
measure:
  %usable = call i64 @malloc_usable_size(ptr %piece)
  %is_enough = icmp uge i64 %usable, %size
  %spare = sub i64 %usable, %size
  %share = lshr i64 %size, 5
  %is_close = icmp ule i64 %spare, %share
  %fits = and i1 %is_enough, %is_close
  br i1 %fits, label %found, label %back
found:
  %before = atomicrmw sub ptr @held, i64 %usable seq_cst
  ret ptr %piece
back:
  %pair = cmpxchg ptr %place, ptr null, ptr %piece seq_cst seq_cst
  %is_back = extractvalue {{ ptr, i1 }} %pair, 1
  br i1 %is_back, label %looked, label %drop
drop:
  call void @let_go(ptr %context, ptr %piece)
  br label %looked
looked:
  %next = add i64 %number, 1
  br label %look
clear:
  %other = phi i64 [ 0, %look ], [ %other_next, %cleared ]
  %is_clear = icmp eq i64 %other, {_PIECES}
  br i1 %is_clear, label %new, label %empty
empty:
  %other_place = getelementptr ptr, ptr @pieces, i64 %other
  %gone = atomicrmw xchg ptr %other_place, ptr null seq_cst
  %was_none = icmp eq ptr %gone, null
  br i1 %was_none, label %cleared, label %going
going:
  call void @let_go(ptr %context, ptr %gone)
  br label %cleared
cleared:
  %other_next = add i64 %other, 1
  br label %clear
new:
  %malloc = load ptr, ptr @own_malloc
  %made = call ptr %malloc(ptr %context, i64 %size)
  ret ptr %made
}}

; Keep what an array had, if it is large, in the place of the oldest if need be.
define void @give(ptr %context, ptr %piece, i64 %size) {{
start:
  %is_small = icmp ult i64 %size, {LEAST}
  %is_none = icmp eq ptr %piece, null
  %is_plain = or i1 %is_small, %is_none
  br i1 %is_plain, label %own, label %large
own:
  %free = load ptr, ptr @own_free
  call void %free(ptr %context, ptr %piece, i64 %size)
  ret void
large:
  %usable = call i64 @malloc_usable_size(ptr %piece)
  %before = atomicrmw add ptr @held, i64 %usable seq_cst
  %all = add i64 %before, %usable
  %most = load i64, ptr @most
  %is_much = icmp ugt i64 %all, %most
  br i1 %is_much, label %drop, label %weigh
drop:
  call void @let_go(ptr %context, ptr %piece)
  ret void
weigh:
  %is_little = icmp ule i64 %all, {_OWN}
  br i1 %is_little, label %search, label %offer
offer:
  %address = ptrtoint ptr %piece to i64
  %up = add i64 %address, {_PAGE - 1}
  %first = and i64 %up, {-_PAGE}
  %end = add i64 %address, %usable
  %last = and i64 %end, {-_PAGE}
  %length = sub i64 %last, %first
  %pages = inttoptr i64 %first to ptr
  %said = call i32 @madvise(ptr %pages, i64 %length, i32 {_FREE_LAZILY})
  br label %search
search:
  br label %look
look:
  %number = phi i64 [ 0, %search ], [ %next, %looked ]
  %is_over = icmp eq i64 %number, {_PIECES}
  br i1 %is_over, label %replace, label %try
try:
  %place = getelementptr ptr, ptr @pieces, i64 %number
  %pair = cmpxchg ptr %place, ptr null, ptr %piece seq_cst seq_cst
  %is_kept = extractvalue {{ ptr, i1 }} %pair, 1
  br i1 %is_kept, label %kept, label %looked
kept:
  ret void
looked:
  %next = add i64 %number, 1
  br label %look
replace:
  %turn = atomicrmw add ptr @oldest, i64 1 seq_cst
  %which = urem i64 %turn, {_PIECES}
  %taken = getelementptr ptr, ptr @pieces, i64 %which
  %old = atomicrmw xchg ptr %taken, ptr %piece seq_cst
  %was_none = icmp eq ptr %old, null
  br i1 %was_none, label %kept, label %free_old
free_old:
  call void @let_go(ptr %context, ptr %old)
  ret void
}}
"""


def fresh_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return what `np.empty` returns. Raises what it raises."""
    if math.prod(shape) * dtype.itemsize < LEAST:
        return np.empty(shape, dtype)
    handler = _handler()
    return np.empty(shape, dtype) if handler is None else handler.empty(shape, dtype)


class _Handler:
    """NumPy's handler of memory with two functions of ours in it."""

    def __init__(self, table: Any, engine: Any, code: Any) -> None:  # noqa: ANN401  # of ctypes, llvmlite
        self._engine, self._code = engine, code  # arrays refer to them as long as the process lives
        kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)
        self._set: Callable[[object], object] = kind(table[_SET])
        self._default = ctypes.cast(table[_DEFAULT], ctypes.POINTER(ctypes.py_object))[0]
        api = ctypes.pythonapi
        pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
        capsule = ctypes.PYFUNCTYPE(
            ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
        )
        default = pointer(("PyCapsule_GetPointer", api))(self._default, _CAPSULE)
        ctypes.memmove(code, default, _HANDLER)
        address = ctypes.addressof(code)
        for name, place, function in (
            ("own_malloc", _MALLOC, "take"),
            ("own_free", _FREE, "give"),
        ):
            word = ctypes.c_void_p.from_address(address + place)
            kept = ctypes.c_void_p.from_address(engine.get_global_value_address(name))
            kept.value = word.value
            word.value = engine.get_function_address(function)
        most = ctypes.c_int64.from_address(engine.get_global_value_address("most"))
        most.value = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _SHARE
        self._own = capsule(("PyCapsule_New", api))(address, _CAPSULE, None)
        self._name = ctypes.c_char_p(_CAPSULE)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return a new array; by the user's own handler where there is one."""
        before = self._set(self._own)
        try:
            if before is not self._default:
                self._set(before)
            return np.empty(shape, dtype)
        finally:
            self._set(before)

    @property
    def held(self) -> int:
        """How many bytes are kept."""
        found = ctypes.c_int64.from_address(self._engine.get_global_value_address("held"))
        return found.value


@once
def _handler() -> _Handler | None:
    """Return the handler; None where memory is not the system's way, or NumPy has no such thing."""
    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_usable_size"):
        return None
    try:
        pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
        api = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]  # noqa: SLF001  # as C code has it
        address = pointer(("PyCapsule_GetPointer", ctypes.pythonapi))(api, None)
        table = ctypes.cast(address, ctypes.POINTER(ctypes.c_void_p))
        engine = lasting(_TEXT, level=0)
        made = _Handler(table, engine, ctypes.create_string_buffer(_HANDLER))
    except (AttributeError, ValueError, OSError, RuntimeError):
        return None
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))  # freed arrays call it, up to the very end
    return made
