"""The order in which a nest runs, beside its source; below it where there is no room.

Before:  the lines of a nest, the loops that run instead
After:   As it runs (interchange):
         82  for i in range(m):         | parallel for j_block in range(0, n, 512):
         83      for j in range(n):     |     for i in range(0, m - 1):
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import zip_longest

from autopar.analysis.model.report import NestOrder
from autopar.analysis.model.source import SourceText

_GAP = " | "


def beside(order: NestOrder, text: SourceText | None, width: int) -> str:
    """Return `order` beside its source in `width` columns."""
    return "\n".join([title(order), *_together(source_lines(order, text), order.lines, width)])


def title(order: NestOrder) -> str:
    """Return what is shown, and when the nest runs so."""
    unless = f", unless {' or '.join(order.unless)}" if order.unless else ""
    return f"As it runs from line {order.span.line} on ({', '.join(order.transforms)}){unless}:"


def source_lines(order: NestOrder, text: SourceText | None) -> list[str]:
    """Return the lines of the nest with their numbers; none where there is no text."""
    numbers = range(order.span.line, order.span.end_line + 1)
    source = [text.line(number) for number in numbers] if text is not None else []
    shown = textwrap.dedent("\n".join(source)).split("\n") if source else []
    return [f"{number}  {line}".rstrip() for number, line in zip(numbers, shown, strict=False)]


def _together(left: list[str], right: tuple[str, ...], width: int) -> Iterator[str]:
    room = max(map(len, left), default=0)
    if not left or room + len(_GAP) + max(map(len, right), default=0) > width:
        yield from left
        yield from (["runs as"] if left else [])
        yield from right
        return
    for one, other in zip_longest(left, right, fillvalue=""):
        yield f"{one:{room}}{_GAP}{other}".rstrip()
