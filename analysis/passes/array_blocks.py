"""Loops of nests that add up along an axis in order: blocks of columns on the threads.

Before:  for k, in order: for j in range(m): s[j] = s[j] + x[k, j]
After:   for block in range((m + 127) // 128):
             for k, in order: for j in range(128 * block, min(m, 128 * block + 128)): ...

Rows are gone through as they lie in memory, and a thread is not stopped behind each of them.
Helper of the `array_groups` pass.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.loop_ir import (
    Binary,
    Call,
    Compare,
    Constant,
    Expression,
    For,
    Name,
    Statement,
)
from .array_lines import Nest
from .array_parts import is_one

# Columns of a block: some lines of the cache in each row, several blocks for the threads.
_COLUMNS = 128
# Of a few columns as many blocks as the smallest machines have threads.
_THREADS = 2


def in_blocks(
    nest: Nest, around: int, body: tuple[Statement, ...], requires: tuple[Compare, ...]
) -> tuple[Statement, ...]:
    """Return the loops of a nest without its first axes, `around` in number."""
    at = nest.lines[0].store.span
    wide = max(number for number, each in enumerate(nest.axes) if not is_one(each))
    extent = nest.axes[wide]
    zero = Constant(value=0, span=at)

    def number(value: int) -> Constant:
        return Constant(value=value, span=at)

    def loop(axis: int, bounds: tuple[Expression, Expression], body: tuple[Statement, ...]) -> For:
        return For(
            variable=nest.variables[axis],
            start=bounds[0],
            stop=bounds[1],
            step=number(1),
            body=body,
            header=nest.lines[0].header,
            span=at,
            label="any axis",
            is_inner_axis=True,
            is_axis=True,
            is_ordered=axis in nest.ordered,
        )

    block = Name(name=f"{nest.variables[wide]}_block", span=at)
    size = _COLUMNS
    if isinstance(extent, Constant) and isinstance(extent.value, int):
        size = min(size, -(-extent.value // _THREADS))
    start = Binary(operator="*", left=number(size), right=block, span=at)
    end = Binary(operator="+", left=start, right=number(size), span=at)
    stop = Call(function="min", arguments=(extent, end), span=at)
    above = Binary(operator="+", left=extent, right=number(size - 1), span=at)
    blocks = Binary(operator="//", left=above, right=number(size), span=at)
    first_ordered = min(nest.ordered)
    for axis in reversed(range(first_ordered, wide + 1)):
        bounds = (start, stop) if axis == wide else (zero, nest.axes[axis])
        body = (loop(axis, bounds, body),)
    body = (
        For(
            variable=block.name,
            start=zero,
            stop=blocks,
            step=number(1),
            body=body,
            header=nest.lines[0].header,
            span=at,
            label="any axis",
            is_inner_axis=first_ordered > 0,
            is_axis=True,
            requires=requires if first_ordered == around == 0 else (),
        ),
    )
    for axis in reversed(range(around, first_ordered)):
        made = loop(axis, (zero, nest.axes[axis]), body)
        is_first = axis == 0
        body = (replace(made, is_inner_axis=not is_first, requires=requires if is_first else ()),)
    return body
