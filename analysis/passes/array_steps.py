"""From the blocks of a run, and NumPy's functions between them, to the steps of a call.

Before:  block: t = x * y; sum of t; block: s = sqrt(sum); block: z = t / s
After:   loops that make t, the function of t, numbers, loops that make z

What a step leaves to later ones is an array, or a scalar that it gives back; what only its own
loops see is contracted there. Helper of the `array_fusion` pass.
"""

from __future__ import annotations

from autopar.analysis.model.nouns import dataclass

from ..model.array_run import Fold, Loops, NewArray, Numbers, Step
from ..model.loop_ir import Compare, Expression, Name, walk_expression
from ..model.source import Span
from .array_nests import Block

Extents = tuple[tuple[str, tuple[Expression, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Loops and scalars between two functions of NumPy's."""

    block: Block
    requires: tuple[Compare, ...]


def steps_of(
    parts: tuple[Segment | Fold, ...],
    *,
    made: tuple[NewArray, ...],
    kept: frozenset[str],
    extents: Extents,
    span: Span,
) -> tuple[Step, ...] | None:
    """Return the steps; `kept` are the names of what lives on behind all of them.

    None where one of them stores single elements alone, which loops would not gain anything from.
    """
    parts = tuple(each for each in parts if isinstance(each, Fold) or each.block.items)
    reads = [_read(each) for each in parts]
    by_name = {each.name: each for each in made}
    names = frozenset(by_name)
    by_numpy = frozenset(each.target for each in parts if isinstance(each, Fold))
    found: list[Step] = []
    for number, part in enumerate(parts):
        if isinstance(part, Fold):
            found.append(part)
            continue
        elsewhere = kept.union(*(r for n, r in enumerate(reads) if n != number))
        part.block.contract(names - elsewhere - by_numpy, by_name)
        simple = None if part.block.has_loops else part.block.in_order()
        if simple is not None and not part.requires:
            found.append(Numbers(statements=simple))
            continue
        if not part.block.has_loops:
            return None
        left = part.block.arrays
        found.append(
            Loops(
                nest=part.block.loops(span, part.requires),
                arrays=tuple(
                    each for each in made if each.name in left and each.name in part.block.made()
                ),
                scalars=part.block.scalars() & elsewhere,
                extents=extents,
            )
        )
    return tuple(found)


def _read(part: Segment | Fold) -> frozenset[str]:
    """Return the arrays and scalars that a part reads."""
    if isinstance(part, Fold):
        return frozenset(part.sources)
    tests = frozenset(
        node.name
        for each in part.requires
        for node in walk_expression(each)
        if isinstance(node, Name)
    )
    return part.block.mentioned() | tests
