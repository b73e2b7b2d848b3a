"""Names of the user's that look like those of generated code."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import same


def turns(turn_around_time, pair_sums, n):
    for turn_number in range(n):
        turn_around_time[turn_number] = pair_sums[turn_number] + turn_number


def ours(numpy_values, libm_lanes, pair_levels, launch0, status, n):
    for S0_1 in range(n):
        turn_x_lanes = numpy_values[S0_1] * 2.0
        reduce1 = turn_x_lanes - status
        libm_lanes[S0_1] = reduce1 + launch0
        pair_levels[S0_1] = S0_1


def summed(numpy_values, n):
    pair_total = 0.0
    for turn_ in range(n):
        pair_total += numpy_values[turn_]
    return pair_total


def underscored(turn_x, _turn_x, turn_x_, n):
    for i in range(n):
        turn_x[i] = _turn_x[i] + turn_x_[i]


def vectors(count, n=40):
    return tuple(np.arange(n) * 1.5 + k for k in range(count))


@pytest.mark.parametrize("names", [turns, ours, summed, underscored])
def test_names_that_look_like_ours(names, backend):
    arguments = {
        turns: lambda: (*vectors(2), 40),
        ours: lambda: (*vectors(3), 3.0, 0.5, 40),
        summed: lambda: (*vectors(1), 40),
        underscored: lambda: (*vectors(3), 40),
    }
    # A short sum keeps its order, which a device cannot share out.
    same(names, arguments[names], backend, ran=None if names is summed else "cpu")


def test_names_on_the_simulator(on_simulator):
    on_simulator(__file__)
