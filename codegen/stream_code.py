"""A copy that passes the caches: a few lines of LLVM code.

    autopar_stream(to, from, bytes)

Whole lines of what is written are stored at once and marked as non-temporal: the processor
neither reads them first nor keeps them. LLVM takes the widest such stores that there are, with
nothing between those of one line, and ordinary ones where there are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopar.analysis.model.later import Later

from .native import attributes, compiled
from .once import once
from .streams import LINE

if TYPE_CHECKING:
    import llvmlite.binding as llvm
else:
    llvm = Later("llvmlite.binding")

STREAM = "autopar_stream"
_PART = f"<{LINE // 8} x i64>"


def text() -> str:
    """Return the function."""
    return f"""
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; What lies before the first line's start and after the last one's is copied as usual.
define void @{STREAM}(ptr %to, ptr %from, i64 %bytes) {attributes()} {{
start:
  %is_some = icmp sgt i64 %bytes, 0
  br i1 %is_some, label %begin, label %end
begin:
  %place = ptrtoint ptr %to to i64
  %back = sub i64 0, %place
  %missing = and i64 %back, {LINE - 1}
  %is_short = icmp slt i64 %bytes, %missing
  %head = select i1 %is_short, i64 %bytes, i64 %missing
  %has_head = icmp ne i64 %head, 0
  br i1 %has_head, label %first, label %middle
first:
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %head, i1 false)
  br label %middle
middle:
  %left = sub i64 %bytes, %head
  %whole = and i64 %left, {-LINE}
  %tail_at = add i64 %head, %whole
  br label %next
next:
  %at = phi i64 [ %head, %middle ], [ %later, %line ]
  %is_left = icmp slt i64 %at, %tail_at
  br i1 %is_left, label %line, label %last
line:
  %source = getelementptr i8, ptr %from, i64 %at
  %target = getelementptr i8, ptr %to, i64 %at
  %part = load {_PART}, ptr %source, align 4
  store {_PART} %part, ptr %target, align {LINE}, !nontemporal !{{i32 1}}
  %later = add i64 %at, {LINE}
  br label %next
last:
  %tail = sub i64 %bytes, %tail_at
  %has_tail = icmp ne i64 %tail, 0
  br i1 %has_tail, label %rest, label %end
rest:
  %tail_source = getelementptr i8, ptr %from, i64 %tail_at
  %tail_target = getelementptr i8, ptr %to, i64 %tail_at
  call void @llvm.memcpy.p0.p0.i64(ptr %tail_target, ptr %tail_source, i64 %tail, i1 false)
  br label %end
end:
  ret void
}}
"""


@once
def engine() -> Any:  # noqa: ANN401 - llvmlite is untyped
    """Return LLVM's engine with the function, which kernels find by its name from now on."""
    found = compiled(text())
    llvm.add_symbol(STREAM, found.get_function_address(STREAM))
    return found
