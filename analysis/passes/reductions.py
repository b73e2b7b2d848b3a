"""Find the reductions of a loop: targets on which it carries nothing but associative updates.

Before:  for k: c[i, j] += a[i, k] * b[k, j]      k carries flow, anti and output dependences on c
After:   reduction + into c                       nothing else carried by k

Allen and Kennedy, Optimizing Compilers for Modern Architectures, 2001, sec. 14.5; several
statements may update one target, at any depth of the nest. Whether the rounding of a reordered
float sum is acceptable is decided elsewhere; here only the shape counts.
"""

from __future__ import annotations

from ..model.dependence import Reduction
from ..model.scop import Statement
from .dependences import Conflict
from .selections import find_selection
from .updates import accumulating_operator, target_name


def find_reductions(
    carried: tuple[Conflict, ...], inside: tuple[Statement, ...]
) -> tuple[Reduction, ...]:
    """Return the targets whose updates are all that a loop carries on them.

    `carried` are the conflicts that the loop carries, `inside` its statements. Those that touch
    a target without carrying anything may do with it what they like: `a[2 * i + 1] = 0` beside
    `a[0] += b[i]`.
    """
    found: dict[str, Reduction] = {}
    for name in dict.fromkeys(each.array for each in carried):
        ends = (end for each in carried if each.array == name for end in (each.source, each.sink))
        involved = tuple({each.name: each for each in ends}.values())
        reduction = _reduction(name, involved)
        reductions = (reduction,) if reduction else find_selection(name, involved, inside)
        found |= {each.target: each for each in reductions}
    return tuple(found.values())


def _reduction(target: str, statements: tuple[Statement, ...]) -> Reduction | None:
    """Return the reduction that `statements` make of `target`; None if they do other things."""
    if any(target_name(each.body.target) != target for each in statements):
        return None
    operators = {accumulating_operator(each.body) for each in statements}
    (operator, *others) = operators
    if operator is None or others:
        return None
    names = tuple(sorted((each.name for each in statements), key=lambda name: int(name[1:])))
    return Reduction(operator=operator, target=target, statements=names)
