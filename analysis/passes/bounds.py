"""The iterations of one loop as isl constraints.

Before:  for i in range(1, min(n, m), 2)      After:  i >= 1, (i < n and i < m), (i - 1) mod 2 = 0

Helper of the `build_scop` pass.
"""

from __future__ import annotations

from ..model.loop_ir import Element, Expression, For, Name, walk_expression
from .affine import affine, bound
from .reasons import DataDependentBound, NonAffineBound, NonConstantStep
from .scop_draft import Draft, Place


def loop_constraints(
    draft: Draft, node: For, limits: tuple[Expression, Expression, Expression], place: Place
) -> tuple[tuple[str, ...], int] | None:
    """Return the constraints of a loop's iterations and its step, or None after noting why not.

    `limits` are start, stop and step with known values put in.
    """
    start, stop, step = limits
    stride = affine(step, {})
    if stride is None or not stride.is_constant or stride.constant == 0:
        shown = draft.shown(node.step)
        draft.reasons.append(
            NonConstantStep(span=node.step.span, loop_variable=node.variable, step=shown)
        )
        return None
    rising = stride.constant > 0
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
    if abs(stride.constant) == 1:
        return (first, last), stride.constant
    origin = affine(start, atoms)
    if origin is None:
        _refuse(draft, node, node.start)
        return None
    turns = f"({variable} - ({origin})) mod {abs(stride.constant)} = 0"
    return (first, last, turns), stride.constant


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
    draft.reasons.append(NonAffineBound(span=limit.span, loop_variable=node.variable, bound=shown))
