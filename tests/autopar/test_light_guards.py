"""Guards of short statements sleep, and are woken where asking is of use again."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import autopar
from autopar import light_guards
from autopar.codegen.rates import CURRENT, DEFAULTS
from autopar.dispatch import Region as DispatchRegion
from autopar.light_guards import MOST_SLEPT_OF_LOOPS, SLEPT, SLEPT_OF_LOOPS, LightGuard
from autopar.sites import Asker, Returned
from tests.sameness import loops_of


@pytest.fixture(autouse=True)
def _rates_of_the_reference(monkeypatch):
    monkeypatch.setattr(CURRENT, "rates", replace(DEFAULTS, compile=1e6))


class Region:
    """What is asked: it counts, and answers what it is told to."""

    is_hopeless = False

    def __init__(self) -> None:
        self.interpreted_ns = 0
        self.asked = 0
        self.taken_ns = 10
        self.answer: tuple[tuple[object, ...], ...] = ()

    def enter(self) -> tuple[tuple[object, ...], ...]:
        self.asked += 1
        self.interpreted_ns += self.taken_ns
        return self.answer


def asleep() -> tuple[Region, LightGuard, Asker]:
    """A guard that was asked in vain until it slept."""
    region = Region()
    guard = LightGuard(region=region, ask=region.enter, tell=None)
    asker = Asker(enter=guard.enter)
    guard.answers(asker)
    for _ in range(200):
        pass_by(asker)
    assert asker.is_off
    return region, guard, asker


def pass_by(asker: Asker) -> bool:
    """Do what the rewritten code does; whether it asked."""
    if asker.is_off and asker.goes_by(asker.sleeps, False):
        return False
    asker.enter()
    return True


def test_one_that_sleeps_asks_now_and_then() -> None:
    region, _, asker = asleep()
    region.asked = 0
    for _ in range(10 * (SLEPT + 1)):
        pass_by(asker)
    assert 10 == region.asked
    assert asker.is_off


@pytest.mark.parametrize(("taken_ns", "answer"), [(10**7, ()), (0, ((),))])
def test_one_that_is_of_use_again_is_awake(taken_ns, answer) -> None:
    region, _, asker = asleep()
    region.taken_ns, region.answer = taken_ns, answer
    for _ in range(SLEPT + 1):
        pass_by(asker)
    assert not asker.is_off
    assert all(pass_by(asker) for _ in range(50))


def added(u, times):
    for _ in range(times):
        print(end="")
        u[:] = u + 1.0


def values(a, times):
    for _ in range(times):
        print(end="")
        b = [2.0 * x for x in a]
    return b


def test_a_statement_that_becomes_long_is_taken_over() -> None:
    decorated = autopar.parallel(added)
    decorated(np.zeros(3), 300)
    large = np.zeros(100_000)
    decorated(large, SLEPT + 60)
    assert SLEPT + 60 == large[0] == large[-1]
    assert "cpu" in {row.get("ran", {}).get("backend") for row in loops_of(decorated.last_run)}


def test_a_comprehension_that_becomes_long_is_taken_over() -> None:
    decorated = autopar.parallel(values)
    decorated(np.zeros(3), 300)
    large = np.ones(60_000)
    for _ in range(4):
        assert [2.0] * 60_000 == decorated(large, SLEPT // 2)
    assert "cpu" in {row.get("ran", {}).get("backend") for row in loops_of(decorated.last_run)}


def noted(monkeypatch) -> list[tuple[object, ...]]:
    """What guards are asked with from here on."""
    asked = []
    enter = LightGuard.enter

    def noting(self: LightGuard, *values: object) -> Returned:
        asked.append(values)
        return enter(self, *values)

    monkeypatch.setattr(LightGuard, "enter", noting)
    return asked


class Edge:
    def __init__(self, size):
        self.u = np.zeros(size)
        self.ghosts = 1
        self.looked_at = 0

    def fill(self):
        for i in range(self.ghosts):
            self.u[i] = self.u[i] + 1.0


def test_a_short_loop_over_attributes_is_asked_about_now_and_then(monkeypatch) -> None:
    asked = noted(monkeypatch)
    fill = autopar.parallel(Edge.fill)
    edge = Edge(100_000)
    for _ in range(1000):
        fill(edge)
    assert len(asked) < 100 + 1000 // SLEPT_OF_LOOPS
    edge.ghosts = 10_000
    for _ in range(2 * MOST_SLEPT_OF_LOOPS):
        fill(edge)
    assert edge.u[9_999] == 2 * MOST_SLEPT_OF_LOOPS == edge.u[0] - 1000
    assert "cpu" in {row.get("ran", {}).get("backend") for row in loops_of(fill.last_run)}


class Sums:
    def __init__(self, n):
        self.x = np.random.default_rng(1).random(n)
        self.n = n

    def total(self):
        s = 0.0
        for i in range(self.n):
            s += self.x[i]
        return s


def test_what_a_kernel_adds_in_another_order_never_sleeps() -> None:
    large = Sums(100_000)
    expected = autopar.parallel(Sums.total)(large)
    assert expected != large.total()  # the order matters
    total = autopar.parallel(Sums.total)
    for _ in range(140):
        total(Sums(4))
    assert expected == total(large)


def scaled_in_a_loop(u, v, times):
    for t in range(times):
        print(end="")
        for i in range(u.shape[0]):
            v[i] = t * u[i]


def test_a_short_loop_in_a_loop_is_asked_about_now_and_then(monkeypatch) -> None:
    asked = noted(monkeypatch)
    monkeypatch.setattr(CURRENT, "rates", DEFAULTS)
    decorated = autopar.parallel(scaled_in_a_loop)
    u, v = np.ones(3), np.zeros(3)
    decorated(u, v, 3000)
    assert [2999.0] * 3 == v.tolist()
    assert 100 < len(asked) < 600
    monkeypatch.setattr(CURRENT, "rates", replace(DEFAULTS, compile=1e6))
    u, v = np.ones(3000), np.zeros(3000)
    decorated(u, v, 400)
    assert [399.0] * 3000 == v.tolist()
    assert "cpu" in {row.get("ran", {}).get("backend") for row in loops_of(decorated.last_run)}


def test_a_loop_that_sleeps_is_not_asked_before_its_time(monkeypatch) -> None:
    region = Region()
    went_by: list[int] = []
    guard = LightGuard(region=region, ask=region.enter, tell=None, spend=went_by.append)
    asker = Asker(enter=guard.enter)
    guard.answers(asker)
    clock = [0]

    def now() -> int:
        clock[0] += 500  # a question takes so long
        return clock[0]

    monkeypatch.setattr(light_guards, "perf_counter_ns", now)
    for _ in range(200):
        pass_by(asker)
    assert asker.is_off
    region.asked = 0
    woken = sum(pass_by(asker) for _ in range(20_000))
    assert 0 < region.asked <= woken // 8  # it looks at the clock instead
    assert sum(went_by) >= 10 * 15_000  # and what goes by unasked is told all the same
    region.asked, clock[0] = 0, clock[0] + 10**6  # the loop has become longer
    for _ in range(2 * MOST_SLEPT_OF_LOOPS):
        pass_by(asker)
    assert region.asked


def affine(a, c, d):
    for i in range(a.shape[0]):
        print(end="")
        y = c * a[i] + d
        z = y * y + c
    return z


def test_statements_on_numbers_are_asked_about_once_a_call(monkeypatch) -> None:
    asked = noted(monkeypatch)
    decorated = autopar.parallel(affine)
    a = np.arange(400.0)
    assert 799.0**2 + 2.0 == decorated(a, 2.0, 1.0)
    assert len(asked) == 2
    assert 799.0**2 + 2.0 == decorated(a, 2.0, 1.0)
    assert len(asked) == 3
    rows = np.ones((100, 100_000))  # and now they are arrays
    assert [11.0] * 100_000 == decorated(rows, 2.0, 1.0).tolist()
    assert decorated.inspect_source()


def stepped(x, factors):
    for k in factors:
        y = np.abs(x) + 1.0
        x = y * k
        print(end="")
    return x


def test_short_statements_that_slept_in_the_last_call_are_asked_about_twice(monkeypatch) -> None:
    asked = noted(monkeypatch)
    decorated = autopar.parallel(stepped)
    row = np.ones(40)
    counts = []
    for _ in range(3):
        asked.clear()
        decorated(row, [0.5] * 30)
        counts.append(len(asked))
    assert [16, 2, 2] == counts
    decorated(np.ones(3_000_000), [0.5] * 3)  # and now they are long
    assert len(asked) > 3


def line(a, x, b):
    return a * x + b


def test_what_is_returned_is_asked_about_now_and_then_where_it_is_a_number(monkeypatch) -> None:
    asked = noted(monkeypatch)
    decorated = autopar.parallel(line)
    assert {3.5} == {decorated(0.5, 3.0, 2.0) for _ in range(1000)}
    assert len(asked) < 120
    row = np.ones(1_000_000)
    for _ in range(300):  # and now it is an array
        assert decorated(0.5, row, 2.0)[-1] == 2.5
    assert decorated.inspect_source()


def accumulated(a, x):
    s, n = 0.0, 7
    s = 1.0
    for i in range(a.shape[0]):
        n = n - i
        s += a[i]
        if s > x:
            break
    return s, n


def test_a_number_that_elements_are_added_to_is_not_asked_about() -> None:
    assert not [
        each
        for each in autopar.parallel(accumulated)._prepare().regions
        if not isinstance(each, DispatchRegion)
    ]


SCRIPT = """
from dataclasses import replace
import numpy as np
from autopar.codegen.rates import CURRENT, DEFAULTS

CURRENT.set(replace(DEFAULTS, compile=1e6), is_calibrated=False)

def add(u, times):
    for _ in range(times):
        print(end="")
        u[:] = u + 1.0

add(np.zeros(3), 300)
large = np.zeros(100_000)
add(large, 200)
assert large[0] == large[-1] == 200
"""


def test_a_script_that_goes_on_to_larger_arrays_is_taken_over(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "autopar", "run", "--report", str(script)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "cpu" in done.stdout + done.stderr
