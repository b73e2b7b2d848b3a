"""Jacobi's method for Poisson's equation, until the residual is small."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

MOST = 40


def program(u, f, bound):
    """The solution, and how often it was improved."""
    turns = 0
    while turns < MOST:
        new = u.copy()
        new[1:-1, 1:-1] = 0.25 * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] + f[1:-1, 1:-1]
        )
        change = np.sqrt(np.sum((new - u) ** 2) / np.sum(new**2))
        u = new
        turns += 1
        if change < bound:
            break
    return u, turns


def given(size, dtype):
    """Charges of both signs."""
    f = np.zeros((size, size), dtype=dtype)
    f[size // 4, size // 2] = 1.0
    f[3 * size // 4, size // 2] = -1.0
    return np.zeros((size, size), dtype=dtype), f, 1e-6


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
