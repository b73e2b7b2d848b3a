"""Pi by the share of random points that fall into a circle."""

from __future__ import annotations

import hashlib
import sys

import numpy as np


def program(x, y):
    """The estimate and its error."""
    inside = x * x + y * y <= 1.0
    estimate = 4.0 * np.count_nonzero(inside) / len(x)
    return estimate, abs(estimate - np.pi)


def given(size, dtype):
    """Points of a square."""
    draw = np.random.default_rng(8)
    return draw.random(size).astype(dtype), draw.random(size).astype(dtype)


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
