"""Partial values of parts of a loop, combined: what they come to, and what NumPy warns of."""

from __future__ import annotations

import math

import pytest

from autopar.analysis.model.typed import FLOAT_INVALID, FLOAT_OVERFLOW
from autopar.codegen.combine import Reduction, Scalar

# mypy: disable-error-code="no-untyped-def"

LARGE = 1e308


def settled(parts, *, can_repeat=False, is_watched=True):
    scalar = Scalar("+", "float64", is_watched=is_watched)
    loop = Reduction(scalars=(scalar,), block=1, fewest=0, can_repeat=can_repeat)
    return loop.settled([(each,) for each in parts], (0.0,))


@pytest.mark.parametrize(
    ("parts", "event", "value"),
    [
        ([LARGE, 1.0], 0, LARGE),
        ([LARGE, LARGE], FLOAT_OVERFLOW, math.inf),
        ([math.inf, 1.0], 0, math.inf),  # the part told of it
        ([math.inf, -math.inf], FLOAT_INVALID, math.nan),
        ([math.nan, 1.0], 0, math.nan),
    ],
)
def test_what_happens_where_parts_meet_is_told(parts, event, value):
    found = settled(parts)
    assert found is not None
    assert event == found[0]
    assert str(value) == str(found[1][0])


def test_nothing_is_told_of_what_nobody_watches():
    assert (0, (math.inf,), ()) == settled([LARGE, LARGE], is_watched=False)


def test_a_loop_that_may_run_again_does():
    assert settled([LARGE, LARGE], can_repeat=True) is None
