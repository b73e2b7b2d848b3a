"""A loop of which a part is computed ahead, as the interpreter runs it.

Before:  for k in range(n):               After:  if GUARD.ask(n, a):
             s = 0.0                                  for k in GUARD.items():
             for x in a: s += x * k                       for s in GUARD.take(0):
             print(k, s)                                      break
                                                          else:
                                                              s = 0.0
                                                              for x in a: s += x * k
                                                          print(k, s)
                                                  else:
                                                      for k in range(n): ...

Where no value was computed ahead, `take` gives none, and the part's own source runs in its place.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import SplitPart
from autopar.analysis.model.source import Span

from .placing import place_at

Place: TypeAlias = tuple[int, int, int, int]


class Splitter(Protocol):
    """What is asked at a split loop; each time with the frame that asks."""

    def ask(self, *values: object) -> bool:
        """Return whether parts of the loop are computed ahead."""

    def items(self) -> Iterator[object]:
        """Return what the loop runs over; only after `ask` said so."""

    def take(self, number: int) -> tuple[object, ...]:
        """Return the value of a part in this iteration alone in a tuple, () where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSite:
    """Where a loop is split."""

    line: int
    column: int
    arguments: tuple[str, ...]  # names whose values are passed to `ask`
    parts: tuple[SplitPart, ...]
    splitter: Splitter


def split_loop(
    loop: ast.For, guard: str, arguments: str, parts: tuple[SplitPart, ...]
) -> ast.If | ast.For:
    """Return what stands for `loop`, whose statements have their own guards already.

    `guard` is the text of the constant that is asked, `arguments` that of what it is shown.
    Before PEP 701, two calls in formatted strings may have one place: then it is `loop` itself.
    """
    text = f"if {guard}.ask({arguments}):\n    for _ in {guard}.items():\n        pass\n"
    (choice,) = ast.parse(text).body
    place_at(choice, loop)
    assert isinstance(choice, ast.If)
    (ahead,) = choice.body
    assert isinstance(ahead, ast.For)
    ahead.target = loop.target
    ahead.body = loop.body
    for number, part in enumerate(parts):
        body = _with_part(ahead.body, f"{guard}.take({number})", part)
        if body is None:
            return loop
        ahead.body = body
    choice.orelse = [loop]
    return choice


def _with_part(body: list[ast.stmt], taken: str, part: SplitPart) -> list[ast.stmt] | None:
    """Return a copy of `body` that takes the values of a part; None where it is not found."""
    if not part.names:
        replaced = _Replaced(_extent(part.places[0]), taken)
        edited = [replaced.copied(each) for each in body]
        return edited if replaced.count == 1 else None
    begins = {(each.line, each.column) for each in part.places}
    numbers = [n for n, each in enumerate(body) if (each.lineno, each.col_offset) in begins]
    if not numbers:
        return None
    first, last = numbers[0], numbers[-1]
    targets = ", ".join(part.names)
    (guard,) = ast.parse(f"for {targets} in {taken}:\n    break\nelse:\n    pass\n").body
    place_at(guard, body[first])
    assert isinstance(guard, ast.For)
    guard.orelse = body[first : last + 1]
    return [*body[:first], guard, *body[last + 1 :]]


def _extent(span: Span) -> Place:
    return span.line, span.column, span.end_line, span.end_column


class _Replaced:
    """Copies trees with a question in place of the one call that has a given place."""

    def __init__(self, place: Place, taken: str) -> None:
        self._place = place
        self._text = f"({taken} or (...,))[0]"
        self.count = 0

    def copied(self, node: Any) -> Any:  # noqa: ANN401  # any field
        """Return a copy of `node`."""
        if isinstance(node, list):
            return [self.copied(each) for each in node]
        if not isinstance(node, ast.AST):
            return node
        if isinstance(node, ast.Call) and self._is_meant(node):
            self.count += 1
            return self._asked(node)
        edited = copy.copy(node)
        for name, value in ast.iter_fields(node):
            setattr(edited, name, self.copied(value))
        return edited

    def _is_meant(self, node: ast.Call) -> bool:
        end = node.end_lineno or 0, node.end_col_offset or 0
        return (node.lineno, node.col_offset, *end) == self._place

    def _asked(self, call: ast.Call) -> ast.expr:
        found = ast.parse(self._text, mode="eval").body
        place_at(found, call)
        match found:
            case ast.Subscript(value=ast.BoolOp(values=[_, ast.Tuple() as own])):
                own.elts = [call]
        return found
