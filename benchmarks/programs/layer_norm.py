"""Layer normalisation with learned scale and shift, and a smooth rectifier."""

from __future__ import annotations

import hashlib
import sys

import numpy as np


def program(x, scale, shift):
    """The normalised rows, rectified."""
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    y = (x - mean) / np.sqrt(variance + 1e-5) * scale + shift
    return (0.5 * y * (1.0 + np.tanh(0.7978845608028654 * (y + 0.044715 * y**3))),)


def given(size, dtype):
    """Rows of 768 numbers."""
    draw = np.random.default_rng(6)
    x = draw.standard_normal((size, 768)).astype(dtype)
    return x, draw.random(768).astype(dtype), draw.random(768).astype(dtype)


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
