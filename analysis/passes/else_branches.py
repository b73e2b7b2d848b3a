"""The `else` of a loop as an `if` after it.

Before:  for d in range(2, i):         After:  ended = True
             if i % d == 0: break              for d in range(2, i):
         else:                                     if i % d == 0: ended = False; break
             prime[i] = True                   if ended: prime[i] = True

Python language reference, the for statement: the branch runs where the loop was not left by a
`break`. Helper of the `parse` pass.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    Break,
    Constant,
    Each,
    For,
    If,
    Name,
    Statement,
    While,
    own_breaks,
)


def with_else(
    loop: For | Each | While, orelse: tuple[Statement, ...], rest: tuple[Statement, ...] = ()
) -> tuple[Statement, ...]:
    """Return `loop` without its `else`, and what runs it.

    `rest` is what follows an `else` that jumps: it runs where the loop was left.
    """
    loop = replace(loop, has_else=True)
    if not isinstance(loop, While) and not any(True for _ in own_breaks(loop.body)):
        return (loop, *orelse)
    at = loop.span
    ended = Name(name=f"{TEMPORARY}{at.line}_{at.column}_ended", span=at)
    begin = Assign(target=ended, value=Constant(value=True, span=at), span=at)
    left = Assign(target=ended, value=Constant(value=False, span=at), span=at)
    body = _noted(loop.body, left)
    after = (
        at
        if not orelse
        else replace(
            orelse[0].span, end_line=orelse[-1].span.end_line, end_column=orelse[-1].span.end_column
        )
    )
    return begin, replace(loop, body=body), If(test=ended, body=orelse, orelse=rest, span=after)


def _noted(body: tuple[Statement, ...], left: Assign) -> tuple[Statement, ...]:
    """Return the body of a loop that notes each `break` of its own before it."""
    found: list[Statement] = []
    for each in body:
        match each:
            case Break():
                # A `return` leaves the `else` out too.
                found += [replace(left, span=each.span), each]
            case If():
                taken, untaken = _noted(each.body, left), _noted(each.orelse, left)
                found.append(replace(each, body=taken, orelse=untaken))
            case _:
                found.append(each)
    return tuple(found)
