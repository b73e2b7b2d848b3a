"""Shares with the interval that a sample leaves them.

Wilson's score interval (Probable inference, the law of succession, and statistical inference,
JASA 1927): right also for shares near 0 and 1, where the usual one leaves [0, 1].
"""

from __future__ import annotations

import math

from autopar.analysis.model.nouns import dataclass

_Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A count out of a total, with a 95 % interval."""

    count: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, between 0 and 1; 0 of nothing is 0."""
        return self.count / self.total if self.total else 0.0

    def to_dict(self) -> dict[str, float | int]:
        """Return the JSON form, rounded to what a reader can use."""
        return {
            "count": self.count,
            "total": self.total,
            "share": round(self.value, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
        }


def share(count: int, total: int) -> Share:
    """Return `count` of `total` with Wilson's 95 % interval.

    Raises ValueError where there are more than all of them.
    """
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no share")
    if total == 0:
        return Share(count=0, total=0, low=0.0, high=1.0)
    rate, square = count / total, _Z_95**2
    middle = (rate + square / (2 * total)) / (1 + square / total)
    spread = math.sqrt(rate * (1 - rate) / total + square / (4 * total * total))
    reach = _Z_95 * spread / (1 + square / total)
    return Share(
        count=count, total=total, low=max(0.0, middle - reach), high=min(1.0, middle + reach)
    )
