"""Specialise a region for the types of a call: type, schedule, lower, generate, load.

Before:  a region plan, arguments          After:  a `Variant` whose `run` is compiled code
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from autopar.analysis.facts.reasons import CannotStopInside
from autopar.analysis.model import isl
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import Condition, RegionPlan, Schedule
from autopar.analysis.model.scop import Scop, takes_rows
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    FAILURES,
    INTEGER_OVERFLOW,
    WARNINGS,
    ListElements,
    Operation,
    Store,
    TypedProgram,
    walk_statement,
)
from autopar.analysis.model.types import ArrayType, LiveInType
from autopar.analysis.passes.array_functions import walked_through
from autopar.analysis.stages import (
    Reorders,
    allocated_types,
    exhausted,
    may_check_first,
    redo_condition,
    specialize,
)
from autopar.codegen import cudalib
from autopar.codegen.canonical import FEWEST_TERMS
from autopar.codegen.cells import without_lost
from autopar.codegen.checks import arrays_needed, checks_only
from autopar.codegen.cpu import generate_cpu, launches_once
from autopar.codegen.cuda import generate_cuda, lacking
from autopar.codegen.cuda_arguments import kernels_of
from autopar.codegen.device_rows import rows_side_by_side, with_rows
from autopar.codegen.dump import dump_program
from autopar.codegen.host import reordered
from autopar.codegen.jam import jammed_loops, with_jammed
from autopar.codegen.kernel import Loop, Program, walk_nodes
from autopar.codegen.lower import lower
from autopar.codegen.marks import marked
from autopar.codegen.notes import with_notes
from autopar.codegen.order_check import in_kept_order
from autopar.codegen.passes import with_passes
from autopar.codegen.proven import proven
from autopar.codegen.reasons import NoDevice, SumReordered, TargetLacksFeature
from autopar.codegen.recurrences import recurrent_loops
from autopar.codegen.reduced import without_rounded
from autopar.codegen.row_loops import unfit_rows
from autopar.codegen.streams import with_streams
from autopar.codegen.sunk import with_sunk

from .aliases import written_alone
from .cost import iterations
from .dumps import NUMBERS, write_text
from .forms import Form, keep, variant_of
from .lists import StoredList
from .options import Options
from .put_back import may_be_put_back, written_arrays
from .variant import Target, Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One region as source for a target, for given types; nothing is compiled yet."""

    target: Target
    typed: TypedProgram
    program: Program
    source: str
    # The program that is run first to see whether anything would fail, with its source; None
    # where nothing can fail, or where failing may be found out afterwards.
    checks: tuple[Program, str] | None
    redo: Condition | None  # when the region may be run again; None where nobody asks
    # Arrays of which a run keeps copies, to put them back if something fails.
    saves: tuple[str, ...]
    stored: tuple[StoredList, ...]
    # Where loops of the source stand that run in another order, and what was done to them.
    transforms: tuple[tuple[Span, str], ...]


def draft_variant(
    region: RegionPlan,
    types: Mapping[str, LiveInType],
    holding: frozenset[int],
    place: tuple[Target, str, str],
    options: Options,
    *,
    is_large: bool = False,
) -> Draft | Refusal:
    """Return the source for a region; `place` is target, region name and user's file.

    With `is_large` its arrays are larger than the caches.
    """
    target, name, file = place
    known = allocated_types(region.scop, types)
    if isinstance(known, Refusal):
        return known
    types = known
    is_cpu = target == "cpu"
    wanted: Reorders | None = "blocks" if is_cpu else "whole"
    if takes_rows(region.scop):  # which stay as they are
        wanted = None
    may_copy = is_cpu or has_small_copies(region)
    judged = with_recurrences(region if is_cpu else without_kept_arrays(region), options)
    found = specialize(judged, types, holding, may_copy=may_copy, reorders=wanted)
    if isinstance(found, Refusal):
        return found
    typed, schedule = found
    lists = frozenset(each.name for each in typed.lists)
    try:
        with isl.budget():
            program = lowered(region, found, types, name, file)
    except isl.BudgetExhaustedError:
        return Refusal(reasons=(exhausted(region.scop.span),))
    # What a list costs decides about each call, so no sum may depend on that.
    if options.strict or region.keeps_order or lists:
        program = without_rounded(program)
    program = marked(program, typed)
    if not is_cpu and not lists:
        program = with_rows(with_passes(program))
    refusal = _unfit(region.scop.span, target, program)
    refusal = refusal or unfit_rows(program, target, region.scop.span)
    if refusal is not None:
        return refusal
    program, stored = _with_stores(program, typed.lists, region.scop)
    may_redo = redo_condition(region, lists) if typed.hazards else None
    if isinstance(may_redo, Refusal):
        return may_redo
    always = isinstance(may_redo, Condition) and may_redo.text == "True"
    program = replace(program, may_rerun=always)
    checks = None
    saves: tuple[str, ...] = ()
    # What a region does to copies of lists alone, nobody sees if it fails.
    is_seen = any(each.is_written and each.name not in lists for each in program.given_arrays)
    if target == "cpu" and (is_seen or not lists) and _is_checked_first(typed, may_redo):
        only = checks_only(program)
        may_check = may_check_first(region, arrays_needed(only))
        if isinstance(may_check, Refusal):
            return may_check
        if may_check:
            only = with_passes(only)
            checks = only, generated(only, target, options)
            program = proven(program)
        elif may_be_put_back(program):
            saves = written_arrays(program, lists)
        else:
            return Refusal(reasons=(CannotStopInside(span=region.scop.span),))
    transforms = tuple((region.scop.loops[loop].span, word) for loop, word in schedule.transforms)
    skewed = rows_side_by_side(program)
    if is_cpu:
        program, skewed = _for_cpu(program, is_large=is_large)
    return Draft(
        target=target,
        typed=typed,
        program=program,
        source=generated(program, target, options),
        checks=checks,
        redo=may_redo,
        saves=saves,
        stored=stored,
        transforms=transforms + skewed + recurrent_loops(program),
    )


def _for_cpu(program: Program, *, is_large: bool) -> tuple[Program, tuple[tuple[Span, str], ...]]:
    """Return `program` as a CPU likes it, and where rows overlap in it."""
    jammed = in_kept_order(program, with_jammed(program))
    inside = in_kept_order(jammed, with_sunk(jammed))
    return with_streams(with_passes(inside), is_large=is_large), jammed_loops(jammed)


def has_small_copies(region: RegionPlan) -> bool:
    """Return whether all private arrays are rows, of which a device has room for many copies."""
    ranks = {each.name: each.rank for each in region.scop.arrays}
    return all(ranks[one.name] <= 1 for plan in region.loops for one in plan.private_arrays)


def without_kept_arrays(region: RegionPlan) -> RegionPlan:
    """Return a region for a target whose threads cannot note what they write in copies."""
    loops = tuple(replace(each, kept_arrays=()) for each in region.loops)
    return replace(region, loops=loops)


def with_recurrences(region: RegionPlan, options: Options) -> RegionPlan:
    """Return a region whose linear recurrences are scans, for those who let floats be rounded."""
    if not options.fastmath or options.strict or region.keeps_order:
        return region
    loops = tuple(replace(each, scans=each.scans or each.recurrences) for each in region.loops)
    return replace(region, loops=loops)


def _with_stores(
    program: Program, lists: tuple[ListElements, ...], scop: Scop
) -> tuple[Program, tuple[StoredList, ...]]:
    """Return `program` with notes where bits do not tell what it stores in a list."""
    # What a list grows by has one note for all its parts.
    others = {name for each in scop.collects for site in each.sites for name in site.parts[1:]}
    written = {each.name for each in program.given_arrays if each.is_written}
    changed = [each.name for each in lists if each.is_changed and each.name in written - others]
    program, notes = with_notes(program, changed)
    stored = tuple(
        StoredList(elements=each, note=notes.get(each.name))
        for each in lists
        if each.name in written
    )
    return program, stored


def _dump(draft: Draft, folder: Path) -> None:
    """Write the lowered program and the generated module, those for the last types kept."""
    name = draft.program.name
    write_text(folder, f"{name}.{NUMBERS['program']}-program.txt", dump_program(draft.program))
    kernel = f"{name}.{NUMBERS['kernel']}-kernel-{draft.target}.py"
    write_text(folder, kernel, draft.source)


def make_variant(  # noqa: PLR0913 - all that decides which code it is
    region: RegionPlan,
    types: Mapping[str, LiveInType],
    holding: frozenset[int],
    place: tuple[Target, str, str],
    options: Options,
    *,
    is_large: bool = False,
    name: str | None = None,
) -> Variant | Refusal:
    """Return compiled code for a region, and keep its form under `name`.

    `place` is target, region name and user's file; `is_large` is as for `draft_variant`.
    """
    draft = draft_variant(region, types, holding, place, options, is_large=is_large)
    if isinstance(draft, Refusal):
        return draft
    if options.dump is not None:
        _dump(draft, Path(options.dump))
    if draft.target == "cuda" and not cudalib.is_available():
        detail = "no CUDA device was found"
        reason = NoDevice(span=region.scop.span, target="cuda", detail=detail)
        return Refusal(reasons=(reason,))
    program, hazards = draft.program, draft.typed.hazards
    form = Form(
        target=draft.target,
        program=program,
        source=draft.source,
        checks=draft.checks,
        strided=tuple(name for name in written_alone(region) if _is_strided(types[name])),
        open_names=draft.typed.maybe_assigned,
        mixed=tuple(name for name, _ in draft.typed.kinds),
        has_copies=any(
            isinstance(node, Loop) and not all(each.is_last for each in node.cells)
            for node in walk_nodes(program.body)
        ),
        # What checks find out about a loop without end says nothing of the run itself.
        may_outgrow=bool(hazards & FAILURES)
        and (draft.checks is None or _is_endless(program))
        and not draft.saves,
        may_warn=bool(hazards & WARNINGS),
        launches_once=draft.target == "cpu" and launches_once(program),
        redo=draft.redo,
        saves=draft.saves,
        types_hold=_types_hold(region, draft, types),
        lists=draft.typed.lists,
        stored=draft.stored,
        remark=_remark(region.scop.span, draft),
        transforms=draft.transforms,
    )
    made = variant_of(form, options)
    keep(name, form)  # not before it is known to compile
    return made


def _is_endless(program: Program) -> bool:
    return any(isinstance(node, Loop) and node.is_endless for node in walk_nodes(program.body))


def _is_strided(kind: LiveInType) -> bool:
    return isinstance(kind, ArrayType) and kind.layout == "A"


def _remark(span: Span, draft: Draft) -> Reason | None:
    targets = reordered(draft.program)
    if not targets:
        return None
    return SumReordered(span=span, targets=targets, terms=FEWEST_TERMS)


def _types_hold(region: RegionPlan, draft: Draft, types: Mapping[str, LiveInType]) -> str | None:
    tests = [f"{iterations(region.scop.loops[loop])} > 0" for loop in draft.typed.nonempty_loops]
    if draft.target == "cpu":
        walked = walked_through(region.scop, draft.typed)
        tests += [f"min({each}.strides) >= 0" for each in walked if _is_strided(types[each])]
    return " and ".join(tests) or None


def _is_checked_first(typed: TypedProgram, redo: Condition | None) -> bool:
    """Return whether failures must be known before anything is stored.

    Where the interpreter raises, it leaves the later elements as they were: a kernel that
    finds out afterwards has stored them. An integer that outgrew 64 bits raises nothing by
    itself; the interpreter simply runs the region again, if it may.
    """
    failures = typed.hazards & FAILURES
    if failures & ~INTEGER_OVERFLOW or (failures and _stores_outgrown(typed)):
        return True
    return bool(failures) and (redo is None or redo.text != "True")


def _stores_outgrown(typed: TypedProgram) -> bool:
    """Return whether storing an integer that outgrew 64 bits may raise OverflowError.

    An array of integers cannot hold it; one of floats can, if it is but little larger.
    """
    outgrown = [
        (statement, node)
        for _, statement in typed.statements
        for node in walk_statement(statement)
        if isinstance(node, Operation) and node.hazards & INTEGER_OVERFLOW
    ]
    if not any(isinstance(statement, Store) for _, statement in typed.statements):
        return False
    return any(
        not isinstance(statement, Store)
        or node.name in {"**", "<<"}
        or np.dtype(statement.value.type.dtype).kind in "iu"
        for statement, node in outgrown
    )


def lowered(
    region: RegionPlan,
    found: tuple[TypedProgram, Schedule],
    types: Mapping[str, LiveInType],
    name: str,
    file: str,
) -> Program:
    """Return the loop tree of a region for the given types."""
    typed, schedule = found
    arrays = {key: value for key, value in types.items() if isinstance(value, ArrayType)}
    for each in typed.lists:
        arrays[each.name] = replace(arrays[each.name], dtype=each.after.dtype, element=each.after)
    identifier = re.sub(r"\W", "_", name)
    program = lower(region.scop, schedule, typed, arrays, name=identifier, file=Path(file).name)
    alone = {array.name for array in region.memory.arrays}
    shared = (each.name for each in region.scop.given_arrays if each.name not in alone)
    return without_lost(replace(program, overlapping=frozenset(shared)))


def generated(program: Program, target: Target, options: Options) -> str:
    """Return the source of the module that runs `program` on a target."""
    if target == "cuda":
        return generate_cuda(program, fastmath=options.fastmath)
    return generate_cpu(program, fastmath=options.fastmath)


def _unfit(span: Span, target: Target, program: Program) -> Refusal | None:
    """Return why a region may not run on a target although it can be typed."""
    if target == "cpu":
        return None
    if not has_parallel_loop(program) and not any(e.is_staggered for e in kernels_of(program)):
        feature = "way to share out a region without a parallel loop"
        return Refusal(reasons=(TargetLacksFeature(span=span, target=target, feature=feature),))
    return lacking(program)


def has_parallel_loop(program: Program) -> bool:
    """Return whether any loop of the program may be shared out."""
    return any(
        isinstance(node, Loop) and (node.is_shared or node.passes is not None)
        for node in walk_nodes(program.body)
    )
