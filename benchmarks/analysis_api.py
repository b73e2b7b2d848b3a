"""The analysis as the benchmarks time it, looked up when they run.

Imported late, so that the kernels can be measured and the harness tested without it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .loops import Form

Check = Callable[[], object]


def verdicts(function: Form) -> object:
    """The static report of `function`: source read, parsed, modelled, every loop judged."""
    import autopar

    # Else it would be found on disk.
    return autopar.parallel(function, cache=False).explain()


def verdict_kinds(function: Form) -> tuple[str, ...]:
    """The verdicts on the loops of `function`, in source order."""
    import autopar

    functions = autopar.parallel(function, cache=False).explain().to_dict()["functions"]
    return tuple(loop["verdict"] for each in functions for loop in each["loops"])


def plan_of(function: Form) -> Any:  # imported late
    """The plan of `function`, which can be analysed."""
    from autopar.analysis.stages import analyze

    return analyze(source_of(function))


def source_of(function: Form) -> Any:  # imported late
    """Where `function` stands in its file, which is at hand."""
    from autopar.functions import read_source

    return read_source(function)


def with_schedule(function: Form) -> object:
    """The static report of `function` and a schedule for each of its regions."""
    from autopar.analysis.passes.schedule import find_schedule

    plan = plan_of(function)
    return [find_schedule(each.scop, each.loops, frozenset()) for each in plan.regions]


def loops_of(function: Form) -> tuple[Any, Any]:
    """The parsed `function` and its text: what a call has at hand to analyse it again."""
    return plan_of(function).function, source_of(function).text


def again_with_values(parsed: tuple[Any, Any], values: Mapping[str, int]) -> object:
    """The plans of all regions, given the values of integers by name."""
    from autopar.analysis.model.facts import Facts
    from autopar.analysis.passes.regions import find_regions
    from autopar.analysis.stages import plan_region

    facts = Facts(values=tuple(values.items()))
    return [plan_region(scop, facts) for scop in find_regions(*parsed, facts).scops]


def checks(function: Form, arguments: Mapping[str, object]) -> tuple[Check, ...]:
    """For each region that may be taken over: the evaluation of its conditions at a call.

    A scalar that the function computes on its way is 1.0 here.
    """
    from autopar.guard import can_guard, make_guard

    guards = [make_guard(each) for each in plan_of(function).regions if can_guard(each)]
    return tuple(_check(each.check, each.arguments, arguments) for each in guards)


def _check(
    check: Callable[..., object], names: Iterable[str], values: Mapping[str, object]
) -> Check:
    given = tuple(itertools.starmap(values.get, ((name, 1.0) for name in names)))
    return lambda: check(*given)


def operations(work: Callable[[], object]) -> int:
    """The operations that isl spends on `work`: a figure that no load on the cores moves."""
    from autopar.analysis.model import isl

    work()  # what is kept from an earlier time costs nothing again
    with isl.budget(operations=10**9, seconds=60.0):
        work()
        return isl.operations_spent()
