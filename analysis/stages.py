"""The two stages of the analysis, each on one screen.

The static stage knows nothing but the code; the call-time stage is the same analysis with
more facts, and goes on to types and a schedule for the regions that are really wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Literal, Protocol, TypeAlias, TypeVar

from .model import dump, isl
from .model.array_run import ArrayRun, FusedRun, Loops
from .model.diagnostics import Reason, Refusal
from .model.facts import NOTHING, Facts
from .model.loop_ir import Constant, For, Function
from .model.plan import (
    Condition,
    DeferredRegion,
    DrawnRegion,
    Plan,
    RegionPlan,
    Schedule,
    SplitRegion,
    StretchRegion,
    UnsupportedLoop,
)
from .model.report import FunctionReport
from .model.scop import Scop
from .model.source import MODULE, Places, SourceFunction, SourceText, Span
from .model.typed import TypedProgram
from .model.types import ArrayType, LiveInType
from .passes import conditions
from .passes.allocated_types import allocated_types
from .passes.array_casts import refused_casts
from .passes.array_functions import refused_functions
from .passes.array_fusion import Given, fuse
from .passes.array_runs import find_array_runs
from .passes.axis_requirements import unproven_axes
from .passes.build_scop import build_scop
from .passes.chosen_places import chosen_places
from .passes.definitions import file_of, functions_of, loop_functions, usual_names
from .passes.describe import describe
from .passes.disjoint import disjoint_pairs
from .passes.fission import FIRST, LAST
from .passes.in_bounds import in_bounds
from .passes.last_values import find_last_values
from .passes.layouts import on_bases
from .passes.liveness import live_after
from .passes.parse import parse
from .passes.pinned import pinned
from .passes.pure_maps import find_pure_maps
from .passes.reasons import (
    BudgetExhausted,
    DrawnFirst,
    IndependentMap,
    PartlyAhead,
    RunInStretches,
)
from .passes.regions import (
    DrawnScop,
    Half,
    StretchScop,
    find_regions,
    rest_at,
    scop_at,
)
from .passes.reordering import reordered
from .passes.schedule import find_schedule
from .passes.script_names import unseen_names
from .passes.stretches import FIRST as FIRST_TURN
from .passes.stretches import LAST as LAST_TURN
from .passes.typing import type_program
from .passes.verdicts import find_verdicts
from .passes.wrapping import most_wrapped, within, wrap_subscripts

__all__ = [
    "MODULE",
    "Observer",
    "allocated_types",
    "analyze",
    "describe",
    "exhausted",
    "explain_text",
    "explained",
    "functions_of",
    "loop_functions",
    "may_check_first",
    "places_of_runs",
    "plan_array_run",
    "plan_at",
    "plan_region",
    "plan_rest",
    "plan_with_values",
    "plan_wrapping",
    "redo_condition",
    "silent",
    "specialize",
    "stage_texts",
    "usual_names",
    "wraps_by_values",
]

# Of one function, in all its regions: as many as four of the hardest may spend.
_FUNCTION_BUDGET, _FUNCTION_SECONDS = 4 * isl.DEFAULT_BUDGET, 2.0

# Whether loops over blocks, and rows that overlap, are wanted too.
Reorders: TypeAlias = Literal["blocks", "whole"]

T = TypeVar("T")


class Observer(Protocol):
    """Sees every noun that a stage makes and hands it on."""

    def __call__(self, noun: T) -> T:
        """Return `noun` itself."""
        ...


def silent(noun: T) -> T:
    """Return `noun`, having done nothing with it."""
    return noun


def analyze(
    source: SourceFunction, facts: Facts = NOTHING, observe: Observer = silent
) -> Plan | Refusal:
    """Return what can be proven of a function under `facts`; the static stage gives none."""
    match observe(parse(source)):
        case Refusal() as refusal:
            return refusal
        case Function() as function:
            with isl.allowance(_FUNCTION_BUDGET, _FUNCTION_SECONDS):
                plan = _plan(function, source.text, facts, observe)
                plan = replace(plan, unsupported=_with_maps(source, plan))
                return observe(replace(plan, array_runs=_array_runs(source, plan)))


def _with_maps(source: SourceFunction, plan: Plan) -> tuple[UnsupportedLoop, ...]:
    """Return the loops that no kernel takes, the maps among them said to be such."""
    planned = {each.span for each in plan.deferred} | {each.span for each in plan.waiting}
    planned |= {each.span for each in plan.splits} | {each.span for each in plan.drawn}
    planned |= {each.span for each in plan.stretches}
    asked = frozenset(each.span for each in plan.unsupported) - planned
    maps = find_pure_maps(source, asked)
    return tuple(_as_map(each) if each.span in maps else each for each in plan.unsupported)


def _as_map(loop: UnsupportedLoop) -> UnsupportedLoop:
    reason = IndependentMap(span=loop.span, rest=loop.reasons[0].message.rstrip("."))
    return replace(loop, reasons=(reason, *loop.reasons))


def _array_runs(source: SourceFunction, plan: Plan) -> tuple[ArrayRun, ...]:
    """Return the runs of array statements that no region of the static stage has in it."""
    spans = frozenset(each.scop.span for each in plan.regions)
    taken = Places(spans)
    function = plan.function
    if source.is_script:
        unseen = unseen_names(file_of(source.text.text).tree)
        function = replace(function, shared_names=function.shared_names - unseen)
    return tuple(
        run
        for run in find_array_runs(source, partial(live_after, function), taken)
        if not taken.strictly_around(run.span) and not (run.count == 1 and run.span in spans)
    )


def places_of_runs(plan: Plan) -> Places:
    """Return where runs stand, in place of the statements in them."""
    return Places(each.whole for each in plan.array_runs)


def _plan(function: Function, text: SourceText, facts: Facts, observe: Observer) -> Plan:
    """Return the verdicts on every loop of a function."""
    regions = find_regions(function, text, facts)
    plans: list[RegionPlan] = []
    unsupported = list(regions.unsupported)
    deferred = list(regions.deferred)
    asked = Places(each.span for each in regions.deferred)
    modelled = Places(each.span for each in regions.scops)
    for scop, spare in zip(regions.scops, regions.spares, strict=True):
        match plan_region(observe(scop)):
            case RegionPlan() as plan:
                # Whether a call runs it, or the nest around it, may depend on the calls before.
                within = asked.around(scop.span) or modelled.strictly_around(scop.span)
                plans.append(replace(plan, keeps_order=plan.keeps_order or within))
            case Refusal() as refusal:
                unsupported += [
                    UnsupportedLoop(
                        header=loop.header, reasons=refusal.reasons, depth=loop.depth,
                        span=loop.span,
                    )
                    for loop in scop.loops
                ]  # fmt: skip
                if spare is not None:  # with numbers in the place of names much is simpler
                    deferred.append(spare)
    splits = tuple(each for half in regions.halves for each in _split(half, observe))
    drawn = tuple(each for found in regions.drawn for each in _drawn(found, observe))
    stretches = tuple(each for found in regions.stretches for each in _stretch(found, observe))
    unsupported = [_told_apart(each, (*splits, *drawn, *stretches)) for each in unsupported]
    unsupported.sort(key=lambda loop: loop.span)
    deferred.sort(key=lambda each: each.span)
    return Plan(
        function=function,
        regions=tuple(plans),
        unsupported=tuple(unsupported),
        deferred=tuple(deferred),
        waiting=regions.waiting,
        unranked=regions.unranked,
        splits=splits,
        drawn=drawn,
        stretches=stretches,
    )


def _split(half: Half, observe: Observer) -> Iterator[SplitRegion]:
    """Yield what a kernel computes ahead of a loop, where that can be planned."""
    plan = plan_region(observe(half.scop))
    step = half.loop.step
    if isinstance(plan, RegionPlan) and isinstance(step, Constant) and type(step.value) is int:
        yield SplitRegion(
            region=plan,
            loop=half.source,
            start=half.loop.start,
            step=step.value,
            first=FIRST,
            last=LAST,
            parts=half.split.parts,
            tame=half.split.tame,
            may_end=half.split.may_end,
        )


def _drawn(found: DrawnScop, observe: Observer) -> Iterator[DrawnRegion]:
    """Yield a nest whose random numbers are drawn first, where the rest can be planned."""
    plan = plan_region(observe(found.scop))
    if isinstance(plan, RegionPlan):
        # What the interpreter adds up where the numbers are not drawn first has its order.
        yield DrawnRegion(region=replace(plan, keeps_order=True), draws=found.draws)


def _stretch(found: StretchScop, observe: Observer) -> Iterator[StretchRegion]:
    """Yield the turns of a loop between statements of the interpreter's, if they are planned."""
    plan = plan_region(observe(found.scop))
    loop = found.stretch.loop
    if isinstance(plan, RegionPlan):
        step = loop.step if isinstance(loop, For) else None
        yield StretchRegion(
            region=plan,
            variable=loop.variable if isinstance(loop, For) else None,
            step=step.value if isinstance(step, Constant) and type(step.value) is int else 1,
            first=FIRST_TURN,
            last=LAST_TURN,
            stops=found.stretch.stops,
        )


def _told_apart(
    loop: UnsupportedLoop, found: tuple[SplitRegion | DrawnRegion | StretchRegion, ...]
) -> UnsupportedLoop:
    """Return an unsupported loop with what is said of one that kernels run in part."""
    rest = loop.reasons[0].message.rstrip(".")
    for each in found:
        if each.span != loop.span:
            continue
        match each:
            case DrawnRegion():
                first: Reason = DrawnFirst(span=loop.span, rest=each.region.loops[0].verdict)
            case SplitRegion():
                first = PartlyAhead(span=loop.span, rest=rest)
            case StretchRegion():
                first = RunInStretches(span=loop.span, rest=rest)
        return replace(loop, reasons=(first, *loop.reasons))
    return loop


def plan_with_values(deferred: DeferredRegion, facts: Facts) -> RegionPlan | Refusal:
    """Return the plan of a deferred nest for the values of its names at a call."""
    try:
        with isl.budget():
            scop = build_scop(deferred.nest, deferred.text, deferred.live_out, facts)
    except isl.BudgetExhaustedError:
        return Refusal(reasons=(exhausted(deferred.span),))
    return scop if isinstance(scop, Refusal) else plan_region(scop, facts)


def plan_at(source: SourceFunction, span: Span, facts: Facts) -> RegionPlan | Refusal | None:
    """Return the plan of the nest at `span` of a function under `facts`, if there is a nest."""
    function = parse(source, dict(facts.ranks))
    if isinstance(function, Refusal):
        return function
    scop = scop_at(function, source.text, span, facts)
    return plan_region(scop, facts) if isinstance(scop, Scop) else scop


def plan_rest(source: SourceFunction, span: Span) -> RegionPlan | Refusal | None:
    """Return the plan of what remains of the loop at `span` once some turns of it were made.

    Its first value and where it ends are integers named FIRST and LAST.
    """
    function = parse(source)
    if isinstance(function, Refusal):
        return function
    scop = rest_at(function, source.text, span)
    if not isinstance(scop, Scop):
        return scop
    plan = plan_region(scop)
    # The interpreter has begun, in its order.
    return replace(plan, keeps_order=True) if isinstance(plan, RegionPlan) else plan


def plan_array_run(
    run: ArrayRun, given: Given, *, has_rows: bool = True
) -> tuple[FusedRun, tuple[RegionPlan | None, ...]] | Refusal:
    """Return the steps of a run of array statements for what a call gives it.

    Each of its loops has a plan, in the order of the steps; what is none of loops has None.
    `has_rows` says whether its target has NumPy's own functions of rows.
    """
    fused = fuse(run, given, has_rows=has_rows)
    if isinstance(fused, Refusal):
        return fused
    plans: list[RegionPlan | None] = []
    for step in fused.steps:
        plan = _plan_of_loops(run, step) if isinstance(step, Loops) else None
        if isinstance(plan, Refusal):
            return plan
        plans.append(plan)
    return fused, tuple(plans)


def _plan_of_loops(run: ArrayRun, step: Loops) -> RegionPlan | Refusal:
    try:
        with isl.budget():
            scop = build_scop(step.nest, run.text, step.scalars)
    except isl.BudgetExhaustedError:
        return Refusal(reasons=(exhausted(run.span),))
    if isinstance(scop, Refusal):
        return scop
    known = dict(step.extents)
    arrays = tuple(replace(each, extents=known.get(each.name)) for each in scop.arrays)
    return plan_region(replace(scop, arrays=arrays))


def plan_region(scop: Scop, facts: Facts = NOTHING) -> RegionPlan | Refusal:
    """Return the verdicts on a region and what a call has to check before it acts on them."""
    try:
        with isl.budget():
            last = find_last_values(scop)
            scop = replace(scop, places=chosen_places(scop))
            memory = pinned(on_bases(scop, facts.layouts), facts.values)
            asked = (
                *in_bounds(scop),
                *conditions.never_empty(scop),
                *(conditions.condition(scop, each) for each in scop.requires),
            )
            told_apart = {each.text: each for each in asked if each.text != "True"}
            required = tuple(told_apart.values())
            # What wraps means something only in bounds, and is simpler there.
            is_simpler = most_wrapped(memory) or scop.requires
            judged = within(memory, required) if is_simpler else memory
            loops = find_verdicts(judged, at_call=facts != NOTHING)
            unproven = unproven_axes(scop, loops)
            if unproven is not None:
                return unproven
            return RegionPlan(
                scop=scop,
                memory=memory,
                loops=loops,
                in_bounds=required,
                disjoint=disjoint_pairs(scop, facts.layouts),
                last_values=None if last is None else last[0],
                live_out_defined=None if last is None else last[1],
                # Analyses at calls are limited in number, and inspectors look less often where
                # they find repetitions.
                keeps_order=facts != NOTHING or any(each.inspections for each in loops),
            )
    except isl.BudgetExhaustedError:
        return _exhausted(scop)


def wraps_by_values(region: RegionPlan) -> bool | Refusal:
    """Return whether a region whose subscripts may be negative is planned for one set of values.

    Two subscripts of one element that both may wrap, or one in a loop with a stride, have too
    many cases to be told apart for all values at once.
    """
    try:
        with isl.budget():
            wrapped = most_wrapped(wrap_subscripts(region.scop, Facts(wraps=True)))
            is_strided = any(abs(loop.step) > 1 for loop in region.scop.loops)
            return wrapped > 1 or (wrapped == 1 and is_strided)
    except isl.BudgetExhaustedError:
        return _exhausted(region.scop)


def plan_wrapping(region: RegionPlan, facts: Facts) -> RegionPlan | Refusal | None:
    """Return the plan of a region whose subscripts may be negative; None where none ever is.

    `facts` say that they may be, and the values of all parameters where these are wanted.
    """
    try:
        with isl.budget():
            scop = wrap_subscripts(region.scop, facts)
    except isl.BudgetExhaustedError:
        return _exhausted(region.scop)
    return None if scop is region.scop else plan_region(scop, facts)


def exhausted(span: Span) -> BudgetExhausted:
    """Return why what stands at `span` is analysed no further: AP307."""
    return BudgetExhausted(span=span, operations=isl.DEFAULT_BUDGET)


def _exhausted(scop: Scop) -> Refusal:
    return Refusal(reasons=(exhausted(scop.span),))


def redo_condition(region: RegionPlan, copies: frozenset[str] = frozenset()) -> Condition | Refusal:
    """Return when the region may be run again from its start, after it ran in part.

    It ran on `copies` of these arrays.
    """
    try:
        with isl.budget():
            return conditions.redo(region.memory, copies)
    except isl.BudgetExhaustedError:
        return _exhausted(region.scop)


def may_check_first(region: RegionPlan, names: frozenset[str]) -> bool | Refusal:
    """Return whether a run without stores reads the same elements of the arrays `names`."""
    try:
        with isl.budget():
            shared = {array.name for array in region.memory.arrays if array.is_base}
            return not conditions.has_array_flow(region.memory, names | shared)
    except isl.BudgetExhaustedError:
        return _exhausted(region.scop)


def specialize(
    region: RegionPlan,
    live_in: Mapping[str, LiveInType],
    holding: frozenset[int],
    *,
    may_copy: bool = True,
    reorders: Reorders | None = None,
) -> tuple[TypedProgram, Schedule] | Refusal:
    """Return typed statements and a schedule for the types and conditions of a call.

    `holding` are the conditional loops whose condition is true; `may_copy` says whether the
    target has private copies of arrays; `reorders` what it wants of another order than that of
    the source, where one pays.
    """
    try:
        with isl.budget():
            typed = type_program(region.scop, live_in)
            if isinstance(typed, TypedProgram):
                refused = refused_casts(region.scop, typed)
                typed = refused or refused_functions(region.scop, typed) or typed
            if isinstance(typed, Refusal):
                return typed
            schedule = find_schedule(region.scop, region.loops, holding, may_copy=may_copy)
    except isl.BudgetExhaustedError:
        return _exhausted(region.scop)
    if reorders is None:
        return typed, schedule
    columns = frozenset(
        name
        for name, each in live_in.items()
        if isinstance(each, ArrayType) and each.layout == "F" and each.rank > 1
    )
    may_block = reorders == "blocks"
    return typed, reordered(region.memory, schedule, columns, may_block=may_block)


def explain_text(text: SourceText) -> tuple[FunctionReport, ...]:
    """Return the static report of every function of a text that has a loop.

    Raises SyntaxError where the text is not Python.
    """
    return tuple(report for _, report in explained(text))


def explained(text: SourceText) -> tuple[tuple[Plan, FunctionReport], ...]:
    """Return what the analysis has to say of every function of a text that has a loop.

    Raises SyntaxError where the text is not Python.
    """
    plans = (analyze(source) for source in functions_of(text))
    found = ((plan, describe(plan)) for plan in plans if isinstance(plan, Plan))
    return tuple((plan, report) for plan, report in found if report.loops)


def stage_texts(text: SourceText | str, function: str | None = None) -> dict[str, str]:
    """Return {stage: text} for the functions of a source, or for the one called `function`.

    Stages are loop-ir, scop, dependences and plan. Empty where there is no such function.
    Raises SyntaxError where the text is not Python.
    """
    if isinstance(text, str):
        text = SourceText(path="<text>", text=text, cell=None)
    found: dict[str, str] = {}
    for source in functions_of(text):
        if function not in (None, source.qualified_name):
            continue
        match analyze(source):
            case Plan() as plan if function is not None or plan.regions or plan.unsupported:
                for stage, part in _stages_of(plan).items():
                    found[stage] = found.get(stage, "") + part
            case _:
                pass
    return found


def _stages_of(plan: Plan) -> dict[str, str]:
    return {
        dump.LOOP_IR: dump.dump_function(plan.function),
        dump.SCOP: "".join(dump.dump_scop(region.scop) for region in plan.regions),
        dump.DEPENDENCES: dump.dump_dependences(plan),
        dump.PLAN: dump.dump_plan(plan),
    }
