"""The steps of a run of array statements at a call: loops by kernels, functions by NumPy.

Before:  loops that make t; the sum of t, in s; loops that make y of t and s
After:   t allocated and made, s computed, t dropped once nothing reads it, y allocated and made

What a step leaves is kept under its name until the last step that reads it. Steps but the last
change no array of the caller's, so where one is left to the interpreter, all are.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any, TypeAlias

import numpy as np

from autopar.analysis.facts.reasons import ConditionFailed
from autopar.analysis.model.array_run import ArrayRun, Fold, FusedRun, Loops, Numbers, Step
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.loop_ir import Element, Extent, Name, walk_expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.text import python_text
from autopar.codegen.fresh_memory import fresh_array
from autopar.codegen.residence import here

from .array_calls import NotCalledError, call_of
from .dispatch import Region

Values: TypeAlias = dict[str, Any]
# What is done with the values so far; False where the interpreter is to do all.
Done: TypeAlias = Callable[[Values], bool]
# After so many calls in a row that ended behind the first step, only every few calls begin.
_MOST_FAILURES, _TRIED_AGAIN = 8, 16


@dataclass(slots=True, kw_only=True, eq=False)
class Planned:
    """A run for arguments of one kind."""

    arguments: tuple[str, ...]
    steps: tuple[Done, ...]
    results: tuple[str, ...]  # the values that are left, in the order of the results of the run
    made_of: tuple[Region, ...]
    in_vain: Reason
    failures: int = 0  # in a row, behind the first step
    # Predicted time spent in the interpreter, and from when on the run is worth its kernels:
    # were they compiled one after the other, calls would compute the first steps in vain.
    spent_ns: int = 0
    price_ns: int = 0

    def is_early(self, predicted_ns: int) -> bool:
        """Return whether one more call in the interpreter comes before the kernels of all steps."""
        if self.spent_ns >= self.price_ns:
            return False
        self.spent_ns += predicted_ns
        return self.spent_ns < self.price_ns

    def enter(self, values: tuple[object, ...]) -> tuple[object, ...] | Reason | None:
        """Return what is left behind, or why nothing was done; None where a step has said why."""
        if self.failures >= _MOST_FAILURES and self.failures % _TRIED_AGAIN:
            self.failures += 1
            return self.in_vain
        found: Values = dict(zip(self.arguments, values, strict=True))
        for number, step in enumerate(self.steps):
            if not step(found):
                self.failures += number > 0
                return None
        self.failures = 0
        return tuple(found[each] for each in self.results)

    def regions(self) -> list[Region]:
        """Return the regions made so far, and those made of them."""
        return [each for region in self.made_of for each in region.regions()]


def planned_steps(
    run: ArrayRun,
    fused: FusedRun,
    regions: tuple[Region | None, ...],
    threads: int | None,
    price_ns: int = 0,
) -> Planned:
    """Return the steps of a run; each of its loops has a region, the other steps none."""
    results = tuple(found for _, found in fused.results)
    read = [_read(step, region) for step, region in zip(fused.steps, regions, strict=True)]
    steps: list[Done] = []
    kept = frozenset({*run.arguments, *results})
    for number, (step, region) in enumerate(zip(fused.steps, regions, strict=True)):
        later = kept.union(*read[number + 1 :])
        gone = tuple(sorted((read[number] | _left(step)) - later))
        steps.append(_done(step, region, gone, threads))
    return Planned(
        arguments=run.arguments,
        steps=tuple(steps),
        results=results,
        made_of=tuple(each for each in regions if each is not None),
        in_vain=ConditionFailed(
            span=fused.span, condition="no step of it is left to the interpreter", values=()
        ),
        price_ns=price_ns,
    )


def _done(step: Step, region: Region | None, gone: tuple[str, ...], threads: int | None) -> Done:
    match step:
        case Loops():
            assert region is not None  # loops have one
            return _loops(step, region, gone)
        case Fold():
            return _called(step, gone, threads)
        case Numbers():
            return _computed(step)


def _loops(step: Loops, region: Region, gone: tuple[str, ...]) -> Done:
    allocate = _allocation(step)
    arguments, results = region.arguments, region.results

    def done(values: Values) -> bool:
        allocate(values)
        if region.runs.stays_there:
            for each in step.arrays:
                here().expect(values[each.name])
        for left in region.enter(*[values[name] for name in arguments]):
            values.update(zip(results, left, strict=True))
            for name in gone:
                values.pop(name, None)
            return True
        return False

    return done


def extents_named(run: FusedRun) -> frozenset[str]:
    """Return the names in the extents of what a run allocates."""
    new = (array for step in run.steps if isinstance(step, Loops) for array in step.arrays)
    return _mentioned(extent for each in new for extent in each.extents)


def _allocation(step: Loops) -> Callable[[Values], None]:
    """Return what allocates the new arrays of loops."""
    mentioned = sorted(_mentioned(e for each in step.arrays for e in each.extents))
    lines = [
        *(f"    {name} = values[{name!r}]\n" for name in mentioned),
        *(
            f"    values[{each.name!r}] = autopar_empty("
            f"({''.join(f'{python_text(e)}, ' for e in each.extents)}), autopar_dtypes[{number}])\n"
            for number, each in enumerate(step.arrays)
        ),
    ]
    source = f"def allocate(values):\n{''.join(lines) or '    pass'}\n"
    names: dict[str, Any] = {
        "autopar_empty": fresh_array,
        "autopar_dtypes": tuple(np.dtype(each.dtype) for each in step.arrays),
    }
    exec(_compiled(source), names)  # noqa: S102  # our own text
    made: Callable[[Values], None] = names["allocate"]
    return made


def _called(step: Fold, gone: tuple[str, ...], threads: int | None) -> Done:
    call = call_of(step, threads)
    sources, target = step.sources, step.target

    def done(values: Values) -> bool:
        here().fetch()
        try:
            values[target] = call(*[values[each] for each in sources])
        except NotCalledError:
            return False
        for name in gone:
            values.pop(name, None)
        return True

    return done


def _computed(step: Numbers) -> Done:
    """Return what computes numbers as Python does."""
    lines = [f"{python_text(e.target)} = {python_text(e.value)}" for e in step.statements]
    code = _compiled("\n".join(lines) + "\n")
    is_stored = any(isinstance(each.target, Element) for each in step.statements)
    modules = {"numpy": np, "math": math, "cmath": cmath}

    def done(values: Values) -> bool:
        if is_stored:  # what lies on the device is not what counts after it
            here().settle()
        else:
            here().fetch()
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                exec(code, dict(modules), values)  # noqa: S102  # our own text
        except Exception:  # noqa: BLE001  # the interpreter raises it itself
            return False
        return True

    return done


def _compiled(source: str) -> CodeType:
    return compile(source, "<autopar guard>", "exec")


def _read(step: Step, region: Region | None) -> frozenset[str]:
    """Return the names that a step reads."""
    match step:
        case Loops():
            assert region is not None  # loops have one
            return frozenset(region.arguments) | _mentioned(
                e for a in step.arrays for e in a.extents
            )
        case Fold():
            return frozenset(step.sources)
        case Numbers():
            return _mentioned(e for each in step.statements for e in (each.target, each.value))


def _left(step: Step) -> frozenset[str]:
    """Return the arrays that a step makes."""
    match step:
        case Loops():
            return frozenset(each.name for each in step.arrays)
        case Fold():
            return frozenset({step.target})
        case Numbers():
            return frozenset()


def _mentioned(expressions: Iterable[Any]) -> frozenset[str]:
    return frozenset(
        node.name if isinstance(node, Name) else node.array
        for each in expressions
        for node in walk_expression(each)
        if isinstance(node, Name | Element | Extent)
    )
