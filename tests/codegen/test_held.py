"""Elements that an innermost loop accumulates into are held in a scalar, and only where one may."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import autopar
from tests.sameness import same


def product(a, b, c, n, m):
    for i in range(n):
        for j in range(n):
            c[i, j] = 0.5
            for k in range(m):
                c[i, j] += a[i, k] * b[j, k]


def two_sums(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            c[i, 0] = c[i, 0] + a[i, k]
            b[i, 1] -= c[i, 0] * a[i, k]


def nowhere_without_iterations(a, b, c, n, m):
    for i in range(n):
        for k in range(i, m):
            c[i, i] *= a[i, k]


def neighbour(a, b, c, n, m):
    for i in range(1, n):
        for k in range(m):
            c[i, 0] += a[i, k] + b[i, 0]
            b[i, 1] = c[i, 0] - b[i, 0]


def reads_a_neighbour(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            c[i, 0] += a[i, k] + c[i, 1]


def moves(a, b, c, n, m):
    for i in range(n):
        for k in range(1, m):
            c[i, k] = c[i, k - 1] + a[i, k]


def under_a_test(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            if a[i, k] > 0.5:
                c[i, 0] += a[i, k]


def only_stored(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            c[i, 0] = a[i, k]


HELD = [product, two_sums, nowhere_without_iterations, neighbour, reads_a_neighbour]
NOT_HELD = [moves, under_a_test, only_stored]


def arguments(n=17, m=11, dtype="float64"):
    rng = np.random.default_rng(4)
    return *((rng.random((n, n)) * 9).astype(dtype) for _ in range(3)), n, m


@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "complex128"])
@pytest.mark.parametrize("function", [*HELD, *NOT_HELD], ids=lambda each: each.__name__)
def test_the_result_is_the_loops(function, dtype):
    if dtype == "complex128" and function is under_a_test:
        pytest.skip("complex numbers have no order")
    for m in (11, 1, 0):
        same(function, partial(arguments, m=m, dtype=dtype))


@pytest.mark.parametrize("function", [*HELD, *NOT_HELD], ids=lambda each: each.__name__)
def test_elements_are_held_where_they_may_be(function):
    decorated = autopar.parallel(function, backend="cpu")
    decorated(*arguments())
    (source,) = decorated.inspect_source().values()
    assert (function in HELD) == ("_held = " in source), source


def test_a_name_of_the_users_is_no_obstacle():
    def clash(a, c_held, c, n, m):
        for i in range(n):
            for k in range(m):
                c[i, 0] += a[i, k] * c_held[i, k]

    decorated = same(clash, arguments, ran="cpu")
    (source,) = decorated.inspect_source().values()
    assert "c_held_2 = " in source


def test_warnings_are_those_of_the_loops():
    def divided(a, b, c, n, m):
        for i in range(n):
            for k in range(m):
                c[i, 0] += a[i, k] / b[i, k]

    def given():
        a, b, c, n, m = arguments()
        b[3, 4] = 0.0
        return a, b, c, n, m

    same(divided, given)


def accumulated(c, a, b, n):
    for i in range(n):
        for j in range(n):
            for k in range(n):
                c[i, j] += a[i, k] * b[k, j]


@pytest.mark.parametrize("shared", ["first", "second", "both", "shifted", "turned"])
def test_nothing_is_held_in_arrays_that_share_memory(shared):
    """`c` is `a`: what is stored in an element is read again before its loop ends."""

    def make():
        x, y = np.random.default_rng(2).random((2, 7, 7))
        return {
            "first": (x, x, y, 7),
            "second": (x, y, x, 7),
            "both": (x, x, x, 7),
            "shifted": (x[:6, :6], x[1:, 1:], y, 6),
            "turned": (x, x.T, y, 7),
        }[shared]

    same(accumulated, make)


def test_a_loop_that_is_left_early_holds_nothing():
    def until(a, b, c, n, m):
        for i in range(n):
            k = 0
            while a[i, k] < 5.0 and k < m - 1:
                c[i, 0] += a[i, k]
                k += 1

    def rows(a, b, c, n, m):
        for i in range(n):
            for k in range(m):
                if a[i, k] > 8.0:
                    break
                c[i, m + 90] += a[i, k]

    same(until, arguments)

    def given():
        a, b, c, n, m = arguments()
        a[:, 0] = 9.0
        return a, b, c, n, m

    same(rows, given)


def test_a_nest_whose_elements_are_held_below_a_test_of_their_own_compiles() -> None:
    # The element is held under `i < m`: other kernels than the nest has without.
    def nest(a, c, u, n, m):
        for i in range(2, n, 2):
            for j in range(1, m):
                c[i + j] = u[i, j]
            for j in range(i, m):
                a[i] = a[i]

    same(
        nest,
        lambda: (np.arange(60.0), np.zeros(60), np.ones((30, 30)), 12, 18),
        ran="cpu",
    )
