"""Softmax of the rows of a matrix, as networks end in."""

from __future__ import annotations

import hashlib
import sys

import numpy as np


def program(x):
    """Probabilities, and the cross-entropy of the first class."""
    shifted = x - x.max(axis=-1, keepdims=True)
    powers = np.exp(shifted)
    p = powers / powers.sum(axis=-1, keepdims=True)
    loss = -np.mean(np.log(p[:, 0] + 1e-12))
    return p, loss


def given(size, dtype):
    """Scores of 1000 classes."""
    return (np.random.default_rng(5).standard_normal((size, 1000)).astype(dtype),)


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
