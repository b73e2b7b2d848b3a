"""Threads that run a loop of short launches together."""

from __future__ import annotations

import inspect
import textwrap
import threading
from typing import Any

import numba
import numpy as np
import pytest
from numba import njit

import autopar
from autopar.codegen import cpu, crew_text, crewing
from autopar.codegen.progress import CELLS, new_crew
from tests.codegen import plain_crewing
from tests.effort import share
from tests.ordered_nests import Nest, drafts_of, draw_nest, generated, interpreted
from tests.sameness import same


def relaxed(a, b, steps, n):
    for _ in range(steps):
        for i in range(1, n - 1):
            b[i] = 0.5 * (a[i - 1] + a[i + 1])
        for i in range(1, n - 1):
            a[i] = 0.5 * (b[i - 1] + b[i + 1])


def shortest(a, b, steps, n):
    for k in range(n):
        for i in range(n):
            for j in range(n):
                through = a[i, k] + a[k, j]
                a[i, j] = a[i, j] if a[i, j] < through else through


def triangles(a, b, steps, n):
    for t in range(1, steps):
        if t > 3:
            for i in range(t, n, 3):
                for j in range(i):
                    a[i, j] = a[i, j] + b[i, j] * t
        b[t, 0] = b[t, 0] + a[t, t - 1]
        for s in range(2):
            for i in range(n):
                for j in range(n):
                    b[i, j] = a[i, j] * s - 0.25 * b[i, j]


def rows_then_columns(a, b, steps, n):
    for k in range(steps):
        for j in range(n):
            b[k, j] = 0.0
            for i in range(n):
                b[k, j] += a[i, j]
        for i in range(n):
            for j in range(n):
                a[i, j] = a[i, j] - 0.5 * b[k, j]


@pytest.mark.parametrize("nest", [relaxed, shortest, triangles, rows_then_columns])
def test_phases_are_those_of_the_interpreter(nest):
    shape = (300,) if nest is relaxed else (30, 30)
    same(nest, lambda: (*np.random.default_rng(7).uniform(0.5, 1.0, (2, *shape)), 6, shape[0]))


def larger(nest):
    """Return arguments for which phases are worth sharing, launches of their own are not."""
    shape = (40_000,) if nest is relaxed else (150, 150)
    return *np.random.default_rng(7).uniform(0.5, 1.0, (2, *shape)), 40, shape[0]


@pytest.mark.parametrize("nest", [relaxed, shortest, triangles])
def test_threads_that_run_phases_together_leave_what_one_leaves(nest):
    expected = larger(nest)
    decorated: Any = autopar.parallel(nest, backend="cpu")
    numba.njit(nest)(*expected)
    for _ in range(3):
        found = larger(nest)
        decorated(*found)
        assert all(map(np.array_equal, expected[:2], found[:2]))
    assert "crew0" in "".join(decorated.inspect_source().values())


def test_phases_that_hand_all_their_data_on_have_no_crew():
    decorated: Any = autopar.parallel(rows_then_columns, backend="cpu")
    decorated(*larger(rows_then_columns))
    source = "".join(decorated.inspect_source().values())
    assert "launch0" in source
    assert "crew0" not in source


next_part: Any = crewing.next_part
part_done: Any = crewing.part_done


@njit(nogil=True)
def members(lower, upper, progress, taken, seen, phases):
    for member in range(lower, upper):
        goal = 0
        for phase in range(1, phases + 1):
            parts = 1 + phase % progress[1]
            goal += parts
            part = next_part(progress, member, phase, parts, goal)
            while part >= 0:
                taken[phase, part] += 1
                # All that the phases before have stored is there.
                seen[phase, part] = taken[:phase].sum()
                part_done(progress)
                part = next_part(progress, member, phase, parts, goal)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_each_part_is_taken_once_after_the_phases_before_it(threads):
    crew, phases = 3, 400
    progress, taken = new_crew(crew), np.zeros((phases + 1, crew), np.int64)
    seen = np.zeros_like(taken)
    shares = np.array_split(np.arange(crew), threads)
    working = [
        threading.Thread(target=members, args=(s[0], s[-1] + 1, progress, taken, seen, phases))
        for s in shares
        if len(s)
    ]
    for each in working:
        each.start()
    for each in working:
        each.join()
    parts = 1 + np.arange(1, phases + 1) % crew
    expected = np.arange(crew) < parts[:, None]
    assert np.array_equal(taken[1:], expected)
    before = np.cumsum(parts) - parts
    assert np.array_equal(seen[1:], before[:, None] * expected)
    assert progress[0] == parts.sum()
    assert len(progress) == CELLS * (crew + 1)


def drawn_of(nest):
    shape = (40,) if nest is relaxed else (12, 12)
    arrays = np.random.default_rng(7).uniform(0.5, 1.0, (2, *shape))
    return Nest(
        text=textwrap.dedent(inspect.getsource(nest)).replace(nest.__name__, "nest", 1),
        arguments={**dict(zip("ab", arrays, strict=True)), "steps": 5, "n": shape[0]},
    )


@pytest.fixture
def shortest_parts(monkeypatch):
    for module in (cpu, crew_text):
        monkeypatch.setattr(module, "SHORTEST_PART_NS", 1)


@pytest.mark.usefixtures("shortest_parts")
@pytest.mark.parametrize("nest", [relaxed, shortest, triangles])
def test_phases_on_threads_of_the_interpreter_which_switch_anywhere(nest):
    drawn = drawn_of(nest)
    drafts = drafts_of(drawn)
    assert any("crew0" in each.source for each in drafts)
    assert interpreted(drawn) == generated(drawn, drafts, None, together=True)


@pytest.mark.usefixtures("shortest_parts")
def test_drawn_nests_keep_the_interpreters_bits():
    crews = 0
    for seed in range(9000, 9000 + share(120)):
        drawn = draw_nest(seed)
        drafts = drafts_of(drawn)
        if any("crew0" in each.source for each in drafts):
            crews += 1
            shown = drawn.text + "".join(each.source for each in drafts)
            found = generated(drawn, drafts, None, together=True)
            assert interpreted(drawn) == found, f"seed {seed}\n{shown}"
    assert crews > share(5)


@pytest.mark.usefixtures("shortest_parts")
def test_phases_that_waited_for_nothing_would_be_seen(monkeypatch):
    drawn = drawn_of(relaxed)
    drafts = drafts_of(drawn)
    wait = plain_crewing.next_part
    monkeypatch.setattr(plain_crewing, "part_done", lambda progress: None)
    monkeypatch.setattr(
        plain_crewing,
        "next_part",
        lambda progress, member, phase, parts, goal: wait(progress, member, phase, parts, 0),
    )
    assert interpreted(drawn) != generated(drawn, drafts, None, together=True)
