"""The analysis as the benchmarks time it, looked up when they run.

Imported late, so that the kernels can be measured and the harness tested without it.
"""

from __future__ import annotations

from .loops import Form


def verdicts(function: Form) -> object:
    """The static report of `function`: source read, parsed, modelled, every loop judged."""
    import autopar

    return autopar.explain(function)


def with_schedule(function: Form) -> object:
    """The static report of `function` and a schedule for each of its regions."""
    from autopar.analysis.passes.schedule import find_schedule
    from autopar.analysis.stages import analyze
    from autopar.functions import read_source

    plan = analyze(read_source(function))
    return [find_schedule(each.scop, each.loops, frozenset()) for each in plan.regions]
