"""Turns of a loop up to where the interpreter has something to do, as a loop that is left there.

Before:  for t in range(T):            After:  for t in range(first, last), left by return:
             <sweeps>                              <sweeps>
             if t % 100 == 0:                      if t % 100 == 0: return here
                 print(t)                          <more sweeps>
             <more sweeps>

What is not modelled stands under conditions, so most turns go by without it. The guard of such a
loop is asked at the beginning of a turn, for all turns up to the next one that prints: the region
is left before the statement, the interpreter goes on with it and with what follows it in its turn,
and the guard is asked again at the next one. Nothing is known of that statement, so everything
that the guard asked of is asked again. The region is a driver (`drivers`): its turns stay in order.

References: Bala, Duesterwald and Banerjia, Dynamo: A Transparent Dynamic Optimization System, PLDI
2000 (traces that are left where they no longer know what runs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    TEMPORARY,
    Binary,
    BoolOp,
    Break,
    Compare,
    Constant,
    Each,
    Expression,
    For,
    If,
    Name,
    Opaque,
    Statement,
    While,
    own_breaks,
    walk_statements,
)
from ..model.source import Span
from .fission import writes
from .liveness import exposed_reads

FIRST, LAST = f"{TEMPORARY}first_turn", f"{TEMPORARY}last_turn"
# A turn without a loop in it takes the interpreter no longer than a small part of a question: only
# where turns so far apart are told by their number is it known that questions are rare.
_LEAST_PERIOD = 500
# The statements after each of these stand once more in the rewritten function.
_MOST_STOPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The turns of a loop that follow each other without the interpreter."""

    loop: For | While  # left by `return` wherever the interpreter has to go on
    stops: tuple[Span, ...]  # the statements with which it goes on


def stretch(loop: For | While, live_after: Mapping[Span, frozenset[str]]) -> Stretch | None:
    """Return the turns of `loop` between statements that are not modelled.

    None where there are no such statements, or each turn has one.
    `live_after` are the names that may be read after each statement.
    """
    if loop.has_else or not any(isinstance(each, Opaque) for each in walk_statements(loop.body)):
        return None
    has_loops = any(isinstance(each, For | Each | While) for each in walk_statements(loop.body))
    counted = frozenset[str]()
    if isinstance(loop, For):
        if loop.is_value or not isinstance(loop.step, Constant) or type(loop.step.value) is not int:
            return None
        counted = frozenset({loop.variable})
        if loop.variable in writes(loop.body):
            return None
    # An opaque statement may leave the loop, or go on with its next turn.
    around = counted | live_after[loop.span] | exposed_reads(loop)
    end = Break(span=loop.span)
    cut = _Cut(live_after=live_after, around=around, end=end)
    body = cut.block(loop.body if isinstance(loop, For) else (*loop.body, _asked_last(loop, end)))
    stops = tuple(dict.fromkeys(cut.stops))
    leaves = {each.span for each in own_breaks(body) if each is not end}
    if not (has_loops or cut.is_rare):
        return None
    if cut.is_twofold or not leaves.issuperset(stops) or len(leaves) > _MOST_STOPS:
        return None
    if not _goes_on(body, end):
        return None
    if isinstance(loop, While):
        always = Constant(value=True, span=loop.test.span)
        return Stretch(loop=replace(loop, test=always, body=body), stops=stops)
    first, last = (Name(name=name, span=loop.span) for name in (FIRST, LAST))
    # What the header computes is asked of the interpreter's own `range`.
    turns = replace(loop, start=first, stop=last, body=body, held=None)
    return Stretch(loop=turns, stops=stops)


def _asked_last(loop: While, end: Break) -> If:
    """Return the test of a loop that was met before its first turn here, and then after each."""
    return If(test=loop.test, body=(), orelse=(end,), span=loop.test.span)


@dataclass(slots=True, kw_only=True)
class _Cut:
    """Puts a `return` in the place of whatever is not modelled."""

    live_after: Mapping[Span, frozenset[str]]
    around: frozenset[str]  # what may be read wherever the interpreter goes on
    end: Break  # of the loop, by its test
    stops: list[Span] = field(default_factory=list)
    is_rare: bool = True  # in all stops the interpreter comes after many turns without
    is_twofold: bool = False  # a branch goes on in part only

    def block(self, body: tuple[Statement, ...], *, is_rare: bool = False) -> tuple[Statement, ...]:
        """Return `body` so; `is_rare`: it is reached in few turns only."""
        found: list[Statement] = []
        for position, each in enumerate(body):
            rest = body[position + 1 :]
            match each:
                case If():
                    return (*found, *self.choice(each, rest))
                case Break() if each is self.end:
                    return (*found, each)
                case Break():
                    # The interpreter runs it: what is read after the loop is known to live.
                    returns = self.around | (each.returns or frozenset())
                    return (*found, replace(each, returns=returns))
                case _ if any(isinstance(inner, Opaque) for inner in walk_statements((each,))):
                    self.stops.append(each.span)
                    self.is_rare = self.is_rare and is_rare
                    live = exposed_reads(each) | self.live_after[each.span] | self.around
                    return (*found, Break(span=each.span, returns=live))
                case _:
                    found.append(each)
        return tuple(found)

    def choice(self, node: If, rest: tuple[Statement, ...]) -> tuple[Statement, ...]:
        """Return a choice with what follows it in the branch that goes on there."""
        node = _in_one(node)
        body = self.block(node.body, is_rare=_is_rare(node.test))
        orelse = self.block(node.orelse)
        if _ends(body) and not _ends(orelse):
            return (replace(node, body=body, orelse=(*orelse, *self.block(rest))),)
        if _ends(orelse) and not _ends(body):
            return (replace(node, body=(*body, *self.block(rest)), orelse=orelse),)
        chosen = replace(node, body=body, orelse=orelse)
        if _ends(body):
            return (chosen,)
        # What follows would have to stand in both branches.
        self.is_twofold = self.is_twofold or any(own_breaks((chosen,)))
        return (chosen, *self.block(rest))


def _is_rare(test: Expression) -> bool:
    """Return whether a condition holds for few of the numbers that count turns."""
    match test:
        case BoolOp(operator="and", values=values):
            return any(map(_is_rare, values))
        case Compare(
            operator="==",
            left=Binary(operator="%", right=Constant(value=int(period))),
            right=Constant(),
        ):
            return period >= _LEAST_PERIOD
    return False


def _in_one(node: If) -> If:
    """Return `if x: if y: ...` as `if x and y: ...`, where that is all."""
    match node:
        case If(body=(If(orelse=()) as inner,), orelse=()):
            both = BoolOp(operator="and", values=(node.test, inner.test), span=node.test.span)
            return _in_one(replace(node, test=both, body=inner.body))
    return node


def _ends(body: tuple[Statement, ...]) -> bool:
    """Return whether every way through `body` leaves the loop."""
    match body:
        case (*_, Break()):
            return True
        case (*_, If(body=taken, orelse=untaken)):
            return _ends(taken) and _ends(untaken)
    return False


def _goes_on(body: tuple[Statement, ...], end: Break) -> bool:
    """Return whether some way through `body` leads to another turn, or to the end of the loop."""
    match body:
        case (*_, Break() as last):
            return last is end
        case (*_, If(body=taken, orelse=untaken)):
            return _goes_on(taken, end) or _goes_on(untaken, end)
    return True
