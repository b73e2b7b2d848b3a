"""Rows and loops in order that compare floats: what is finite is not asked any further."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import same

LARGE = float(np.finfo(np.float64).max)


def warped(x, y, d, n, m):
    for i in range(1, n):
        for j in range(1, m):
            cost = abs(x[i] - y[j])
            d[i, j] = cost + min(d[i - 1, j], d[i, j - 1], d[i - 1, j - 1])


def clipped(x, y, d, n, m):
    for j in range(1, m):
        d[0, j] = min(d[0, j - 1] * x[0] / y[j], x[1])


@pytest.mark.parametrize("function", [warped, clipped], ids=lambda each: each.__name__)
@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("x", 0, 2.0),
        ("x", 1, np.inf),
        ("y", 9, np.inf),
        ("y", 9, 0.0),
        ("y", 3, np.nan),
        ("y", 9, -LARGE),
        ("d", 0, np.inf),
        ("d", 0, -np.inf),
        ("d", 0, LARGE),
        ("d", 0, np.nan),
    ],
)
def test_warnings_are_those_of_the_interpreter(function, name, place, value):
    n, m = 15, 40

    def made():
        found = {"x": np.full(n, 3.0), "y": np.full(m, 4.0), "d": np.ones((n, m))}
        found["x"][9] = LARGE
        found[name].ravel()[place] = value
        return *found.values(), n, m

    decorated = same(function, made, cache=False)
    assert "if not abs(" in "".join(decorated.inspect_source().values())
