"""A loop of which kernels run the turns between the interpreter's statements, as it is rewritten.

Before:  for t in range(T):               After:  for t in GUARD.turns(range(T)):
             <sweeps>                                 match GUARD.enter(u, n):
             if t % 100 == 0:                             case 0:
                 print(t)                                     t, s = GUARD.left()
             u[0] = 0                                         break
                                                          case 1:
                                                              t, s = GUARD.left()
                                                              print(t)
                                                              u[0] = 0
                                                          case _:
                                                              <the body as it was>

`enter` says where the interpreter goes on: after the loop, at a statement that only it can
run, or at a `break` or `return` of the loop. What follows such a statement in its turn follows it
there. A turn that is refused runs as it stands.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.passes.bound_names import Position

from .placing import place_at


class Stretcher(Protocol):
    """What is asked at such a loop; each time by the frame that runs it."""

    asker: Any  # what stands in the function: it may be told not to ask for a while

    def turns(self, iterable: Iterable[object]) -> Iterable[object]:
        """Return what the loop runs over: the same, but turns that were run are left out."""

    def enter(self, *values: object) -> int:
        """Return where the interpreter goes on: 0 after the loop, -1 where nothing was run."""

    def left(self) -> tuple[object, ...]:
        """Return what the turns left behind that `enter` ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchSite:
    """Where a loop runs in stretches."""

    line: int
    column: int
    arguments: tuple[str, ...]  # names whose values are passed to `enter`
    results: tuple[str, ...]  # names assigned from what `left` returns
    exits: tuple[Position, ...]  # where `enter` says, from 1 on, that the interpreter goes on
    stretcher: Stretcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How the body of one loop asks."""

    guard: str  # the text of the constant that is asked
    unless: str  # where it is not asked
    shown: str  # what it is shown
    takes_back: str  # what makes results unbound again that have no value, indented


def stretched(
    loop: ast.stmt, site: StretchSite, asking: Callable[[Position], Asking]
) -> ast.For | ast.While | None:
    """Return what stands for `loop`, whose statements have their own guards already.

    `asking` tells how it asks before the statement at a place. None where the statements are not
    found with which the interpreter goes on.
    """
    if not isinstance(loop, ast.For | ast.While):
        return None
    rests = [_rest_from(loop.body, each) or _jump_at(loop, each) for each in site.exits]
    if not all(rests):
        return None
    first = loop.body[0]
    asked = asking((first.lineno, first.col_offset))
    edited = copy.copy(loop)
    edited.body = [_choice(loop, site, asked, [each for each in rests if each])]
    if isinstance(edited, ast.For):
        turns = ast.parse(f"{asked.guard}.turns(...)", mode="eval").body
        place_at(turns, loop)
        assert isinstance(turns, ast.Call)
        turns.args = [edited.iter]
        edited.iter = turns
    return edited


def _choice(
    loop: ast.For | ast.While, site: StretchSite, asked: Asking, rests: list[list[ast.stmt]]
) -> ast.Match:
    """Return the question, and what runs after each answer."""
    targets = "".join(f"{name}, " for name in site.results)
    takes = f"        {targets}= {asked.guard}.left()\n" if targets else ""
    takes += asked.takes_back
    lines = [f"match -1 if {asked.unless} else {asked.guard}.enter({asked.shown}):\n"]
    lines += [f"    case {number}:\n{takes}        pass\n" for number in range(len(rests) + 1)]
    lines.append("    case _:\n        pass\n")
    (choice,) = ast.parse("".join(lines)).body
    place_at(choice, loop)
    assert isinstance(choice, ast.Match)
    ended, *stopped, refused = choice.cases
    leave = ast.Break()  # there is no `else`
    place_at(leave, loop)
    ended.body[-1:] = [leave]
    for case, rest in zip(stopped, rests, strict=True):
        case.body[-1:] = rest
    refused.body = loop.body
    return choice


def _rest_from(body: list[ast.stmt], place: Position) -> list[ast.stmt] | None:
    """Return what runs in a turn from the statement at `place` on; None where it does not stand.

    It may stand under conditions: these have been asked.
    """
    for position, each in enumerate(body):
        if (each.lineno, each.col_offset) == place and not _is_jump(each):
            return body[position:]
        if isinstance(each, ast.If):
            for branch in (each.body, each.orelse):
                inner = _rest_from(branch, place)
                if inner is not None:
                    return [*inner, *body[position + 1 :]]
    return None


def _is_jump(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Break | ast.Return)


def _jump_at(loop: ast.stmt, place: Position) -> list[ast.stmt] | None:
    """Return the `break` or `return` at `place` in a loop."""
    for each in ast.walk(loop):
        if isinstance(each, ast.Break | ast.Return) and (each.lineno, each.col_offset) == place:
            return [each]
    return None
