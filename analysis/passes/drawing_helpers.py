"""Functions that draw random numbers, in place of their calls.

Before:  def noisy(): return rng.normal() + 1.0    After:  for i in range(n):
         for i in range(n):                                    v = <drawn at line 1> + 1.0
             out[i] = noisy()                                  out[i] = v

What stands for a number is named by the line that draws it, so that a function which is called in
two places draws in two at once, which `draws` refuses. The statements of a function run before
the statement that calls it: one that draws a number of its own beside such a call would draw it
too late, and is left alone.
Helper of the `regions` pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from ..model.diagnostics import Refusal
from ..model.draws import DRAWN
from ..model.loop_ir import (
    Call,
    Draw,
    Each,
    Element,
    Expression,
    For,
    Function,
    Helper,
    Name,
    Opaque,
    Statement,
    expressions_of,
    walk_expression,
    walk_statements,
)
from .draws import shown, with_draws
from .inline_calls import inline_calls


def with_drawing_helpers(
    nest: For | Each, function: Function
) -> tuple[For | Each, tuple[Draw, ...]] | None:
    """Return `nest` with functions that draw in place of their calls, and what these draw.

    None where it calls none, or where what they draw is not known by the names of the nest.
    """
    found = {each.key: each for each in _called(nest, function)}
    drawing = [each for each in found.values() if _draws(each.body)]
    whole = with_draws(nest)
    if not drawing or not all(_may_stand(each, function) for each in drawing):
        return None
    helpers = tuple(replace(each, body=shown(each.body)) for each in function.helpers)
    bodies = (whole.body, *(each.body for each in helpers if each.key in found))
    if any(_draws_beside(each, found.keys()) for body in bodies for each in walk_statements(body)):
        return None
    placed = inline_calls(whole, replace(function, helpers=helpers))
    if isinstance(placed, Refusal):
        return None
    return placed, tuple(draw for each in drawing for draw in each.draws)


def _called(nest: For | Each, function: Function) -> Iterator[Helper]:
    """Yield the functions of the user that a nest calls, and those that these call."""
    helpers = {each.key: each for each in function.helpers}
    waiting, seen = [nest.body], set[str]()
    while waiting:
        for key in _keys(shown(waiting.pop()), helpers.keys() - seen):
            if key not in seen:
                seen.add(key)
                yield helpers[key]
                waiting.append(helpers[key].body)


def _keys(body: tuple[Statement, ...], keys: AbstractSet[str]) -> Iterator[str]:
    for statement in walk_statements(body):
        for node in _nodes(statement):
            if isinstance(node, Call) and node.function in keys:
                yield node.function


def _nodes(statement: Statement) -> Iterator[Expression]:
    return (node for each in expressions_of(statement) for node in walk_expression(each))


def _draws(body: tuple[Statement, ...]) -> bool:
    return any(isinstance(each, Opaque) and each.drawn for each in walk_statements(body))


def _may_stand(helper: Helper, function: Function) -> bool:
    """Return whether the names by which a function draws mean the same where it is called."""
    inner = helper.local_names if function.is_module else helper.local_names | function.local_names
    return helper.place == "here" and all(
        each.path[0] not in inner
        and each.size is None
        and not any(
            isinstance(node, Name) and node.name in inner
            for argument in each.arguments
            for node in walk_expression(argument)
        )
        for each in helper.draws
    )


def _draws_beside(statement: Statement, keys: AbstractSet[str]) -> bool:
    """Return whether a statement itself both draws and calls a function."""
    nodes = list(_nodes(statement))
    is_drawn = any(isinstance(each, Element) and each.array.startswith(DRAWN) for each in nodes)
    return is_drawn and any(isinstance(each, Call) and each.function in keys for each in nodes)
