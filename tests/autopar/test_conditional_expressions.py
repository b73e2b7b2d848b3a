"""Conditional expressions: a decorated function chooses as the plain one does."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.autopar.test_data_conditions import numbers, pair
from tests.sameness import places, same


def whole_value(a, b, n):
    for i in range(n):
        b[i] = a[i] if a[i] > 0.0 else -a[i]


def inside_a_product(a, b, n):
    for i in range(n):
        b[i] = 2.0 * (a[i] if a[i] > b[i] else 0) + 1


def by_place(a, b, n):
    for i in range(n):
        b[i] = 0.5 * ((a[i - 1] if i > 0 else 0.0) + (a[i + 1] if i < n - 1 else 0.0))


def by_place_and_data(a, b, n):
    for i in range(n):
        b[i] = a[i - 1] if i > 0 and a[i] > 0.0 else 7.0


def nested(a, b, n):
    for i in range(n):
        t = 1.0 if a[i] > 1.0 else (2.0 if a[i] > 0.0 else 3.0)
        b[i] = t


def in_a_test(a, b, n):
    for i in range(n):
        if (a[i] if b[i] > 0.0 else -a[i]) > 0.5:
            b[i] = 1.0


def guarded(a, b, n):
    for i in range(n):
        b[i] = a[i] / b[i] if b[i] != 0.0 else 0.0


def guarded_root(a, b, n):
    for i in range(n):
        b[i] = math.sqrt(a[i]) if a[i] >= 0.0 else a[i]


def guarded_python_division(a, b, n):
    for i in range(n):
        k = i % 5
        b[i] = 1.0 / k if k else 0.0


def by_truth(a, b, n):
    for i in range(n):
        b[i] = 1 if a[i] else 0


def total(a, n):
    s = np.float64(0.0)
    for i in range(n):
        s += a[i] if a[i] > 0.0 else 0
    return s


def total_from_a_float(a, n):
    s = 0.0
    for i in range(n):
        s += a[i] if a[i] > 0.0 else 0
    return s


def greatest(a, n):
    m = a[0]
    for i in range(n):
        m = a[i] if a[i] > m else m
    return m


def kind_depends_on_data(a, n):
    t = 0.0
    for i in range(n):
        t = a[i] if a[i] > 0.0 else 1.0
    return t


CHOICES = [
    whole_value,
    inside_a_product,
    by_place,
    by_place_and_data,
    nested,
    in_a_test,
    guarded,
    guarded_root,
    guarded_python_division,
    by_truth,
]


@pytest.mark.parametrize("kernel", CHOICES)
def test_chooses_as_the_interpreter_does(kernel, backend):
    same(kernel, pair, backend, ran="cpu")


@pytest.mark.parametrize("kernel", CHOICES)
def test_chooses_by_nan_and_small_dtypes(kernel):
    def arguments():
        a, b, n = pair("float32")
        a[::5], b[1::5] = np.nan, np.inf
        return a, b, n

    same(kernel, arguments)
    same(kernel, lambda: (numbers(5, 1), numbers(5, 2), 0))


@pytest.mark.parametrize("kernel", [total, total_from_a_float, greatest, kind_depends_on_data])
def test_scalars_chosen_by_data(kernel):
    same(kernel, lambda: (numbers(), 64))
    same(kernel, lambda: (-abs(numbers()), 64))
    same(kernel, lambda: (numbers(), 0))


def test_the_side_that_is_not_taken_gives_no_warning():
    decorated = same(guarded, lambda: (numbers(), np.zeros(64), 64))
    assert ["cpu"] == places(decorated)


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)
