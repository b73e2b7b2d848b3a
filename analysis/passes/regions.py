"""Find the loop nests that can be taken over, and explain every other loop.

Before:  for t in range(steps):        After:  region: for i in range(n) ...
             for i in range(n): ...            unsupported: for t in range(steps), because
             print(t)                          of `print`

A region is a largest `for` nest that has a polyhedral model. A loop that has none is
unsupported for the first construct that prevents it, and the loops inside it are tried in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model import isl
from ..model.diagnostics import Reason, Refusal
from ..model.facts import NOTHING, Facts
from ..model.loop_ir import For, Function, If, Opaque, Statement, walk_statements
from ..model.plan import UnsupportedLoop
from ..model.scop import Scop
from ..model.source import SourceText
from .build_scop import build_scop
from .liveness import live_after
from .reasons import BudgetExhausted


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """The regions of a function and the loops outside them, both in source order."""

    scops: tuple[Scop, ...]
    unsupported: tuple[UnsupportedLoop, ...]


def find_regions(function: Function, text: SourceText, facts: Facts = NOTHING) -> Regions:
    """Return the largest modelled nests of `function`, and why the other loops have no model."""
    found = tuple(_search(function.body, function, text, (facts, 0)))
    return Regions(
        scops=tuple(each for each in found if isinstance(each, Scop)),
        unsupported=tuple(each for each in found if isinstance(each, UnsupportedLoop)),
    )


def _search(
    body: tuple[Statement, ...], function: Function, text: SourceText, state: tuple[Facts, int]
) -> Iterator[Scop | UnsupportedLoop]:
    facts, depth = state
    for statement in body:
        match statement:
            case For():
                scop = _model(statement, function, text, facts)
                if isinstance(scop, Scop):
                    yield scop
                    continue
                yield UnsupportedLoop(
                    header=statement.header, reasons=scop, depth=depth, span=statement.span
                )
                yield from _search(statement.body, function, text, (facts, depth + 1))
            case If():
                yield from _search(statement.body, function, text, state)
                yield from _search(statement.orelse, function, text, state)
            case Opaque():
                is_row = statement.is_loop or statement.is_array_statement
                if is_row:
                    yield _unsupported(statement, depth)
                inner = depth + 1 if statement.is_loop else depth
                yield from _search(statement.body, function, text, (facts, inner))
            case _:
                pass


def _model(
    nest: For, function: Function, text: SourceText, facts: Facts
) -> Scop | tuple[Reason, ...]:
    """Return the model of a nest, or every reason why there is none."""
    opaque = tuple(
        statement.reason for statement in walk_statements((nest,)) if isinstance(statement, Opaque)
    )
    if opaque:
        return opaque
    try:
        with isl.budget():
            scop = build_scop(nest, text, live_after(function, nest.span), facts)
    except isl.BudgetExhaustedError:
        return (BudgetExhausted(span=nest.span, operations=isl.DEFAULT_BUDGET),)
    return scop.reasons if isinstance(scop, Refusal) else scop


def _unsupported(statement: Opaque, depth: int) -> UnsupportedLoop:
    return UnsupportedLoop(
        header=statement.header,
        reasons=(statement.reason,),
        depth=depth,
        span=statement.span,
    )
