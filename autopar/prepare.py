"""Prepare a function or a module for its calls: analyse it and find its regions.

Before:  a source function            After:  a report, and a guarded region for every site
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from autopar.analysis.model.array_run import ArrayRun
from autopar.analysis.model.chains import dotted
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import (
    DeferredRegion,
    DrawnRegion,
    RegionPlan,
    SplitRegion,
    StretchRegion,
    UnrankedRegion,
    WaitingRegion,
)
from autopar.analysis.model.report import FunctionReport, LoopReport, Ran
from autopar.analysis.model.source import SourceFunction, Span, loop_id
from autopar.analysis.passes.bound_names import Position
from autopar.analysis.passes.reasons import InternalFault

from . import kept
from .array_entries import ArrayEntry, end_of, make_array_entry
from .chains import class_around, guard_chains, has_chains
from .deferred import Deferred, make_deferred
from .dispatch import Region
from .drawing import can_draw, drawn_site
from .exchanged import guard_exchanged
from .foretold import predicted_of
from .given import Waiting, make_waiting, site_of
from .guard import can_guard, make_guard
from .light_guards import SLEPT, SLEPT_OF_LOOPS, LightGuard, is_exact, is_light, may_sleep
from .narrowed import narrowed
from .options import Options, configure_log
from .record import Records, RunRecord, Tally
from .rests import rest_of_loop
from .returning import ReturningGuard, guard_returning
from .sites import AnySite, Asker, Returned, Site
from .splitting import can_split, split_site
from .stretching import short_sums, stretch_site
from .uncollected import uncollected
from .unranked import Unranked, hand_on, make_unranked

LOG = logging.getLogger("autopar")

Entry: TypeAlias = Region | Deferred | Waiting | ArrayEntry | Unranked


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is known of one function before its first call."""

    described: Callable[[], FunctionReport]  # static
    regions: tuple[Entry, ...]  # in source order, outer ones first
    sites: tuple[AnySite, ...]

    @property
    def report(self) -> FunctionReport:
        """The report of the static stage."""
        return self.described()


def prepare(
    source: SourceFunction,
    options: Options,
    records: Records,
    bindings_hold: Callable[[], bool],
    first_number: int = 0,
) -> Prepared:
    """Return the report and the guarded regions of a function; never raises.

    Regions are numbered from `first_number`, so that one record can serve a whole file.
    """
    configure_log()
    try:
        seen = narrowed(source)
        name = kept.name_of(seen, options)
        with uncollected():
            analysed = kept.fetch(seen, name) or _analysed(seen, options, name)
        regions = tuple(
            _entry(each, (first_number + number, source), options, bindings_hold, records)
            for number, each in enumerate(analysed.found)
        )
        for number, region in enumerate(regions):
            if isinstance(region, Region) and name is not None:
                region.kernels.kept_as = f"{name} {number}"
        pairs = zip(analysed.found, regions, strict=True)
        sites = tuple(_site_for(found, region, source.qualified_name) for found, region in pairs)
    except Exception as error:  # noqa: BLE001  # a fault of ours must not become the user's (AP900)
        return failed(source, "analysis", error)
    return Prepared(described=analysed.report, regions=regions, sites=sites)


def _analysed(source: SourceFunction, options: Options, name: str | None) -> kept.Analysed:
    """Return what the static stage finds, and keep it under `name`."""
    from autopar.analysis.passes.describe import describe
    from autopar.analysis.stages import analyze, places_of_runs

    from .observe import observer

    plan = analyze(source, observe=observer(source, options.dump))
    found: list[kept.Found] = []
    if isinstance(plan, Refusal):
        report = _refused(source, plan.reasons[0])
    else:
        found += [each for each in plan.regions if can_guard(each)]
        found += plan.deferred
        found += (*plan.waiting, *plan.unranked)
        found += [each for each in plan.drawn if can_guard(each.region) and can_draw(each)]
        found += [each for each in plan.splits if can_guard(each.region) and can_split(each)]
        found += [each for each in plan.stretches if can_guard(each.region, by_patterns=False)]
        in_runs = places_of_runs(plan)
        found = [each for each in found if not in_runs.around(span_of(each))]
        found += plan.array_runs
        found.sort(key=span_of)
        report = describe(plan)
    analysed = kept.Analysed(report=lambda: report, found=tuple(found), name=name)
    kept.keep(source, analysed)
    return analysed


def span_of(found: kept.Found) -> Span:
    """Return where a region stands, or the nest of one."""
    return found.scop.span if isinstance(found, RegionPlan) else found.span


def _site_for(
    found: kept.Found,
    region: Entry,
    function: str,
) -> AnySite:
    """Return where the guard of what was `found` goes."""
    if isinstance(found, SplitRegion):
        assert isinstance(region, Region)  # `_entry` made it
        return split_site(found, region)
    if isinstance(found, StretchRegion):
        assert isinstance(region, Region)  # as above
        return stretch_site(found, region, _site(region, function, short_sums(region)))
    site = _site(region, function)
    if isinstance(found, DrawnRegion):
        assert isinstance(region, Region)  # as above
        return drawn_site(found, region, replace(site, keep=None))
    return site


def _entry(
    found: kept.Found,
    place: tuple[int, SourceFunction],
    options: Options,
    bindings_hold: Callable[[], bool],
    records: Records,
) -> Entry:
    """Return what stands before a nest; `place` is its number and its function."""
    number, source = place
    if isinstance(found, WaitingRegion):
        settings = (options, bindings_hold, records)
        build = _planned_at_call(place, options, records)
        site = partial(_site, function=source.qualified_name)
        return make_waiting(found, place, settings, build, site)
    name, file = loop_id(source.qualified_name, span_of(found)), source.text.path
    if isinstance(found, ArrayRun):
        return make_array_entry(found, (number, name, file), options, bindings_hold, records)
    if isinstance(found, UnrankedRegion):
        nest = (found.span, found.arguments, found.results)
        return make_unranked((number, name, source), nest, options, bindings_hold, records)
    is_whole = not isinstance(found, SplitRegion | DrawnRegion | StretchRegion)
    if isinstance(found, SplitRegion | DrawnRegion | StretchRegion):
        found = found.region
    if isinstance(found, DeferredRegion):
        return make_deferred(found, (number, name, file), options, bindings_hold, records)
    region = Region(
        number=number,
        name=name,
        file=file,
        plan=found,
        guard=make_guard(found),
        options=options,
        bindings_hold=bindings_hold,
        records=records,
    )
    if is_whole:
        hand_on(region, source)
        region.enter_rest = rest_of_loop(region, source)
    return region


def _planned_at_call(
    place: tuple[int, SourceFunction], options: Options, records: Records
) -> Callable[[RegionPlan | DeferredRegion, Callable[[], bool]], Region | Deferred]:
    """Return what makes the entry of a nest once a call has shown which functions it calls."""

    def build(
        found: RegionPlan | DeferredRegion, bindings_hold: Callable[[], bool]
    ) -> Region | Deferred:
        made = _entry(found, place, options, bindings_hold, records)
        assert isinstance(made, Region | Deferred)  # it waits no more
        if isinstance(made, Region):
            made.is_of_call = True
        return made

    return build


def _site(region: Entry, function: str, ask: Callable[..., Returned] | None = None) -> Site:
    """Return where the guard of a region goes; `ask` is asked in its place."""
    home = region.records.key
    if isinstance(region, Waiting):
        site = site_of(region)
        if has_chains(region.nest.functions) and not site.is_value:
            found = LightGuard(
                region=region, ask=site.enter, tell=None, slept=SLEPT_OF_LOOPS, home=home
            )
            return replace(site, enter=found.enter, answers=found.answers, is_light=True)
        found = LightGuard(region=None, ask=site.enter, tell=None, home=home)
        return replace(site, enter=found.enter, answers=found.answers) if site.is_value else site
    arguments, results, enter = region.arguments, region.results, ask or region.enter
    answers = region.answers if isinstance(region, Region) and ask is None else None
    if region.exchanged is not None and region.exchanged.turns in results:
        rebinding = guard_exchanged((arguments, results), region.exchanged, enter)
        arguments, results, enter = rebinding.arguments, rebinding.results, rebinding.enter
        answers = None  # the results are not those of the region
    is_chained = has_chains((*arguments, *results))
    if is_chained:
        asker = Asker(enter=enter)
        if answers is not None:
            answers(asker)
        class_name = class_around(function)
        names = (arguments, results)
        is_left = region.left_short if isinstance(region, Region) and answers else None
        guard = guard_chains(names, class_name, region.span, asker, region.leave, is_left)
        arguments, enter = guard.arguments, guard.enter
        answers = None  # what the guard is asked with is not what the region takes
    is_statement = isinstance(region, ArrayEntry)
    is_statement = is_statement or (isinstance(region, Region) and is_light(region))
    may_tire = not (is_statement or region.is_value) and ask is None and may_sleep(region)
    if region.is_value:  # another object each time: nobody may answer for it
        answers = None
    asked: LightGuard | None = None
    if (is_statement or region.is_value or may_tire) and is_exact(region):
        asked = LightGuard(
            region=None if isinstance(region, Unranked) else region,
            ask=enter,
            tell=answers,
            records=_woken_by(region),
            home=home,
            slept=SLEPT_OF_LOOPS if may_tire else SLEPT,
            spend=region.spend if isinstance(region, Region) and may_tire else None,
        )
    light = False
    if asked is not None and (is_statement or region.is_value or is_chained):
        light, enter, answers = True, asked.enter, asked.answers
    exits: tuple[Position, ...] = ()
    returning = None
    if isinstance(region, Region) and region.exits is not None:
        returning = guard_returning(results, region.exits.name, enter)
        results, enter, answers = returning.results, returning.enter, None
        exits = tuple((each.line, each.column) for each in region.exits.places)
    return Site(
        line=region.span.line,
        column=region.span.column,
        arguments=arguments,
        results=tuple(map(dotted, results)),
        enter=enter,
        answers=answers,
        is_value=region.is_value,
        is_light=light and not exits,
        is_loop=not is_statement,
        inside=None if light else asked,
        statements=region.run.count if isinstance(region, ArrayEntry) else 1,
        is_returned=isinstance(region, ArrayEntry) and region.run.holder is not None,
        end=end_of(region) if isinstance(region, ArrayEntry) else None,
        exits=exits,
        counting=region.counting if isinstance(region, Region | Deferred) else None,
        enter_rest=None if is_chained else _rest_of(region, returning),
        keep=_keep(region),
    )


def _woken_by(region: Entry) -> Records | None:
    """Return what wakes the guard of a run at each call; None where it may be about numbers."""
    return region.records if isinstance(region, ArrayEntry) and region.run.is_shown else None


def _rest_of(
    region: Entry, returning: ReturningGuard | None
) -> Callable[..., tuple[tuple[object, ...], ...]] | None:
    """Return what is asked for the rest of a loop, with what says which `return` ended it."""
    rest = region.enter_rest if isinstance(region, Region) else None
    if rest is None or returning is None:
        return rest
    return replace(returning, ask=rest).enter


def _keep(region: Entry) -> Callable[[], None] | None:
    """Return what tells a region that arrays may stay on the device after it, if they may.

    Not where something of the user's follows within the same statement.
    """
    if not isinstance(region, Region | ArrayEntry) or region.is_value:
        return None
    has_exits = isinstance(region, Region) and region.exits is not None
    return None if has_exits else region.keep


def _refused(source: SourceFunction, reason: Reason) -> FunctionReport:
    return refused_report(source.qualified_name, source.line, reason)


def refused_report(name: str, line: int, reason: Reason) -> FunctionReport:
    """Return the report of a function that is left alone as a whole."""
    return FunctionReport(name=name, line=line, loops=(), refusal=reason, cell=None)


def failed(source: SourceFunction, stage: str, error: Exception) -> Prepared:
    """Return what is known of a function for which `stage` failed: AP900, no regions."""
    LOG.error("the stage '%s' failed for %s", stage, source.qualified_name, exc_info=error)
    span = Span(line=source.line, column=0, end_line=source.line, end_column=0)
    detail = f"{type(error).__name__}: {error}"
    reason = InternalFault(span=span, stage=stage, detail=detail)
    report = _refused(source, reason)
    return Prepared(described=lambda: report, regions=(), sites=())


def with_runs(prepared: Prepared, record: RunRecord) -> FunctionReport:
    """Return the static report with what happened in the calls of `record`."""
    loops = prepared.report.loops
    for region in prepared.regions:
        loops = tuple(_with_ran(loop, region, record) for loop in loops)
    return replace(prepared.report, loops=loops)


def _with_ran(loop: LoopReport, region: Entry, record: RunRecord) -> LoopReport:
    if not region.span.contains(loop.span):
        return loop
    compiled = [
        (backend, tally)
        for backend in ("cuda", "cpu")
        if (tally := record.tallies.get((region.number, backend))) is not None
    ]
    interpreted = record.tallies.get((region.number, "interpreter"))
    if interpreted is not None and interpreted.reason is None:
        # Native code counts calls, and knows no reasons.
        interpreted.reason = next(
            filter(None, (each.patience.left for each in region.regions())), None
        )
    if not compiled and interpreted is None:
        return loop
    if loop.ran is not None and loop.ran.backend != "interpreter" and not compiled:
        return loop  # a nest around this region was taken over as a whole
    backend, tally = compiled[0] if compiled else ("interpreter", interpreted or Tally())
    if tally.plan is not None:
        from autopar.analysis.passes.describe import row_at_call

        loop = row_at_call(loop, tally.plan)
    is_outermost = loop.span == region.span
    why = _why(tally, interpreted, bool(compiled)) if is_outermost else None
    note = None if why is None else _note(why, tally, interpreted, bool(compiled))
    ran = Ran(
        backend=backend,  # type: ignore[arg-type]  # one of three literals
        calls=tally.calls,
        iterations=tally.iterations if is_outermost else None,
        seconds=tally.seconds if is_outermost and compiled else None,
        note=note,
        reason=None if interpreted is None else interpreted.reason,
        predicted=predicted_of(region.regions()) if is_outermost else None,
    )
    stage = "call" if loop.verdict == "conditional" else loop.stage
    words = (*loop.transform, *transforms_of(loop.span, region)) if compiled else loop.transform
    return replace(loop, ran=ran, stage=stage, transform=tuple(dict.fromkeys(words)))


def transforms_of(span: Span, region: Entry) -> Iterator[str]:
    """Yield what the compiled forms of a region did to the loop that stands at `span`."""
    for each in region.regions():
        for variant in each.kernels.variants():
            yield from (word for where, word in variant.transforms if where == span)


def _why(tally: Tally, interpreted: Tally | None, is_compiled: bool) -> Reason | None:  # noqa: FBT001  # private, two callers' words
    if interpreted is None or interpreted.reason is None:
        return tally.reason if is_compiled else None
    return interpreted.reason


def _note(why: Reason, tally: Tally, interpreted: Tally | None, is_compiled: bool) -> str:  # noqa: FBT001  # as above
    message = dotted(f"{why.code}: {why.message}")
    if is_compiled and interpreted is not None and interpreted.reason is not None:
        all_calls = interpreted.calls + tally.calls
        return f"{interpreted.calls} of {all_calls} calls in the interpreter. {message}"
    return message
