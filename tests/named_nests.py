"""Drawn loops whose turns give names to rows, and to copies of rows, of arrays that may overlap.

Before:  random.Random        After:  for i in range(n): r = a[i - 1]; r[0] += b[i, 0]; out[i] = r.sum()
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

_PLACES = ("a[i]", "a[i, :]", "b[i]", "a[i - 1]", "b[n - 1 - i]", "a[k[i]]", "a[i + 1]", "a[m]")
_CHANGES = (
    "{r}[{j}] = {v}",
    "{r}[{j}] += {v}",
    "b[i, {j}] = {v}",
    "a[i, {j}] = {v}",
    "out[i] = {v}",
    "out[i] += {v}",
    "m = (m + 1) % 3",
    "{r}[1:] = {v}",
)
_VALUES = (
    "{r}[{j}]",
    "{r}[0] + 1",
    "{r}.sum()",
    "len({r})",
    "{r}.shape[0] * 2",
    "{r}[-1] - b[i, {j}]",
    "out[i] * 2",
    "{r}.max() + {r}[{j}]",
)
_MAKERS = ("{p}", "{p}", "{p}", "{p}.copy()", "{p} * 2", "{p} + b[i]")


def draw_named_rows(chosen: random.Random) -> str:
    """Return the source of `kernel(a, b, out, k, n, m)`."""
    rows = [f"r{number}" for number in range(chosen.choice((1, 1, 2)))]
    lines: list[str] = []
    for row in rows:
        place = chosen.choice(_PLACES)
        lines.append(f"{row} = " + chosen.choice(_MAKERS).format(p=place))
        for _ in range(chosen.randint(1, 3)):
            lines += _statement(chosen, chosen.choice(rows[: rows.index(row) + 1]))
    if chosen.random() < 0.2:
        lines = [f"if i % 2 == {chosen.randint(0, 1)}:", *(f"    {line}" for line in lines)]
    header = chosen.choice(("range(n)", "range(1, n)", "range(len(a))", "range(n - 1)"))
    returned = chosen.choice(("out", "out", "m", rows[0])) if chosen.random() < 0.3 else "m"
    text = [
        "def kernel(a, b, out, k, n, m):",
        f"    for i in {header}:",
        *(f"        {line}" for line in lines),
        f"    return {returned}",
    ]
    return "\n".join(text) + "\n"


def _statement(chosen: random.Random, row: str) -> list[str]:
    is_inner = chosen.random() < 0.6
    subscript = "j" if is_inner else chosen.choice(("0", "1", "-1"))
    value = chosen.choice(_VALUES).format(r=row, j=subscript)
    line = chosen.choice(_CHANGES).format(r=row, j=subscript, v=value)
    header = chosen.choice((f"range(len({row}))", "range(1, a.shape[1])", "range(3)"))
    return [f"for j in {header}:", f"    {line}"] if is_inner else [line]


def arguments(chosen: random.Random) -> Callable[[], tuple[Any, ...]]:
    """Return what makes the arguments of a kernel, the same each time."""
    seed = chosen.randrange(1 << 30)
    dtype = chosen.choice((np.float64, np.float64, np.int64, np.float32))
    shape = chosen.choice(((4, 3), (4, 3), (5, 4), (4, 0), (0, 3), (1, 1)))
    kind = chosen.choice(("apart", "apart", "apart", "same", "moved", "turned", "flat", "lists"))
    few = chosen.random() < 0.1

    def make() -> tuple[Any, ...]:
        values = np.random.default_rng(seed)
        room = values.integers(-9, 9, (shape[0] + 1, shape[1])).astype(dtype)
        a, b = room[1:], values.integers(-9, 9, shape).astype(dtype)
        match kind:
            case "same":
                b = a
            case "moved":
                b = room[:-1]
            case "turned":
                a = np.asfortranarray(a)[::-1]
        n = shape[0] + few
        out, k = np.zeros(n, dtype), values.integers(-1, max(1, shape[0]), n)
        if kind == "flat":
            return a.ravel(), b.ravel(), out, k, min(n, a.size), 0
        return (a.tolist() if kind == "lists" else a), b, out, k, n, 0

    return make
