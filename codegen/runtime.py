"""What kernels ask of Numba's run-time library, in a few lines: small arrays of their own.

A kernel that keeps partial values in arrays allocates them by `NRT_MemInfo_alloc_aligned` and lets
go of them by `NRT_decref`, whose code Numba puts into every module. These two names are all that
is left to its library. Defined here, beside the kernel, they leave the kernel without need of it.

The block has what Numba's code reads of a `MemInfo`: count of references, destructor, its data,
where the memory lies, its size (`numba.core.runtime.nrtdynmod`).
"""

from __future__ import annotations

RUNTIME = frozenset(("NRT_MemInfo_alloc_aligned", "NRT_MemInfo_call_dtor"))
_HEAD = 64  # bytes, more than a MemInfo has
_LARGEST = 1 << 32  # of arrays of a kernel's own; they have some hundred elements


def runtime_text() -> str:
    """Return LLVM code that defines RUNTIME by the C library's `malloc` and `free`."""
    return f"""
declare ptr @malloc(i64)
declare void @free(ptr)

define ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %alignment) {{
start:
  %is_large = icmp ugt i64 %size, {_LARGEST}
  br i1 %is_large, label %none, label %ask
ask:
  %aligned = zext i32 %alignment to i64
  %more = add i64 %size, {_HEAD}
  %room = add i64 %more, %aligned
  %block = call ptr @malloc(i64 %room)
  %has_none = icmp eq ptr %block, null
  br i1 %has_none, label %none, label %fill
none:
  ret ptr null
fill:
  %number = ptrtoint ptr %block to i64
  %first = add i64 %number, {_HEAD}
  %below = sub i64 %aligned, 1
  %beyond = add i64 %first, %below
  %mask = xor i64 %below, -1
  %place = and i64 %beyond, %mask
  store i64 1, ptr %block
  %destructor = getelementptr i64, ptr %block, i64 1
  store i64 0, ptr %destructor
  %told = getelementptr i64, ptr %block, i64 2
  store i64 0, ptr %told
  %data = getelementptr i64, ptr %block, i64 3
  store i64 %place, ptr %data
  %length = getelementptr i64, ptr %block, i64 4
  store i64 %size, ptr %length
  ret ptr %block
}}

define void @NRT_MemInfo_call_dtor(ptr %block) {{
start:
  call void @free(ptr %block)
  ret void
}}
"""
