"""Loops whose bounds are data: the envelope of the model, narrowed to what really runs.

Before:  for j in range(j_first, j_end):           After:  for j in range(max(j_first, j_start),
             S2: in_4 = j_start <= j < j_stop                             min(j_end, j_stop)):
             if in_4: S3                                        S3

The predicate that the model keeps for each iteration of the envelope holds for one range of
them, so the loop need not ask. It never leaves the envelope, for which subscripts were checked.
Where the step is a scalar, the loop begins at the first of its iterations from the lower bound on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autopar.analysis.model.loop_ir import Name
from autopar.analysis.model.scop import DataBounds
from autopar.analysis.model.typed import SetVariable

from .integers import text
from .kernel import DataRange, Decision, Instance, Loop, Node


def narrowed(loop: Loop, data: DataBounds, *, rises: bool) -> Loop:
    """Return `loop` without the predicate of its bounds; as it is, where that decides otherwise."""
    first, *others = loop.body
    if not isinstance(first, Instance) or not _sets(first, data.predicate):
        return loop
    inside: list[Node] = []
    for node in others:
        if not isinstance(node, Decision) or node.predicate != data.predicate or node.orelse:
            return loop
        inside += node.body
    within = DataRange(
        start=data.start_name,
        stop=data.stop_name,
        is_mirrored=not rises,
        trips=Name(name=data.trips, span=loop.span),
        step=data.step_name,
    )
    return replace(loop, body=tuple(inside), within=within)


def _sets(instance: Instance, predicate: str | None) -> bool:
    return isinstance(instance.statement, SetVariable) and instance.statement.name == predicate


def limits(loop: Loop, names: Mapping[str, str]) -> tuple[str, str]:
    """Return the bounds of a loop as Python, in the spelling of `names`."""
    lower, upper = text(loop.lower, names), text(loop.upper, names)
    within = loop.within
    if within is None:
        return lower, upper
    sign = "-" if within.is_mirrored else ""
    if within.start is not None:
        lower = f"max({lower}, {sign}{names.get(within.start, within.start)})"
    if within.stop is not None:
        upper = f"min({upper}, {sign}{names.get(within.stop, within.stop)})"
    if within.step is not None:
        assert within.start is not None  # what has a step has one
        start, step = names.get(within.start, within.start), step_text(loop, names)
        lower = f"{lower} + ({start} - {lower}) % {step}"
    return lower, upper


def range_text(lower: str, upper: str, step: str) -> str:
    """Return the arguments of `range`, a step of 1 left out."""
    return f"{lower}, {upper}" if step == "1" else f"{lower}, {upper}, {step}"


def step_text(loop: Loop, names: Mapping[str, str]) -> str:
    """Return the step of a loop as Python, in the spelling of `names`."""
    if loop.within is not None and loop.within.step is not None:
        return names.get(loop.within.step, loop.within.step)
    return str(loop.step)
