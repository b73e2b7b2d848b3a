"""Poisson's equation by conjugate gradients; the matrix is a stencil."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

MOST = 20


def applied(p):
    """The five-point stencil with zeros around."""
    q = 4.0 * p
    q[1:, :] -= p[:-1, :]
    q[:-1, :] -= p[1:, :]
    q[:, 1:] -= p[:, :-1]
    q[:, :-1] -= p[:, 1:]
    return q


def program(b):
    """The solution after some turns, and the square of its residual."""
    x = np.zeros_like(b)
    r = b.copy()
    p = r.copy()
    square = np.sum(r * r)
    for _ in range(MOST):
        q = applied(p)
        alpha = square / np.sum(p * q)
        x += alpha * p
        r -= alpha * q
        following = np.sum(r * r)
        p = r + following / square * p
        square = following
    return x, square


def given(size, dtype):
    """A random right side."""
    return (np.random.default_rng(9).standard_normal((size, size)).astype(dtype),)


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
