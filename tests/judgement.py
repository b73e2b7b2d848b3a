"""The static stage held against what programs really do: program, argument points -> disagreements.

Before:  for i in range(n): a[i + k] = a[i]      claimed: parallel when k == 0 or k >= n or k <= -n
After:   at n = 8, k = 1 the oracle finds a carried flow, the condition is false: they agree

A point counts for a region where the region's own assumptions hold there (`in_bounds`), and the program runs through.
"""

from __future__ import annotations

import ast
import itertools
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import FrameType
from typing import Any

import numpy as np

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.facts import NOTHING, Facts
from autopar.analysis.model.plan import (
    DeferredRegion,
    LoopPlan,
    Plan,
    RegionPlan,
)
from autopar.analysis.model.source import SourceText, Span
from autopar.analysis.passes.subscript_forms import counts_from_the_end
from autopar.analysis.stages import analyze, functions_of, plan_with_values
from tests.arguments import Array
from tests.oracle import Loop, Recording, conflicts, private_scalars, record, verdict
from tests.program import BOX, Program
from tests.recording import FILE_NAME


def analyzed(source: str, facts: Facts = NOTHING) -> Plan:
    """Return the plan of the last function of `source`, by default the static one."""
    functions = functions_of(SourceText(path=FILE_NAME, text=source, cell=None))
    plan = analyze(functions[-1], facts)
    assert isinstance(plan, Plan), plan
    return plan


def evaluated(text: str, scope: Mapping[str, object]) -> Any:
    """Return the value of a condition or of a last value, as a guard would compute it."""
    return eval(text, {"min": min, "max": max}, dict(scope))


@dataclass(frozen=True, kw_only=True)
class Stray:
    """A subscript that was not what most are, where it stands in the source."""

    line: int
    column: int  # of the element
    axis: int
    is_outside: bool  # IndexError; else negative and in range


@dataclass(frozen=True, kw_only=True)
class Point:
    """One call: what it was given, by parameter name, and what it did."""

    scope: Mapping[str, object]
    arguments: Sequence[object]
    run: Recording
    stray: frozenset[Stray]  # subscripts that were negative or out of range

    def admits(self, region: RegionPlan) -> bool:
        """Return whether the region's assumptions hold, by its own conditions."""
        return all(evaluated(each.text, self.scope) for each in region.in_bounds)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A source and some calls of its last function."""

    source: str
    calls: tuple[tuple[Mapping[str, object], Sequence[object]], ...]
    facts: Facts = NOTHING  # what the analysis may rely on at all points

    @staticmethod
    def of(
        program: Program, box: Sequence[Mapping[str, int]] = BOX, facts: Facts = NOTHING
    ) -> Case:
        """Return a drawn program at the points of `box`."""
        names = [*(each.name for each in program.arrays), *program.numbers]
        given = [program.arguments(values) for values in box]
        return Case(
            source=program.source,
            calls=tuple((dict(zip(names, each, strict=True)), each) for each in given),
            facts=facts,
        )

    @staticmethod
    def at(source: str, **box: Sequence[object]) -> Case:
        """Return `source` at points given as one sequence of values for each parameter, in order."""
        columns = [tuple(column) for column in box.values()]
        calls = [dict(zip(box, row, strict=True)) for row in zip(*columns, strict=True)]
        return Case(source=source, calls=tuple((each, list(each.values())) for each in calls))

    @cached_property
    def plan(self) -> Plan:
        return analyzed(self.source, self.facts)

    @property
    def regions(self) -> tuple[RegionPlan, ...]:
        """The static regions that stand for themselves, not inside a nest that a call decides."""
        return tuple(each for each in self.plan.regions if self.deferred_at(each.scop.span) is None)

    def deferred_at(self, span: Span) -> DeferredRegion | None:
        """Return the deferred nest around a loop."""
        return next((each for each in self.plan.deferred if each.span.contains(span)), None)

    def planned(self, deferred: DeferredRegion, point: Point) -> RegionPlan | Refusal:
        """Return what a call with the values of `point` would find."""
        values = tuple((name, int(evaluated(name, point.scope))) for name in deferred.names)
        key = (deferred.span, values)
        if key not in self._planned:
            self._planned[key] = plan_with_values(deferred, Facts(values=values))
        return self._planned[key]

    @cached_property
    def _planned(self) -> dict[object, RegionPlan | Refusal]:
        return {}

    @cached_property
    def points(self) -> tuple[Point, ...]:
        return tuple(
            Point(
                scope=scope,
                arguments=arguments,
                run=record(accumulating(self.source), arguments),
                stray=strays(self.source, arguments),
            )
            for scope, arguments in self.calls
        )


class Checked:
    """An array that notes every subscript that is negative or out of range, and goes on."""

    def __init__(self, array: Array, found: set[Stray]) -> None:
        self._array = array
        self._found = found
        self.shape = array.shape

    def __len__(self) -> int:
        return len(self._array)

    def __array__(self, dtype: object = None, copy: object = None) -> Array:
        """Let NumPy make an array like this one."""
        return self._array

    def __getitem__(self, index: Any) -> object:
        if self._is_outside(index):
            return self._array.dtype.type(0)
        return self._array[index]

    def __setitem__(self, index: object, value: object) -> None:
        self._is_outside(index)

    def _is_outside(self, index: object) -> bool:
        parts = index if isinstance(index, tuple) else (index,)
        pairs = list(zip(parts, self.shape, strict=True))
        outside = [not -n <= i < n for i, n in pairs]
        if any(outside) or any(i < 0 for i, _ in pairs):
            line, column = _place(sys._getframe(2))
            self._found |= {
                Stray(line=line, column=column, axis=axis, is_outside=outside[axis])
                for axis, (i, _) in enumerate(pairs)
                if outside[axis] or i < 0
            }
        return any(outside)


class Numpy:
    """NumPy, but that new arrays note strays too."""

    def __init__(self, found: set[Stray]) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        if name.removesuffix("_like") not in {"zeros", "ones", "full", "empty"}:
            return found
        return lambda *given: Checked(found(*given), self._found)


def _place(frame: FrameType) -> tuple[int, int]:
    """Return line and column of what `frame` is at."""
    positions = itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None)
    line, _, column, _ = next(positions)
    assert line is not None
    assert column is not None
    return line, column


def strays(source: str, arguments: Sequence[object]) -> frozenset[Stray]:
    """Return the subscripts that leave an array or wrap; values must not steer the program."""
    found: set[Stray] = set()
    space: dict[str, Any] = {"np": Numpy(found)}
    exec(compile(source, FILE_NAME, "exec"), space)
    function = [each for each in space.values() if getattr(each, "__code__", None)][-1]
    given = [Checked(each, found) if isinstance(each, np.ndarray) else each for each in arguments]
    try:
        with np.errstate(all="ignore"):
            function(*given)
    except (NameError, ArithmeticError, ValueError, TypeError, IndexError):  # the program's own
        pass
    return frozenset(found)


def loop_of(region: RegionPlan, plan: LoopPlan) -> Loop:
    """Return the position of a loop as the oracle names it."""
    span = region.scop.loops[plan.loop].span
    return Loop(span.line, span.column)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One loop: what was claimed, and the truth at every point that counts for it."""

    loop: Loop
    claim: str
    region: RegionPlan | None
    plan: LoopPlan | None
    truths: tuple[tuple[Point, str, str], ...]  # (point, claimed there, true there)

    @property
    def is_sound(self) -> bool:
        return all(
            true in {"parallel", claimed} or claimed in {"sequential", "unsupported"}
            for _, claimed, true in self.truths
        )

    @property
    def truth(self) -> str:
        """The class of the loop by the oracle; idle where no point counts."""
        found = {true for _, _, true in self.truths}
        if not found:
            return "idle"
        if "sequential" in found:
            return "sequential" if found == {"sequential"} else "conditional"
        return "reduction" if "reduction" in found else "parallel"

    @property
    def is_too_narrow(self) -> bool:
        """Whether the condition is false somewhere although the loop is parallel there.

        That one of several updates is alone at some points, and a reduction there, is not asked, nor
        what takes private arrays or copies of values from before the loop.
        """
        return any(
            claimed == "sequential" and verdict(point.run, self.loop) == "parallel"
            for point, claimed, _ in self.truths
        )

    @property
    def is_exact(self) -> bool:
        """Whether the claim is the true verdict at every point."""
        if self.claim == "unsupported" or any(
            claimed == "unsupported" for _, claimed, _ in self.truths
        ):
            return False
        return all(_same(claimed, true) for _, claimed, true in self.truths) and not (
            self.claim == "reduction" and self.truth == "parallel"
        )


def _same(claimed: str, true: str) -> bool:
    return (claimed == "sequential") == (true == "sequential")


def judge(case: Case) -> Iterator[Judged]:
    """Yield every `for` loop of the case with its claim and its truth."""
    variables = {each.id for each in _targets(case.source)}
    for region in case.regions:
        for plan in region.loops:
            if region.scop.loops[plan.loop].is_fill:
                continue
            loop = loop_of(region, plan)
            truths = tuple(
                (point, claimed_at(plan, point), verdict(point.run, loop, plan.private))
                for point in case.points
                if point.run.exception is None
                and point.admits(region)
                and is_of_interest(point.run, loop, variables)
            )
            yield Judged(loop=loop, claim=plan.verdict, region=region, plan=plan, truths=truths)
    for each in case.plan.unsupported:
        yield _at_values(case, each.span, variables)
    for region in case.plan.regions:
        if case.deferred_at(region.scop.span):
            for shape in region.scop.loops:
                yield _at_values(case, shape.span, variables)


def _at_values(case: Case, span: Span, variables: set[str]) -> Judged:
    """Return the judgement on a loop by what is claimed for the values of each point."""
    loop = Loop(span.line, span.column)
    claim = "unsupported" if case.deferred_at(span) is None else "deferred"
    truths = []
    for point in case.points:
        if point.run.exception is None and is_of_interest(point.run, loop, variables):
            private, claimed = _claimed_with_values(case, span, point)
            if claimed:
                truths.append((point, claimed, verdict(point.run, loop, private)))
    return Judged(loop=loop, claim=claim, region=None, plan=None, truths=tuple(truths))


def _claimed_with_values(case: Case, span: Span, point: Point) -> tuple[tuple[str, ...], str]:
    """Return what is private and what is claimed with the values of a point; "" where it does not count."""
    deferred = case.deferred_at(span)
    if deferred is None:
        return (), "unsupported"
    region = case.planned(deferred, point)
    if isinstance(region, Refusal):
        return (), "unsupported"
    try:
        is_admitted = point.admits(region)
    except NameError:  # the variable of a loop around the nest: each iteration decides anew
        return (), "unsupported"
    if not is_admitted:
        return (), ""
    plan = next(each for each in region.loops if region.scop.loops[each.loop].span == span)
    return plan.private, claimed_at(plan, point)


def _targets(source: str) -> Iterator[ast.Name]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            yield node.target


def is_of_interest(run: Recording, loop: Loop, variables: set[str]) -> bool:
    """Return whether two iterations of `loop` touch anything but loop variables."""
    return any(
        step.loop == loop and step.number > 0
        for event in run.events
        if event.variable not in variables
        for step in event.steps
    )


def accumulating(source: str) -> str:
    """Return `source` with `x -= e` and `x = x - e` as sums, which they are but for a sign.

    No position changes and no access; the oracle reduces sums only.
    """
    lines = [re.sub(r"^(\s*(\S.*?) = \2) - ", r"\1 + ", line) for line in source.split("\n")]
    return "\n".join(line.replace(" -= ", " += ") for line in lines)


def claimed_at(plan: LoopPlan, point: Point) -> str:
    """Return what the verdict says for the arguments of a point."""
    if plan.verdict != "conditional":
        return plan.verdict
    assert plan.condition is not None
    if not evaluated(plan.condition.text, point.scope):
        return "sequential"
    return "reduction" if plan.reductions else "parallel"


def faults(case: Case) -> Iterator[str]:
    """Yield every way in which the static stage is wrong about the case; inexactness is none."""
    for region in case.regions:
        yield from _bounds_faults(case, region)
        yield from _dependence_faults(case, region)
    for judged in judge(case):
        if not judged.is_sound:
            yield f"unsound: {judged.loop} claimed {judged.claim}, is {judged.truth}"
        if judged.claim == "conditional" and judged.is_too_narrow:
            text = judged.plan.condition.text if judged.plan and judged.plan.condition else ""
            yield f"inexact condition of {judged.loop}: {text}"
        yield from _private_faults(judged)


def _bounds_faults(case: Case, region: RegionPlan) -> Iterator[str]:
    span = region.scop.span
    counted = _counted_from_the_end(region)
    for point in case.points:
        inside = (each for each in point.stray if span.line <= each.line <= span.end_line)
        wrong = [
            each
            for each in inside
            if each.is_outside or (each.line, each.column, each.axis) not in counted
        ]
        failed = point.run.exception
        has_run = failed is None or isinstance(failed, IndexError)
        if has_run and point.admits(region) == bool(wrong):
            yield f"in_bounds is {point.admits(region)} at {_numbers(point)}, astray: {wrong}"


def _counted_from_the_end(region: RegionPlan) -> set[tuple[int, int, int]]:
    """Return line, column and axis of the subscripts that the model lets be negative."""
    found = set()
    for statement in region.scop.statements:
        for access in statement.accesses:
            for axis, index in enumerate(access.indices):
                if counts_from_the_end(index):
                    found.add((access.span.line, access.span.column, axis))
    return found


def _dependence_faults(case: Case, region: RegionPlan) -> Iterator[str]:
    for plan in region.loops:
        loop = loop_of(region, plan)
        told = {
            (each.kind, each.array, each.source_span.line, each.sink_span.line)
            for each in plan.dependences
        }
        excused = {*plan.private, *(each.target for each in plan.reductions)}
        excused |= {each.variable for each in region.scop.loops}
        for point in case.points:
            if point.run.exception is not None or not point.admits(region):
                continue
            true = {
                (each.kind, each.variable, each.source_line, each.sink_line)
                for each in conflicts(point.run, loop)
                if each.variable not in excused
            }
            if not true <= told:
                yield f"dependences of {loop} lack {true - told} at {_numbers(point)}"


def _private_faults(judged: Judged) -> Iterator[str]:
    if judged.plan is None or judged.region is None:
        return
    known = {*judged.plan.private, *(each.target for each in judged.plan.reductions)}
    known |= {each.variable for each in judged.region.scop.loops}
    for point, claimed, _ in judged.truths:
        if claimed == "sequential":
            continue
        needed = private_scalars(point.run, judged.loop)
        if not needed <= known:
            yield f"private at {_numbers(point)}: {needed} but claimed {judged.plan.private}"


def _numbers(point: Point) -> dict[str, object]:
    return {name: value for name, value in point.scope.items() if isinstance(value, int)}
