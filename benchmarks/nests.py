"""What the analysis costs: verdicts, schedules, conditions at a call, and again with values.

Measured on the kernels of PolyBench and on one long function, in processor time: the analysis
runs in one thread and waits for nothing, so other work on the cores must not count.
"""

from __future__ import annotations

import inspect
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import analysis_api
from .analysis_api import Check
from .long_function import channel_flow
from .polybench import KERNELS, Kernel
from .statistics import median

CHECKS = 1000  # evaluations of a condition in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Nest:
    """One kernel under the analysis, in medians of some rounds."""

    kernel: str
    verdicts: Mapping[str, int]  # how many loops of each
    verdicts_s: float  # source read, parsed, modelled, every loop judged
    with_schedule_s: float
    reanalysis_s: float  # from the loops on, with the values of all integers
    condition_s: float | None  # the checks of one region at a call; None: no region
    operations: int  # of isl, for the verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """All nests, and the long function."""

    nests: tuple[Nest, ...]
    long_function_s: float
    long_function_lines: int
    long_function_operations: int

    def middle(self, part: str) -> float:
        """The median over the nests of `part`, which is a name of theirs."""
        values = [getattr(nest, part) for nest in self.nests]
        return median([value for value in values if value is not None])


def median_s(work: Callable[[], object], rounds: int) -> float:
    """Median seconds of `work`; a first call, which fills caches, is not counted."""
    work()
    return median([seconds(work) for _ in range(rounds)])


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call of `work`."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def condition_s(checks: Sequence[Check], rounds: int) -> float | None:
    """Median seconds of evaluating the conditions of a region; the costliest of the regions."""
    return max((_check_s(each, rounds) for each in checks), default=None)


def _check_s(check: Check, rounds: int) -> float:
    def batch() -> None:
        for _ in range(CHECKS):
            check()

    return median_s(batch, rounds) / CHECKS


def nest(kernel: Kernel, rounds: int) -> Nest:
    """The costs of one kernel."""
    function = kernel.function
    arguments = dict(zip(inspect.signature(function).parameters, kernel.arguments(), strict=True))
    integers = {name: value for name, value in arguments.items() if isinstance(value, int)}
    parsed = analysis_api.loops_of(function)
    return Nest(
        kernel=kernel.name,
        verdicts=dict(Counter(analysis_api.verdict_kinds(function))),  # `asdict` garbles a Counter
        verdicts_s=median_s(lambda: analysis_api.verdicts(function), rounds),
        with_schedule_s=median_s(lambda: analysis_api.with_schedule(function), rounds),
        reanalysis_s=median_s(lambda: analysis_api.again_with_values(parsed, integers), rounds),
        condition_s=condition_s(analysis_api.checks(function, arguments), rounds),
        operations=analysis_api.operations(lambda: analysis_api.verdicts(function)),
    )


def measure(rounds: int, kernels: Sequence[Kernel] = KERNELS) -> Analysis:
    """The costs of all kernels and of the long function."""
    lines, _ = inspect.getsourcelines(channel_flow)
    return Analysis(
        nests=tuple(nest(kernel, rounds) for kernel in kernels),
        long_function_s=median_s(lambda: analysis_api.verdicts(channel_flow), max(3, rounds // 3)),
        long_function_lines=len(lines),
        long_function_operations=analysis_api.operations(
            lambda: analysis_api.verdicts(channel_flow)
        ),
    )
