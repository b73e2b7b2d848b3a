"""Put a plan into the words of the report.

Before:  Plan with verdicts, conditions, dependences
After:   FunctionReport, one row for every loop, in source order
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ..model.chains import dotted
from ..model.diagnostics import Reason
from ..model.loop_ir import TEMPORARY
from ..model.plan import (
    DeferredRegion,
    LoopPlan,
    Plan,
    RegionPlan,
    UnsupportedLoop,
    VerdictKind,
)
from ..model.report import FunctionReport, LoopReport
from ..model.scop import Scop
from ..model.source import Places, loop_id
from .last_values import surrounding
from .reasons import NoObstacle

# A loop over several axes is worth what the weakest of them is.
_STRENGTH: tuple[VerdictKind, ...] = (
    "unsupported", "sequential", "conditional", "reduction", "parallel",
)  # fmt: skip


def describe(plan: Plan) -> FunctionReport:
    """Return the report of one function, from its plan."""
    function = plan.function
    splits = {each.span for each in plan.splits} | {each.span for each in plan.drawn}
    stretches = {each.span for each in plan.stretches}
    rows = [_unsupported_row(function.name, each, plan.deferred) for each in plan.unsupported]
    rows = [_split_row(each) if each.span in splits else each for each in rows]
    rows = [replace(e, verdict="sequential") if e.span in stretches else e for e in rows]
    modelled = Places(each.scop.span for each in plan.regions)
    for region in plan.regions:
        if modelled.strictly_around(region.scop.span):
            continue  # the rows are those of the region around it
        depth = sum(1 for each in plan.unsupported if each.span.contains(region.scop.span))
        rows += [
            _row(function.name, region, each, depth)
            for each in region.loops
            if not region.scop.loops[each.loop].is_fill
            and not region.scop.loops[each.loop].is_inner_axis
            and not region.scop.loops[each.loop].is_inlined
        ]
    return FunctionReport(
        name=function.name,
        line=function.line,
        loops=tuple(sorted(rows, key=lambda row: (row.span.line, row.span.column, row.depth))),
        refusal=function.refusal,
        cell=None,
    )


def row_at_call(row: LoopReport, region: RegionPlan) -> LoopReport:
    """Return the row of a loop with the verdict that a call found with what it knew."""
    if "distribute" in row.transform:
        return row  # what was planned is a part of it
    for plan in region.loops:
        loop = region.scop.loops[plan.loop]
        if loop.span == row.span and not loop.runs_once:
            function = row.id.rpartition(".L")[0]
            found = _row(function, region, plan, row.depth - loop.depth)
            return replace(found, id=row.id, stage="call")
    return row


def _row(function: str, region: RegionPlan, plan: LoopPlan, depth: int) -> LoopReport:
    loop = region.scop.loops[plan.loop]
    plan = _weakest((plan, *_inner_axes(region, plan.loop)))
    reason = plan.reason or NoObstacle(span=loop.span, loop_variable=loop.shown)
    return LoopReport(
        id=loop_id(function, loop.span),
        header=loop.header,
        depth=depth + loop.depth - _inner_axes_around(region.scop, plan.loop),
        span=loop.span,
        verdict=plan.verdict,
        stage="static",
        condition=None if plan.condition_text is None else dotted(plan.condition_text),
        assumes=tuple(map(dotted, assumptions(region))),
        code=reason.code,
        reason=dotted(reason.message),
        reasons=(reason,),
        reductions=tuple(
            dotted(f"{each.operator} into {each.target}")
            for each in plan.reductions
            if not each.target.startswith(TEMPORARY)
        ),
        private=tuple(map(dotted, _of_the_user(region.scop, plan.private))),
        transform=(
            *(("privatize",) if plan.private and (plan.is_coincident or plan.kept_arrays) else ()),
            *(("inline",) if region.scop.inlined else ()),
            *(("append",) if region.scop.collects else ()),
            *(("scan",) if plan.scans else ()),
            *(("rename",) if plan.renamings else ()),
        ),
        dependences=plan.dependences,
        ran=None,
    )


def _of_the_user(scop: Scop, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return `names` without those that stand for names of a function put in place."""
    names = tuple(each for each in names if not each.startswith(TEMPORARY))
    inner = "|".join(re.escape(each) for each in scop.inlined)
    ours = re.compile(rf"\w+_of_({inner})_*|({inner})_value_*") if inner else None
    return tuple(each for each in names if ours is None or not ours.fullmatch(each))


def _inner_axes(region: RegionPlan, loop: int) -> Iterator[LoopPlan]:
    """Yield the plans of the loops that are one loop of the source with `loop`."""
    for plan in region.loops[loop + 1 :]:
        if not region.scop.loops[plan.loop].is_inner_axis:
            return
        yield plan


def _weakest(plans: tuple[LoopPlan, ...]) -> LoopPlan:
    """Return the verdict on a loop over several axes: that of the one with the most to ask."""
    return min(plans, key=lambda each: _STRENGTH.index(each.verdict))


def _inner_axes_around(scop: Scop, loop: int) -> int:
    """Return how many of the loops around `loop`, or itself, are no loops of the source."""
    return sum(scop.loops[each].is_inner_axis for each in surrounding(scop, loop))


def assumptions(region: RegionPlan) -> tuple[str, ...]:
    """Return what the verdicts take for granted and every call checks."""
    found = [f"autopar.overlap({first}, {second}) is False" for first, second in region.disjoint]
    found += [each.words for each in region.in_bounds]
    found += [f"type({each.list}) is list" for each in region.scop.collects if not each.is_new]
    return tuple(found)


def _split_row(row: LoopReport) -> LoopReport:
    """Return the row of a loop of which a part is computed ahead."""
    return replace(row, verdict="sequential", transform=("distribute",))


def _unsupported_row(
    function: str, loop: UnsupportedLoop, deferred: tuple[DeferredRegion, ...]
) -> LoopReport:
    first: Reason = loop.reasons[0]
    names = next((each.names for each in deferred if each.span.contains(loop.span)), ())
    values = "value" if len(names) == 1 else "values"
    later = f" Decided at a call, by the {values} of {' and '.join(names)}." if names else ""
    return LoopReport(
        id=loop_id(function, loop.span),
        header=loop.header,
        depth=loop.depth,
        span=loop.span,
        verdict="unsupported",
        stage="call" if names else "static",
        condition=None,
        assumes=(),
        code=first.code,
        reason=dotted(first.message + later),
        reasons=loop.reasons,
        reductions=(),
        private=(),
        transform=(),
        dependences=(),
        ran=None,
    )
