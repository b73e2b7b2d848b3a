"""`np.where` of numbers inside a loop: an array without axes that is stored, or computed with."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import places, same


def stored(a, b):
    for i in range(len(a)):
        b[i] = np.where(a[i] > 0.5, a[i], 0.0)


def summed(a, b):
    s = 0.0
    for i in range(len(a)):
        s += np.where(a[i] > 0.5, 1, -1) * b[i]
    return s


def nested(a, b):
    for i in range(len(a)):
        b[i] = 2 * np.where(a[i] > 0.6, 1, np.where(a[i] < 0.2, -1, 0)) + a[i]


def divided(a, b):
    for i in range(len(a)):
        b[i] = np.where(i > 3, 1.0 / (i - 3), 0.0)


def held(a, b):
    for i in range(len(a)):
        x = np.where(a[i] > 0.5, 1.0, 0.0)
        b[i] = x
    return x


def squared(a, b):
    for i in range(len(a)):
        b[i] = np.where(a[i] > 0.5, a[i], 0.0) ** 2


def collected(a, b):
    return [np.where(x > 0.5, 1.0, 0.0) for x in a]


def made(dtype=np.float64):
    values = np.random.default_rng(5).random(50) * 2
    return lambda: (values.astype(dtype), np.zeros(50, dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("function", [stored, summed, nested])
def test_numbers_are_chosen_in_kernels(function, dtype, backend):
    same(function, made(dtype), backend, ran="cpu")


def test_both_values_are_computed():
    same(divided, made())  # it raises


def test_a_list_would_hold_arrays():
    decorated = same(stored, lambda: ([0.1, 0.9], [0.0, 0.0]))
    assert set(places(decorated)) <= {"interpreter"}


@pytest.mark.parametrize("function", [held, squared, collected])
def test_arrays_without_axes_stay_the_interpreters(function):
    decorated = same(function, made())
    assert set(places(decorated)) <= {"interpreter"}
