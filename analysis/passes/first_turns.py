"""The first turn of a loop that does something else in it stands before the loop.

Before:  for j in range(k, n):             After:  m = a[k]
             if <first turn>: m = a[j]             for j in range(k + 1, n):
             else: m = max(m, a[j])                    m = max(m, a[j])

So what the first turn assigns is assigned before it is read, whatever the loop runs over; that
there is a first turn the loop `requires`. Loop peeling (Allen and Kennedy, Optimizing Compilers
for Modern Architectures, 2001, section 5.7). Helper of the `regions` pass.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.loop_ir import FIRST_TURN, Binary, For, If, Name, Statement, While, walk_statements
from .loop_variables import with_value


def first_turns(nest: For) -> For:
    """Return a nest of loops over ranges without tests for the first turn of a loop."""
    if not any(_is_asked(each) for each in walk_statements((nest,))):
        return nest
    return replace(nest, body=_block(nest.body))


def _block(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(each for statement in body for each in _statement(statement))


def _statement(node: Statement) -> tuple[Statement, ...]:
    match node:
        case For() if any(map(_is_asked, node.body)):
            return _peeled(node)
        case For() | While():
            return (replace(node, body=_block(node.body)),)
        case If():
            return (replace(node, body=_block(node.body), orelse=_block(node.orelse)),)
    return (node,)


def _is_asked(node: Statement) -> bool:
    return isinstance(node, If) and isinstance(node.test, Name) and node.test.name == FIRST_TURN


def _peeled(loop: For) -> tuple[Statement, ...]:
    """Return the statements of the first turn of a loop, and the loop of the others."""
    second = Binary(operator="+", left=loop.start, right=loop.step, span=loop.span)
    first = with_value(_chosen(loop.body, is_first=True), loop.variable, loop.start)
    rest = replace(loop, start=second, body=_chosen(loop.body, is_first=False))
    return (*first, rest)


def _chosen(body: tuple[Statement, ...], *, is_first: bool) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for each in body:
        if isinstance(each, If) and _is_asked(each):
            found += each.body if is_first else each.orelse
        else:
            found += _statement(each)
    return tuple(found)
