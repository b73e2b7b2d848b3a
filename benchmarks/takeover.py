"""What a report of a run says about who did the work: share of time, and which backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COMPILED = frozenset({"cpu", "cuda"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """How much of one call was run by compiled kernels."""

    share: float  # of the call's wall time, 0 to 1
    backends: tuple[str, ...]  # that ran loops, sorted; empty: nothing was recorded

    @property
    def earned(self) -> bool:
        """Is a ratio of this call one that compiled code earned?"""
        return self.share >= 0.5 and bool(COMPILED.intersection(self.backends))


def compiled_seconds(loops: Sequence[Mapping[str, Any]]) -> float:
    """Seconds in the outermost taken-over loops; `loops` in source order, as in a report.

    A loop inside one that is already counted is skipped; a loop that the interpreter ran is
    looked into, since regions inside it may have been taken over.
    """
    total, inside = 0.0, None
    for loop in loops:
        if inside is not None and loop["depth"] > inside:
            continue
        inside = None
        ran = loop.get("ran")
        if ran is not None and ran["backend"] in COMPILED:
            total += ran["seconds"] or 0.0  # None: nobody measured, so nothing is earned
            inside = loop["depth"]
    return total


def takeover(report: Mapping[str, Any], wall_s: float) -> Takeover:
    """What `report`, the `to_dict()` of a run that took `wall_s`, says of its loops."""
    functions = report["functions"]
    seconds = sum(compiled_seconds(function["loops"]) for function in functions)
    ran = [loop["ran"] for function in functions for loop in function["loops"] if loop.get("ran")]
    backends = tuple(sorted({entry["backend"] for entry in ran}))
    return Takeover(share=seconds / wall_s if wall_s > 0 else 0.0, backends=backends)
