"""Columns put into rows, a line of the cache at a time: a few lines of LLVM code.

    autopar_turn(to, from, stride, count, width)

Element `k` of each of `count` rows, `stride` bytes apart, goes to row `k` of what is written,
for `k` up to `width`. Blocks of eight times eight elements are turned in registers, and the lines
of the tile below are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopar.analysis.model.later import Later

from .native import attributes, compiled
from .once import once
from .turned import BLOCK, TILE

if TYPE_CHECKING:
    import llvmlite.binding as llvm
else:
    llvm = Later("llvmlite.binding")

TURN = "autopar_turn"
_OF_BLOCK = f"{TURN}_block"
_ROW = f"<{BLOCK} x i64>"


def text() -> str:
    """Return the function."""
    loads = [
        f"""  %at{k} = add i64 %j, {k}
  %offset{k} = mul i64 %at{k}, %stride
  %row{k} = getelementptr i8, ptr %from, i64 %offset{k}
  %ahead{k} = getelementptr i8, ptr %row{k}, i64 %below
  call void @llvm.prefetch.p0(ptr %ahead{k}, i32 0, i32 3, i32 1)
  %v0_{k} = load {_ROW}, ptr %row{k}, align 8"""
        for k in range(BLOCK)
    ]
    stores = [
        f"""  %place{k} = getelementptr i64, ptr %to, i64 {k * TILE}
  %target{k} = getelementptr i64, ptr %place{k}, i64 %j
  store {_ROW} %v3_{k}, ptr %target{k}, align 8"""
        for k in range(BLOCK)
    ]
    return f"""
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)

; Rows by rows of blocks: the lines of one row lie side by side.
define void @{TURN}(ptr %to, ptr %from, i64 %stride, i64 %count, i64 %width) {attributes()} {{
start:
  br label %next
next:
  %j = phi i64 [ 0, %start ], [ %j_later, %row_done ]
  %are_rows = icmp slt i64 %j, %count
  br i1 %are_rows, label %row, label %end
row:
  %row_offset = mul i64 %j, %stride
  %row_from = getelementptr i8, ptr %from, i64 %row_offset
  %row_to = getelementptr i64, ptr %to, i64 %j
  %rows_left = sub i64 %count, %j
  %are_few = icmp slt i64 %rows_left, {BLOCK}
  %rows = select i1 %are_few, i64 %rows_left, i64 {BLOCK}
  br label %block
block:
  %k = phi i64 [ 0, %row ], [ %k_later, %turn ]
  %are_columns = icmp slt i64 %k, %width
  br i1 %are_columns, label %turn, label %row_done
turn:
  %block_from = getelementptr i64, ptr %row_from, i64 %k
  %k_offset = mul i64 %k, {TILE}
  %block_to = getelementptr i64, ptr %row_to, i64 %k_offset
  %columns_left = sub i64 %width, %k
  %is_narrow = icmp slt i64 %columns_left, {BLOCK}
  %columns = select i1 %is_narrow, i64 %columns_left, i64 {BLOCK}
  call void @{_OF_BLOCK}(ptr %block_to, ptr %block_from, i64 %stride, i64 %rows, i64 %columns)
  %k_later = add i64 %k, {BLOCK}
  br label %block
row_done:
  %j_later = add i64 %j, {BLOCK}
  br label %next
end:
  ret void
}}

define internal void @{_OF_BLOCK}(ptr %to, ptr %from, i64 %stride, i64 %count, i64 %width)
    {attributes()} {{
start:
  %below = mul i64 %stride, {TILE}
  %is_whole = icmp eq i64 %width, {BLOCK}
  %whole = and i64 %count, {-BLOCK}
  %blocks_end = select i1 %is_whole, i64 %whole, i64 0
  br label %next
next:
  %j = phi i64 [ 0, %start ], [ %later, %block ]
  %is_left = icmp slt i64 %j, %blocks_end
  br i1 %is_left, label %block, label %rows
block:
{chr(10).join(loads)}
{chr(10).join(_turned())}
{chr(10).join(stores)}
  %later = add i64 %j, {BLOCK}
  br label %next
rows:
  %row = phi i64 [ %blocks_end, %next ], [ %row_later, %row_done ]
  %is_row = icmp slt i64 %row, %count
  br i1 %is_row, label %elements, label %end
elements:
  %row_offset = mul i64 %row, %stride
  %row_from = getelementptr i8, ptr %from, i64 %row_offset
  br label %element
element:
  %k = phi i64 [ 0, %elements ], [ %k_later, %copied ]
  %is_element = icmp slt i64 %k, %width
  br i1 %is_element, label %copied, label %row_done
copied:
  %source = getelementptr i64, ptr %row_from, i64 %k
  %value = load i64, ptr %source, align 8
  %k_offset = mul i64 %k, {TILE}
  %k_place = getelementptr i64, ptr %to, i64 %k_offset
  %place = getelementptr i64, ptr %k_place, i64 %row
  store i64 %value, ptr %place, align 8
  %k_later = add i64 %k, 1
  br label %element
row_done:
  %row_later = add i64 %row, 1
  br label %rows
end:
  ret void
}}
"""


def _turned() -> list[str]:
    """Return the lines that turn the vectors `v0_0` to `v0_7` into `v3_0` to `v3_7`.

    Three steps of a transposition by blocks: of four, of two, of one element. Each exchanges
    the upper right and the lower left block of each pair of blocks.
    """
    lines = []
    for step, size in enumerate((4, 2, 1)):
        for k in range(BLOCK):
            upper = not k & size
            one, other = (k, k | size) if upper else (k & ~size, k)
            chosen = [
                at if not at & size else BLOCK + at - size
                for at in range(BLOCK)
            ] if upper else [
                at + size if not at & size else BLOCK + at
                for at in range(BLOCK)
            ]  # fmt: skip
            mask = ", ".join(f"i32 {each}" for each in chosen)
            lines.append(
                f"  %v{step + 1}_{k} = shufflevector {_ROW} %v{step}_{one},"
                f" {_ROW} %v{step}_{other}, <{BLOCK} x i32> <{mask}>"
            )
    return lines


@once
def engine() -> Any:  # noqa: ANN401 - llvmlite is untyped
    """Return LLVM's engine with the function, which kernels find by its name from now on."""
    found = compiled(text())
    llvm.add_symbol(TURN, found.get_function_address(TURN))
    return found
