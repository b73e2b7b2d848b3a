"""Cuts of uneven loops: parts of like cost, every iteration once, whatever the prices."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autopar
from autopar.codegen.pool import Pool, _borders
from autopar.codegen.uneven import Work, cuts, is_unsure, uneven, unsure


def priced(first, middle, last):
    work = Work(10**9)
    work.prices = first, middle, last
    return work


def parts(trips, count, first, middle, last):
    return list(pairwise((0, *cuts((first, middle, last), trips, count), trips)))


def test_triangle_is_cut_into_parts_of_the_same_size():
    shares = [sum(range(low, high)) for low, high in parts(1000, 8, 0, 500, 999)]
    assert 8 == len(shares)
    assert max(shares) < 1.02 * sum(shares) / 8


def test_falling_triangle_is_the_mirror_of_a_rising_one():
    rising = parts(1000, 8, 0, 500, 1000)
    falling = parts(1000, 8, 1000, 500, 0)
    assert [(1000 - high, 1000 - low) for low, high in reversed(rising)] == falling


def test_pyramid_is_cut_nearly_evenly():
    shares = [
        sum(i * i for i in range(low, high)) for low, high in parts(1000, 8, 0, 250_000, 10**6)
    ]
    assert max(shares) < 1.35 * sum(shares) / 8  # 2.7 times for even cuts


def test_iterations_of_one_price_are_no_matter():
    assert type(uneven(100, 7, 7, 7)) is int


def test_uneven_work_is_a_number_like_any_other():
    work = uneven(5000, 0, 5, 10)
    assert isinstance(work, Work)
    assert 5000 == work
    assert hash(5000) == hash(work)


PRICES = st.integers(0, 10**12)


@given(st.integers(1, 10**6), st.integers(1, 64), PRICES, PRICES, PRICES)
def test_cuts_ascend_between_both_ends(trips, count, first, middle, last):
    found = list(cuts((first, middle, last), trips, count))
    assert sorted(set(found)) == found
    assert all(0 < each < trips for each in found)
    assert len(found) < count


@given(st.integers(-50, 50), st.integers(0, 300), st.integers(1, 7), PRICES, PRICES, PRICES)
def test_borders_lie_on_iterations(lower, extent, step, first, middle, last):
    work = priced(first, middle, last)
    upper = lower + extent
    borders = _borders(lower, upper, step, work, 4)
    assert (lower, upper) == (borders[0], borders[-1])
    assert [*range(lower, upper, step)] == [
        each for low, high in pairwise(borders) for each in range(low, high, step)
    ]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_whole_loop_without_price_is_cut_evenly(count):
    sizes = [high - low for low, high in parts(70, count, 0, 0, 0)]
    assert [70 // count] * count == sizes


def test_generated_triangle_tells_what_its_iterations_cost(monkeypatch):
    seen = []
    original = Pool.launch

    def launch(self, kernel, lower, upper, step, arguments, work):
        seen.append(work)
        return original(self, kernel, lower, upper, step, arguments, work)

    monkeypatch.setattr(Pool, "launch", launch)

    @autopar.parallel(backend="cpu")
    def fill(a):
        for i in range(a.shape[0]):
            for j in range(i, a.shape[0]):
                a[i, j] = i - 0.5 * j

    a = np.zeros((400, 400))
    fill(a)
    (work,) = seen
    assert isinstance(work, Work)
    assert work.prices is not None
    first, middle, last = work.prices
    assert first > middle > last
    i, j = np.indices(a.shape)
    assert np.array_equal(a, np.where(j >= i, i - 0.5 * j, 0.0))


def test_unsure_work_keeps_the_prices():
    assert unsure(uneven(9, 1, 2, 3)).prices == (1, 2, 3)
    assert is_unsure(unsure(9))
    assert not is_unsure(uneven(9, 1, 2, 3))
    assert not is_unsure(9)
    assert 9 == unsure(9)
