"""What the analysis claims of arrays that share memory, held against what programs do to it.

Random programs of the families run on random views of one buffer; the oracle knows cells by their addresses.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autopar.analysis.facts.layouts import groups_of, layouts_of
from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.facts import Facts, Layout
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.passes.reasons import BudgetExhausted
from autopar.analysis.stages import plan_region
from tests.adversary import Claim, first_difference
from tests.arguments import Array
from tests.families import draw_program
from tests.judgement import (
    Case,
    Judged,
    Point,
    claimed_at,
    evaluated,
    is_of_interest,
    loop_of,
)
from tests.oracle import verdict
from tests.program import BOX, Choices, Program
from tests.strategies import DrawnChoices, RandomChoices
from tests.views import buffer_for, drawn_view

patient = settings(suppress_health_check=list(HealthCheck))


def overlapping(program: Program, values: Mapping[str, int], choices: Choices) -> list[object]:
    """Return arguments in which arrays of one dtype are views of one buffer, sometimes all but one."""
    arguments = program.arguments(values)
    buffers: dict[str, Array] = {}
    for number, spec in enumerate(program.arrays):
        if choices.integer(1, 5) == 5:
            continue
        given = arguments[number]
        assert isinstance(given, np.ndarray)
        shapes = [each.shape for each in arguments if isinstance(each, np.ndarray)]
        largest = max(shapes, key=lambda shape: int(np.prod([n + 4 for n in shape])))
        memory = buffers.setdefault(spec.dtype, buffer_for(largest, spec.dtype))
        odd = choices.integer(1, 6) == 6
        arguments[number] = drawn_view(choices, memory, given.shape, may_overlap_itself=odd)
    return arguments


def layouts_at(region: RegionPlan, scope: Mapping[str, object]) -> tuple[Layout, ...] | str:
    """Return the layouts of a call as a dispatcher would find them, by brute force."""
    arrays = {each.name: scope[each.name] for each in region.scop.arrays if each.rank > 0}
    named = {name: each for name, each in arrays.items() if isinstance(each, np.ndarray)}
    pairs = [
        (first, second)
        for first, second in region.disjoint
        if np.shares_memory(named[first], named[second])
    ]
    pairs += [(name, name) for name, each in named.items() if 0 in each.strides or _meets(each)]
    return layouts_of(groups_of(tuple(named), tuple(pairs)), named)


def values_at(region: RegionPlan, scope: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    """Return the parameters of a region at a call."""
    texts = [each.text for each in region.scop.parameters]
    return tuple((text, evaluated(text, scope)) for text in texts)


def _meets(array: Array) -> bool:
    places = sum(
        np.arange(extent).reshape([-1 if at == axis else 1 for at in range(array.ndim)]) * stride
        for axis, (extent, stride) in enumerate(zip(array.shape, array.strides, strict=True))
    )
    return np.unique(places).size < array.size


def judged(program: Program, values: Mapping[str, int], choices: Choices) -> Iterator[Judged]:
    """Yield every loop of the program with its claim on overlapping arguments and its truth."""
    arguments = overlapping(program, values, choices)
    names = [*(each.name for each in program.arrays), *program.numbers]
    case = Case(
        source=program.source, calls=((dict(zip(names, arguments, strict=True)), arguments),)
    )
    (point,) = case.points
    if point.run.exception is not None:
        return
    for region in case.plan.regions:
        layouts = layouts_at(region, point.scope)
        if isinstance(layouts, str) or not point.admits(region):
            continue
        is_flat = any(each.strides for each in layouts)
        known = values_at(region, point.scope) if is_flat else ()
        plan = plan_region(region.scop, Facts(values=known, layouts=layouts))
        if isinstance(plan, Refusal):  # what is too much for isl runs in the interpreter
            assert {type(each) for each in plan.reasons} == {BudgetExhausted}, plan
            continue
        yield from _loops(plan, point)


def _loops(region: RegionPlan, point: Point) -> Iterator[Judged]:
    variables = {each.variable for each in region.scop.loops}
    for plan in region.loops:
        loop = loop_of(region, plan)
        truths = ((point, claimed_at(plan, point), verdict(point.run, loop, plan.private)),)
        counts = is_of_interest(point.run, loop, variables)
        yield Judged(
            loop=loop, claim=plan.verdict, region=region, plan=plan, truths=truths if counts else ()
        )


@st.composite
def calls(draw: st.DrawFn) -> tuple[Program, Mapping[str, int], Choices]:
    choices = DrawnChoices(draw)
    return draw_program(choices), choices.one_of(BOX), choices


@patient
@given(calls())
def test_claims_on_overlapping_arrays_are_true(call: tuple[Program, Mapping[str, int], Choices]):
    for each in judged(*call):
        assert each.is_sound, each
        assert not each.is_too_narrow, each


@pytest.mark.parametrize("seed", range(0, 1000, 100))
def test_claims_are_true_and_exact_for_seeded_views(seed: int) -> None:
    seen: Counter[str] = Counter()
    for number in range(seed, seed + 20):
        choices = RandomChoices(random.Random(number))
        program = draw_program(choices)
        for each in judged(program, choices.one_of(BOX), choices):
            assert each.is_sound, (number, each)
            assert not each.is_too_narrow, (number, each)
            seen[each.truth] += 1
    assert seen["parallel"]
    assert seen["sequential"]


@pytest.mark.parametrize("seed", range(2000, 2600, 100))
def test_loops_claimed_parallel_end_alike_in_any_order(seed: int) -> None:
    tried = 0
    for number in range(seed, seed + 12):
        choices = RandomChoices(random.Random(number))
        program = draw_program(choices)
        for each in judged(program, choices.one_of(BOX), choices):
            assert each.plan is not None
            if each.plan.private_arrays:
                continue
            for point, claimed, _ in each.truths:
                if claimed == "parallel":
                    claim = Claim(
                        line=each.loop.line, column=each.loop.column, private=each.plan.private
                    )
                    found = first_difference(point.run.source, point.arguments, claim)
                    assert found is None, (number, found)
                    tried += 1
    assert tried
