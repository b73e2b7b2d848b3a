"""Fix parameters of a model at the values they have at a call.

Before:  [n, k] -> { S0[i] : 0 <= i < n }, n = 9       After:  the same, and n = 9

Relations between linearised subscripts of symbolic extent can take isl minutes; at one point
they take milliseconds (Verdoolaege, isl, ICMS 2010: equalities are eliminated first).
"""

from __future__ import annotations

from dataclasses import replace

from ..model import isl
from ..model.scop import Scop


def pinned(scop: Scop, values: tuple[tuple[str, int], ...]) -> Scop:
    """Return `scop` for the parameters in `values`, given as Python text, at these values."""
    known = dict(values)
    fixed = [(each.name, known[each.text]) for each in scop.parameters if each.text in known]
    if not fixed:
        return scop
    names = ", ".join(name for name, _ in fixed)
    tests = " and ".join(f"{name} = {value}" for name, value in fixed)
    context = scop.context.intersect(isl.Set.parse(f"[{names}] -> {{ : {tests} }}"))
    return replace(
        scop,
        context=context,
        loops=tuple(
            replace(each, iterations=each.iterations.intersect_params(context))
            for each in scop.loops
        ),
        statements=tuple(
            replace(each, domain=each.domain.intersect_params(context)) for each in scop.statements
        ),
    )
