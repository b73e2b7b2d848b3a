"""Specialise a region for the types of a call: type, schedule, lower, generate, load.

Before:  a region plan, arguments          After:  a `Variant` whose `run` is compiled code
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from autopar.analysis.facts.arguments import array_type, scalar_type
from autopar.analysis.facts.reasons import CannotStopInside
from autopar.analysis.model import isl
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.plan import Condition, RegionPlan, Schedule
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
from autopar.analysis.model.types import ArrayType, LiveInType, PythonScalar, ScalarType
from autopar.analysis.stages import (
    allocated_types,
    exhausted,
    may_check_first,
    redo_condition,
    specialize,
)
from autopar.codegen import cudalib
from autopar.codegen.cache import NO_CACHE, user_cache
from autopar.codegen.canonical import FEWEST_TERMS
from autopar.codegen.checks import arrays_needed, checks_only
from autopar.codegen.compile import load_module
from autopar.codegen.cpu import generate_cpu, launches_once
from autopar.codegen.cuda import generate_cuda, lacking
from autopar.codegen.dump import dump_program
from autopar.codegen.host import reordered
from autopar.codegen.kernel import Loop, Program, walk_nodes
from autopar.codegen.lower import lower
from autopar.codegen.marks import marked
from autopar.codegen.notes import with_notes
from autopar.codegen.prepare import compile_kernels, types_of
from autopar.codegen.proven import proven
from autopar.codegen.reasons import NoDevice, SumReordered, TargetLacksFeature
from autopar.codegen.reduced import without_rounded

from .aliases import written_alone
from .cost import iterations
from .dumps import NUMBERS, write_text
from .guard import holds
from .lists import StoredList
from .options import Options

Target = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One region, compiled for the types of its arguments and for the conditions that hold."""

    target: Target
    program: Program
    source: str  # of the generated module
    run: Callable[..., tuple[Any, ...]]
    arrays: tuple[str, ...]  # what `run` takes after the launcher: arrays, ...
    scalars: tuple[str, ...]  # ... parameters, and these
    strided: tuple[str, ...]  # written arrays of a type that may overlap itself
    converters: tuple[Callable[[Any], Any], ...]  # make each result what the interpreter leaves
    # Results that may not have been assigned: position and name, in the order of their marks.
    maybe_assigned: tuple[tuple[int, str], ...]
    # Results that are Python numbers where they are no NumPy scalars, and what makes them so.
    mixed: tuple[tuple[int, Callable[[Any], Any]], ...]
    # What is run first, with the same arguments, to see whether anything would fail; None
    # where nothing can, or where failing may be found out afterwards.
    check: Callable[..., tuple[Any, ...]] | None
    has_copies: bool  # threads may add into copies of an array: updates may meet
    may_outgrow: bool  # a Python int may outgrow 64 bits, found out afterwards
    may_warn: bool  # NumPy warnings
    launches_once: bool  # and does nothing else
    redo: Condition | None  # when the region may be run again; None where nobody asks
    # Python over the names of the call; None where nothing is asked. Holds where the loops run
    # on which the types depend: a sum that starts as 0.0 stays a float if nothing is added.
    types_hold: str | None
    lists: tuple[ListElements, ...]  # of its arrays, those that stand for lists
    stored: tuple[StoredList, ...]  # those of these that it stores to
    remark: Reason | None  # what its user should know of its results

    def left_behind(
        self, values: Sequence[Any], passed: tuple[tuple[str, ...], tuple[object, ...]]
    ) -> list[object]:
        """Return the results as the interpreter leaves them, of those that `run` gives.

        `passed` are the names and the values that came in.
        """
        count = len(self.converters)
        found = [convert(value) for convert, value in zip(self.converters, values, strict=False)]
        kinds = values[count + len(self.maybe_assigned) :]
        for (position, as_python), is_numpy in zip(self.mixed, kinds, strict=True):
            if not is_numpy:
                found[position] = as_python(values[position])
        for (position, name), is_assigned in zip(self.maybe_assigned, values[count:], strict=False):
            if not is_assigned:
                names, before = passed
                found[position] = before[names.index(name)]
        return found

    def may_redo(self, named: Mapping[str, object]) -> bool:
        """Return whether the region may be run again from its start, for these arguments."""
        if self.redo is None:
            return False
        return self.redo.text == "True" or holds(self.redo.text, named)


def argument_types(
    region: RegionPlan, values: Mapping[str, object], scalars: tuple[str, ...]
) -> dict[str, LiveInType] | Reason:
    """Return the types of the arrays, parameters and live-in scalars of a call."""
    scop = region.scop
    written = {
        access.array
        for statement in scop.statements
        for access in statement.accesses
        if access.kind != "read"
    }
    types: dict[str, LiveInType] = {}
    arrays = [array.name for array in scop.given_arrays]
    for name in (*arrays, *(name for name in scalars if name not in arrays)):
        value = values[name]
        found: LiveInType | Reason
        if name in arrays:
            found = array_type(name, value, scop.span, is_written=name in written)
        else:
            found = scalar_type(name, value, scop.span)
        if isinstance(found, Reason):
            return found
        types[name] = found
    return types


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
    stored: tuple[StoredList, ...]


def draft_variant(
    region: RegionPlan,
    types: Mapping[str, LiveInType],
    holding: frozenset[int],
    place: tuple[Target, str, str],
    options: Options,
) -> Draft | Refusal:
    """Return the source for a region; `place` is target, region name and user's file."""
    target, name, file = place
    types = allocated_types(region.scop, types)
    found = specialize(region, types, holding, may_copy=target == "cpu")
    if isinstance(found, Refusal):
        return found
    typed, _ = found
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
    refusal = _unfit(region.scop.span, target, program)
    if refusal is not None:
        return refusal
    # What a list grows by has one note for all its parts.
    others = {name for e in region.scop.collects for site in e.sites for name in site.parts[1:]}
    program, stored = _with_stores(program, typed.lists, others)
    may_redo = redo_condition(region, lists) if typed.hazards else None
    if isinstance(may_redo, Refusal):
        return may_redo
    always = isinstance(may_redo, Condition) and may_redo.text == "True"
    program = replace(program, may_rerun=always)
    checks = None
    # What a region does to copies of lists alone, nobody sees if it fails.
    is_seen = any(each.is_written and each.name not in lists for each in program.given_arrays)
    if target == "cpu" and (is_seen or not lists) and _is_checked_first(typed, may_redo):
        only = checks_only(program)
        may_check = may_check_first(region, arrays_needed(only))
        if isinstance(may_check, Refusal):
            return may_check
        if not may_check:
            return Refusal(reasons=(CannotStopInside(span=region.scop.span),))
        checks = only, generated(only, target, options)
        program = proven(program)
    return Draft(
        target=target,
        typed=typed,
        program=program,
        source=generated(program, target, options),
        checks=checks,
        redo=may_redo,
        stored=stored,
    )


def _with_stores(
    program: Program, lists: tuple[ListElements, ...], others: set[str]
) -> tuple[Program, tuple[StoredList, ...]]:
    """Return `program` with notes where bits do not tell what it stores in a list."""
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


def make_variant(
    region: RegionPlan,
    types: Mapping[str, LiveInType],
    holding: frozenset[int],
    place: tuple[Target, str, str],
    options: Options,
) -> Variant | Refusal:
    """Return compiled code for a region; `place` is target, region name and user's file."""
    draft = draft_variant(region, types, holding, place, options)
    if isinstance(draft, Refusal):
        return draft
    if options.dump is not None:
        _dump(draft, Path(options.dump))
    if draft.target == "cuda" and not cudalib.is_available():
        detail = "no CUDA device was found"
        reason = NoDevice(span=region.scop.span, target="cuda", detail=detail)
        return Refusal(reasons=(reason,))
    program, hazards = draft.program, draft.typed.hazards
    open_names, mixed = draft.typed.maybe_assigned, draft.typed.kinds
    results = program.results[: len(program.results) - len(open_names) - len(mixed)]
    return Variant(
        target=draft.target,
        program=program,
        source=draft.source,
        run=loaded(program, draft.source, draft.target, options),
        check=loaded(*draft.checks, draft.target, options) if draft.checks else None,
        arrays=tuple(each.name for each in program.given_arrays),
        scalars=tuple(each.name for each in program.live_in),
        strided=tuple(name for name in written_alone(region) if _is_strided(types[name])),
        converters=tuple(_wrapper(program.variable(each).type) for each in results),
        maybe_assigned=tuple((results.index(name), name) for name in open_names),
        mixed=tuple((results.index(name), _python(program, name)) for name, _ in mixed),
        has_copies=any(isinstance(node, Loop) and node.cells for node in walk_nodes(program.body)),
        # What checks find out about a loop without end says nothing of the run itself.
        may_outgrow=bool(hazards & FAILURES) and (draft.checks is None or _is_endless(program)),
        may_warn=bool(hazards & WARNINGS),
        launches_once=draft.target == "cpu" and launches_once(program),
        redo=draft.redo,
        types_hold=_types_hold(region, draft.typed),
        lists=draft.typed.lists,
        stored=draft.stored,
        remark=_remark(region.scop.span, draft),
    )


def _is_endless(program: Program) -> bool:
    return any(isinstance(node, Loop) and node.is_endless for node in walk_nodes(program.body))


def _is_strided(kind: LiveInType) -> bool:
    return isinstance(kind, ArrayType) and kind.layout == "A"


def _remark(span: Span, draft: Draft) -> Reason | None:
    targets = reordered(draft.program)
    if not targets or draft.target == "cuda":
        return None
    return SumReordered(span=span, targets=targets, terms=FEWEST_TERMS)


def _types_hold(region: RegionPlan, typed: TypedProgram) -> str | None:
    tests = [f"{iterations(region.scop.loops[loop])} > 0" for loop in typed.nonempty_loops]
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


def loaded(
    program: Program, source: str, target: Target, options: Options
) -> Callable[..., tuple[Any, ...]]:
    """Return the function `run` of a generated module, its kernels compiled on the CPU.

    What the compiler raises comes through.
    """
    cache = user_cache() if options.cache else NO_CACHE
    module = load_module(source, cache=cache, types=types_of(program))
    if target == "cpu":
        compile_kernels(module, program)
    run: Callable[..., tuple[Any, ...]] = module.run
    return run


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
    return replace(program, overlapping=frozenset(shared))


def generated(program: Program, target: Target, options: Options) -> str:
    """Return the source of the module that runs `program` on a target."""
    if target == "cuda":
        return generate_cuda(program, fastmath=options.fastmath)
    return generate_cpu(program, fastmath=options.fastmath)


def _unfit(span: Span, target: Target, program: Program) -> Refusal | None:
    """Return why a region may not run on a target although it can be typed."""
    if target == "cpu":
        return None
    if not has_parallel_loop(program):
        feature = "way to share out a region without a parallel loop"
        return Refusal(reasons=(TargetLacksFeature(span=span, target=target, feature=feature),))
    return lacking(program)


def has_parallel_loop(program: Program) -> bool:
    """Return whether any loop of the program may be shared out."""
    return any(isinstance(node, Loop) and node.is_parallel for node in walk_nodes(program.body))


def _python(program: Program, name: str) -> Callable[[Any], Any]:
    """Return what makes a Python number of a scalar's value."""
    dtype = program.variable(name).type.dtype
    return {"b": bool, "i": int, "u": int, "f": float, "c": complex}[dtype[0]]


def _wrapper(kind: ScalarType) -> Callable[[Any], Any]:
    """Return what turns a kernel's number into the type that the interpreter would leave."""
    if isinstance(kind, PythonScalar):
        return {"bool": bool, "int": int, "float": float, "complex": complex}[kind.kind]
    return np.dtype(kind.dtype).type
