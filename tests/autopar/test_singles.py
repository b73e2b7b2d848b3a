"""Python floats that meet numbers of single precision: what no such number holds, and what rounds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import same

# mypy: disable-error-code="no-untyped-def"


def largest(a, m):
    for i in range(a.shape[0]):
        m = max(m, a[i])
    return m


def first_least(a, k):
    place = -1
    for i in range(a.shape[0]):
        if a[i] <= k:
            k = a[i]
            place = i
    return k, place


def larger_in_place(a, m):
    for i in range(a.shape[0]):
        if a[i] > m:
            a[i] = 0.0
            m = m * 1.0
    return m


@pytest.mark.parametrize("function", [largest, first_least, larger_in_place])
@pytest.mark.parametrize("size", [5, 40_000])
@pytest.mark.parametrize("start", [1e300, -1e300, float("inf"), 0.1, 0.7])
def test_a_float_from_before_a_loop_is_what_it_was(function, size, start):
    same(function, lambda: (np.linspace(0.0, 0.5, size, dtype="float32"), start))


def stored(a, b):
    for i in range(1, a.shape[0]):
        a[i] = a[i - 1]
        a[i] = b[i]


def test_what_overflows_in_a_store_is_told_where_a_loop_may_not_run_again():
    def arguments():
        return np.zeros(9, "float32"), np.full(9, 1e300)

    same(stored, arguments)
