"""What must hold of shapes for a whole-array statement to be the loops that stand for it.

Before:  for t in range(n): u[t:k] = v[:]      t <= k and k - t = v.shape[0] wherever it is reached
After:   [n, k, v_shape_0] -> { : n <= 1 and ... }

Helper of the `build_scop` pass. And what must be found of the loops: that their order is nobody's
business, since NumPy has one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model import isl
from ..model.diagnostics import Reason, Refusal
from ..model.loop_ir import (
    Compare,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    walk_expression,
)
from ..model.plan import LoopPlan
from ..model.scop import Scop
from .leaving import reached
from .reasons import ArrayStatement, NonAffineBound, UnsupportedStatement
from .scop_draft import Draft, Place
from .subscripts import integer

_SEVERAL = "assignment to several targets"


def required(
    draft: Draft, node: For, place: Place, known: Mapping[str, Expression]
) -> Iterator[isl.Set]:
    """Yield the parameter values for which each requirement of a loop at `place` always holds."""
    for test in node.requires:
        found = _always(draft, test, place, known)
        if found is None:
            text, detail = node.header, "its slices do not end at affine subscripts"
            reason: Reason = ArrayStatement(span=node.span, text=text, detail=detail)
            if not node.is_axis:
                shown = node.variable if node.label is None else node.label
                limit = draft.text.segment(test.span)
                reason = NonAffineBound(span=test.span, loop_variable=shown, bound=limit)
            draft.reasons.append(reason)
            return
        yield found


def rows_taken_apart(
    draft: Draft, value: Expression, place: Place, known: Mapping[str, Expression]
) -> Iterator[isl.Set]:
    """Yield the parameter values for which rows have as many elements as names take of them.

    Before:  x, y = a[i]               After:  [a_shape_1, n] -> { : a_shape_1 = 2 or n <= 0 }
    """
    for node in walk_expression(value):
        if not isinstance(node, Element) or node.of is None:
            continue
        at = node.span
        extent = Extent(array=node.array, axis=len(node.indices) - 1, span=at)
        width = Constant(value=node.of, span=at)
        test = Compare(operator="==", left=extent, right=width, span=at)
        found = _always(draft, test, place, known)
        if found is None:
            draft.reasons.append(UnsupportedStatement(span=at, kind=_SEVERAL))
            return
        yield found


def _always(
    draft: Draft, test: Compare, place: Place, known: Mapping[str, Expression]
) -> isl.Set | None:
    """Return the parameter values for which `test` holds wherever `place` is reached."""
    put_in = Compare(
        operator=test.operator,
        left=integer(test.left, known, draft.uses),
        right=integer(test.right, known, draft.uses),
        span=test.span,
    )
    constraint = draft.constraint(put_in, place)
    if constraint is None:
        return None
    around = reached(draft, place)
    names = ", ".join(around.dimensions)
    fine = isl.Set.parse(f"{draft.prefix()}{{ [{names}] : {constraint} }}")
    anything = isl.Set.parse(f"{draft.prefix()}{{ : }}")
    return anything.subtract(around.subtract(fine).params())


def _is_any_order(scop: Scop, plan: LoopPlan) -> bool:
    """Return whether the order of a loop makes no difference, but for what scalars of ours hold."""
    if any(scop.array(e).rank and scop.array(e).allocation is None for e in plan.private):
        return False
    targets = {each.target for each in plan.reductions}
    is_reduction = plan.verdict == "reduction" and not any(scop.array(n).rank for n in targets)
    return plan.verdict == "parallel" or is_reduction


def unproven_axes(scop: Scop, loops: tuple[LoopPlan, ...]) -> Refusal | None:
    """Return why a whole-array statement is no loop: in some order it would compute otherwise."""
    for plan in loops:
        loop = scop.loops[plan.loop]
        if loop.is_axis and not loop.is_ordered and not _is_any_order(scop, plan):
            detail = "its elements overlap with those that it reads"
            return Refusal(
                reasons=(ArrayStatement(span=loop.span, text=loop.header, detail=detail),)
            )
    return None
