"""Functions of whole arrays whose bits depend on how NumPy walks through them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import places, same

# mypy: disable-error-code="no-untyped-def"

N = 2000


def drawn(seed):
    return np.random.default_rng(seed).uniform(0.1, 0.9, N)


def of_a_view(out, a):
    out[:] = np.cbrt(a)


def of_a_slice(out, a):
    out[:] = np.cbrt(a[::-1]) + 1.0


def of_values(out, a):
    out[:] = np.cbrt(-a[::-1])


def of_an_element(out, a):
    for i in range(a.shape[0]):
        out[i] = np.cbrt(a[a.shape[0] - 1 - i])


def power_of_a_slice(a, b):
    t = a + b
    return t ** b[::-1]


def part_of_a_run(a, b):
    v = a[::-1]
    return np.sinh(v) * 2.0 + b


def larger(a, b):
    return np.fmax(a, b) + 0.0, np.fmin(a, b) * 1.0


def larger_in_place(out, a):
    out[:] = np.fmax(out, a)


def clipped(a, b):
    return np.clip(a, b, 0.0) * 1.0


def clipped_by_numbers(a, b):
    return np.clip(a, 0.0, -0.0) * 1.0 + b


def narrowed(a, t):
    return np.minimum(a, t) * a


@pytest.mark.parametrize(
    ("function", "ran"),
    [(of_a_slice, "interpreter"), (of_values, "cpu"), (of_an_element, "cpu")],
)
def test_what_goes_through_an_array_backwards_is_numpys(function, ran):
    same(function, lambda: (np.zeros(N), drawn(0)), ran=ran)


def test_a_view_that_lies_backwards_is_left_to_numpy():
    decorated = same(of_a_view, lambda: (np.zeros(N), drawn(0)[::-1]), ran="interpreter")
    out, column = np.zeros(N), np.repeat(drawn(1), 2)[::2]
    decorated(out, column)
    assert ["cpu"] == places(decorated)
    assert np.cbrt(column).tobytes() == out.tobytes()


@pytest.mark.parametrize("function", [power_of_a_slice, part_of_a_run])
def test_parts_in_runs_are_numpys(function):
    same(function, lambda: (drawn(0), drawn(1)))


@pytest.mark.parametrize("function", [larger, larger_in_place, clipped, clipped_by_numbers])
@pytest.mark.parametrize("start", [0.0, -0.0])
def test_of_two_zeros_the_one_is_taken_that_numpy_takes(function, start):
    same(function, lambda: (np.full(N, start), np.full(N, -start)))


@pytest.mark.parametrize("size", [0, 5])
def test_a_number_is_converted_also_where_there_is_no_element(size):
    same(narrowed, lambda: (np.zeros(size, "float32"), 1e300))


def beyond_limits_of_elements(a, b, c):
    for i in range(len(a)):
        c[i, 0] = np.add(a[i], 1) > a[i]
        c[i, 1] = np.subtract(a[i], 1) < a[i]
        c[i, 2] = np.negative(a[i]) < 0
        c[i, 3] = np.multiply(a[i], 2) > a[i]
        c[i, 4] = np.add(a[i], b[i]) > a[i]


def beyond_limits(a, b):
    sums = a + 1 > a, a - 1 < a, -a < 0, a + b - b == a
    return *sums, a * 2 // 2 == a, a * b > a, np.square(a) >= 0


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint32])
def test_integers_of_arrays_wrap_and_nothing_takes_it_that_they_do_not(dtype):
    limits = np.iinfo(dtype)
    a = np.tile(np.array([limits.max, limits.min, 5, 0, 1], dtype), 9)
    b = a[::-1].copy()
    same(beyond_limits_of_elements, lambda: (a.copy(), b.copy(), np.zeros((a.size, 5), bool)))
    same(beyond_limits, lambda: (a.copy(), b.copy()))
