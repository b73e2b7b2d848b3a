"""Numbers from rounds of timings: medians, ratios, and how sure one can be of a ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 4000
SEED = 20240607


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times faster: median of the other's times over median of ours."""

    value: float
    low: float  # 2.5th percentile of the bootstrap
    high: float  # 97.5th percentile


def bootstrap_ratio(other_s: Sequence[float], ours_s: Sequence[float]) -> Ratio:
    """The ratio of medians with its 95 % bootstrap interval; above 1 we are faster.

    Rounds are resampled as pairs, because both times of a round met the same machine.
    Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics, 1979.
    """
    if len(other_s) != len(ours_s) or not other_s:
        raise ValueError("A ratio needs as many rounds of one as of the other, and at least one.")
    other, ours = np.asarray(other_s), np.asarray(ours_s)
    rounds = np.random.default_rng(SEED).integers(0, len(other), (RESAMPLES, len(other)))
    ratios = np.median(other[rounds], axis=1) / np.median(ours[rounds], axis=1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    value = float(np.median(other) / np.median(ours))
    return Ratio(value=value, low=float(low), high=float(high))


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean of positive `values`; not a number if there are none."""
    return float(np.exp(np.mean(np.log(values)))) if len(values) else float("nan")


def median(values: Sequence[float]) -> float:
    """The median of `values`."""
    return float(np.median(values))
