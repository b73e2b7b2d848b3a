"""Source lines beside their loops: which lines a reader has to see, and what stands in the margin.

Before:  a text, and the loops of one of its functions
After:   rows: a line with, for each depth, the loop it belongs to; None where lines are left out
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.report import FunctionReport, LoopReport
from autopar.analysis.model.source import SourceText

# A function of at most so many lines is shown whole; of a longer one, its loops and some lines
# around them.
WHOLE = 60
AROUND = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the source."""

    number: int  # from 1
    text: str
    bars: tuple[LoopReport | None, ...]  # for each depth of the listing, the loop around it
    begins: tuple[LoopReport, ...]  # the loops whose header stands in this line


def rows(text: SourceText, function: FunctionReport) -> Iterator[Row | None]:
    """Yield the lines of a function; None where some are left out."""
    width = 1 + max((loop.depth for loop in function.loops), default=0)
    before = 0
    for number in _numbers(text, function):
        if before and number > before + 1:
            yield None
        before = number
        yield Row(
            number=number,
            text=text.line(number),
            bars=tuple(_loop_at(function, depth, number) for depth in range(width)),
            begins=tuple(each for each in function.loops if each.span.line == number),
        )


def _loop_at(function: FunctionReport, depth: int, number: int) -> LoopReport | None:
    for each in function.loops:
        if each.depth == depth and each.span.line <= number <= each.span.end_line:
            return each
    return None


def _numbers(text: SourceText, function: FunctionReport) -> list[int]:
    first, last = _extent(text, function)
    if last - first < WHOLE:
        return list(range(first, last + 1))
    shown = {first} if function.line > 1 else set[int]()
    for loop in function.loops:
        shown |= set(range(loop.span.line - AROUND, loop.span.end_line + AROUND + 1))
    return sorted(each for each in shown if first <= each <= last)


def _extent(text: SourceText, function: FunctionReport) -> tuple[int, int]:
    """Return the first and the last line of a function, or of the whole text."""
    count = len(text.text.splitlines())
    if function.name == "<module>":
        return 1, count
    for node in ast.walk(_tree(text)):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.lineno == function.line
        ):
            return function.line, node.end_lineno or count
    last = max((loop.span.end_line for loop in function.loops), default=function.line)
    return function.line, min(last + AROUND, count)


def _tree(text: SourceText) -> ast.AST:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes, when the file itself is run
            return ast.parse(text.text)
    except (SyntaxError, ValueError, RecursionError):  # the cell of a notebook, with its magics
        return ast.Module(body=[], type_ignores=[])
