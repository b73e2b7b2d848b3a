"""Where one form of a kernel overtakes another, from times at a few sizes.

Between two sizes a time is taken for a power of the work, which is a line where both axes are
logarithmic; two such lines meet in one point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossover:
    """From `work` on, `faster` takes less time than `slower`, which was ahead before."""

    faster: str
    slower: str
    work: float


def crossovers(work: Sequence[int], times_s: Mapping[str, Sequence[float]]) -> Iterator[Crossover]:
    """Yield every crossing of two forms, by ascending work for each pair.

    `work` ascends strictly, and every form has one positive time for each of its entries.
    """
    for first, second in combinations(times_s, 2):
        gaps = [
            math.log(one / other)
            for one, other in zip(times_s[first], times_s[second], strict=True)
        ]
        for (low, before), (high, after) in pairwise(zip(work, gaps, strict=True)):
            if before * after < 0:
                faster, slower = (first, second) if after < 0 else (second, first)
                share = before / (before - after)
                place = math.log(low) + share * (math.log(high) - math.log(low))
                yield Crossover(faster=faster, slower=slower, work=math.exp(place))
