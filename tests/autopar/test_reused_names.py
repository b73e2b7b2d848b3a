"""Names that mean several things in one function: loops, scalars and arrays by the same name."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.sameness import places, same


def steps(a, b, nt):
    for i in range(nt):
        for i in range(1, len(a) - 1):
            b[i] = a[i - 1] + a[i + 1]
        a, b = b, a
    return a, i


def sums(u, w, n):
    for j in range(n - 1, 0, -1):
        for j in range(n):
            for t in range(n):
                w[j, j] += u[j, t]


def repeated_sums(u, w, n):
    for _ in range(n):
        for j in range(n):
            for t in range(n):
                w[j, j] += u[j, t]


def measured(a, u, n):
    for u in range(1, n):
        a[u] = u.shape[0]


def measured_before(a, n):
    for n in range(a.shape[0]):
        a[n] = n * 0.5
    return n


def python_zero(a, n, m):
    for i in range(n):
        s = 0.0
        for k in range(m):
            s = s + a[i, k]
    return s


def counter_or_element(a, n, m):
    for i in range(n):
        s = i
        for k in range(m):
            s = a[i, k]
    return s


def element_or_counter(a, n, m):
    for i in range(n):
        s = a[i, 0]
        for k in range(m):
            s = k
    return s


def two_numbers(a, n, m):
    for i in range(n):
        s = 1
        for k in range(m):
            s = 2.5 * k  # type: ignore[assignment]  # which is the point
    return s


def variable_or_element(a, n, m):
    for s in range(n):
        for j in range(m):
            s = a[j, j]
    return s


def variable_of_another_kind(b, c, n):
    s = c[0]
    for i in range(1, 30, 2):
        for s in range(4, n + 1):
            pass
        c[i] = b[i] if s > 3 else b[3]
    return s


def of_a_constant_range(a, n, m):
    for i in range(n):
        s = 0.0
        for k in range(3):
            s = s + a[i, k]
    return s


def numbers(shape: tuple[int, ...], dtype: str = "float64") -> Any:
    return (np.arange(np.prod(shape)).reshape(shape) % 7).astype(dtype)


def two_vectors(count: int) -> Any:
    return numbers((30,)), numbers((30,)), count


def test_arrays_change_places_in_a_loop_whose_variable_is_bound_again(backend):
    for nt in (0, 1, 2, 3, 7):
        same(steps, partial(two_vectors, nt), backend)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32", "bool"])
@pytest.mark.parametrize("function", [sums, repeated_sums])
def test_sums_into_elements_of_a_loop_that_is_repeated(function, dtype):
    same(function, lambda: (numbers((9, 9), dtype), numbers((9, 9), dtype), 9), ran="cpu")


def test_an_array_whose_extent_is_read_is_no_loop_variable():
    decorated = same(measured, lambda: (numbers((9,)), numbers((3, 4)), 5))
    assert "cpu" not in places(decorated)


def test_a_bound_may_become_the_variable(backend):
    same(measured_before, lambda: (numbers((9,)), 4), backend)


@pytest.mark.parametrize(
    "function",
    [python_zero, counter_or_element, element_or_counter, two_numbers, variable_or_element],
)
@pytest.mark.parametrize(("n", "m", "ran"), [(5, 3, "cpu"), (5, 0, "interpreter"), (1, 1, "cpu")])
def test_the_type_of_a_scalar_tells_whether_the_inner_loop_ran(function, n, m, ran):
    decorated = same(function, lambda: (numbers((6, 6)), n, m))
    assert ran in places(decorated)


def test_a_loop_over_constants_needs_no_look():
    same(of_a_constant_range, lambda: (numbers((6, 6)), 5, 0), ran="cpu")


@pytest.mark.parametrize("first", [np.nan, np.inf, 1e300, np.nan * 1j, 2.5 + 1j])
@pytest.mark.parametrize("n", [2, 33])
def test_what_an_int_takes_the_place_of_need_not_become_one(first, n, backend):
    def arguments():
        values = np.arange(60).astype(type(first))
        values[0] = first
        return values.copy(), values, n

    same(variable_of_another_kind, arguments, backend, ran="cpu" if n == 33 else None)
