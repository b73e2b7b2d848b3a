"""The drawn population: its shares by the oracle, and the two instruments held against each other."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.adversary import Claim, first_difference
from tests.arguments import is_same
from tests.families import ROWS, draw_program
from tests.instruments.population import LoopClass, loop_class
from tests.oracle import (
    Loop,
    Recording,
    conflicts,
    is_parallel,
    loops_of,
    private_scalars,
    record,
    verdict,
)
from tests.program import BOX, DTYPES, ArraySpec, Program
from tests.strategies import OVERLAPS, RandomChoices, argument_lists, programs, values

DRAWS = 300


def drawn(seed: int) -> Program:
    return draw_program(RandomChoices(random.Random(seed)))


def shares(population: Iterable[Program]) -> dict[LoopClass, float]:
    """Return the share of each class among the loops that run twice at some point of the box."""
    count: Counter[LoopClass] = Counter()
    for program in population:
        runs = [record(program.source, program.arguments(point)) for point in BOX]
        count.update(loop_class(runs, loop) for loop in loops_of(program.source))
    del count["idle"]
    return {name: found / count.total() for name, found in count.items()}


def test_a_quarter_of_the_loops_each_is_parallel_conditional_and_sequential() -> None:
    found = shares(drawn(seed) for seed in range(DRAWS))
    assert min(found["parallel"], found["conditional"], found["sequential"]) >= 0.25, found
    assert found["reduction"] > 0


def test_hypothesis_draws_a_quarter_of_each_class_too() -> None:
    collected: list[Program] = []

    @settings(
        max_examples=DRAWS,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(programs())
    def collect(program: Program) -> None:
        collected.append(program)

    collect()
    found = shares(collected)
    assert min(found["parallel"], found["conditional"], found["sequential"]) >= 0.25, found


def test_every_family_every_dtype_and_every_depth_is_drawn() -> None:
    population = [drawn(seed) for seed in range(1000)]
    families = {family.__name__ for row in ROWS for family in row}
    assert families == {program.family for program in population}
    assert set(DTYPES) == {array.dtype for program in population for array in program.arrays}
    depths = {max(column // 4 for _, column in loops_of(program.source)) for program in population}
    assert {1, 2, 3} == depths


def test_the_same_seed_draws_the_same_program() -> None:
    assert drawn(5) == drawn(5)


def test_most_programs_run_through_and_some_run_out_of_their_arrays() -> None:
    failures: Counter[type | None] = Counter()
    for seed in range(DRAWS):
        program = drawn(seed)
        error = record(program.source, program.arguments(BOX[0])).exception
        failures[type(error) if error is not None else None] += 1
    assert failures[None] > 0.85 * DRAWS, failures
    assert failures[IndexError] > 0.02 * DRAWS, failures
    assert {None, IndexError, UnboundLocalError, OverflowError} >= set(failures)


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_are_filled_with_distinct_elements(dtype: str) -> None:
    array = ArraySpec(name="a", rank=2, dtype=dtype).build(9)
    assert isinstance(array, np.ndarray)
    assert np.dtype(dtype) == array.dtype
    assert (2 if dtype == "bool" else 81) == len(np.unique(array))


@given(programs(), values())
def test_the_recording_run_computes_what_the_plain_run_computes(
    program: Program, point: Mapping[str, int]
) -> None:
    run = record(program.source, program.arguments(point))
    namespace: dict[str, object] = {}
    exec(program.source, namespace)
    arguments = program.arguments(point)
    try:
        with np.errstate(all="ignore"):
            returned, error = namespace["kernel"](*arguments), None  # type: ignore[operator]
    except (IndexError, UnboundLocalError, OverflowError, TypeError, ValueError) as raised:
        returned, error = None, raised
    assert (type(error), str(error)) == (type(run.exception), str(run.exception))
    assert is_same(returned, run.returned)
    assert all(is_same(*pair) for pair in zip(arguments, run.arguments, strict=True))


@given(st.data(), programs())
def test_the_adversary_finds_no_order_that_the_oracle_allows_and_that_differs(
    data: st.DataObject, program: Program
) -> None:
    arguments = data.draw(argument_lists(program))
    run = record(program.source, arguments)
    for loop in loops_of(program.source):
        if is_parallel(run, loop):
            private = tuple(sorted(private_scalars(run, loop)))
            claim = Claim(line=loop.line, column=loop.column, private=private)
            with np.errstate(all="ignore"):
                assert None is first_difference(program.source, arguments, claim)


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("form", range(len(OVERLAPS)))
def test_each_overlap_shares_memory_between_two_views(form: int, rank: int) -> None:
    first, second = OVERLAPS[form](np.zeros((8,) * rank))
    assert rank == first.ndim == second.ndim
    interleaved = form == len(OVERLAPS) - 1
    assert np.may_share_memory(first, second)
    assert np.shares_memory(first, second) is not interleaved


def pair_by_pair(run: Recording, loop: Loop) -> set[tuple[str, str, int, int]]:
    """Return the conflicts carried by `loop`, from all pairs of events as the definition has it."""
    found: set[tuple[str, str, int, int]] = set()
    for first, second in itertools.combinations(run.events, 2):
        before = [step for step in first.steps if step.loop == loop]
        after = [step for step in second.steps if step.loop == loop]
        if not (before and after and set(first.cells) & set(second.cells)):
            continue
        is_carried = before[0].entry == after[0].entry and before[0].number != after[0].number
        if is_carried and "write" in {first.kind, second.kind}:
            found.add((first.kind, second.kind, first.line, second.line))
    return found


def test_conflicts_are_those_of_the_definition() -> None:
    kinds = {"flow": ("write", "read"), "anti": ("read", "write"), "output": ("write", "write")}
    compared = 0
    for seed in range(60):
        program = drawn(seed)
        run = record(program.source, program.arguments({"n": 5, "m": 3, "k": seed % 9 - 3}))
        for loop in loops_of(program.source) if len(run.events) < 400 else ():
            expected = pair_by_pair(run, loop)
            compared += bool(expected)
            assert expected == {
                (*kinds[c.kind], c.source_line, c.sink_line) for c in conflicts(run, loop)
            }
    assert compared > 20


def test_the_adversary_finds_most_of_the_sequential_loops() -> None:
    found: Counter[bool] = Counter()
    for seed in range(DRAWS):
        program = drawn(seed)
        arguments = program.arguments(BOX[3])
        run = record(program.source, arguments)
        for loop in loops_of(program.source):
            if run.exception is None and verdict(run, loop) == "sequential":
                private = tuple(sorted(private_scalars(run, loop)))
                claim = Claim(line=loop.line, column=loop.column, private=private)
                with np.errstate(all="ignore"):
                    found[first_difference(program.source, arguments, claim) is not None] += 1
    # the others give the same by their values: one element stored twice, a NaN, a product that is zero
    assert found[True] > 0.7 * found.total() > 50, found
