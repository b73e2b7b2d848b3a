"""Nests that each call analyses with the integers it finds.

Before:  for i in range(n): for j in range(m): a[i * m + j] = 0.0      m = 100 at this call
After:   the region of `a[100 * i + j]`, planned once for m = 100, and its own guard asked

A deferred nest stands before its loop like any region and answers in the same way.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from dataclasses import field
from typing import Any

import numpy as np

from autopar.analysis.facts.arguments import kind_of
from autopar.analysis.facts.reasons import ConditionFailed, TracingActive, UnsupportedArgument
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.facts import Facts
from autopar.analysis.model.loop_ir import Exchanged, For, walk_statements
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import DeferredRegion
from autopar.analysis.model.source import Span
from autopar.analysis.passes.liveness import exposed_reads
from autopar.analysis.passes.name_uses import name_uses
from autopar.codegen.forks import Lock
from autopar.codegen.rates import current
from autopar.codegen.reasons import NotProfitable

from .cost import nest_nanoseconds
from .counting import Counting, counting_of
from .dispatch import Region
from .durations import describe_seconds
from .guard import ARRAYS, LIMIT, can_guard
from .options import Options
from .own_builtins import defined
from .reanalysis import Allowance, Reanalyses
from .record import Records
from .regions_of_calls import region_of_call

# `True` is no 1 as a whole subscript, so a bool stands for no value here.
_INTEGERS = frozenset((int, np.int64))


@dataclass(slots=True, kw_only=True, eq=False)
class Deferred:
    """One nest of one function that has a model at a call only."""

    number: int  # among the regions of the function
    name: str  # "heat.L6C4"
    file: str
    nest: DeferredRegion
    arguments: tuple[str, ...]  # what `enter` takes, in this order
    results: tuple[str, ...]  # what it leaves behind
    read: Callable[..., tuple[int, ...] | None]  # the values of `nest.names`
    cost: Callable[..., int]  # predicted nanoseconds in the interpreter
    options: Options
    bindings_hold: Callable[[], bool]
    records: Records
    again: Reanalyses[Region]
    counting: Counting | None  # shared with the regions made of it
    interpreted_ns: int = 0  # predicted time spent in the interpreter since the last analysis
    _lock: Lock = field(default_factory=Lock)

    is_hopeless = False  # its values may be others the next time

    @property
    def span(self) -> Span:
        """Where the nest stands."""
        return self.nest.span

    @property
    def exchanged(self) -> Exchanged | None:
        """How names change places in the nest."""
        return self.nest.nest.exchanged

    @property
    def is_value(self) -> bool:
        """Whether it is a comprehension."""
        return self.nest.nest.is_value

    def enter(self, *values: object) -> tuple[tuple[object, ...], ...]:
        """Return what the nest leaves behind if it was run, else ()."""
        try:
            key = self.read(*values)
        except (TypeError, AttributeError, IndexError):
            key = None
        if key is None:
            return self._refuse(self._unreadable(values))
        region = self.again.get(key)
        if region is None:
            region = self._analysed(key, values)
        if isinstance(region, Reason):
            return self._refuse(region)
        named = dict(zip(self.arguments, values, strict=True))
        return region.enter(*(named[name] for name in region.guard.arguments))

    def regions(self) -> list[Region]:
        """Return the regions made so far, and those made of them."""
        return [each for region in self.again.all() for each in region.regions()]

    def _analysed(self, key: tuple[int, ...], values: tuple[object, ...]) -> Region | Reason:
        if sys.gettrace() is not None:
            return TracingActive(span=self.span)
        if self.options.backend == "auto":
            spent = self._spent(values)
            if spent is not None:
                return spent
        return self.again.make(key, lambda: self._region(key))

    def _spent(self, values: tuple[object, ...]) -> Reason | None:
        """Return why an analysis would not pay yet; it does once the interpreter took as long."""
        try:
            predicted = self.cost(*values)
        except Exception:  # noqa: BLE001  # whatever the user's bounds do, the interpreter shows it
            predicted = 0
        counting = self.counting
        with self._lock:
            if counting is not None:
                self.interpreted_ns += counting.settle()
                predicted = counting.corrected_ns(predicted)
            self.interpreted_ns += predicted
            if self.interpreted_ns >= current().analysis:
                return None
        if counting is not None:
            counting.begin(predicted, current().analysis - self.interpreted_ns)
        detail = (
            f"it takes about {describe_seconds(predicted / 1e9)} in the interpreter, "
            f"analysing it with values about {describe_seconds(current().analysis / 1e9)}"
        )
        return NotProfitable(span=self.span, detail=detail)

    def _region(self, key: tuple[int, ...]) -> Region | Reason:
        """Return the region of the nest for the values of its names."""
        facts = Facts(values=tuple(zip(self.nest.names, key, strict=True)))
        from autopar.analysis.stages import plan_with_values

        plan = plan_with_values(self.nest, facts)
        if isinstance(plan, Refusal):
            return plan.reasons[0]
        if not can_guard(plan):
            unknown = "the last value of every loop variable is one expression"
            return ConditionFailed(span=self.span, condition=unknown, values=facts.values)
        with self._lock:
            spent, self.interpreted_ns = self.interpreted_ns, 0
        return region_of_call(self, plan, spent, self.counting)

    def _unreadable(self, values: tuple[object, ...]) -> Reason:
        """Return which of the deciding names has no value that can be used."""
        named = dict(zip(self.arguments, values, strict=True))
        for text in self.nest.names:
            name = text.partition(".")[0]
            kinds: frozenset[type] = ARRAYS if name != text else _INTEGERS
            if type(named[name]) not in kinds:
                return UnsupportedArgument(span=self.span, name=name, kind=kind_of(named[name]))
        limits = f"{', '.join(self.nest.names)} lie within {-LIMIT} and {LIMIT}"
        return ConditionFailed(span=self.span, condition=limits, values=())

    def leave(self, reason: Reason) -> tuple[tuple[object, ...], ...]:
        """Return what sends a call to the interpreter, for a reason that others found."""
        return self._refuse(reason)

    def _refuse(self, reason: Reason) -> tuple[tuple[object, ...], ...]:
        stack = self.records.stack
        if stack:
            stack[-1].add(self.number, "interpreter", None, 0.0, reason)
        return ()


def make_deferred(
    nest: DeferredRegion,
    place: tuple[int, str, str],
    options: Options,
    bindings_hold: Callable[[], bool],
    records: Records,
) -> Deferred:
    """Return the nest as what stands before its loop; `place` is number, name and file."""
    number, name, file = place
    arguments = _arguments(nest)
    read, cost = _functions(nest, arguments)
    return Deferred(
        number=number,
        name=name,
        file=file,
        nest=nest,
        arguments=arguments,
        results=_results(nest),
        read=read,
        cost=cost,
        options=options,
        bindings_hold=bindings_hold,
        records=records,
        again=Reanalyses(span=nest.span, allowance=Allowance()),
        counting=counting_of(
            each for each in walk_statements((nest.nest,)) if isinstance(each, For)
        ),
    )


def _arguments(nest: DeferredRegion) -> tuple[str, ...]:
    """Return every name whose value before the nest some plan of it may ask for.

    What lives on and may not be assigned is among them.
    """
    uses = name_uses(nest.nest)
    kept = nest.live_out & (uses.assigned | uses.variables)
    grown = frozenset(name for each in nest.nest.collects for name in each.arrays)
    lists = frozenset(each.list for each in nest.nest.collects if not each.is_new)
    return tuple(sorted((exposed_reads(nest.nest) - grown) | kept | lists))


def _functions(
    nest: DeferredRegion, arguments: tuple[str, ...]
) -> tuple[Callable[..., tuple[int, ...] | None], Callable[..., int]]:
    """Return what reads the values of the deciding names, and what predicts the time."""
    lines = [f"def read({', '.join(arguments)}):"]
    values = []
    for text in nest.names:
        name = text.partition(".")[0]
        kinds = "integers" if name == text else "arrays"
        lines.append(f"    if type({name}) not in autopar_{kinds}: return None")
        lines.append(f"    if not {-LIMIT} <= {text} <= {LIMIT}: return None")
        values.append(f"autopar_index({text})")
    lines.append(f"    return ({', '.join(values)},)")
    lines.append(f"def cost({', '.join(arguments)}):")
    lines.append(f"    return {nest_nanoseconds(nest.nest)}")
    names: dict[str, Any] = {
        "autopar_integers": _INTEGERS, "autopar_arrays": ARRAYS, "autopar_index": operator.index,
    }  # fmt: skip
    found = defined("\n".join(lines), "guard", names)
    return found["read"], found["cost"]


def _results(nest: DeferredRegion) -> tuple[str, ...]:
    """Return what a region of the nest leaves behind, sorted."""
    uses = name_uses(nest.nest)
    rows = {
        name
        for each in walk_statements((nest.nest,))
        if isinstance(each, For)
        for name, _ in each.rows
    }
    counted = set() if nest.nest.exchanged is None else {nest.nest.exchanged.turns}
    return tuple(sorted(nest.live_out & (uses.variables | rows | uses.assigned | counted)))
