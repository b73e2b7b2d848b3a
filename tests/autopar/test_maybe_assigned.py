"""Scalars whose type after a loop depends on whether the loop ever assigned them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.canonical_order import small_shapes
from tests.sameness import same


def positive_sum(a, s):
    for i in range(a.shape[0]):
        if a[i] > 0.5:
            s += a[i]
    return s


def bounded_count(a, c, n):
    for i in range(a.shape[0]):
        if a[i] > 0:
            c = c + a[i]
        n += 1
    return c, n


def place_of_largest(a, m, k):
    for i in range(a.shape[0]):
        if a[i] > m:
            m = a[i]
            k = i
    return m, k


def last_positive(a, t, b):
    for i in range(a.shape[0]):
        if a[i] > 0:
            t = a[i]
        b[i] = a[i]
    return t


def in_rows(a, s, t):
    for i in range(a.shape[0]):
        t = 0.0
        for j in range(a.shape[1]):
            if a[i, j] > 0:
                s += a[i, j]
                t += a[i, j]
    return s, t


def with_a_branch(a, s, n, k):
    for i in range(n):
        if i > k:
            s *= a[i]
    return s


def largest(a, m):
    for i in range(a.shape[0]):
        m = max(m, a[i])
    return m


def smallest(a, m):
    for i in range(a.shape[0]):
        m = min(a[i], m)
    return m


def row_sums(a, ptr, b):
    for i in range(b.shape[0]):
        s = 0.0
        for j in range(ptr[i], ptr[i + 1]):
            s += a[j]
        b[i] = s
    return s


def row_maxima(a, b, m, t):
    for i in range(b.shape[0]):
        if a[i, 0] > t:
            m = 0.5
        for j in range(a.shape[1]):
            m = max(m, a[i, j])
        b[i] = m
    return m


ARRAYS = {
    "some": np.array([0.25, -1.0, 3.0, 0.75, -0.0]),
    "none": np.full(5, -2.0),
    "empty": np.zeros(0),
    "many": np.linspace(-1, 1, 101),
}


def copies(*arguments: Any) -> tuple[Any, ...]:
    return tuple(each.copy() if isinstance(each, np.ndarray) else each for each in arguments)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("array", ARRAYS)
def test_the_type_is_that_of_what_was_assigned_or_what_was_before(array, dtype, backend):
    a = ARRAYS[array].astype(dtype)
    start: Any = 0 if dtype == "int64" else 0.1
    if backend == "cuda":  # it has no way to share out these loops
        return
    with small_shapes(fewest=1000):
        same(positive_sum, partial(copies, a, start), ran="cpu", cache=False)
        same(bounded_count, partial(copies, a, start, 3), cache=False)
        same(place_of_largest, partial(copies, a, start, -1), ran="cpu", cache=False)
        same(with_a_branch, partial(copies, a, start, a.size, 2), cache=False)
        same(with_a_branch, partial(copies, a, start, a.size, 99), cache=False)


@pytest.mark.parametrize("array", ARRAYS)
def test_beside_parallel_loops(array, backend):
    a = ARRAYS[array]
    same(last_positive, partial(copies, a, -1.0, a), backend, cache=False)
    if a.size:
        same(in_rows, partial(copies, a.reshape(1, -1), 0.5, 0), backend, cache=False)


def test_a_number_that_was_not_assigned_is_the_very_same_object(backend):
    start = 0.1 + 1e-9  # no float32
    decorated = same(positive_sum, lambda: (np.zeros(4, "float32"), start), backend, cache=False)
    assert start is decorated(np.zeros(4, "float32"), start)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("array", [name for name in ARRAYS if name != "empty"])
@pytest.mark.parametrize("start", [0, 0.0, -0.0, 0.1, 100.0, float("-inf"), float("inf")])
def test_an_extremum_is_one_of_its_operands_as_it_is(array, dtype, start):
    a = (4 * ARRAYS[array]).astype(dtype)
    for values in (a, np.where(a > 2, np.nan, a) if dtype != "int64" else -a):
        for function in (largest, smallest):
            ran = "cpu" if isinstance(start, float) == (dtype != "int64") else None
            with small_shapes():
                same(function, partial(copies, values, start), ran=ran, cache=False)


def test_a_sum_of_nothing_stays_a_python_number(backend):
    a = ARRAYS["many"]
    for counts in ([0, 3, 2], [0, 3, 0], [0, 0, 0]):
        ptr = np.cumsum(np.array([0, *counts]))
        ran = "cpu" if backend == "cpu" else None
        same(row_sums, partial(copies, a, ptr, np.zeros(3)), backend, ran=ran, cache=False)


@pytest.mark.parametrize("m", [0.0, np.float64(0.0), np.float64(9.0), 9.0])
def test_a_kind_changes_either_way(m, backend):
    a = ARRAYS["many"][:100].reshape(10, 10)
    for t in (-2.0, 0.5, 2.0):
        same(
            row_maxima,
            partial(copies, a, np.zeros(10), m, t),
            backend,
            ran="cpu" if backend == "cpu" else None,
            cache=False,
        )


def never_assigned(a, s):
    for i in range(4, a.shape[0], 3):
        if 2 == i and s > a[2]:
            s = a[2]
    return s


def test_an_assignment_that_no_iteration_reaches(backend):
    same(never_assigned, partial(copies, ARRAYS["many"], 1), backend, cache=False)
    same(never_assigned, partial(copies, ARRAYS["empty"], 1), backend, cache=False)


def test_on_the_simulator(on_simulator):
    on_simulator(__file__)
