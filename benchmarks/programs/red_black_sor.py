"""Successive over-relaxation on four grids of every other point, until it has converged."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

MOST = 20


def program(red0, red1, black0, black1, omega, bound):
    """Points of even rows and even columns, of odd ones; then the two mixed kinds."""
    change = bound + 1.0
    turns = 0
    while change > bound and turns < MOST:
        old0 = red0.copy()
        old1 = red1.copy()
        red0[1:, 1:] += omega * (
            0.25 * (black0[1:, :-1] + black0[1:, 1:] + black1[:-1, 1:] + black1[1:, 1:])
            - red0[1:, 1:]
        )
        red1[:-1, :-1] += omega * (
            0.25 * (black1[:-1, :-1] + black1[:-1, 1:] + black0[:-1, :-1] + black0[1:, :-1])
            - red1[:-1, :-1]
        )
        black0[1:, :-1] += omega * (
            0.25 * (red0[1:, :-1] + red0[1:, 1:] + red1[:-1, :-1] + red1[1:, :-1]) - black0[1:, :-1]
        )
        black1[:-1, 1:] += omega * (
            0.25 * (red1[:-1, :-1] + red1[:-1, 1:] + red0[:-1, 1:] + red0[1:, 1:]) - black1[:-1, 1:]
        )
        change = np.max(np.abs(red0 - old0)) + np.max(np.abs(red1 - old1))
        turns += 1
    return red0, red1, black0, black1, change, turns


def given(size, dtype):
    """A cold plate with one warm side."""
    grids = [np.zeros((size, 2 * size), dtype=dtype) for _ in range(4)]
    for each in grids:
        each[0] = 100.0
    return (*grids, 1.25, 1e-4)


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
