"""A nest in which what its statements fold has become loops.

Before:  for i: <x[i] = sum(a[j] for j in range(n)), of which nothing is known>
After:   for i:
             t = 0
             for j in range(n): t = t + a[j]
             x[i] = t

A comprehension has a place of its own in the source, which a kernel may take over, only as long as
no nest around it is a region: the reader keeps both forms. Helper of the `regions` pass.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.loop_ir import Each, For, If, Opaque, Statement, While, walk_statements


def without_folds(nest: For | Each) -> For | Each:
    """Return a nest with loops for what is folded in its statements."""
    statements = walk_statements((nest,))
    if not any(isinstance(each, Opaque) and each.folded for each in statements):
        return nest
    return replace(nest, body=_block(nest.body))


def _block(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for each in body:
        match each:
            case Opaque() if each.folded:
                found += each.folded
            case For() | Each() | While():
                found.append(replace(each, body=_block(each.body)))
            case If():
                found.append(replace(each, body=_block(each.body), orelse=_block(each.orelse)))
            case _:
                found.append(each)
    return tuple(found)
