"""Columns of a table brought to mean 0 and deviation 1, outliers cut off."""

from __future__ import annotations

import hashlib
import sys

import numpy as np


def program(table):
    """The standardised table, and how many values were cut off."""
    centred = (table - table.mean(axis=0)) / table.std(axis=0)
    far = np.abs(centred) > 3.0
    return np.clip(centred, -3.0, 3.0), np.count_nonzero(far)


def given(size, dtype):
    """A table of 16 columns."""
    draw = np.random.default_rng(7)
    return ((draw.standard_normal((size, 16)) * np.arange(1, 17) + 5.0).astype(dtype),)


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
