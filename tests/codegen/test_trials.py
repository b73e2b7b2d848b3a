"""Trials: which launches are tried, in which order, and what is kept of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from autopar.codegen import pool as pool_module
from autopar.codegen import trials as trials_module
from autopar.codegen.forced import Alone, Together
from autopar.codegen.pool import Pool
from autopar.codegen.trials import (
    HELD_LONGER,
    HELD_NS,
    MOST_TRIES,
    MOST_WAITED,
    TRIES,
    Trial,
    Trials,
)
from autopar.codegen.uneven import unsure
from autopar.shortcuts import LEARNED_AT

LIMIT = 20_000
MS = 1_000_000  # that is long enough for a launch to be one of few


def tried(trial: Trial, *, alone: int, together: int, unit: int = MS) -> list[bool]:
    """The ways taken until `trial` is decided, its launches taking so long on either."""
    ways = []
    while trial.is_open(0):
        ways.append(trial.stays)
        taken = unit * (alone if trial.stays else together)
        trial.note(taken, taken, stayed=trial.stays)
    return ways


@pytest.mark.parametrize("predicted", [True, False])
def test_both_ways_are_tried_the_predicted_one_first(predicted) -> None:
    ways = tried(Trial(predicted=predicted), alone=10, together=20)
    again = [] if predicted else [True, *[False] * TRIES]
    assert [predicted] * TRIES + [not predicted] * TRIES + again == ways


def test_no_trial_lasts_longer_than_native_code_waits_for_it() -> None:
    ways = tried(Trial(predicted=False), alone=1, together=2, unit=1000)
    assert 3 * MOST_TRIES + MOST_WAITED == len(ways) < max(LEARNED_AT)
    assert len(ways) < 256


def test_a_core_that_was_lent_for_a_moment_decides_nothing() -> None:
    trial = Trial(predicted=False)
    lent = iter([MS] * TRIES)
    while trial.is_open(0):
        taken = MS // 10 if trial.stays else next(lent, MS // 30)
        trial.note(taken, taken, stayed=trial.stays)
    assert not trial.stays
    assert False is trial.stays_natively


@pytest.mark.parametrize("predicted", [True, False])
@pytest.mark.parametrize(("alone", "together"), [(10, 20), (20, 10), (1000, 30)])
def test_the_shorter_way_is_kept(predicted, alone, together) -> None:
    trial = Trial(predicted=predicted)
    tried(trial, alone=alone, together=together)
    assert (alone < together) == trial.stays


@pytest.mark.parametrize("predicted", [True, False])
def test_a_small_difference_leaves_the_prediction(predicted) -> None:
    for alone, together in ((100, 93), (93, 100), (100, 100)):
        trial = Trial(predicted=predicted)
        tried(trial, alone=alone, together=together)
        assert predicted == trial.stays


def test_the_shortest_launch_counts() -> None:
    trial = Trial(predicted=True)
    for number in itertools.count():
        if not trial.is_open(0):
            break
        if trial.stays:
            trial.note(MS * (900 if number % TRIES else 10), MS * 900, stayed=True)
        else:
            trial.note(MS * 20, MS * 20, stayed=False)
    assert trial.stays
    assert not trial.stays_natively


@pytest.mark.parametrize(("taken", "count"), [(5_000, MOST_TRIES), (50_000, 20), (MS, TRIES)])
def test_short_launches_are_tried_until_threads_are_awake(taken, count) -> None:
    trial = Trial(predicted=False)
    for _ in range(count):
        assert not trial.stays
        trial.note(taken, taken, stayed=False)
    assert trial.stays


def test_nothing_is_said_of_native_launches_before_all_is_tried() -> None:
    trial = Trial(predicted=False)
    for _ in range(TRIES):
        assert trial.stays_natively is None
        trial.note(MS * 30, MS * 10, stayed=False)
    for _ in range(TRIES):
        assert trial.stays_natively is None
        trial.note(MS * 20, MS * 20, stayed=True)
    for _ in range(1 + TRIES):  # once more, after a while
        assert trial.stays_natively is None
        trial.note(MS * 30, MS * 10, stayed=False)
    assert trial.stays
    assert False is trial.stays_natively


def test_what_is_decided_is_tried_again_and_later_each_time(monkeypatch) -> None:
    now = 0
    monkeypatch.setattr(trials_module, "perf_counter_ns", lambda: now)
    trial = Trial(predicted=False)
    tried(trial, alone=10, together=20)  # the other core is lent to somebody
    assert trial.stays
    held = HELD_NS
    for _ in range(3):
        assert trial.uses() == 1 + held // (10 * MS)
        assert not trial.is_open(now + held - 1)
        now += held
        assert trial.is_open(now)
        assert None is trial.stays_natively
        ways = tried(trial, alone=10, together=20)
        assert [False] * TRIES + [True] * TRIES == ways  # no second time: that is known
        held *= HELD_LONGER
    now += held
    assert trial.is_open(now)
    tried(trial, alone=20, together=10)
    assert (False, False) == (trial.stays, trial.stays_natively)
    assert not trial.is_open(now + HELD_NS - 1)
    assert trial.is_open(now + HELD_NS)


def test_only_launches_near_the_limit_are_tried() -> None:
    trials = Trials(LIMIT)
    kernel = object()
    assert trials.of(kernel, LIMIT // 10) is None
    assert trials.of(kernel, 50 * LIMIT) is None
    assert trials.of(kernel, unsure(LIMIT)) is None
    below, above = trials.of(kernel, LIMIT - 1), trials.of(object(), LIMIT)
    assert below is not None
    assert above is not None
    assert (True, False) == (below.stays, above.stays)


def test_kernels_and_amounts_of_work_are_told_apart() -> None:
    trials = Trials(LIMIT)
    one, other = object(), object()
    assert trials.of(one, 32_000) is trials.of(one, 33_000)
    assert trials.of(one, 32_000) is not trials.of(one, 44_000)
    assert trials.of(one, 32_000) is not trials.of(other, 32_000)


def cut(monkeypatch, *, alone: int, together: int, pool: Pool | None = None) -> list[int]:
    """In how many chunks each of some launches is cut, by a clock on which they take so long."""
    chunks: list[int] = []
    now = 0

    def clock() -> int:
        nonlocal now
        if chunks:
            now += MS * (alone if chunks[-1] == 1 else together)
        return now

    monkeypatch.setattr(pool_module, "perf_counter_ns", clock)
    pool = pool or Pool(2, LIMIT)

    def kernel(lower, upper):
        chunks[-1] += 1
        return (0,)

    for _ in range(2 * TRIES + 4 if alone > together else 3 * TRIES + 5):
        chunks.append(0)
        pool.launch(kernel, 0, 100, 1, (), 2 * LIMIT)
    return chunks


def test_a_pool_keeps_to_what_its_trials_found(monkeypatch) -> None:
    assert [2] * TRIES + [1] * TRIES + [2] * 4 == cut(monkeypatch, alone=90, together=50)
    once_more = [1] + [2] * TRIES
    assert [2] * TRIES + [1] * TRIES + once_more + [1] * 4 == cut(
        monkeypatch, alone=50, together=90
    )


def test_one_thread_and_forced_tiers_try_nothing(monkeypatch) -> None:
    for pool in (Pool(1, LIMIT), Alone(2, LIMIT)):
        assert {1} == set(cut(monkeypatch, alone=90, together=50, pool=pool))
    assert 1 not in cut(monkeypatch, alone=50, together=90, pool=Together(2, LIMIT))


def test_reductions_are_tried_too_and_give_the_same_parts_in_order(monkeypatch) -> None:
    monkeypatch.setattr(pool_module, "perf_counter_ns", itertools.count(0, MS).__next__)
    pool = Pool(2, LIMIT)

    def kernel(lower, upper, x):
        return (0, x[lower:upper].sum())

    found = []
    for _ in range(2 * TRIES):
        outcomes = pool.reduce(kernel, (0, 64, 1), (np.arange(64),), 2 * LIMIT, block=8)
        found.append([each[-1] for each in outcomes])
    assert {2016} == {sum(each) for each in found}
    assert [2] * TRIES + [1] * TRIES == [len(each) for each in found]
