"""Arrays that change places in each turn of a loop: its turns are told apart instead.

Before:  for t in range(T):            After:  for t in range(T):
             v[...] = f(u)                         if t % 2 == 0: v[...] = f(u)
             u, v = v, u                           else: u[...] = f(v)

A permutation of names has an order: after so many turns all are where they began. In turn k
modulo that order each name stands for one array, so that the nest has a model, in which no array
moves. What the names stand for after the loop follows from the number of its turns.

New arrays that a turn binds to a name that lives on, and other names for arrays, are moves like
exchanges (`moves`). Only moves directly in the outermost loop of a nest, or in a driver, whose
turns `driven_exchanges` counts. The same is called buffer switching, or ping-pong buffers; the
renaming is unrolling and copy propagation (Allen and Kennedy, Optimizing Compilers for Modern
Architectures, 2001, section 4.4), with a test in place of the unrolling, which isl's code
generator does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from autopar.analysis.model.nouns import dataclass

from ..model.chains import dotted
from ..model.diagnostics import Reason, Refusal
from ..model.loop_ir import (
    TEMPORARY,
    Allocate,
    Assign,
    Binary,
    Compare,
    Constant,
    Element,
    Elements,
    Exchange,
    Exchanged,
    Expression,
    Extent,
    For,
    If,
    Name,
    Statement,
)
from ..model.unused import unused
from .index_loops import Indexed
from .moves import Moves, Order, Places, distinct, first_values, moves_in
from .reasons import AllocationEscapes, ArrayRebound

T = TypeVar("T")


def ordered_exchanges(
    indexed: Indexed, taken: frozenset[str], live_out: frozenset[str]
) -> Indexed | Refusal:
    """Return a nest without moves of names, or why some move has to stay.

    `taken` are names that the number of turns must not have, `live_out` those that may be read
    after it.
    """
    nest = indexed.nest
    if nest.runs_once:
        return indexed
    moves = moves_in(nest, nest.body, taken, live_out)
    if moves is None:
        return indexed
    is_counted = nest.leaves is None and isinstance(nest.step, Constant) and bool(nest.step.value)
    if not isinstance(moves, Moves) or not is_counted:
        return stays(moves.steps[0] if isinstance(moves, Moves) else moves)
    copies = Copies()
    body = tuple(told_apart(nest.body, moves, moves.orders, turn_of(nest), copies))
    found = replace(nest, body=body)
    return replace(indexed, nest=exchanged(found, moves, taken, live_out, copies.most))


def exchanged(
    nest: For, moves: Moves, taken: frozenset[str], live_out: frozenset[str], copies: int
) -> For:
    """Return a nest whose turns are told apart, with what its names stand for afterwards.

    Turns are moves where these are counted one by one: see `driven_exchanges`.
    """
    names = tuple(sorted(moves.bound & live_out))
    fresh = tuple(moves.places.found.values())
    if not names and not fresh:
        return nest
    orders = tuple(tuple(order[name] for name in names) for order in moves.orders)
    found = Exchanged(
        turns=unused(f"{TEMPORARY}turns", taken),
        names=names,
        orders=orders,
        again=moves.again,
        fresh=fresh,
        copies=copies,
        needed=tuple(sorted(each for each, place in moves.orders[0].items() if place)),
    )
    return replace(nest, exchanged=found)


def stays(move: Statement) -> Refusal:
    """Return that a move has to be left to the interpreter."""
    match move:
        case Exchange():
            reason: Reason = ArrayRebound(span=move.span, array=dotted(move.targets[0]))
        case Allocate():
            reason = AllocationEscapes(span=move.span, array=dotted(move.name))
        case Assign(target=Name(name=name)):
            reason = ArrayRebound(span=move.span, array=dotted(name))
        case _:
            raise AssertionError(move)  # no other statement moves names
    return Refusal(reasons=(reason,))


@dataclass(slots=True)
class Copies:
    """How often statements stand in a nest whose turns are told apart, at most."""

    most: int = 1


def turn_of(nest: For) -> Expression:
    """Return the number of the turn of `nest`, from 0."""
    at = nest.span
    index: Expression = Name(name=nest.variable, span=at)
    if not (isinstance(nest.start, Constant) and nest.start.value == 0):
        index = Binary(operator="-", left=index, right=nest.start, span=at)
    if isinstance(nest.step, Constant) and nest.step.value != 1:
        index = Binary(operator="//", left=index, right=nest.step, span=at)
    return index


def told_apart(
    body: tuple[Statement, ...],
    moves: Moves,
    orders: tuple[Order, ...],
    index: Expression,
    copies: Copies,
) -> Iterator[Statement]:
    """Yield `body`; what sees arrays that move stands under a test of the turn, once for each.

    `orders` are what names stand for where it begins, in turn 0, 1, ...
    """
    now = orders
    together: list[Statement] = []
    for each in body:
        if moves.has(each):
            yield from _tested(tuple(together), now, moves, index, copies)
            together = []
            now = tuple(moves.after(each, order) for order in now)
            if isinstance(each, Allocate):
                together += first_values(each, moves.places)
        elif mentioned(each, moves.names):
            together.append(each)
        else:
            yield from _tested(tuple(together), now, moves, index, copies)
            together = []
            yield each
    yield from _tested(tuple(together), now, moves, index, copies)


def _tested(
    body: tuple[Statement, ...],
    orders: tuple[Order, ...],
    moves: Moves,
    index: Expression,
    copies: Copies,
) -> tuple[Statement, ...]:
    if not body:
        return ()
    seen = tuple(
        {name: place for name, place in order.items() if _any_mentioned(body, name)}
        for order in orders
    )
    before, period = distinct(seen, moves.again)
    count = before + period
    copies.most = max(copies.most, count)
    if count == 1:
        return renamed(body, seen[0], moves.places)
    choice: tuple[Statement, ...] = _copy(renamed(body, seen[count - 1], moves.places))
    for number in reversed(range(count - 1)):
        test = _is_turn(index, number, before, period)
        inner = renamed(body, seen[number], moves.places)
        choice = (
            If(
                test=test,
                body=inner if number == 0 else _copy(inner),
                orelse=choice,
                span=body[0].span,
            ),
        )
    return choice


def _is_turn(index: Expression, number: int, before: int, period: int) -> Compare:
    """Return the test for turn `number`, or for those that are like it; earlier ones are gone."""
    at = index.span
    turn = index
    if number >= before:
        number %= period
        turn = Binary(operator="%", left=index, right=Constant(value=period, span=at), span=at)
    return Compare(operator="==", left=turn, right=Constant(value=number, span=at), span=at)


def _any_mentioned(body: tuple[Statement, ...], name: str) -> bool:
    return any(mentioned(each, frozenset({name})) for each in body)


def _copy(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return statements whose loops are no loops of the source: they stand there already."""
    found: list[Statement] = []
    for each in body:
        match each:
            case For():
                found.append(replace(each, body=_copy(each.body), is_inlined=True))
            case If():
                found.append(replace(each, body=_copy(each.body), orelse=_copy(each.orelse)))
            case _:
                found.append(each)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Whether some name was met."""

    names: frozenset[str]

    def within(self, node: object) -> bool:
        if isinstance(node, tuple):
            return any(map(self.within, node))
        if not is_dataclass(node):
            return False
        if _place(node) in self.names:
            return True
        return any(self.within(getattr(node, each.name)) for each in fields(node))


def mentioned(node: Statement, names: frozenset[str]) -> bool:
    """Return whether a statement, or one in it, has one of `names`."""
    return _Seen(names).within(node)


def _place(node: object) -> str | None:
    match node:
        case Name(name=name) | Element(array=name) | Extent(array=name) | Elements(array=name):
            return name
    return None


def renamed(node: T, names: Mapping[str, str], places: Places) -> T:
    """Return a node of the loop IR with other names for what it calls `names`."""
    if isinstance(node, tuple):
        return tuple(renamed(each, names, places) for each in node)  # type: ignore[return-value]  # of its kind
    if not is_dataclass(node) or isinstance(node, type):
        return node
    if isinstance(node, Extent) and names.get(node.array) in places.found and node.of is None:
        return places.given(node, names)  # type: ignore[return-value]  # the same extent
    changes: dict[str, object] = {
        each.name: renamed(getattr(node, each.name), names, places)
        for each in fields(node)
        if each.name != "span"
    }
    place = _place(node)
    if place is not None:
        changes["name" if isinstance(node, Name) else "array"] = names.get(place, place)
    if isinstance(node, Allocate):
        changes["like"] = None if node.like is None else names.get(node.like, node.like)
        changes["copied"] = None if node.copied is None else names.get(node.copied, node.copied)
    return replace(node, **changes)
