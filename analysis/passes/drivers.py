"""An outermost loop that may be left early stands in a loop that runs once.

Before:  for k in range(n):            After:  for once in range(1):
             if a[k] > x: break                    ended = True
         else:                                     for k in range(n), left by break:
             k = -1                                    if a[k] > x: ended = False; break
                                                   if ended: k = -1

So it is a loop inside another one, like all loops that `leaving_loops` knows, and what stands
before it and after it has a place in the nest. Its turns are those of a driver: they stay in
order, on the host where it launches anything, around loops that need not. A `while` loop of this
kind has no last turn that the interpreter would have to go on from: nothing stands around it that
would wait for one.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason
from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    Break,
    Constant,
    Each,
    Exits,
    For,
    If,
    Name,
    Statement,
    While,
    own_breaks,
    walk_statements,
)
from ..model.unused import unused
from .instances import bound_names, mentions
from .reasons import EarlyExit, WhileLoop

_VARIABLE = f"{TEMPORARY}once"
_EXIT = f"{TEMPORARY}exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An outermost loop with the statements that are its `else`, if it has one."""

    loop: For | Each | While
    before: tuple[Statement, ...] = ()  # statements of ours
    after: tuple[Statement, ...] = ()


def whole(body: tuple[Statement, ...], position: int) -> Whole | None:
    """Return the loop at a position of `body`, with its `else`; None for another statement."""
    loop = body[position]
    if not isinstance(loop, For | Each | While):
        return None
    before, after = body[max(0, position - 1) : position], body[position + 1 : position + 2]
    match before, after:
        case (Assign(target=Name(name=name)) as begin,), (If(test=Name(name=test)) as orelse,):
            # The names that `else_branches` gives: one for each loop.
            if name == test and name.startswith(TEMPORARY) and begin.span == loop.span:
                return Whole(loop=loop, before=(begin,), after=(orelse,))
    assert not (loop.has_else and may_be_left(loop))  # a guard would stand before both
    return Whole(loop=loop)


def may_be_left(loop: For | Each | While) -> bool:
    """Return whether the turns of `loop` are not those of its header."""
    return isinstance(loop, While) or any(True for _ in own_breaks(loop.body))


def jumps_after(found: Whole) -> bool:
    """Return whether the `else` of a loop leaves the loop around, or a turn of it."""
    return any(
        isinstance(each, If) and (each.orelse or any(own_breaks((each,)))) for each in found.after
    )


def has_loops(loop: For | Each | While) -> bool:
    """Return whether loops stand inside `loop`."""
    return any(isinstance(each, For | Each) for each in walk_statements(loop.body))


def left_early(loop: For | Each | While) -> Reason:
    """Return why a loop that may be left is left to the interpreter."""
    if isinstance(loop, While):
        test = loop.header.removeprefix("while").strip()
        return WhileLoop(span=loop.span, test=test)
    first = next(own_breaks(loop.body))
    return EarlyExit(span=first.span, keyword="break" if first.returns is None else "return")


def driver(found: Whole, taken: frozenset[str]) -> For:
    """Return a loop that runs once around a loop that may be left; `taken` are names in use."""
    loop = found.loop
    at = loop.span
    exits = _exits(loop, taken)
    if exits is None and not isinstance(loop, While):
        loop = replace(loop, held=None)  # what its header computes is there before all of this
    begin: tuple[Statement, ...] = ()
    if exits is not None:
        name = Name(name=exits.name, span=at)
        begin = (Assign(target=name, value=Constant(value=0, span=at), span=at),)
        loop = replace(loop, body=_numbered(loop.body, exits))
    body = (*begin, *found.before, replace(loop, is_driver=True), *found.after)
    names = taken | mentions(body) | bound_names(body)
    return replace(once(body, loop, names), exits=exits)


def once(body: tuple[Statement, ...], loop: For | Each | While, names: AbstractSet[str]) -> For:
    """Return what runs `body` once, in the place of a loop in it; `names` are in use."""
    at = loop.span
    return For(
        variable=unused(_VARIABLE, names),
        start=Constant(value=0, span=at),
        stop=Constant(value=1, span=at),
        step=Constant(value=1, span=at),
        body=body,
        header=loop.header,
        span=at,
        is_inner_axis=True,
        runs_once=True,
    )


def returned_names(nest: For) -> frozenset[str]:
    """Return what the `return` statements read that leave a driver, and what tells them apart."""
    if nest.exits is None:
        return frozenset()
    reads = (
        each.returns
        for loop in nest.body
        if isinstance(loop, For | Each | While)
        for each in own_breaks(loop.body)
        if each.returns is not None
    )
    return frozenset({nest.exits.name}).union(*reads)


def _exits(loop: For | Each | While, taken: frozenset[str]) -> Exits | None:
    """Return the `return` statements that leave `loop`; None where there are none."""
    found = (each.span for each in own_breaks(loop.body) if each.returns is not None)
    places = tuple(dict.fromkeys(found))
    return Exits(name=unused(_EXIT, taken), places=places) if places else None


def _numbered(body: tuple[Statement, ...], exits: Exits) -> tuple[Statement, ...]:
    """Return the body of a loop that notes before each `return` which one it is."""
    found: list[Statement] = []
    for each in body:
        match each:
            case Break(span=at) if each.returns is not None:
                name = Name(name=exits.name, span=at)
                number = Constant(value=exits.places.index(at) + 1, span=at)
                found.append(Assign(target=name, value=number, span=at))
                found.append(each)
            case If():
                taken, untaken = _numbered(each.body, exits), _numbered(each.orelse, exits)
                found.append(replace(each, body=taken, orelse=untaken))
            case _:
                found.append(each)
    return tuple(found)
