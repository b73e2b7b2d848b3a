"""Runs of array statements that each call plans with the arrays it finds.

Before:  t = np.exp(-x); y = a * t + b          x: float64 of 10**6 elements at this call
After:   y = np.empty(x.shape); one nest over it, planned once for such arguments

An entry stands before the first of its statements like any region. What the statements make
anew is allocated here, as NumPy would have, and handed out: in C order, which is what NumPy
gives to results of operands whose strides descend; others are left to it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import field
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from autopar.analysis.facts.arguments import is_second, kind_of
from autopar.analysis.facts.reasons import (
    ConditionFailed,
    NoRoom,
    TracingActive,
    UnsupportedArgument,
)
from autopar.analysis.model.array_run import FOLD, NEW_AXIS, ArrayRun, GivenArray, GivenScalar
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.loop_ir import (
    Call,
    Element,
    Expression,
    Name,
    Slice,
    expressions_of,
    walk_expression,
)
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import Span
from autopar.analysis.model.types import COMPILED_DTYPES
from autopar.codegen.forks import Lock
from autopar.codegen.rates import current
from autopar.codegen.reasons import NotProfitable

from .array_steps import Planned, extents_named, planned_steps
from .dispatch import Region
from .durations import describe_seconds
from .guard import can_guard
from .options import Options
from .reanalysis import Allowance, Reanalyses
from .record import Records
from .regions_of_calls import region_of_call
from .sites import Returned

Key: TypeAlias = tuple[object, ...]

# A run that takes less in the interpreter is not worth the question what its arrays are.
_SHORTEST_NS = 200_000
# Axes that are not longer are written out where a run reduces along axes.
_SHORT = 16
# What NumPy takes for an operation on whole arrays: the call, and each element.
_CALL_NS, _ELEMENT_NS = 600, 0.8
_PYTHON = {bool: "bool", int: "int", float: "float", complex: "complex"}


@dataclass(slots=True, kw_only=True, eq=False)
class ArrayEntry:
    """One run of one function."""

    number: int  # among the regions of the function
    name: str  # "f.L6C4"
    file: str
    run: ArrayRun
    options: Options
    bindings_hold: Callable[[], bool]
    records: Records
    again: Reanalyses[Planned]
    operations: int
    subscripted: tuple[int, ...]  # axes of each argument that all its places have numbers for
    is_outer: bool  # it makes axes, so that arrays may be as large as the square of its arguments
    reduces: bool  # along axes: those of few elements are written out
    short: Reason  # why calls with small arrays are left to the interpreter
    asked_ns: int = 0  # predicted time spent in the interpreter without a plan
    planned_ns: int = 0  # of it, since the last plan
    stays_there: bool = False  # arrays stay on the device, as those of a region
    is_hopeless: bool = False  # the last call was of types for which there is no plan
    _lock: Lock = field(default_factory=Lock)

    exchanged = None  # names stay where they are

    @property
    def is_value(self) -> bool:
        """Whether it is an expression."""
        return self.run.is_value

    @property
    def span(self) -> Span:
        """Where the run stands."""
        return self.run.whole

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names whose values `enter` takes, in this order."""
        return self.run.arguments

    @property
    def results(self) -> tuple[str, ...]:
        """The names of what `enter` leaves behind, sorted; the one that holds what is returned."""
        return self.run.results if self.run.holder is None else (self.run.holder,)

    @property
    def interpreted_ns(self) -> int:
        """The predicted time spent in the interpreter so far."""
        if self.again.is_empty:
            return self.asked_ns
        return self.asked_ns + sum(each.interpreted_ns for each in self.regions())

    def keep(self) -> None:
        """Let arrays stay on the device: the code around asks for them when it wants them."""
        self.stays_there = True

    def enter(self, *values: object) -> Returned:
        """Return what the run leaves behind if it was run, else ()."""
        largest = 0
        self.is_hopeless = False
        for value, axes in zip(values, self.subscripted, strict=True):
            if type(value) is np.ndarray:
                if not value.size:  # NumPy converts numbers, and warns, where there is no element
                    return self._refuse(self.short)
                if value.ndim > axes:
                    largest = max(largest, value.size)
        if self.options.backend == "auto" and self._predicted(largest) < _SHORTEST_NS:
            self.is_hopeless = not largest
            return self._refuse(self.short)
        key = _key(values, _SHORT if self.reduces else 0)
        if key is None:
            self.is_hopeless = True
            return self._refuse(self._unreadable(values))
        planned = self.again.get(key)
        if planned is None:
            planned = self._analysed(key, values, largest)
        if isinstance(planned, Reason):
            self.is_hopeless = self.again.get(key) is planned
            return self._refuse(planned)
        if self.options.backend == "auto" and planned.is_early(self._predicted(largest)):
            detail = "it has taken less in the interpreter than its kernels take to compile"
            return self._refuse(NotProfitable(span=self.span, detail=detail))
        try:
            found = planned.enter(values)
        except (ValueError, MemoryError) as error:  # a slice of an array that has no element
            return self._refuse(NoRoom(span=self.span, detail=str(error)))
        if isinstance(found, Reason):
            return self._refuse(found)
        if found is None:
            return ()
        if self.run.holder is None:
            return (found,)
        order = dict(zip(self.run.results, found, strict=True))
        returned = tuple(order[each] for each in self.run.returned)
        return ((returned if self.run.is_tuple else returned[0],),)

    def _predicted(self, largest: int) -> int:
        """Return about what the run takes in the interpreter, its largest array being this."""
        elements = largest * largest if self.is_outer else largest
        return int(self.operations * (_CALL_NS + elements * _ELEMENT_NS))

    def regions(self) -> list[Region]:
        """Return the regions made so far, and those made of them."""
        return [each for planned in self.again.all() for each in planned.regions()]

    def leave(self, reason: Reason) -> Returned:
        """Return what sends a call to the interpreter, for a reason that others found."""
        return self._refuse(reason)

    def _analysed(self, key: Key, values: tuple[object, ...], largest: int) -> Planned | Reason:
        if sys.gettrace() is not None:
            return TracingActive(span=self.span)
        if not self.bindings_hold():
            unchanged = "the functions in use are those of the first call"
            return ConditionFailed(span=self.span, condition=unchanged, values=())
        if self.options.backend == "auto":
            predicted = self._predicted(largest)
            with self._lock:
                self.asked_ns += predicted
                self.planned_ns += predicted
                is_early = self.planned_ns < current().analysis
            if is_early:
                analysing = describe_seconds(current().analysis / 1e9)
                detail = (
                    f"it takes about {describe_seconds(predicted / 1e9)} in the interpreter, "
                    f"analysing it for these arrays about {analysing}"
                )
                return NotProfitable(span=self.span, detail=detail)
        return self.again.make(key, lambda: self._planned(values))

    def _planned(self, values: tuple[object, ...]) -> Planned | Reason:
        """Return the run planned for arguments like these."""
        from autopar.analysis.stages import plan_array_run

        given = _given(self.run.arguments, values, most_known=_SHORT if self.reduces else 0)
        found = plan_array_run(self.run, given, has_rows=self.options.backend != "cuda")
        if isinstance(found, Refusal):
            return found.reasons[0]
        fused, plans = found
        if not all(plan is None or can_guard(plan) for plan in plans):
            unknown = "its names are none of the guard's own"
            return ConditionFailed(span=self.span, condition=unknown, values=())
        for name in extents_named(fused):
            value = dict(zip(self.run.arguments, values, strict=True)).get(name, 0)
            if type(value) is not int and not isinstance(value, np.integer | np.ndarray):
                return UnsupportedArgument(span=self.span, name=name, kind=kind_of(value))
        with self._lock:
            spent, self.planned_ns = self.planned_ns, 0
        number = sum(plan is not None for plan in plans)
        price = int(number * current().compile) if number > 1 else 0
        regions = tuple(
            None if e is None else region_of_call(self, e, max(spent, price)) for e in plans
        )
        for each in regions:
            if each is not None:
                each.runs.stays_there = self.stays_there
        return planned_steps(self.run, fused, regions, self.options.threads, max(0, price - spent))

    def _unreadable(self, values: tuple[object, ...]) -> Reason:
        """Return which of the arguments kernels do not take."""
        for name, value in zip(self.run.arguments, values, strict=True):
            if _key((value,), 0) is None:
                kind = kind_of(value)
                if type(value) is np.ndarray:
                    kind = f"an array of {value.dtype} with {value.ndim} axes in another order"
                return UnsupportedArgument(span=self.span, name=name, kind=kind)
        raise AssertionError("it was called for one that is not taken")

    def _refuse(self, reason: Reason) -> Returned:
        stack = self.records.stack
        if stack:
            stack[-1].add(self.number, "interpreter", None, 0.0, reason)
        return ()


def end_of(entry: ArrayEntry) -> tuple[int, int] | None:
    """Return where the expression ends that an entry stands before; None for statements."""
    end = entry.run.whole
    return (end.end_line, end.end_column) if entry.is_value else None


def make_array_entry(
    run: ArrayRun,
    place: tuple[int, str, str],
    options: Options,
    bindings_hold: Callable[[], bool],
    records: Records,
) -> ArrayEntry:
    """Return what stands before a run; `place` is number, name and file."""
    number, name, file = place
    nodes = [
        node
        for each in run.statements
        for expression in expressions_of(each)
        for node in walk_expression(expression)
    ]
    return ArrayEntry(
        number=number,
        name=name,
        file=file,
        run=run,
        options=options,
        bindings_hold=bindings_hold,
        records=records,
        again=Reanalyses(span=run.span, allowance=Allowance()),
        short=NotProfitable(span=run.span, detail="its arrays are small"),
        operations=len(nodes) // 2 + 1,
        subscripted=tuple(_subscripted(name, nodes) for name in run.arguments),
        is_outer=any(isinstance(each, Name) and each.name == NEW_AXIS for each in nodes),
        reduces=any(isinstance(each, Call) and each.function.startswith(FOLD) for each in nodes),
    )


def _subscripted(name: str, nodes: list[Expression]) -> int:
    """Return how many axes of what `name` holds have one subscript each wherever it is read.

    What is an array by itself there is one of the arguments too.
    """
    if any(isinstance(each, Name) and each.name == name for each in nodes):
        return 0
    places = [each.indices for each in nodes if isinstance(each, Element) and each.array == name]
    plain = (0 if any(isinstance(e, Slice) for e in each) else len(each) for each in places)
    return min(plain, default=0)


def _key(values: tuple[object, ...], most_known: int) -> Key | None:
    """Return what a plan depends on: types, and which extents are 1, or equal; None for others.

    Extents of at most `most_known` are in it as they are.
    """
    numbers: dict[int, int] = {}
    found: list[object] = []
    for value in values:
        kind = type(value)
        if kind is np.ndarray:
            array: Any = value
            shape = array.shape
            if not shape or not (array.flags.c_contiguous or _descends(array)):
                return None
            if is_second(array.dtype):
                return None
            found.append(array.dtype)
            found += [0 if e == 1 else numbers.setdefault(e, len(numbers) + 1) for e in shape]
            if most_known:
                found += [e if e <= most_known else None for e in shape]
            found.append(None)
        elif kind in _PYTHON or (isinstance(value, np.generic) and not is_second(value.dtype)):
            found.append(kind)
        else:
            return None
    return tuple(found)


def _descends(array: np.ndarray[Any, Any]) -> bool:
    """Return whether the axes lie in memory as in C, perhaps with gaps."""
    steps = [s for s, extent in zip(array.strides, array.shape, strict=True) if extent != 1]
    return all(a >= b > 0 for a, b in pairwise(steps)) and (len(steps) != 1 or steps[0] != 0)


def _given(
    names: tuple[str, ...], values: tuple[object, ...], most_known: int
) -> dict[str, GivenArray | GivenScalar]:
    """Return what a plan is made for."""
    numbers: dict[int, int] = {}
    found: dict[str, GivenArray | GivenScalar] = {}
    for name, value in zip(names, values, strict=True):
        if isinstance(value, np.ndarray):
            extents = tuple(
                None if e == 1 else numbers.setdefault(e, len(numbers)) for e in value.shape
            )
            short = tuple(
                (number, e)
                for number, e in zip(extents, value.shape, strict=True)
                if number is not None and e <= most_known
            )
            found[name] = GivenArray(dtype=value.dtype.name, extents=extents, short=short)
        elif isinstance(value, np.generic):
            found[name] = GivenScalar(kind=value.dtype.name, is_python=False)
        else:
            found[name] = GivenScalar(kind=_PYTHON[type(value)], is_python=True)
    return found


assert {*_PYTHON.values()}.isdisjoint({*COMPILED_DTYPES} - {"bool"})
