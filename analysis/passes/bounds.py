"""The iterations of one loop as isl constraints.

Before:  for i in range(1, min(n, m), 2)      After:  i >= 1, (i < n and i < m), (i - 1) mod 2 = 0
Before:  for j in range(ptr[i], n)            After:  j >= j_first, j < n: see `data_bounds`
Before:  for j in range(i, n, i)              After:  j >= i, j < n, and a predicate, likewise

Helper of the `build_scop` pass.
"""

from __future__ import annotations

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import Binary, Constant, Element, Expression, For, Name, walk_expression
from ..model.scop import DataBounds
from .affine import affine, bound
from .data_bounds import data_bounds, is_positive
from .fills import filled_array
from .reasons import ArrayStatement, DataDependentBound, NonAffineBound, NonConstantStep
from .scop_draft import Draft, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The iterations of one loop."""

    start: Expression  # over parameters and outer loop variables, affine
    stop: Expression
    step: int  # not zero
    constraints: tuple[str, ...]
    data: DataBounds | None  # then they are those of an envelope


def loop_range(
    draft: Draft, node: For, limits: tuple[Expression, Expression, Expression], place: Place
) -> Range | None:
    """Return the iterations of a loop, or None after noting why they have no model.

    `limits` are start, stop and step with known values put in.
    """
    start, stop, step = limits
    stride = affine(step, {})
    data = None
    if stride is None or not stride.is_constant or stride.constant == 0:
        if is_positive(draft, step, place):
            data = data_bounds(draft, node, (start, stop), place, 1, stride=step)
        if data is None:
            shown = draft.shown(node.step)
            draft.reasons.append(
                NonConstantStep(span=node.step.span, loop_variable=node.variable, step=shown)
            )
            return None
        turns = 1
    else:
        turns = stride.constant
        if not draft.has_bound(start, place) or not draft.has_bound(stop, place):
            data = data_bounds(draft, node, (start, stop), place, turns)
    if data is not None:
        start, stop = _envelope(node, data, (start, stop), turns)
    constraints = _constraints(draft, node, (start, stop, turns), place)
    if constraints is None:
        return None
    return Range(start=start, stop=stop, step=turns, constraints=constraints, data=data)


def _envelope(
    node: For, data: DataBounds, limits: tuple[Expression, Expression], step: int
) -> tuple[Expression, Expression]:
    """Return start and stop of the envelope, those that are affine as they are."""
    start, stop = limits
    lower = None if data.first is None else Name(name=data.first, span=node.span)
    upper = None if data.end is None else Name(name=data.end, span=node.span)
    if step > 0:
        return lower or start, upper or stop
    return (upper and _less_one(upper)) or start, (lower and _less_one(lower)) or stop


def _less_one(name: Name) -> Expression:
    one = Constant(value=1, span=name.span)
    return Binary(operator="-", left=name, right=one, span=name.span)


def _constraints(
    draft: Draft, node: For, limits: tuple[Expression, Expression, int], place: Place
) -> tuple[str, ...] | None:
    start, stop, step = limits
    rising = step > 0
    variable = draft.identifiers.of(node.variable)
    draft.enter_parameters(start)
    draft.enter_parameters(stop)
    atoms = draft.atoms(place)
    first = bound(variable, ">=" if rising else "<=", start, atoms)
    last = bound(variable, "<" if rising else ">", stop, atoms)
    if first is None:
        _refuse(draft, node, node.start)
    if last is None:
        _refuse(draft, node, node.stop)
    if first is None or last is None:
        return None
    if abs(step) == 1:
        return first, last
    origin = affine(start, atoms)
    if origin is None:
        _refuse(draft, node, node.start)
        return None
    return first, last, f"({variable} - ({origin})) mod {abs(step)} = 0"


def _refuse(draft: Draft, node: For, limit: Expression) -> None:
    """Note why a bound has no model: data where there are any, else its shape."""
    shown = draft.shown(limit)
    for inner in walk_expression(limit):
        name = inner.array if isinstance(inner, Element) else None
        if isinstance(inner, Name) and inner.name in draft.uses.assigned:
            name = inner.name
        if name is not None:
            draft.reasons.append(
                DataDependentBound(
                    span=limit.span, loop_variable=node.variable, bound=shown, name=name
                )
            )
            return
    if node.is_axis:
        detail = "its slices do not end at affine subscripts"
        draft.reasons.append(ArrayStatement(span=node.span, text=node.header, detail=detail))
        return
    draft.reasons.append(
        NonAffineBound(
            span=limit.span, loop_variable=node.variable, bound=shown, array=filled_array(node)
        )
    )
