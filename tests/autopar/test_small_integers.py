"""Loops over int64 are run without checks where all values are small, and again where not."""

from __future__ import annotations

import numpy as np
import pytest

import autopar
from tests.sameness import observe

LIMITS = [2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**62, -(2**63), 2**63 - 1, 3037000500]


def product(x, y, z):
    for i in range(x.shape[0]):
        z[i] = x[i] * y[i]


def polynomial(x, y, z):
    for i in range(x.shape[0]):
        t = x[i] * y[i]
        z[i] = 3 * (x[i] - y[i]) + t - 7


def with_branches(x, y, z):
    for i in range(x.shape[0]):
        t = x[i] * y[i]
        if t > 0:
            z[i] = t * 3
        else:
            z[i] = -t + x[i] * i


def by_rows(x, y, z):
    for i in range(4):
        for j in range(x.shape[0] // 4):
            z[4 * j + i] = x[4 * j + i] * y[4 * j + i] * x[4 * j + i]


def in_place(x, y, z):
    for i in range(x.shape[0]):
        z[i] = z[i] * x[i] + y[i]


def as_subscript(x, y, z):
    for i in range(x.shape[0]):
        z[i] = y[(x[i] * x[i]) % 40]


def divided(x, y, z):
    for i in range(x.shape[0]):
        z[i] = x[i] * y[i] // x[i]


FUNCTIONS = [product, polynomial, with_branches, by_rows, as_subscript, divided]


def arguments(seed=3):
    random = np.random.default_rng(seed)
    return tuple(random.integers(-1000, 1000, 40) for _ in range(3))


def with_value(value, at, array):
    found = arguments()
    found[array][at] = value
    return found


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_every_size_gives_what_the_interpreter_gives(function):
    decorated = autopar.parallel(function, backend="cpu")
    for _ in range(3):
        assert observe(function, arguments()) == observe(decorated, arguments())
    for value in [*LIMITS, 0]:
        for at in (0, 17, 39):
            for array in (0, 1):
                expected = observe(function, with_value(value, at, array))
                assert expected == observe(decorated, with_value(value, at, array)), (value, at)


@pytest.mark.parametrize("function", [product, polynomial, with_branches, by_rows])
def test_products_have_a_loop_without_checks(function):
    decorated = autopar.parallel(function, backend="cpu")
    decorated(*arguments())
    (source,) = decorated.inspect_source().values()
    assert "if wide >" in source


def test_what_is_stored_and_read_is_checked_at_once():
    decorated = autopar.parallel(in_place, backend="cpu")
    decorated(*arguments())
    assert "wide" not in "".join(decorated.inspect_source().values())


def test_two_small_factors_may_still_be_too_much_for_three():
    def cube(x, z):
        for i in range(x.shape[0]):
            z[i] = x[i] * x[i] * x[i]

    decorated = autopar.parallel(cube, backend="cpu")
    large = np.full(9, 2**31 - 1)
    expected = observe(cube, (large, np.zeros(9, int)))
    assert expected == observe(decorated, (large, np.zeros(9, int)))
    assert expected.warnings
