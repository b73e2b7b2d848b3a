"""Nests that each call analyses with the number of axes that it finds its arrays to have.

Before:  for k in range(9): b += w[k] * a[:, k : k + m]      nothing says how many axes `b` has
After:   the region of two axes, or of three, planned once for each, and its own guard asked

Such a nest stands before its loop like any region and answers in the same way. A nest whose code
shows fewer axes than its arrays have (`f[k] += g`) is a region that hands such calls on to one.
Short rows (the colours of a picture) are as long in the plan as they are at the call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import field
from typing import Any, TypeAlias

import numpy as np

from autopar.analysis.facts.lists import LISTS
from autopar.analysis.facts.reasons import ConditionFailed, TracingActive
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.facts import Facts
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import SourceFunction, Span
from autopar.codegen.forks import Lock
from autopar.codegen.rates import current
from autopar.codegen.reasons import NotProfitable

from .dispatch import Region
from .guard import can_guard
from .options import Options
from .reanalysis import Allowance, Reanalyses
from .record import Records
from .regions_of_calls import region_of_call
from .sites import UNBOUND, Returned

Key: TypeAlias = tuple[tuple[int, int], ...]

# Rows that are not longer are unrolled.
_SHORT_ROW = 8
# About what a nest takes in the interpreter for each element of its largest array.
_ELEMENT_NS = 4


@dataclass(slots=True, kw_only=True, eq=False)
class Unranked:
    """One nest of one function, planned for the ranks of its arrays."""

    number: int  # among the regions of the function
    name: str  # "blur.L6C4"
    file: str
    source: SourceFunction
    span: Span  # where the nest stands
    arguments: tuple[str, ...]  # what `enter` takes, in this order
    results: tuple[str, ...]  # what it leaves behind
    options: Options
    bindings_hold: Callable[[], bool]
    records: Records
    again: Reanalyses[Region]
    asked_ns: int = 0  # predicted time spent in the interpreter since the last analysis
    _lock: Lock = field(default_factory=Lock)

    exchanged = None  # what a plan says of names that change places comes too late
    is_value = False

    def enter(self, *values: object) -> Returned:
        """Return what the nest leaves behind if it was run, else ()."""
        found = self.planned(values)
        if isinstance(found, Reason):
            return self.leave(found)
        named = dict(zip(self.arguments, values, strict=True))
        rows = found.enter(*(named[name] for name in found.guard.arguments))
        if found.results == self.results:
            return rows
        # What is an array is updated in place: its name keeps it.
        return tuple(
            tuple(left.get(name, UNBOUND) for name in self.results)
            for left in (dict(zip(found.results, row, strict=True)) for row in rows)
        )

    def planned(self, values: tuple[object, ...]) -> Region | Reason:
        """Return the region of the nest for arrays like these, or why there is none."""
        key = tuple(map(_shape, values))
        found = self.again.get(key)
        return self._analysed(key, values) if found is None else found

    def regions(self) -> list[Region]:
        """Return the regions made so far, and those made of them."""
        return [each for region in self.again.all() for each in region.regions()]

    def leave(self, reason: Reason) -> Returned:
        """Return what sends a call to the interpreter, for a reason that others found."""
        stack = self.records.stack
        if stack:
            stack[-1].add(self.number, "interpreter", None, 0.0, reason)
        return ()

    def _analysed(self, key: Key, values: tuple[object, ...]) -> Region | Reason:
        if sys.gettrace() is not None:
            return TracingActive(span=self.span)
        if self.options.backend == "auto":
            with self._lock:
                self.asked_ns += _ELEMENT_NS * max(map(_size, values), default=0)
                if self.asked_ns < current().analysis:
                    detail = "analysing it for these arrays takes longer than it has taken so far"
                    return NotProfitable(span=self.span, detail=detail)
        return self.again.make(key, lambda: self._region(key))

    def _region(self, key: Key) -> Region | Reason:
        """Return the region of the nest for arrays of these ranks."""
        from autopar.analysis.stages import plan_at

        shapes = tuple(zip(self.arguments, key, strict=True))
        ranks = tuple((name, rank) for name, (rank, _) in shapes if rank > 0)
        short = tuple((f"{name}.shape[{rank - 1}]", row) for name, (rank, row) in shapes if row)
        plan = plan_at(self.source, self.span, Facts(ranks=ranks, values=short))
        if isinstance(plan, Refusal):
            return plan.reasons[0]
        if plan is None or not can_guard(plan) or plan.scop.exchanged is not None:
            return self._otherwise("the last value of every loop variable is one expression")
        region = region_of_call(self, plan, 0)
        if not set(region.guard.arguments) <= set(self.arguments):
            return self._otherwise("its arrays are those that the code shows")
        if not set(region.results) <= set(self.results):
            return self._otherwise("what the loop leaves behind is what its text assigns")
        with self._lock:
            region.patience.interpreted_ns, self.asked_ns = self.asked_ns, 0
        return region

    def _otherwise(self, condition: str) -> Reason:
        return ConditionFailed(span=self.span, condition=condition, values=())


def make_unranked(
    place: tuple[int, str, SourceFunction],
    nest: tuple[Span, tuple[str, ...], tuple[str, ...]],
    options: Options,
    bindings_hold: Callable[[], bool],
    records: Records,
) -> Unranked:
    """Return a nest as what stands before its loop.

    `place` is its number, name and function; `nest` where it stands, arguments and results.
    """
    number, name, source = place
    span, arguments, results = nest
    return Unranked(
        number=number,
        name=name,
        file=source.text.path,
        source=source,
        span=span,
        arguments=arguments,
        results=results,
        options=options,
        bindings_hold=bindings_hold,
        records=records,
        again=Reanalyses(span=span, allowance=Allowance()),
    )


def _shape(value: Any) -> tuple[int, int]:  # noqa: ANN401  # whatever the user has there
    """Return how many axes a value has, and how long its rows are if that is short; else 0."""
    if type(value) is not np.ndarray:
        return (0, 0)
    rank = value.ndim
    row = value.shape[-1] if rank > 1 else 0
    return (rank, row if 1 < row <= _SHORT_ROW else 0)


def _size(value: Any) -> int:  # noqa: ANN401  # as above
    return value.size if type(value) is np.ndarray else 0


def hand_on(region: Region, source: SourceFunction) -> None:
    """Let a region hand calls on whose arrays have other numbers of axes than its code shows."""
    plan = region.plan
    shown = {each.name: each.rank for each in plan.scop.given_arrays}
    if not shown or plan.scop.is_value or plan.scop.exchanged is not None or plan.scop.collects:
        return
    wanted = tuple(shown.get(name, 0) for name in region.arguments)
    nest = (region.span, region.arguments, region.results)
    place = (region.number, region.name, source)
    other = make_unranked(place, nest, region.options, region.bindings_hold, region.records)

    def instead(values: tuple[object, ...]) -> Region | None:
        if all(map(_has_rank, values, wanted)) or not all(map(_may_have, values, wanted)):
            return None
        found = other.planned(values)
        if isinstance(found, Region) and found.results == region.results:
            return found
        return None

    region.instead = instead


def _has_rank(value: Any, rank: int) -> bool:  # noqa: ANN401  # as above
    if type(value) in LISTS:
        return rank > 0
    return (value.ndim if type(value) is np.ndarray else 0) == rank


def _may_have(value: object, rank: int) -> bool:
    """Return whether a value is an array, a list that may stand for one, or was shown as none."""
    return type(value) is np.ndarray or type(value) in LISTS or not rank
