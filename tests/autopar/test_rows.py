"""Functions of whole rows inside loops give what NumPy and Python give, to the last bit."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, same

# mypy: disable-error-code="no-untyped-def"

Arguments = Callable[[], tuple[Any, ...]]


def sums(a, out):
    for i in range(a.shape[0]):
        out[i] = np.sum(a[i])


def methods(a, out):
    for i in range(len(a)):
        out[i] = a[i].sum() + a[i, 1:-1].mean() - a[i, ::2].max() * a[i].min()


def products(a, out):
    for i in range(len(a)):
        out[i] = a[i].prod()


def of_columns(a, out):
    for j in range(a.shape[1]):
        out[j] = a[:, j].sum() / a.shape[0] + np.amax(a[::-1, j])


def of_parts(a, out):
    for i in range(a.shape[0]):
        out[i] = np.sum(a[i, :i]) - np.sum(a[i, i:])


def windows(x, out, w):
    for i in range(w, len(out) - w):
        out[i] = np.mean(x[i - w : i + w + 1])


def deviations(a, out):
    for i in range(len(a)):
        out[i] = np.std(a[i]) + np.var(a[i, 2:])


def of_what_is_computed(a, w, out):
    for i in range(len(a)):
        out[i] = np.sum(np.exp(-a[i]) * w[:]) / np.sum(w)


def dots(a, b, out):
    for i in range(len(a)):
        out[i] = np.dot(a[i], b) + a[i, 1:] @ b[1:] + a[i].dot(b)


def dots_alone(a, b, out):
    for i in range(len(a)):
        out[i] = np.dot(a[i], b)


def matrix_products(a, b, out):
    for i in range(len(a)):
        out[i] = a[i] @ b


def backward_dots(a, b, out):
    for i in range(len(a)):
        out[i] = np.dot(a[i, ::-1], b)


def asked(a, out):
    for i in range(len(a)):
        if np.any(a[i] > 3.0) and not a[i, 0] > 4.0:
            out[i] = 1.0 if np.all(a[i] > 0.5) else 2.0


def builtins(a, out):
    for i in range(len(a)):
        out[i] = sum(a[i]) + max(a[i]) * min(a[i])
        if any(a[i]) and all(a[i]):
            out[i] += 1


def normalised(w):
    for j in range(w.shape[1]):
        s = np.sum(w[:, j])
        w[:, j] /= s


def centred(x):
    return x[0] - np.mean(x)


def by_a_helper(a, out):
    for i in range(len(a)):
        out[i] = centred(a[i])


def distance(x, y):
    total = 0.0
    for k in range(len(x)):
        total += (x[k] - y[k]) ** 2
    return total


def of_two_rows(a, out):
    for i in range(len(a)):
        for j in range(len(a)):
            out[i] += distance(a[i], a[j])


def until_it_settles(a, v, tol):
    change = 1.0
    while change > tol:
        v[:] = 0.5 * v[:] + 1.0 / (1.0 + np.sum(a[0]))
        change = np.max(np.abs(v[:] - 0.5))
        tol *= 2.0
    return change


def places(a, out):
    for i in range(len(a)):
        out[i] = np.argmax(a[i]) * 100 + a[i, 2:].argmin()


def last_place(a):
    for row in a:
        place = np.argmax(row)
    return place


def by_its_shape(a, steps):
    for _ in range(steps):
        n, m = a.shape
        for i in range(1, n):
            for j in range(m):
                a[i, j] = 0.5 * (a[i, j] + a[0, m - 1 - j])
    return n, m


def random(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(seed)
    if dtype == "bool":
        return generator.random(shape) > 0.5
    if np.dtype(dtype).kind in "iu":
        return generator.integers(0, 9, shape).astype(dtype)
    return (4 * generator.random(shape) + 0.25).astype(dtype)


def with_zeros(n: int, m: int) -> np.ndarray[Any, Any]:
    """Return zeros of both signs, among which NumPy's extrema choose in an order of their own."""
    return np.where(random(n, m) > 2.0, 0.0, -0.0)


def zeros(*shape: int, dtype: str) -> np.ndarray[Any, Any]:
    return (
        with_zeros(shape[0], shape[-1]).astype(dtype).reshape(-1)[: math.prod(shape)].reshape(shape)
    )


FLOATS: list[tuple[Callable[..., Any], Arguments]] = [
    *((sums, lambda d=d, m=m: (random(5, m, dtype=d), np.zeros(5))) for d in ("float64", "float32")
      for m in (1, 7, 8, 129, 1000)),
    (sums, lambda: (random(40, 9).T[:, ::-1], np.zeros(9))),
    (sums, lambda: (random(0, 9), np.zeros(3))),
    (methods, lambda: (random(9, 300), np.zeros(9))),
    (methods, lambda: (random(9, 300, dtype="float32")[:, ::2], np.zeros(9, dtype="float32"))),
    (methods, lambda: (with_zeros(30, 41), np.zeros(30))),
    (products, lambda: (random(9, 30) / 2, np.zeros(9))),
    (of_columns, lambda: (random(31, 9), np.zeros(9))),
    (of_parts, lambda: (random(31, 31), np.zeros(31))),
    (windows, lambda: (random(99), np.zeros(99), 4)),
    (deviations, lambda: (random(9, 300), np.zeros(9))),
    (deviations, lambda: (random(9, 300, dtype="float32"), np.zeros(9))),
    (of_what_is_computed, lambda: (random(9, 300), random(300, seed=1), np.zeros(9))),
    (dots, lambda: (random(9, 300), random(300, seed=1), np.zeros(9))),
    (dots, lambda: (random(9, 37, dtype="float32"), random(37, dtype="float32"), np.zeros(9))),
    *((function, lambda d=d: (zeros(9, 1, dtype=d), zeros(1, dtype=d), np.zeros(9)))
      for function in (dots_alone, matrix_products) for d in ("float64", "float32")),
    (asked, lambda: (random(9, 30), np.zeros(9))),
    (builtins, lambda: (random(9, 30), np.zeros(9))),
    (normalised, lambda: (random(30, 9),)),
    (by_a_helper, lambda: (random(9, 30), np.zeros(9))),
    (of_two_rows, lambda: (random(9, 30), np.zeros(9))),
    (by_its_shape, lambda: (random(9, 30), 3)),
]  # fmt: skip
# What any order gives, on any target.
EXACT: list[tuple[Callable[..., Any], Arguments]] = [
    *((places, lambda d=d: (random(9, 40, dtype=d), np.zeros(9)))
      for d in ("float64", "float32", "uint8", "bool")),
    (places, lambda: (with_zeros(9, 40), np.zeros(9))),
    (places, lambda: (np.where(random(9, 40) > 3.5, np.nan, random(9, 40)), np.zeros(9))),
    *((sums, lambda d=d: (random(5, 40, dtype=d), np.zeros(5, int)))
      for d in ("int64", "int32", "uint8", "bool")),
    (sums, lambda: (np.full((3, 40), 2**62), np.zeros(3, int))),  # NumPy wraps, and says nothing
    (products, lambda: (random(5, 40, dtype="int32") + 1, np.zeros(5, int))),
    (dots, lambda: (random(9, 30, dtype="int32"), random(30, dtype="int32"), np.zeros(9))),
    (asked, lambda: (random(9, 30, dtype="int64"), np.zeros(9))),
    (of_parts, lambda: (random(31, 31, dtype="int16"), np.zeros(31))),
]  # fmt: skip
# Values, warnings and exceptions are NumPy's own.
LEFT_ALONE: list[tuple[Callable[..., Any], Arguments]] = [
    (methods, lambda: (random(9, 300, dtype="int64"), np.zeros(9))),  # means of integers
    (methods, lambda: (random(9, 2), np.zeros(9))),  # a mean of nothing
    (of_columns, lambda: (random(0, 9), np.zeros(9))),  # a maximum of nothing
    (dots, lambda: (random(9, 30), random(29), np.zeros(9))),
    (dots, lambda: (random(9, 30, dtype="float32"), random(30), np.zeros(9))),
    (dots, lambda: (random(9, 30)[:, ::-1], random(30), np.zeros(9))),
    (backward_dots, lambda: (random(9, 300), random(300), np.zeros(9))),
    (sums, lambda: (random(9), np.zeros(9))),
    (sums, lambda: (random(9, 3, 2), np.zeros(9))),
    (sums, lambda: (random(9, 4).tolist(), np.zeros(9))),
    (windows, lambda: (random(9), np.zeros(30), 4)),
    (places, lambda: (random(9, 2), np.zeros(9))),  # a place in nothing
    (by_its_shape, lambda: (random(9, 3, 2), 3)),
    (last_place, lambda: (random(9, 30),)),
    (until_it_settles, lambda: (random(2, 9), random(30), 0.1)),
]


@pytest.mark.parametrize(("function", "arguments"), FLOATS)
def test_runs_as_numpy_does(function, arguments):
    same(function, arguments, ran="cpu")


def test_sum_of_a_list_is_compensated_since_python_3_12():
    ran = "cpu" if sys.version_info < (3, 12) else "interpreter"
    same(builtins, lambda: (random(9, 30).tolist(), [0.0] * 9), ran=ran)


@pytest.mark.parametrize(("function", "arguments"), EXACT)
def test_what_any_order_gives_runs_anywhere(function, arguments, backend):
    same(function, arguments, backend, ran="cpu")


@pytest.mark.parametrize(("function", "arguments"), LEFT_ALONE)
def test_what_is_left_to_numpy_is_its_own(function, arguments):
    same(function, arguments)


@pytest.mark.parametrize("function", [sums, products, deviations])
def test_warnings_are_those_of_whole_rows(function):
    same(function, lambda: (np.full((3, 9), 1e200) ** 1.5, np.zeros(3)))
    same(function, lambda: (np.array([[np.inf, -np.inf, 1.0]] * 3), np.zeros(3)))


def test_no_element_is_asked_for_a_warning_where_a_row_is_a_nan(backend):
    same(methods, lambda: (np.full((3, 9), np.nan), np.zeros(3)), backend)


def test_a_row_that_is_stored_is_summed_as_it_is_by_then():
    def running(a):
        for i in range(1, a.shape[0]):
            a[i, 0] = np.sum(a[i - 1]) / 2.0

    same(running, lambda: (random(40, 9),), ran="cpu")


def test_a_function_of_rows_is_no_loop_of_the_report():
    (row,) = loops_of(autopar.explain(deviations))
    assert row["verdict"] == "parallel"


def test_a_function_that_was_replaced_is_called(monkeypatch):
    decorated: Any = autopar.parallel(sums, backend="cpu")
    a, out = random(3, 4), np.zeros(3)
    decorated(a, out)
    monkeypatch.setattr(np, "sum", lambda row: float(len(row)))
    decorated(a, out)
    assert [4.0, 4.0, 4.0] == out.tolist()


# --------------------------------------------------------------------------- the simulator


def test_rows_on_the_cuda_simulator(on_simulator):
    on_simulator(__file__)
