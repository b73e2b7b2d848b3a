"""The canonical order of reordered reductions in plain Python, written from its description.

Before:  start, the terms of each iteration, an operation         the shape: block, lanes
After:   what every backend and every number of threads must give, bit for bit
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from autopar.codegen import canonical, cpu, cpu_reduce, cuda, tree_shape
from autopar.codegen.canonical import Shape

T = TypeVar("T")

SMALL = Shape(block=8, lanes=4)


def reordered(
    start: T,
    count: int,
    grown: Callable[[T, int], T],
    combined: Callable[[T, T], T],
    neutral: T,
    shape: Shape = canonical.FLAT,
) -> T:
    """Return the value after `count` iterations; `grown(value, k)` is iteration k's own work."""
    blocks = []
    for first in range(0, count, shape.block):
        lanes = [neutral] * shape.lanes
        for k in range(first, min(first + shape.block, count)):
            lane = (k - first) % shape.lanes
            lanes[lane] = grown(lanes[lane], k)
        while len(lanes) > 1:
            half = len(lanes) // 2
            lanes = [combined(lanes[i], lanes[i + half]) for i in range(half)]
        blocks += lanes
    while len(blocks) > 1:
        pairs = [combined(blocks[i], blocks[i + 1]) for i in range(0, len(blocks) - 1, 2)]
        blocks = pairs + blocks[2 * len(pairs) :]
    return combined(start, blocks[0] if blocks else neutral)


def in_order(start: T, count: int, grown: Callable[[T, int], T]) -> T:
    """Return the same in the interpreter's order."""
    for k in range(count):
        start = grown(start, k)
    return start


def total(values: Sequence[Any], start: Any, shape: Shape = canonical.FLAT) -> Any:
    """Return the canonical sum of NumPy scalars of one dtype."""
    kind = type(values[0])
    neutral = kind(-0.0)
    return reordered(
        kind(start), len(values), lambda s, k: s + values[k], lambda x, y: x + y, neutral, shape
    )


def scanned(values: Sequence[Any], start: Any, block: int = canonical.SCAN_BLOCK) -> list[Any]:
    """Return the canonical prefix sums of NumPy scalars of one dtype, each with those before it."""
    kind = type(values[0])
    found = []
    start = kind(start)
    for first in range(0, len(values), block):
        part = values[first : first + block]
        found += [total := start, *(total := total + each for each in part)][1:]
        start = start + in_order(kind(-0.0), len(part), lambda s, k: s + part[k])
    return found


@contextmanager
def small_shapes(fewest: int = 0) -> Iterator[Shape]:
    """Make blocks tiny and reorder sums of `fewest` terms, in kernels generated meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "FLAT", SMALL)
        patch.setattr(canonical, "ONE_LANE", Shape(block=8, lanes=1))
        patch.setattr(canonical, "SCAN_BLOCK", 4)
        patch.setattr(canonical, "EXACT_SCAN_BLOCK", 3)
        patch.setattr(cuda, "FEWEST_OF_PASSES", fewest)
        patch.setattr(tree_shape, "WIDTH", 4)  # threads of a device
        for module in (cpu, cpu_reduce, cuda):
            patch.setattr(module, "FEWEST_TERMS", fewest)
        yield SMALL
