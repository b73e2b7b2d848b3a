"""The analysis as the benchmarks time it, looked up when they run.

Imported late, so that the kernels can be measured and the harness tested without it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from .loops import Form


def verdicts(function: Form) -> object:
    """The static report of `function`: source read, parsed, modelled, every loop judged."""
    import autopar

    return autopar.explain(function)


def with_schedule() -> Callable[[Form], object] | None:
    """The static stage up to the schedule; None where `analysis.stages` offers no such stage."""
    try:
        stages = import_module("autopar.analysis.stages")
    except ModuleNotFoundError:
        return None
    stage: Callable[[Form], object] | None = getattr(stages, "schedule_function", None)
    return stage
