"""Loops whose step is the variable of a loop around them run in kernels as they run in the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.analysis.facts import rows
from tests.sameness import loops_of, same


def sieve(prime, n):
    for i in range(2, n):
        if prime[i]:
            for j in range(i * i, n, i):
                prime[j] = False


def odd_sieve(prime, n):
    for i in range(3, n, 2):
        if prime[i]:
            for j in range(i * i, n, 2 * i):
                prime[j] = False


def divisors(count, n):
    for i in range(1, n):
        for j in range(i, n, i):
            count[j] += i


def from_above(a, n):
    for i in range(n, 0, -1):
        for j in range(n - i, n, i):
            a[j] = a[j] + i * j


def under_a_test(a, b, n):
    for i in range(1, n):
        for j in range(3, n, i + 1):
            if j > 7 and b[j] > 0:
                a[i, j] = b[j] - i


def of_functions(a, n):
    for i in range(1, n):
        for j in range(0, 40 * n, i):
            a[i, j] = np.exp(a[i, j]) + j


def started_by_data(a, first, n):
    for i in range(1, n):
        for j in range(first[i], n, i):
            a[j] = a[j] - i


def three_deep(a, n):
    for i in range(1, n):
        for j in range(i, n, i):
            for k in range(j, n, i + j):
                a[i, k] = a[i, k] + j


def zero_at_first(a, n):
    for i in range(n):
        for j in range(0, n, i):
            a[j] = i


def numbers(*shape):
    return np.random.default_rng(5).integers(-9, 9, shape) * 0.5


Arguments = Callable[[], tuple[Any, ...]]
PROGRAMS: dict[str, tuple[Callable[..., Any], Arguments]] = {
    "sieve": (sieve, lambda: (np.ones(500, bool), 500)),
    "sieve of a list": (sieve, lambda: ([True] * 500, 500)),
    "sieve of few": (sieve, lambda: (np.ones(4, bool), 4)),
    "odd": (odd_sieve, lambda: (np.ones(500, bool), 500)),
    "divisors": (divisors, lambda: (np.zeros(300, np.int64), 300)),
    "from above": (from_above, lambda: (numbers(60), 60)),
    "test": (under_a_test, lambda: (numbers(60, 60), numbers(60), 60)),
    "functions": (of_functions, lambda: (numbers(30, 1200), 30)),
    "data": (started_by_data, lambda: (numbers(60), np.arange(60) % 7, 60)),
    "three": (three_deep, lambda: (numbers(40, 40), 40)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_steps_that_change(name):
    function, arguments = PROGRAMS[name]
    decorated = same(function, arguments)
    assert all(each["verdict"] != "unsupported" for each in loops_of(decorated.last_run))
    assert "_step" in "".join(decorated.inspect_source().values())


def test_a_step_that_may_be_zero_stays_with_the_interpreter():
    (outer, inner) = loops_of(autopar.parallel(zero_at_first).explain())
    assert (outer["code"], inner["code"]) == ("AP308", "AP308")
    with pytest.raises(ValueError, match="must not be zero"):
        autopar.parallel(zero_at_first, backend="cpu")(np.zeros(9), 9)


@pytest.mark.parametrize("step", [1, np.array([1, 2, 7]), np.array([5, 1, 3])])
def test_rows_with_steps(step):
    start, stop = np.array([3, 0, 9]), np.array([17, -4, 30])
    wanted = [range(*each) for each in np.broadcast(start, stop, step)]
    found = rows.all_rows(start, stop, step, falls=False, wants_apart=False)
    taken = [each for each in wanted if each]
    assert found.first == min(each[0] for each in taken)
    assert max(each[-1] for each in taken) < found.end <= max(each.stop for each in taken)
    assert found.trips == -(-sum(map(len, wanted)) // 3)


def test_rows_want_positive_steps():
    with pytest.raises(ValueError, match="0"):
        rows.all_rows(np.array([1, 2]), 9, np.array([1, 0]), falls=False, wants_apart=False)
