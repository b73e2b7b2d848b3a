"""What the static stage claims of drawn programs, held against what they do.

The profile decides how many are drawn (`HYPOTHESIS_PROFILE=nightly`: thousands). How exact the verdicts are:
`python -m tests.exactness`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import islpy
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from autopar.analysis.model import isl
from autopar.analysis.model.facts import NOTHING, Facts
from autopar.analysis.model.loop_ir import Binary, Call, Constant, Expression, Extent, Name, Unary
from autopar.analysis.model.plan import Condition, RegionPlan
from autopar.analysis.model.scop import Access, Scop, Statement
from autopar.analysis.passes.dependences import accesses_to, carried_by, cells, find_conflicts
from autopar.analysis.passes.order import original_schedule
from autopar.analysis.passes.privatization import is_allocated_inside
from autopar.analysis.stages import redo_condition
from tests.coincidence import differing_order
from tests.draft import Draft, indented
from tests.effort import some
from tests.families import counted_from_the_end, draw_program
from tests.judgement import Case, Point, analyzed, claimed_at, evaluated, faults, loop_of
from tests.program import BOX, ArraySpec, Program
from tests.properties.scalar_nests import SMALL_BOX, draw_scalar_nest
from tests.storage_nests import STORAGE_BOX, draw_storage_nest
from tests.strategies import DrawnChoices, RandomChoices, programs

patient = settings(suppress_health_check=list(HealthCheck))


@st.composite
def scalar_nests(draw: st.DrawFn) -> Program:
    return draw_scalar_nest(DrawnChoices(draw))


@st.composite
def storage_nests(draw: st.DrawFn) -> Program:
    return draw_storage_nest(DrawnChoices(draw))


def cases() -> st.SearchStrategy[Case]:
    return st.one_of(
        programs().map(lambda program: Case.of(program, BOX[::2])),
        scalar_nests().map(lambda program: Case.of(program, SMALL_BOX)),
        storage_nests().map(lambda program: Case.of(program, STORAGE_BOX)),
    )


@patient
@given(cases())
def test_every_claim_is_true_at_every_point(case: Case) -> None:
    assert [] == list(faults(case))


WRAPS = Facts(wraps=True)


@patient
@given(cases())
def test_every_claim_is_true_where_any_subscript_may_be_negative(case: Case) -> None:
    assert [] == list(faults(replace(case, facts=WRAPS)))


@patient
@given(st.sampled_from(BOX), st.integers(0, 12), st.randoms(use_true_random=False))
def test_every_claim_is_true_for_subscripts_that_count_from_the_end(
    point: Mapping[str, int], extent: int, generator: random.Random
) -> None:
    draft = Draft(choices=RandomChoices(generator), dtype="float64", start=0)
    source = "\n".join(["def kernel(a, b, u, n, m, k):", *indented(counted_from_the_end(draft))])
    arrays = [ArraySpec(name=name, rank=rank, dtype="float64").build(extent)
              for name, rank in (("a", 1), ("b", 1), ("u", 2))]  # fmt: skip
    names = ("a", "b", "u", "n", "m", "k")
    arguments = [*arrays, point["n"] % 8, point["m"], point["k"]]
    for facts in (NOTHING, WRAPS):
        calls = ((dict(zip(names, arguments, strict=True)), arguments),)
        case = Case(source=source, calls=calls, facts=facts)
        assert [] == list(faults(case)), source


@pytest.mark.parametrize("seed", some(range(0, 400, 40)))
def test_every_claim_is_true_for_seeded_programs(seed: int) -> None:
    for number in range(seed, seed + 5):
        choices = RandomChoices(random.Random(number))
        case = Case.of(draw_program(choices))
        assert [] == list(faults(case))
        assert [] == list(faults(replace(case, facts=WRAPS)))
        assert [] == list(faults(Case.of(draw_scalar_nest(choices), SMALL_BOX)))
        assert [] == list(faults(Case.of(draw_storage_nest(choices), STORAGE_BOX)))


# --------------------------------------------------------------------- what runs at the same time


@patient
@given(cases())
def test_coincident_loops_leave_what_the_loop_leaves(case: Case) -> None:
    for region, point in itertools.product(case.plan.regions, case.points[::2]):
        if point.run.exception is not None or not point.admits(region):
            continue
        loops = [
            loop_of(region, plan)
            for plan in region.loops
            if plan.is_coincident
            and claimed_at(plan, point) == "parallel"
            and not region.scop.loops[plan.loop].is_fill
        ]
        variables = {each.variable for other in case.plan.regions for each in other.scop.loops}
        arrays = {
            loop_of(region, plan): [
                each
                for each in plan.private_arrays
                if not is_allocated_inside(region.scop, each.name, plan.loop)
            ]
            for plan in region.loops
            if not region.scop.loops[plan.loop].is_fill
        }
        for chosen in [*([loop] for loop in loops), loops]:
            assert None is differing_order(
                case.source, point.arguments, chosen, variables, arrays
            ), chosen


# --------------------------------------------------------------------------------- dependences


def isl_text(expression: Expression, names: Mapping[str, str]) -> str:
    """Return an affine expression in isl's notation, by itself and not through the passes."""
    match expression:
        case Constant(value=value):
            return str(value)
        case Name(name=name):
            return names[name]
        case Extent():
            return names[f"{expression.array}.shape[{expression.axis}]"]
        case Unary(operator=operator):
            return f"({operator}{isl_text(expression.operand, names)})"
        case Binary(operator=operator):
            left, right = isl_text(expression.left, names), isl_text(expression.right, names)
            form = {"//": f"floor(({left})/{right})", "%": f"(({left}) mod {right})"}
            return form.get(operator, f"({left} {operator} {right})")
    raise AssertionError(expression)


def positions(access: Access, axis: int, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return when a subscript stands for which position of its axis: (constraint, form)."""
    match access.indices[axis]:
        case Call(function="wrapped", arguments=(inner,)):
            form, extent = isl_text(inner, names), names[f"{access.array}.shape[{axis}]"]
            return [(f"{form} >= 0", form), (f"-{extent} <= {form} < 0", f"{extent} + {form}")]
        case index:
            return [("0 = 0", isl_text(index, names))]


def primed(scop: Scop, accesses: Sequence[tuple[Statement, Access]], loop: int) -> islpy.Set:
    """Return the pairs of instances that touch one cell, source earlier in `loop`, as one flat set."""
    parameters = {each.text: each.name for each in scop.parameters}
    given = [isl_domain(statement) for statement, _ in accesses]
    letters = ("x", "y")
    names = [
        [f"{letter}{level}" for level in range(len(statement.loops))]
        for letter, (statement, _) in zip(letters, accesses, strict=True)
    ]
    forms = []
    for (statement, access), here in zip(accesses, names, strict=True):
        scope = parameters | {
            scop.loops[each].variable: name
            for each, name in zip(statement.loops, here, strict=True)
        }
        forms.append([positions(access, axis, scope) for axis in range(len(access.indices))])
    level = scop.loops[loop].depth
    tests = [
        "(" + " or ".join(
            f"({here} and {there} and {one} = {two})"
            for (here, one), (there, two) in itertools.product(*pair)
        ) + ")"
        for pair in zip(*forms, strict=True)
    ]  # fmt: skip
    tests += [f"x{outer} = y{outer}" for outer in range(level)]
    tests.append(f"x{level} {'<' if scop.loops[loop].step > 0 else '>'} y{level}")
    text = f"[{', '.join(parameters.values())}] -> {{ [{', '.join(names[0] + names[1])}] : {' and '.join(tests)} }}"
    both = given[0].flat_product(given[1]).reset_tuple_id()
    return (
        islpy.Set.read_from_str(both.get_ctx(), text).align_params(both.get_space()).intersect(both)
    )


def isl_domain(statement: Statement) -> islpy.Set:
    return statement.domain.raw.reset_tuple_id()


@patient
@given(st.one_of(programs(), scalar_nests()))
def test_two_primed_copies_conflict_exactly_where_the_analysis_says(program: Program) -> None:
    for region in analyzed(program.source).regions:
        scop = region.scop
        conflicts = find_conflicts(scop)
        for loop in range(len(scop.loops)):
            claimed: dict[tuple[str, ...], isl.Map] = {
                (each.kind, each.array, each.source.name, each.sink.name): each.relation
                for each in carried_by(scop, conflicts, loop)
            }
            inside = scop.statements_in(loop)
            for array, source, sink in itertools.product(scop.arrays, inside, inside):
                for kind, first, second in (
                    ("flow", "write", "read"), ("anti", "read", "write"), ("output", "write", "write"),
                ):  # fmt: skip
                    found = [
                        primed(scop, [(source, one), (sink, two)], loop)
                        for one in accesses_to(source, array.name, first)  # type: ignore[arg-type] # a literal
                        for two in accesses_to(sink, array.name, second)  # type: ignore[arg-type] # a literal
                    ]
                    relation = claimed.get((kind, array.name, source.name, sink.name))
                    if relation is None:
                        assert all(each.is_empty() for each in found)
                    else:
                        params = found[0].params()
                        for each in found[1:]:
                            params = params.union(each.params())
                        assert isl.Set(params) == relation.params()


@patient
@given(scalar_nests())
def test_value_based_flow_is_the_latest_earlier_write(program: Program) -> None:
    for region in analyzed(program.source).regions:
        scop = region.scop
        for name in (each.name for each in scop.arrays if each.rank == 0):
            found = [
                [
                    cells(each, own)
                    for each in scop.statements
                    if (own := accesses_to(each, name, effect))
                ]
                for effect in ("write", "read")
            ]
            if all(found):
                writes, reads = (isl.UnionMap.of(tuple(each)) for each in found)
                time = original_schedule(scop)
                try:
                    expected = isl.last_writes(writes, reads, time)
                except isl.BudgetExhaustedError:
                    reject()  # one maximum over all writes is the costlier way
                assert expected == isl.value_based_flow(writes, reads, time)


# ---------------------------------------------------------------------- conditions, last values


def values_at(region: RegionPlan, point: Point) -> tuple[tuple[str, int], ...]:
    """Return the identifiers of the region with their values, extents of arrays included."""
    found = {each.name: evaluated(each.text, point.scope) for each in region.scop.parameters}
    for array in region.scop.arrays:
        if array.allocation is not None:
            continue  # conditions speak of what its extents are made of
        for axis in range(array.rank):
            extent = point.scope[array.name].shape[axis]  # type: ignore[attr-defined] # an array
            found.setdefault(f"extent_{axis}_of_{array.name}", extent)
    return tuple(found.items())


@patient
@given(cases())
def test_the_text_of_a_condition_is_its_set(case: Case) -> None:
    for region in case.plan.regions:
        conditions = [plan.condition for plan in region.loops if plan.condition is not None]
        conditions += [*region.in_bounds, *filter(None, [region.live_out_defined])]
        redo = redo_condition(region)
        if isinstance(redo, Condition):
            conditions.append(redo)
        for condition, point in itertools.product(conditions, case.points):
            at = values_at(region, point)
            assert condition.set.contains(at) == bool(evaluated(condition.text, point.scope)), (
                condition
            )


@patient
@given(scalar_nests())
def test_last_values_are_what_the_loop_leaves(program: Program) -> None:
    source = program.source.split("    return ")[0] + "    return dict(locals())\n"
    case = Case.of(Program(source=source, family="", arrays=program.arrays, numbers=program.numbers, is_roomy=True), SMALL_BOX)  # fmt: skip
    (region,) = case.plan.regions or (None,)
    assume(region is not None and region.last_values is not None)
    assert region is not None
    for point in case.points:
        if point.run.exception is None and region.live_out_defined is not None:
            left = point.run.returned
            assert isinstance(left, dict)
            defined = all(name in left for name in region.scop.live_out)
            told = bool(evaluated(region.live_out_defined.text, point.scope))
            assert defined or not told
            for name, text in region.last_values or ():
                if told:
                    assert left[name] == evaluated(text, point.scope), (name, text)


# ------------------------------------------------------------------------------------- redo


class Interrupted(Exception):
    """The run was stopped after some stores."""


class Fused(list[float]):
    """A vector that raises at a store when its shared fuse is burnt down."""

    def __init__(self, values: Sequence[float], fuse: list[int]) -> None:
        super().__init__(values)
        self.shape = (len(self),)
        self.fuse = fuse

    def __setitem__(self, index: Any, value: Any) -> None:
        self.fuse[0] -= 1
        if self.fuse[0] < 0:
            raise Interrupted
        super().__setitem__(index, value)


@patient
@given(scalar_nests(), st.integers(0, 12), st.sampled_from(SMALL_BOX))
def test_a_region_that_may_be_redone_gives_the_same_after_an_interruption(
    program: Program, stores: int, point: Mapping[str, int]
) -> None:
    regions = analyzed(program.source).regions
    assume(len(regions) == 1)
    redo = redo_condition(regions[0])
    assume(isinstance(redo, Condition))
    assert isinstance(redo, Condition)
    *arrays, n, m, k = program.arguments(point)
    fuse = [10**9]
    scope: dict[str, object] = dict(zip("abc", arrays, strict=True)) | dict(point)
    inside = all(evaluated(each.text, scope) for each in regions[0].in_bounds)
    assume(inside and evaluated(redo.text, scope))
    space: dict[str, object] = {}
    exec(program.source, space)

    def run(vectors: Sequence[Fused]) -> list[list[float]]:
        space["kernel"](*vectors, n, m, k)  # type: ignore[operator]
        return [list(each) for each in vectors]

    fresh = [Fused(each.tolist(), fuse) for each in arrays]  # type: ignore[attr-defined]
    try:
        expected = run(fresh)
    except NameError:
        return
    again = [Fused(each.tolist(), fuse) for each in arrays]  # type: ignore[attr-defined]
    fuse[0] = stores
    try:
        run(again)
    except Interrupted:
        fuse[0] = 10**9
        assert repr(expected) == repr(run(again))
