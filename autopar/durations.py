"""Durations as reports and reasons say them: three digits and a unit."""

from __future__ import annotations


def describe_seconds(seconds: float) -> str:
    """Return a duration with three digits and a unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
