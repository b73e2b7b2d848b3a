"""The part of a text that one function is analysed with: its own definition and its helpers'.

Before:  N = 3                          After:
         def other(a): ...
         def f(a):                             def f(a):
             for i in range(8): ...                for i in range(8): ...

What the static stage is not shown cannot change what it finds, so an edit elsewhere in the file
leaves what is kept of a function as it was. Lines keep their numbers.
"""

from __future__ import annotations

import ast
import functools
import warnings
from dataclasses import replace

from autopar.analysis.model.source import SourceFunction
from autopar.analysis.passes.names import HELPER

_MODULE = "<module>"


def narrowed(source: SourceFunction) -> SourceFunction:
    """Return `source` in a text that has nothing but what its analysis reads.

    At module level, and where nobody looked up its names, that is all of the text: then it stays.
    """
    if source.known_names is None or source.qualified_name == _MODULE:
        return source
    meanings = [meaning for _, meaning in source.known_names]
    helpers = [
        int(each.removeprefix(HELPER))
        for each in meanings
        if each.startswith(HELPER) and each.removeprefix(HELPER).isdecimal()
    ]
    text = _lines_of(source.text.text, (source.line, *sorted(helpers)))
    return source if text is None else replace(source, text=replace(source.text, text=text))


@functools.lru_cache(maxsize=64)
def _lines_of(text: str, wanted: tuple[int, ...]) -> str | None:
    """Return `text` up to its last statement with a line of `wanted`, the others left empty.

    None where it cannot be cut so.
    """
    lines = text.split("\n")
    places = _statements(text)
    # Other line ends are no ends to Python's parser.
    if places is None or text.splitlines() != lines[: len(lines) - (not lines[-1])]:
        return None
    kept = [each for each in places if any(line in each for line in wanted)]
    if not all(any(line in each for each in kept) for line in wanted):
        return None
    found = [""] * (kept[-1].stop - 1)
    for each in kept:
        found[each.start - 1 : each.stop - 1] = lines[each.start - 1 : each.stop - 1]
    return "\n".join(found) + "\n"


@functools.lru_cache(maxsize=4)  # a file with many functions is read once
def _statements(text: str) -> tuple[range, ...] | None:
    """Return the lines of each statement of module level; None where two share one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the user has seen them when the file was compiled
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return None
    found: list[range] = []
    for node in body:
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(each.lineno for each in decorators)])
        if found and start < found[-1].stop:
            return None
        found.append(range(start, (node.end_lineno or node.lineno) + 1))
    return tuple(found)
