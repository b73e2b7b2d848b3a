"""Classes of drawn loops: the oracle's verdicts at several argument points -> one word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tests.oracle import Loop, Recording, verdict

LoopClass = Literal["parallel", "reduction", "conditional", "sequential", "idle"]


def loop_class(runs: Iterable[Recording], loop: Loop) -> LoopClass:
    """Return what `loop` is over all `runs` in which it has two iterations or more; `idle` if it never has."""
    found = {verdict(run, loop) for run in runs if has_two_iterations(run, loop)}
    if not found:
        return "idle"
    if "sequential" in found:
        return "sequential" if found == {"sequential"} else "conditional"
    return "reduction" if "reduction" in found else "parallel"


def has_two_iterations(run: Recording, loop: Loop) -> bool:
    """Return whether some execution of `loop` has accesses in two iterations."""
    return any(step.loop == loop and step.number > 0 for e in run.events for step in e.steps)
