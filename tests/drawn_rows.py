"""Random nests with bounds that are data, and calls for them: choices -> source, arguments.

Before:  a seed
After:   for i in range(n): for j in range(ptr[i], ptr[i + 1]): a[j] = x[i]; rows that are apart, that overlap,
         negative ones, ones out of range, in several dtypes
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

BOUNDS = (
    "range(ptr[i], ptr[i + 1])", "range(ptr[i], ptr[i + 1])", "range(cnt[i])", "range(lo, hi)",
    "range(i, ptr[i + 1])", "range(1, cnt[i], 2)", "range(ptr[i + 1] - 1, ptr[i] - 1, -1)",
    "range(min(ptr[i], 5), ptr[i + 1])", "range(ptr[idx[i]], ptr[i + 1])", "range(ptr[k], ptr[k + 1])",
    "range(cnt[i] + 1)", "range(int(cnt[i]))", "range(ptr[i - 1], ptr[i])",
)  # fmt: skip
STATEMENTS = (
    "y[i] += v[j]", "y[i] = y[i] + v[j] * x[idx[j % n]]", "a[j] = x[i]", "a[j] = a[j] + x[i] * j",
    "s += v[j]", "a[idx[i]] += v[j]", "m = max(m, v[j])", "w[i, j] = v[j] + i", "w[i, j] += x[i]",
    "if v[j] > 0:\n    y[i] -= v[j]", "if v[j] > 0:\n    s = v[j]", "t = v[j]\ny[i] += t * t",
    "a[j + 1] = a[j] + 1", "x[i] = j", "if j > i:\n    a[j] = v[j]", "q = j", "a[idx[j]] = v[j]",
    "for l in range(2):\n    w[i, l] += v[j] * l", "for l in range(cnt[i]):\n    y[i] += v[l] * v[j]",
)  # fmt: skip
OUTER = ("range(n)", "range(n)", "range(1, n)", "range(n - 1, -1, -1)", "range(0, n, 2)")


def draw_source(choices: random.Random) -> str:
    """Return a function `kernel` with one nest over rows of data."""
    bounds = choices.choice(BOUNDS)
    body = [
        line
        for _ in range(choices.choice((1, 1, 2, 3)))
        for line in choices.choice(STATEMENTS).split("\n")
    ]
    inner = [f"for j in {bounds}:", *_indented(body)]
    for header in ("if x[i] > 0:", "for rep in range(2):"):
        if choices.random() < 0.15:
            inner = [header, *_indented(inner)]
    if choices.random() < 0.2:
        inner += [f"for j in {bounds}:", "    y[i] += a[j]"]
    before = ["lo = ptr[i]", "hi = ptr[i + 1]"] if "lo" in bounds else []
    before += ["s = 0.0"] if choices.random() < 0.3 else []
    after = ["y[i] = y[i] + s"] if choices.random() < 0.3 else []
    nest = [f"for i in {choices.choice(OUTER)}:", *_indented([*before, *inner, *after])]
    start = ["s = 0.0", "m = -1.0", "q = 0"]
    result = "return s, m, q" if choices.random() < 0.5 else "return s, m"
    head = "def kernel(n, k, ptr, cnt, idx, v, x, y, a, w):"
    return "\n".join([head, *_indented([*start, *nest, result])]) + "\n"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def draw_arguments(choices: random.Random) -> tuple[Any, ...]:
    """Return arguments for any drawn source."""
    rng = np.random.default_rng(choices.randrange(10**6))
    n = choices.choice((0, 1, 4, 7))
    low, high = choices.choice(((0, 12), (-4, 9), (0, 40)))
    dtype = choices.choice(("int64", "int64", "int32", "int8", "uint8"))
    ptr = np.concatenate([[0], np.cumsum(rng.integers(0, 4, n + 1))])
    if choices.random() < 0.5:
        ptr = rng.integers(max(low, 0 if dtype == "uint8" else low), high, n + 2)
    size = choices.choice((30, 30, 30, 16, 8))
    return (
        n,
        min(choices.choice((0, 1)), n),
        ptr.astype(dtype),
        rng.integers(0, 5, n + 2).astype(dtype),
        rng.integers(0, max(n, 1), 30),
        rng.integers(-3, 4, size).astype(float),
        rng.standard_normal(n + 1),
        rng.standard_normal(n + 1),
        rng.standard_normal(size),
        np.zeros((n + 1, size)),
    )
