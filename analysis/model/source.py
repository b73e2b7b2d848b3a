"""Source text and the places in it.

A `Span` points into a file (or a notebook cell) the way an editor does, so that
reports, generated comments and tracebacks all speak of the user's own lines.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate

from autopar.analysis.model.nouns import dataclass

# What module level is called among the functions of a text.
MODULE = "<module>"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A stretch of source text: lines count from 1, columns from 0, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def contains(self, other: Span) -> bool:
        """Return whether `other` lies within this span."""
        return (self.line, self.column) <= (other.line, other.column) and (
            other.end_line,
            other.end_column,
        ) <= (self.end_line, self.end_column)


class Places:
    """Spans of one text that are asked, many times, whether one of them lies around another.

    Cost: a search in what begins before it, instead of a look at each.
    """

    def __init__(self, spans: Iterable[Span]) -> None:
        ordered = sorted(spans)
        self._starts = [(each.line, each.column) for each in ordered]
        # How far the spans reach that begin here or before.
        ends = ((each.end_line, each.end_column) for each in ordered)
        self._reach = list(accumulate(ends, max))

    def around(self, span: Span) -> bool:
        """Return whether `span` lies within one of them, which may be `span` itself."""
        before = bisect_right(self._starts, (span.line, span.column))
        return before > 0 and self._reach[before - 1] >= (span.end_line, span.end_column)

    def strictly_around(self, span: Span) -> bool:
        """Return whether `span` lies within one of them that is larger."""
        start, end = (span.line, span.column), (span.end_line, span.end_column)
        earlier, before = bisect_left(self._starts, start), bisect_right(self._starts, start)
        return (earlier > 0 and self._reach[earlier - 1] >= end) or (
            before > 0 and self._reach[before - 1] > end
        )


@functools.lru_cache(maxsize=8)
def _lines(text: str) -> list[str]:
    """Return the lines of a text, which nobody changes: it is asked for each node of it."""
    return text.splitlines()


def loop_id(function: str, span: Span) -> str:
    """Return the stable identifier of a loop: qualified name, line, column."""
    return f"{function}.L{span.line}C{span.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """The text of a file or of a notebook cell."""

    path: str  # as shown to the user: a file name, or "<cell 3>"
    text: str
    cell: int | None  # number of the notebook cell; None for a file

    def line(self, number: int) -> str:
        """Return the text of line `number` without its line end; empty past the end."""
        lines = _lines(self.text)
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def segment(self, span: Span) -> str:
        """Return the text that `span` covers, its lines joined by a single space."""
        lines = _lines(self.text)[span.line - 1 : span.end_line]
        if not lines:
            return ""
        encoded = [part.encode() for part in lines]
        # Columns are UTF-8 offsets, as in the ast module.
        encoded[-1] = encoded[-1][: span.end_column]
        encoded[0] = encoded[0][span.column :]
        *continued, last = (part.decode().strip() for part in encoded)
        return " ".join((*(part.removesuffix("\\").rstrip() for part in continued), last))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFunction:
    """One function of a source text, or its module level."""

    text: SourceText
    qualified_name: str  # as __qualname__ has it; "<module>" for module level
    line: int  # line of the `def` statement (not of its decorators); 1 for module level
    # Names that the function finds outside itself and what they are bound to where that is
    # something autopar knows, e.g. ("np", "numpy"), ("sqrt", "math.sqrt"), ("range", "range").
    # None: not looked up (static analysis of a file), so the usual spellings are assumed.
    known_names: tuple[tuple[str, str], ...] | None
    # Functions of other texts that names in `known_names` stand for, those they call among them.
    callees: tuple[CalleeSource, ...] = ()
    # Variables of the function that hold functions at a call, and what these are.
    given: tuple[tuple[str, str], ...] = ()
    # Module level of a file that runs as the main program, and ends with it: nobody comes after.
    is_script: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalleeSource:
    """A function of another text, or one that sees other variables, which a loop may call."""

    key: str  # what names that stand for it are taken to mean
    source: SourceFunction  # its names are those that it sees itself
    # Variables it finds outside itself that were numbers when somebody looked.
    constants: tuple[tuple[str, bool | int | float | complex], ...]
    sees_others: bool  # its other outside names mean something else to the function that calls
