"""The loops that calibration compiles; none of them is a test's or a benchmark's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from autopar.codegen.pool import usable_processors

MANY = 12_000  # iterations: three arrays of them lie in the cache of one core
NEAR = 300_000  # three arrays of them in the last cache
FAR = 8_000_000  # and in none
# More threads than this are not counted on for so little work.
MOST_THREADS = 4


def triad(x: Any, y: Any, z: Any) -> None:  # noqa: ANN401 - arrays
    """Add two vectors, one of them scaled."""
    for i in range(x.shape[0]):
        z[i] = x[i] + 3.0 * y[i]


def smoothed(x: Any, y: Any) -> None:  # noqa: ANN401 - arrays
    """Weigh each element and its neighbours."""
    for i in range(1, x.shape[0] - 1):
        y[i] = 0.25 * x[i - 1] + 0.5 * x[i] + 0.25 * x[i + 1]


def rational(x: Any, y: Any, z: Any) -> None:  # noqa: ANN401 - arrays
    """Divide two polynomials."""
    for i in range(x.shape[0]):
        z[i] = (1.0 + x[i] * (2.0 + y[i])) / (3.0 + y[i] * (2.0 + x[i]))


def waiting(x: Any, y: Any, z: Any) -> None:  # noqa: ANN401 - arrays
    """Each element waits for the one before."""
    for i in range(1, x.shape[0]):
        z[i] = 0.25 * z[i - 1] + x[i] * y[i]


def swept(x: Any, y: Any, z: Any, times: int) -> None:  # noqa: ANN401 - arrays
    """Add two vectors again and again, each time all of them."""
    for _ in range(times):
        for i in range(x.shape[0]):
            z[i] = x[i] + 0.5 * y[i]


def powers(x: Any, y: Any, z: Any, turns: int) -> None:  # noqa: ANN401 - arrays
    """Work on each element for some turns."""
    for i in range(x.shape[0]):
        s = y[i]
        for _ in range(turns):
            s = x[i] + 0.5 * s
        z[i] = s


TURNS = 64  # of `powers`
POWER_NS = 0.08  # what `codegen.work` reckons for one: a product and a sum

# What one iteration takes on the machine of the default rates, in nanoseconds.
PRICED: Mapping[Callable[..., None], float] = MappingProxyType(
    {triad: 0.3, rational: 0.56, waiting: 2.5}
)


def lines(count: int) -> tuple[Any, ...]:
    """Return three vectors."""
    return tuple(np.linspace(0.5, 1.5, count) for _ in range(3))


def processors() -> int:
    """Return how many threads a pool has."""
    return usable_processors()
