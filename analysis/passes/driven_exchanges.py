"""Arrays that change places in each turn of a driver: its turns are told apart, and counted.

Before:  while err > tol:              After:  turns = 0
             v[...] = f(u); err = ...          for k in range(...), left by break:
             u, v = v, u                           if not err > tol: break
                                                   if k % 2 == 0: v[...] = f(u); err = ...
                                                   else: u[...] = f(v); err = ...
                                                   turns = k + 1

As in `exchanges`, but how many turns there are is known only once the driver is left, and it may
be left before the exchange or after it. So each exchange notes how many have been made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..model.diagnostics import Refusal
from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    Binary,
    Break,
    Constant,
    Exchange,
    Exchanged,
    Expression,
    For,
    If,
    Name,
    Statement,
)
from ..model.unused import unused
from .exchanges import (
    exchanges_in,
    may_move,
    mentioned,
    moved_by,
    order_after,
    orders_of,
    stays,
    told_apart,
    turn_of,
)
from .index_loops import Indexed


def driven_exchanges(
    indexed: Indexed, taken: frozenset[str], live_out: frozenset[str]
) -> Indexed | Refusal:
    """Return a driver without exchanges of names, or why some exchange has to stay.

    `taken` are names that the number of exchanges must not have, `live_out` those that may be
    read after it.
    """
    nest = indexed.nest
    found = exchanges_in(nest)
    if not found or not nest.runs_once:
        return indexed
    loop = next(each for each in nest.body if isinstance(each, For) and each.is_driver)
    body, moved = _turn_body(loop), moved_by(found)
    turn = tuple(_in_a_turn(body))
    orders = orders_of(turn)
    is_direct = all(each in turn for each in found)
    has_step = isinstance(loop.step, Constant) and bool(loop.step.value)
    seen = (*_others(nest, loop), *_tests(body))
    is_seen = any(mentioned(each, moved) for each in seen)
    if is_seen or not (is_direct and has_step and may_move(nest, moved) and orders):
        return stays(found[0])
    names = tuple(sorted(moved & live_out))
    if not names:
        told = _told(body, orders, loop)
        inside = _replaced(nest.body, loop, (_with_turn_body(loop, told),))
        return replace(indexed, nest=replace(nest, body=inside))
    turns = Name(name=unused(f"{TEMPORARY}turns", taken), span=nest.span)
    told = _told(_noted(body, turns, loop, len(found)), orders, loop)
    begin = Assign(target=turns, value=Constant(value=0, span=nest.span), span=nest.span)
    inside = _replaced(nest.body, loop, (begin, _with_turn_body(loop, told)))
    states = _states(found, orders)
    exchanged = Exchanged(
        turns=turns.name,
        names=names,
        orders=tuple(tuple(order[name] for name in names) for order in states),
    )
    return replace(indexed, nest=replace(nest, body=inside, exchanged=exchanged))


def _turn_body(loop: For) -> tuple[Statement, ...]:
    """Return what a turn of a driver does, once it is not left by the test of a `while`."""
    match loop.body:
        case (If(body=body, orelse=(Break(),)),) if loop.leaves == "while":
            return body
    return loop.body


def _with_turn_body(loop: For, body: tuple[Statement, ...]) -> For:
    match loop.body:
        case (If(orelse=(Break(),)) as test,) if loop.leaves == "while":
            return replace(loop, body=(replace(test, body=body),))
    return replace(loop, body=body)


def _others(nest: For, loop: For) -> tuple[Statement, ...]:
    """Return what else there is in a driver; it would have to be told apart too."""
    return tuple(_with_turn_body(each, ()) if each is loop else each for each in nest.body)


def _replaced(
    body: tuple[Statement, ...], loop: For, by: tuple[Statement, ...]
) -> tuple[Statement, ...]:
    return tuple(one for each in body for one in (by if each is loop else (each,)))


def _rest(statement: Statement) -> tuple[Statement, ...]:
    """Return what runs where a statement does not leave the loop; () if it may go on anyway."""
    match statement:
        case If(body=(*_, Break()), orelse=rest):
            return rest
    return ()


def _in_a_turn(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """Yield what a turn runs if nothing leaves the loop; what may leave it stands last."""
    yield from body
    if body:
        yield from _in_a_turn(_rest(body[-1]))


def _tests(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return what leaves a loop before exchanges, without what runs where it is not left."""
    if not body or not isinstance(body[-1], If):
        return ()
    rest = _rest(body[-1])
    if not any(isinstance(each, Exchange) for each in _in_a_turn(rest)):
        return ()
    return (replace(body[-1], body=(), orelse=()), *_tests(rest))


def _told(
    body: tuple[Statement, ...], orders: list[dict[str, str]], loop: For
) -> tuple[Statement, ...]:
    """Return the body of a turn without exchanges."""
    last = body[-1] if body else None
    if not isinstance(last, If) or not _tests(body):
        return tuple(told_apart(body, orders, turn_of(loop)))
    now = orders
    for each in body:
        if isinstance(each, Exchange):
            now = [order_after(each, order) for order in now]
    choice = replace(last, body=_told(last.body, now, loop), orelse=_told(last.orelse, now, loop))
    return (*told_apart(body[:-1], orders, turn_of(loop)), choice)


def _noted(
    body: tuple[Statement, ...], turns: Name, loop: For, count: int, made: int = 0
) -> tuple[Statement, ...]:
    """Return the body of a turn, of `count` exchanges, that notes how many have been made."""
    found: list[Statement] = []
    for each in body:
        if isinstance(each, Exchange):
            made += 1
            value = _sum(_times(turn_of(loop), count), made)
            found += (each, Assign(target=turns, value=value, span=each.span))
        elif isinstance(each, If) and each is body[-1]:
            rest = _noted(_rest(each), turns, loop, count, made)
            found.append(replace(each, orelse=rest) if _rest(each) else each)
        else:
            found.append(each)
    return tuple(found)


def _times(turn: Expression, count: int) -> Expression:
    if count == 1:
        return turn
    factor = Constant(value=count, span=turn.span)
    return Binary(operator="*", left=turn, right=factor, span=turn.span)


def _sum(left: Expression, right: int) -> Expression:
    number = Constant(value=right, span=left.span)
    return Binary(operator="+", left=left, right=number, span=left.span)


def _states(exchanges: tuple[Exchange, ...], orders: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return what each name stands for after 0, 1, ... exchanges, until it begins anew."""
    found: list[dict[str, str]] = []
    for first in orders:
        order = first
        for each in exchanges:
            found.append(order)
            order = order_after(each, order)
    return found
