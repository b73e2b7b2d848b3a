"""Find the loops whose iterations never share a cell, from the subscripts alone.

Before:  for i: for j: c[i, j] += a[i, k]      After:  i and j, for both accesses to c

Two accesses whose subscripts of one axis are the same variable of a common loop, plus the same
constant, meet in a cell only within one iteration of it: the strong SIV test at distance zero
(Goff, Kennedy and Tseng, Practical dependence testing, PLDI 1991). It spares isl most of what it
would find to be empty.

Helper of the `dependences` pass.
"""

from __future__ import annotations

from typing import TypeAlias

from ..model.loop_ir import Binary, Constant, Expression, Name
from ..model.scop import Access, Scop, Statement

# (axis, loop, constant) of the subscripts that are a loop variable plus a constant.
Places: TypeAlias = frozenset[tuple[int, int, int]]


def places(scop: Scop, statement: Statement, accesses: tuple[Access, ...]) -> Places:
    """Return the plain subscripts that all `accesses` of a statement to one array share."""
    if scop.array(accesses[0].array).is_base:
        return frozenset()  # its cells are not those of the subscripts
    loops = {scop.loops[number].variable: number for number in statement.loops}
    found = [
        frozenset(
            (axis, loops[plain[0]], plain[1])
            for axis, index in enumerate(access.indices)
            if (plain := _plain(index)) is not None and plain[0] in loops
        )
        for access in accesses
    ]
    return frozenset.intersection(*found)


def _plain(index: Expression) -> tuple[str, int] | None:
    """Return (variable, constant) of a subscript that is their sum."""
    match index:
        case Name(name=name):
            return name, 0
        case Binary(operator="+", left=Name(name=name), right=Constant(value=int(value))):
            return name, int(value)
        case Binary(operator="-", left=Name(name=name), right=Constant(value=int(value))):
            return name, -int(value)
    return None


def same_in_both(source: Places, sink: Places) -> frozenset[int]:
    """Return the loops in one iteration of which both accesses lie wherever they meet."""
    return frozenset(loop for _, loop, _ in source & sink)
