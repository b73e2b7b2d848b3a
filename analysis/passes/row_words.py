"""What a call finds of bounds that are data, in words for a reader.

Before:  j_apart == 1 and k >= j_end
After:   range(ptr[i], ptr[i + 1]) disjoint for 0 <= i < n
         and k >= max(ptr[i + 1] for i in range(n))
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model.loop_ir import Constant, Element, Expression, Extent, Name
from ..model.scop import Box, DataBounds, Loop, Scop
from ..model.text import python_text


def in_words(scop: Scop, text: str) -> str:
    """Return a condition over parameters as a reader wants it."""
    for loop in scop.loops:
        if loop.data is not None:
            for pattern, words in _words(scop, loop, loop.data):
                text = re.sub(pattern, words.replace("\\", r"\\"), text)
    return text


def _words(scop: Scop, loop: Loop, data: DataBounds) -> list[tuple[str, str]]:
    """Return patterns of parameters, with what to say instead."""
    start, stop = (_plain(each) for each in (data.start, data.stop))
    one_more = "" if loop.step > 0 else " + 1"
    first, end = (start, stop) if loop.step > 0 else (stop, start)
    if data.boxes:
        rows = " ".join(
            _turns(box, {p.name: p.text for p in scop.parameters}) for box in data.boxes
        )
        first, end = f"min({first} {rows})", f"max({end} {rows})"
    elif one_more:
        one_more = f"{one_more})"
        first, end = f"({first}", f"({end}"
    found = []
    if data.apart is not None:
        rows = disjoint_words(scop, loop, data)
        found.append((rf"\b{data.apart} (==|>=) 1\b", rows))
        found.append((rf"\b{data.apart} (==|<=) 0\b", f"not ({rows})"))
    if data.first is not None:
        found.append((rf"\b{data.first}\b", f"{first}{one_more}"))
    if data.end is not None:
        found.append((rf"\b{data.end}\b", f"{end}{one_more}"))
    return found


def _turns(box: Box, texts: Mapping[str, str]) -> str:
    least, greatest = (python_text(each, texts) for each in (box.least, box.greatest))
    stop = greatest.removesuffix(" - 1") if greatest.endswith(" - 1") else f"{greatest} + 1"
    return f"for {box.variable} in range({stop if least == '0' else f'{least}, {stop}'})"


def disjoint_words(scop: Scop, loop: Loop, data: DataBounds) -> str:
    """Return in words that no two executions of a loop share an iteration."""
    texts = {each.name: each.text for each in scop.parameters}
    step = "" if loop.step > 0 else ", -1"
    if data.step is not None:
        step = f", {python_text(data.step)}"
    ranges = ", ".join(
        f"{python_text(box.least, texts)} <= {box.variable} {_below(box.greatest, texts)}"
        for box in data.boxes
    )
    return f"range({python_text(data.start)}, {python_text(data.stop)}{step}) disjoint for {ranges}"


def _below(greatest: Expression, texts: Mapping[str, str]) -> str:
    text = python_text(greatest, texts)
    return f"< {text.removesuffix(' - 1')}" if text.endswith(" - 1") else f"<= {text}"


def _plain(expression: Expression) -> str:
    text = python_text(expression)
    is_atom = isinstance(expression, Element | Name | Extent | Constant)
    return text if is_atom else f"({text})"
