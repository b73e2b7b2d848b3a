"""Names of what the header of a loop computes before the loop begins.

Before:  the expression at line 3, columns 9 to 30      After:  "autopar_held_3_9_3_30"

Where that is a range, or a progress bar over one, its limits have names of their own.
"""

from __future__ import annotations

import re

from .source import Span

_PREFIX = "autopar_held_"
FIRST, LAST = "_first", "_last"
_NAME = re.compile(rf"{_PREFIX}(\d+)_(\d+)_\d+_\d+(?:{FIRST}|{LAST})?")


def held_name(span: Span) -> str:
    """Return what the value of the expression at `span` is called."""
    return f"{_PREFIX}{span.line}_{span.column}_{span.end_line}_{span.end_column}"


def is_held(name: str) -> bool:
    """Return whether a name stands for what a loop's header computes, or a limit of that."""
    return name.startswith(_PREFIX)


def whole(name: str) -> str:
    """Return the name of the value itself, where `name` is that of a limit."""
    return name.removesuffix(FIRST).removesuffix(LAST)


def held_place(name: str) -> tuple[int, int, int, int]:
    """Return where the expression stands: lines and columns of its begin and its end."""
    line, column, end_line, end_column = map(int, name.removeprefix(_PREFIX).split("_"))
    return line, column, end_line, end_column


def spoken(text: str) -> str:
    """Return a text with words for the names in it."""
    return _NAME.sub(r"header \1:\2", text)
