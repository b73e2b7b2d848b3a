"""Arrays that change places in each turn of a loop: its turns are told apart instead.

Before:  for t in range(T):            After:  for t in range(T):
             v[...] = f(u)                         if t % 2 == 0: v[...] = f(u)
             u, v = v, u                           else: u[...] = f(v)

A permutation of names has an order: after so many turns all are where they began. In turn k
modulo that order each name stands for one array, so that the nest has a model, in which no array
moves. What the names stand for after the loop follows from the number of its turns.

Only exchanges directly in the outermost loop of a nest, or in a driver, whose turns
`driven_exchanges` counts. The same is called buffer switching, or ping-pong buffers; the renaming
is unrolling and copy propagation (Allen and Kennedy, Optimizing Compilers for Modern
Architectures, 2001, section 4.4), with a test in place of the unrolling, which isl's code
generator does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from autopar.analysis.model.nouns import dataclass

from ..model.chains import dotted
from ..model.diagnostics import Refusal
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
    Update,
    walk_statements,
)
from ..model.unused import unused
from .index_loops import Indexed
from .reasons import ArrayRebound

T = TypeVar("T")
# Three arrays may take turns (leapfrog), or two pairs; more copies of a loop are too much.
_MOST_TURNS = 3


def ordered_exchanges(
    indexed: Indexed, taken: frozenset[str], live_out: frozenset[str]
) -> Indexed | Refusal:
    """Return a nest without exchanges of names, or why some exchange has to stay.

    `taken` are names that the number of turns must not have, `live_out` those that may be read
    after it.
    """
    nest = indexed.nest
    found = exchanges_in(nest)
    if not found or nest.runs_once:
        return indexed
    orders = orders_of(nest.body)
    moved = moved_by(found)
    is_counted = nest.leaves is None and isinstance(nest.step, Constant) and bool(nest.step.value)
    is_direct = all(each in nest.body for each in found)
    if not (is_counted and is_direct and may_move(nest, moved) and orders):
        return stays(found[0])
    index = turn_of(nest)
    body = tuple(told_apart(nest.body, orders, index))
    names = tuple(sorted(moved & live_out))
    if not names:
        return replace(indexed, nest=replace(nest, body=body))
    exchanged = Exchanged(
        turns=unused(f"{TEMPORARY}turns", taken),
        names=names,
        orders=tuple(tuple(order[name] for name in names) for order in orders),
    )
    return replace(indexed, nest=replace(nest, body=body, exchanged=exchanged))


def exchanges_in(nest: For) -> tuple[Exchange, ...]:
    """Return the exchanges of names in a nest."""
    return tuple(each for each in walk_statements((nest,)) if isinstance(each, Exchange))


def moved_by(exchanges: tuple[Exchange, ...]) -> frozenset[str]:
    """Return the names that some exchanges bind."""
    return frozenset(name for each in exchanges for name in each.targets)


def stays(exchange: Exchange) -> Refusal:
    """Return that an exchange has to be left to the interpreter."""
    return Refusal(reasons=(ArrayRebound(span=exchange.span, array=dotted(exchange.targets[0])),))


def orders_of(body: tuple[Statement, ...]) -> list[dict[str, str]]:
    """Return what array each name stands for at the start of turn 0, 1, ...; [] if too many."""
    names = {name for each in body if isinstance(each, Exchange) for name in each.targets}
    whole = {name: name for name in names}
    for each in body:
        if isinstance(each, Exchange):
            whole = order_after(each, whole)
    first = {name: name for name in names}
    found = [first]
    while len(found) <= _MOST_TURNS:
        following = {name: found[-1][whole[name]] for name in names}
        if following == first:
            return found
        found.append(following)
    return []


def order_after(exchange: Exchange, order: Mapping[str, str]) -> dict[str, str]:
    """Return what names stand for after an exchange that found them standing for `order`."""
    pairs = zip(exchange.targets, exchange.values, strict=True)
    return {**order, **{target: order[value] for target, value in pairs}}


def may_move(nest: For, moved: frozenset[str]) -> bool:
    """Return whether names may stand for other arrays as the turns of `nest` go on."""
    for each in walk_statements((nest,)):
        match each:
            case For(rows=rows) if any(part.array in moved for _, part in rows):
                return False  # a row that lives on is one of an array, whatever its name
            case Allocate(name=name) if name in moved:
                return False
            case Assign(target=Element(indices=())):
                return False  # it appends to a list
            case Assign(target=Name(name=name)) | Update(target=Name(name=name)) if name in moved:
                return False
            case For(variable=name) if name in moved:
                return False
            case _:
                pass
    return True


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
    body: tuple[Statement, ...], orders: list[dict[str, str]], index: Expression
) -> Iterator[Statement]:
    """Yield `body`; what sees arrays that move stands under a test of the turn, once for each."""
    now = orders
    together: list[Statement] = []
    for each in body:
        if isinstance(each, Exchange):
            yield from _tested(tuple(together), now, index)
            together = []
            now = [order_after(each, order) for order in now]
        elif mentioned(each, frozenset(orders[0])):
            together.append(each)
        else:
            yield from _tested(tuple(together), now, index)
            together = []
            yield each
    yield from _tested(tuple(together), now, index)


def _tested(
    body: tuple[Statement, ...], orders: list[dict[str, str]], index: Expression
) -> tuple[Statement, ...]:
    if not body:
        return ()
    if len(orders) == 1:
        return renamed(body, orders[0])
    at = body[0].span
    period = Constant(value=len(orders), span=at)
    turn = Binary(operator="%", left=index, right=period, span=at)
    choice: tuple[Statement, ...] = _copy(renamed(body, orders[-1]))
    for number in reversed(range(len(orders) - 1)):
        test = Compare(operator="==", left=turn, right=Constant(value=number, span=at), span=at)
        inner = renamed(body, orders[number])
        choice = (
            If(test=test, body=inner if number == 0 else _copy(inner), orelse=choice, span=at),
        )
    return choice


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


def renamed(node: T, names: Mapping[str, str]) -> T:
    """Return a node of the loop IR with other names for what it calls `names`."""
    if isinstance(node, tuple):
        return tuple(renamed(each, names) for each in node)  # type: ignore[return-value]  # of its kind
    if not is_dataclass(node) or isinstance(node, type):
        return node
    changes: dict[str, object] = {
        each.name: renamed(getattr(node, each.name), names)
        for each in fields(node)
        if each.name != "span"
    }
    place = _place(node)
    if place is not None:
        changes["name" if isinstance(node, Name) else "array"] = names.get(place, place)
    if isinstance(node, Allocate) and node.like is not None:
        changes["like"] = names.get(node.like, node.like)
    return replace(node, **changes)  # type: ignore[type-var]  # a dataclass, as was asked
