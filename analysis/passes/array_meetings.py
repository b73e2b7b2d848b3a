"""Whether two parts of one array are the same elements, or have none in common.

Before:  u[1:-1], u[1:-1]; z[:, t + 1], z[:, t]; u[1:-1:2], u[2::2]; A[i, k:], A[k, k:] with i > k
After:   the same; apart, apart, apart

Subscripts of an axis are compared by what is left of their difference once each loop variable is
at the end of its range where the difference is least (Banerjee, Dependence Analysis for
Supercomputing, 1988). Helper of the `array_statements` pass.
"""

from __future__ import annotations

from ..model.loop_ir import Constant, Expression, For
from .affine import Affine, plus
from .array_axes import Axis, View, constant_distance, difference, distance, form, moved


def is_same(left: View, right: View) -> bool:
    """Return whether two parts of one array are surely the same elements in the same order."""
    return all(
        isinstance(a, Axis) == isinstance(b, Axis)
        and constant_distance(_begin(a), _begin(b)) == 0
        and _step(a) == _step(b)
        for a, b in zip(left.entries, right.entries, strict=True)
    )


def are_apart(left: View, right: View, around: tuple[For, ...]) -> bool:
    """Return whether two parts of one array surely have no element in common.

    `around` are the loops around them, outermost first.
    """
    return any(
        _axes_are_apart(mine, theirs, around)
        for mine, theirs in zip(left.entries, right.entries, strict=True)
    )


def _axes_are_apart(
    left: Axis | Expression, right: Axis | Expression, around: tuple[For, ...]
) -> bool:
    if _ends_before(left, right, around) or _ends_before(right, left, around):
        return True
    step = abs(_step(left))
    between = constant_distance(_begin(left), _begin(right))
    return between is not None and step == abs(_step(right)) > 1 and between % step != 0


def _ends_before(
    left: Axis | Expression, right: Axis | Expression, around: tuple[For, ...]
) -> bool:
    """Return whether all subscripts of `left` are surely smaller than those of `right`."""
    between = distance(_ends(right)[0], _ends(left)[1])
    least = None if between is None else _least(between, around)
    return least is not None and least.is_constant and least.constant > 0


def _least(value: Affine, around: tuple[For, ...]) -> Affine | None:
    """Return the least value of a sum, over what is known outside the loops `around`."""
    for loop in reversed(around):
        factor = dict(value.terms).get(loop.variable, 0)
        if not factor:
            continue
        if not isinstance(loop.step, Constant) or loop.step.value != 1:
            return None
        one = Constant(value=1, span=loop.span)
        limit = form(loop.start if factor > 0 else difference(loop.stop, one))
        if limit is None:
            return None
        rest = Affine(
            terms=tuple(each for each in value.terms if each[0] != loop.variable),
            constant=value.constant,
        )
        value = plus(rest, limit, factor)
    return value


def _ends(entry: Axis | Expression) -> tuple[Expression, Expression]:
    """Return a smallest and a greatest subscript, or what lies beyond them."""
    if not isinstance(entry, Axis):
        return entry, entry
    one = Constant(value=1, span=entry.start.span)
    if entry.step > 0:
        return entry.start, difference(entry.behind, one)
    return moved(entry.behind, one, 1), entry.start


def _begin(entry: Axis | Expression) -> Expression:
    return entry.start if isinstance(entry, Axis) else entry


def _step(entry: Axis | Expression) -> int:
    return entry.step if isinstance(entry, Axis) else 0
