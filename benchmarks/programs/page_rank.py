"""PageRank by the power method, on a dense matrix of links."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

TURNS, DAMPING = 20, 0.85


def program(links):
    """The rank of each page, and the last change."""
    n = links.shape[0]
    out = links.sum(axis=0)
    out[out == 0] = 1
    transition = links / out
    rank = np.full(n, 1.0 / n, dtype=links.dtype)
    change = 1.0
    for _ in range(TURNS):
        new = DAMPING * (transition @ rank) + (1.0 - DAMPING) / n
        change = np.abs(new - rank).sum()
        rank = new
    return rank, change


def given(size, dtype):
    """Random links."""
    return ((np.random.default_rng(13).random((size, size)) < 0.01).astype(dtype),)


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])
