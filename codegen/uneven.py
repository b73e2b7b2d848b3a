"""Loops whose iterations do not cost the same: where to cut their range.

    for i in range(n): for j in range(i): ...      n = 1000, four chunks
    even cuts:  0, 250, 500, 750, 1000             one chunk has 1/16 of the work, one 7/16
    these:      0, 500, 707, 866, 1000             each has a quarter

The predicted price of the first iteration, of the one in the middle and of the last is taken to
change evenly in between, which is exact for triangles and good for what is close to them. Where
chunks begin is of no consequence for any value: partial sums of floats keep to blocks that do
not depend on chunks (`codegen.canonical`).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import TypeAlias

# An iteration is never taken to cost less than this part of the dearest one.
_LEAST = 64


Prices: TypeAlias = tuple[int, int, int]  # of the first iteration, one in the middle, the last


class Work(int):
    """Predicted nanoseconds of a whole loop, and what is known besides."""

    prices: Prices | None = None  # None where all iterations cost the same
    is_unsure = False  # it may be any number of times as much


def uneven(work: int, first: int, middle: int, last: int) -> int:
    """Return `work`, with the prices of three iterations if they differ."""
    if first == middle == last:
        return work
    found = Work(work)
    found.prices = first, middle, last
    return found


def unsure(work: int) -> Work:
    """Return `work` of loops that are left when they are left, and no prediction says when."""
    found = Work(work)
    found.prices = work.prices if isinstance(work, Work) else None
    found.is_unsure = True
    return found


def is_unsure(work: int) -> bool:
    """Return whether what was predicted may be off by any factor."""
    return isinstance(work, Work) and work.is_unsure


def cuts(prices: Prices, trips: int, count: int) -> Iterator[int]:
    """Yield the numbers of the iterations before which to cut `trips` into about `count` parts.

    The parts are predicted to cost the same; there are fewer where single iterations cost more
    than a part. The numbers ascend strictly between 0 and `trips`, both excluded.
    """
    floor = max(*prices, 1) / _LEAST
    first, half, last = (max(float(each), floor) for each in prices)
    length = trips / 2
    lower, upper = length * (first + half) / 2, length * (half + last) / 2
    before = 0
    for number in range(1, count):
        target = (lower + upper) * number / count
        if target <= lower:
            place = _reached(first, half, length, target)
        else:
            place = length + _reached(half, last, length, target - lower)
        cut = round(place)
        if before < cut < trips:
            yield cut
            before = cut


def _reached(start: float, end: float, length: float, target: float) -> float:
    """Return where the area under a line from `start` to `end` over `length` is `target`."""
    slope = (end - start) / length
    # The root of slope / 2 * x * x + start * x = target, in the form that needs no slope.
    return 2 * target / (start + sqrt(max(0.0, start * start + 2 * slope * target)))
