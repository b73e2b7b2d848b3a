"""Which arrays a call has to find apart before it acts on a plan.

Before:  for i: a[i] = b[i] + c[i]     After:  (a, b), (a, c)
"""

from __future__ import annotations

from ..model.facts import Layout
from ..model.scop import Scop


def disjoint_pairs(scop: Scop, layouts: tuple[Layout, ...] = ()) -> tuple[tuple[str, str], ...]:
    """Return the pairs of arrays, at least one of them written, that must not overlap.

    Arrays on a common base may; those that the guard makes overlap nothing.
    """
    fresh = () if scop.exchanged is None else scop.exchanged.fresh
    made = {each.name for each in fresh}
    names = [array.name for array in scop.given_arrays if array.name not in made]
    bases = {each.array: each.base for each in layouts}
    written = {
        access.array
        for statement in scop.statements
        for access in statement.accesses
        if access.kind != "read"
    }
    return tuple(
        (first, second)
        for position, first in enumerate(names)
        for second in names[position + 1 :]
        if (first in written or second in written)
        and (first not in bases or bases[first] != bases.get(second))
    )
