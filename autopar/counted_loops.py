"""The loop of the source, as the interpreter runs it while its turns are counted.

Before:  while test:                   After:  for () in GUARD.turns():
             body                                  if test: body
                                                   else: break
                                               else:
                                                   <the guard again, before `while test: body`>
Before:  for k in range(n): body       After:  for k in GUARD.first(range(n)): body
                                               else:
                                                   <the guard of the rest, before
                                                    `for k in GUARD.rest(): body`>

`break` and `continue` mean in the one what they mean in the other. No name is bound, and all that
is new stands where the header does.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from .placing import place_at


class Counts(Protocol):
    """What is told of the turns of a loop."""

    @property
    def is_settled(self) -> bool:
        """Whether asking again is of no use."""

    def turns(self) -> Iterable[tuple[()]]:
        """Return what a `while` loop runs over until it asks again."""

    def counted(self, iterable: Any) -> Any:  # noqa: ANN401  # whatever a loop runs over
        """Return what a `for` loop over `iterable` runs over instead."""

    def first(self, iterable: Any) -> Any:  # noqa: ANN401  # as above
        """Return the same, or only the beginning of it: then `is_whole` says so."""

    def is_whole(self) -> bool:
        """Return whether no turns are left of the loop that ended in the calling frame."""

    def left(self) -> range:
        """Return these turns."""

    def rest(self) -> range:
        """Return the same for the loop that makes them."""


def counted(
    loop: ast.stmt, guard: str, again: Callable[[ast.stmt], ast.stmt], *, rests: bool
) -> ast.stmt:
    """Return what runs `loop` in turns that the expression `guard` counts.

    `again` puts the guard before a loop once more, before a `for` loop if it `rests`. A loop that
    cannot be counted stays as it is.
    """
    match loop:
        case ast.While(orelse=[]) if not rests:
            return _in_turns(loop, guard, again(loop))
        case ast.For(orelse=[]) if rests:
            edited = _over(loop, f"{guard}.first(...)", [loop.iter])
            edited.orelse = [again(_over(loop, f"{guard}.rest(...)", []))]
            return edited
        case ast.For():
            return _over(loop, f"{guard}.counted(...)", [loop.iter])
    return loop


def _over(loop: ast.For, text: str, given: list[ast.expr]) -> ast.For:
    """Return `loop` over what a call gives."""
    edited = copy.copy(loop)
    shown = ast.parse(text, mode="eval").body
    place_at(shown, loop)
    assert isinstance(shown, ast.Call)
    shown.args = given
    edited.iter = shown
    return edited


def _in_turns(loop: ast.While, guard: str, rest: ast.stmt) -> ast.For:
    text = f"for () in {guard}.turns():\n    if ...: pass\n    else: break\nelse:\n    pass\n"
    (turns,) = ast.parse(text).body
    place_at(turns, loop)
    assert isinstance(turns, ast.For)
    (turn,) = turns.body
    assert isinstance(turn, ast.If)
    turn.test, turn.body, turns.orelse = loop.test, loop.body, [rest]
    return turns
