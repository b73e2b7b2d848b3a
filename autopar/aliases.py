"""Arrays of a call that share memory: which ones, and what the analysis is told of them.

Before:  arguments a, b of a region that writes a      After:  nothing nearly always; else the
                                                               pairs, and facts about their layout
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autopar.analysis.facts.device_arrays import may_overlap
from autopar.analysis.facts.layouts import groups_of, layouts_of
from autopar.analysis.facts.overlap import overlap, overlaps_itself
from autopar.analysis.facts.reasons import ArraysOverlap
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.facts import Facts, Layout
from autopar.analysis.model.indirect import indirect_value
from autopar.analysis.model.loop_ir import Element, walk_expression
from autopar.analysis.model.plan import RegionPlan

Pairs = tuple[tuple[str, str], ...]


def written_alone(plan: RegionPlan) -> tuple[str, ...]:
    """Return the arrays that a region writes and that no fact says to share memory."""
    bases = {array.name for array in plan.memory.arrays}
    written = {
        access.array
        for statement in plan.scop.statements
        for access in statement.accesses
        if access.kind != "read"
    }
    return tuple(
        array.name
        for array in plan.scop.given_arrays
        if array.name in written and array.name in bases
    )


def overlapping(disjoint: Pairs, alone: tuple[str, ...], named: Mapping[str, Any]) -> Pairs:
    """Return the pairs of `disjoint` that overlap, and (a, a) for those of `alone` that do."""
    found: Pairs = ()
    for first, second in disjoint:
        # The bounds of the two decide nearly always, in a quarter of a microsecond.
        if may_overlap(named[first], named[second]) and not _is_apart(named[first], named[second]):
            found += ((first, second),)
    for name in alone:
        if overlaps_itself(named[name]):
            found += ((name, name),)
    return found


def _is_apart(a: Any, b: Any) -> bool:  # noqa: ANN401  # arrays of either kind
    """Return whether two arrays within common bounds share no element."""
    both_here = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    return both_here and overlap(a, b) is False


def facts_of(
    plan: RegionPlan, pairs: Pairs, named: Mapping[str, Any], integers: tuple[int, ...]
) -> Facts | Reason:
    """Return what an analysis may rely on where `pairs` overlap; `integers` are the parameters.

    On a flat base all parameters are given: linearised subscripts of symbolic extent can take
    isl minutes.
    """
    names = tuple(array.name for array in plan.scop.given_arrays)
    groups = groups_of(names, pairs)
    members = {name: named[name] for group in groups for name in group}
    if not all(isinstance(each, np.ndarray) for each in members.values()):
        found: tuple[Layout, ...] | str = "they lie on a device"
    elif not _index_arrays(plan).isdisjoint(members):
        found = "subscripts or bounds are read from one of them"
    else:
        found = layouts_of(groups, members)
    if isinstance(found, str):
        (first, second), *_ = pairs
        return ArraysOverlap(span=plan.scop.span, first=first, second=second, detail=found)
    if all(each.strides is None for each in found):
        return Facts(layouts=found)
    texts = [parameter.text for parameter in plan.scop.parameters]
    return Facts(values=tuple(zip(texts, integers, strict=True)), layouts=found)


def _index_arrays(plan: RegionPlan) -> frozenset[str]:
    """Return the arrays that give subscripts and bounds: a region takes them to stay the same."""
    bounds = frozenset[str]().union(
        *(loop.data.arrays for loop in plan.scop.loops if loop.data is not None)
    )
    return bounds | frozenset(
        node.array
        for statement in plan.scop.statements
        for access in statement.accesses
        for index in access.indices
        if (value := indirect_value(index)) is not None
        for node in walk_expression(value)
        if isinstance(node, Element)
    )
