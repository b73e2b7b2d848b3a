"""Arrays that change places in each turn of a driver: its turns are told apart, and counted.

Before:  while err > tol:              After:  turns = 0
             v[...] = f(u); err = ...          for k in range(...), left by break:
             u, v = v, u                           if not err > tol: break
                                                   if k % 2 == 0: v[...] = f(u); err = ...
                                                   else: u[...] = f(v); err = ...
                                                   turns = k + 1

As in `exchanges`, but how many turns there are is known only once the driver is left, and it may
be left before the exchange or after it. So each move notes how many have been made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..model.diagnostics import Refusal
from ..model.loop_ir import (
    Assign,
    Binary,
    Break,
    Constant,
    Expression,
    For,
    If,
    Name,
    Statement,
)
from .exchanges import Copies, exchanged, mentioned, stays, told_apart, turn_of
from .index_loops import Indexed
from .moves import Moves, Order, moves_in


def driven_exchanges(
    indexed: Indexed, taken: frozenset[str], live_out: frozenset[str]
) -> Indexed | Refusal:
    """Return a driver without exchanges of names, or why some exchange has to stay.

    `taken` are names that the number of exchanges must not have, `live_out` those that may be
    read after it.
    """
    nest = indexed.nest
    if not nest.runs_once:
        return indexed
    loop = next(each for each in nest.body if isinstance(each, For) and each.is_driver)
    body = _turn_body(loop)
    moves = moves_in(nest, tuple(_in_a_turn(body)), taken, live_out)
    if moves is None:
        return indexed
    if not isinstance(moves, Moves):
        return stays(moves)
    has_step = isinstance(loop.step, Constant) and bool(loop.step.value)
    seen = (*_others(nest, loop), *_tests(body, moves))
    if not has_step or any(mentioned(each, moves.names) for each in seen):
        return stays(moves.steps[0])
    copies = Copies()
    plain = exchanged(nest, moves, taken, live_out, 1).exchanged
    if plain is None:
        told = _told(body, moves, moves.orders, loop, copies)
        inside = _replaced(nest.body, loop, (_with_turn_body(loop, told),))
        return replace(indexed, nest=replace(nest, body=inside))
    turns = Name(name=plain.turns, span=nest.span)
    told = _told(_noted(body, moves, turns, loop), moves, moves.orders, loop, copies)
    begin = Assign(target=turns, value=Constant(value=0, span=nest.span), span=nest.span)
    inside = _replaced(nest.body, loop, (begin, _with_turn_body(loop, told)))
    found = replace(
        plain,
        orders=tuple(tuple(order[name] for name in plain.names) for order in _states(moves)),
        again=plain.again * len(moves.steps),
        copies=copies.most,
    )
    return replace(indexed, nest=replace(nest, body=inside, exchanged=found))


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


def _tests(body: tuple[Statement, ...], moves: Moves) -> tuple[Statement, ...]:
    """Return what leaves a loop before moves, without what runs where it is not left."""
    if not body or not isinstance(body[-1], If):
        return ()
    rest = _rest(body[-1])
    if not any(moves.has(each) for each in _in_a_turn(rest)):
        return ()
    return (replace(body[-1], body=(), orelse=()), *_tests(rest, moves))


def _told(
    body: tuple[Statement, ...],
    moves: Moves,
    orders: tuple[Order, ...],
    loop: For,
    copies: Copies,
) -> tuple[Statement, ...]:
    """Return the body of a turn without moves."""
    last = body[-1] if body else None
    if not isinstance(last, If) or not _tests(body, moves):
        return tuple(told_apart(body, moves, orders, turn_of(loop), copies))
    now = orders
    for each in body:
        if moves.has(each):
            now = tuple(moves.after(each, order) for order in now)
    told = (_told(part, moves, now, loop, copies) for part in (last.body, last.orelse))
    choice = replace(last, body=next(told), orelse=next(told))
    return (*told_apart(body[:-1], moves, orders, turn_of(loop), copies), choice)


def _noted(
    body: tuple[Statement, ...], moves: Moves, turns: Name, loop: For, made: int = 0
) -> tuple[Statement, ...]:
    """Return the body of a turn that notes after each move how many have been made."""
    found: list[Statement] = []
    for each in body:
        if moves.has(each):
            made += 1
            value = _sum(_times(turn_of(loop), len(moves.steps)), made)
            found += (each, Assign(target=turns, value=value, span=each.span))
        elif isinstance(each, If) and each is body[-1]:
            rest = _noted(_rest(each), moves, turns, loop, made)
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


def _states(moves: Moves) -> list[Order]:
    """Return what each name stands for after 0, 1, ... moves, until it begins anew."""
    found: list[Order] = []
    for first in moves.orders:
        order = first
        for each in moves.steps:
            found.append(order)
            order = moves.after(each, order)
    return found
