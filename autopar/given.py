"""Nests that each call analyses with the functions that it finds in some variables.

Before:  for i in range(n): s += f(a + i * h)      f = a lambda at this call
After:   the region of the lambda's own arithmetic, planned once for it, and its own guard asked

Such a nest stands before its loop like any region and answers in the same way. A function that
was made anew from the same code, with the same values around it, is the same function here.

Cooper, Hall and Kennedy, A Methodology for Procedure Cloning, Computer Languages 19(2), 1993.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable
from dataclasses import field, replace
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from autopar.analysis.facts.arguments import kind_of
from autopar.analysis.facts.reasons import (
    AnalysedOften,
    ConditionFailed,
    TracingActive,
    UnsupportedArgument,
)
from autopar.analysis.model.chains import base_of, dotted, is_chain, parts_of
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import DeferredRegion, Plan, RegionPlan, WaitingRegion
from autopar.analysis.model.source import SourceFunction, Span, loop_id
from autopar.analysis.passes.reasons import CannotInline

from .attributes import has_itself, method_of
from .callees import Callees, Method, plain_function
from .deferred import Deferred
from .dispatch import Region
from .guard import can_guard
from .options import Options
from .reanalysis import MOST_ANALYSES, Allowance, Reanalyses
from .record import Records
from .sites import UNBOUND, Asker, Site
from .watch import watch_callees

Returned: TypeAlias = tuple[tuple[object, ...], ...]
# Makes what stands before a nest that was planned, under such bindings.
Build: TypeAlias = "Callable[[RegionPlan | DeferredRegion, Callable[[], bool]], Region | Deferred]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Planned:
    """The nest for certain functions: what to ask, and how it answers."""

    region: Region | Deferred
    asker: Asker
    arguments: tuple[str, ...]  # what it is asked with
    places: tuple[int | None, ...]  # where it says what is left behind, for each result wanted

    def regions(self) -> list[Region]:
        """Return the regions that were planned."""
        return self.region.regions()


class _Seen(NamedTuple):
    """Functions that came at some call, and what was planned for them."""

    functions: tuple[Any, ...]
    holds: Callable[[], bool]  # whether they still compute what they did then
    planned: _Planned
    methods: tuple[Method, ...]  # what instances of classes among them call


@dataclass(slots=True, kw_only=True, eq=False)
class Waiting:
    """One nest of one function that has a model for given functions only."""

    number: int  # among the regions of the function
    name: str  # "integrate.L6C4"
    nest: WaitingRegion
    source: SourceFunction
    options: Options
    bindings_hold: Callable[[], bool]
    records: Records
    build: Build
    site: Callable[[Region | Deferred], Site]
    again: Reanalyses[_Planned]
    _seen: list[_Seen] = field(default_factory=list)  # the last one first
    _failed: dict[tuple[object, ...], Reason] = field(default_factory=dict)  # by their kinds
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def span(self) -> Span:
        """Where the nest stands."""
        return self.nest.span

    is_hopeless = False  # it may be called with other functions the next time

    @property
    def interpreted_ns(self) -> int:
        """What it has spent in the interpreter for want of kernels, in predicted nanoseconds."""
        return sum(each.interpreted_ns for each in self.regions())

    def enter(self, *values: object) -> Returned:
        """Return what the nest leaves behind if it was run, else ()."""
        named = dict(zip(self.nest.arguments, values, strict=True))
        holders = {name: named[base_of(name)] for name in self.nest.functions if is_chain(name)}
        functions = tuple(
            type(holders[name]) if name in holders else named[name] for name in self.nest.functions
        )
        seen = self._known(functions) or self._find(functions)
        if isinstance(seen, Reason):
            return self._refuse(seen)
        for name, holder in holders.items():
            own = _own_method(holder, seen.methods)
            if own is not None:
                return self._refuse(self._overridden(name, own))
        planned = seen.planned
        missing = [name for name in planned.arguments if name not in named]
        if missing:  # a variable of the module that only the function reads
            return self._refuse(self._unreadable(missing[0]))
        rows = planned.asker.enter(*(named[name] for name in planned.arguments))
        places = planned.places
        return tuple(tuple(UNBOUND if p is None else row[p] for p in places) for row in rows)

    def regions(self) -> list[Region]:
        """Return the regions made so far, and those made of them."""
        return [each for planned in self.again.all() for each in planned.regions()]

    def leave(self, reason: Reason) -> Returned:
        """Return what sends a call to the interpreter, for a reason that others found."""
        return self._refuse(reason)

    # ----------------------------------------------------------------- which functions

    def _known(self, functions: tuple[Any, ...]) -> _Seen | Reason | None:
        """Return what was planned for these functions, or for some that do the same.

        In the place of a method stands the class of its object.
        """
        seen = self._seen
        for number, each in enumerate(seen):
            if (
                all(map(_are_alike, functions, each.functions))
                and all(map(_is_still, each.methods))
                and each.holds()
            ):
                if number:
                    self._seen = [each, *seen[:number], *seen[number + 1 :]]
                return each
        return self._failed.get(self._key(functions))

    def _key(self, functions: tuple[Any, ...]) -> tuple[object, ...]:
        """Return what is remembered of functions that no kernel calls."""
        return tuple(
            (each, id(method_of(each, parts_of(name)[-1]))) if is_chain(name) else _kind(each)
            for name, each in zip(self.nest.functions, functions, strict=True)
        )

    def _find(self, functions: tuple[Any, ...]) -> _Seen | Reason:
        """Return the nest planned for functions that are new here."""
        if sys.gettrace() is not None:
            return TracingActive(span=self.span)
        with self._lock:
            if len(self._failed) + len(self._seen) >= 2 * MOST_ANALYSES:
                return AnalysedOften(span=self.span, number=MOST_ANALYSES)
            callees = Callees(_stand_in(), self.source.text)
            meanings = [
                callees.meaning_of_method(each, parts_of(name)[-1])
                if is_chain(name)
                else callees.meaning(each)
                for name, each in zip(self.nest.functions, functions, strict=True)
            ]
            given = tuple(zip(self.nest.functions, meanings, strict=True))
            known = tuple((name, meaning) for name, meaning in given if meaning is not None)
            if len(known) < len(given):
                name, value = next(
                    (name, value)
                    for (name, meaning), value in zip(given, functions, strict=True)
                    if meaning is None
                )
                planned: _Planned | Reason = self._unusable(name, value)
            else:
                holds = watch_callees(callees)
                planned = self.again.make(known, lambda: self._planned(known, callees, holds))
            if isinstance(planned, _Planned):
                seen = _Seen(functions, holds, planned, tuple(callees.methods))
                self._seen = [seen, *self._seen]
                return seen
            self._failed[self._key(functions)] = planned
            return planned

    def _planned(
        self, known: tuple[tuple[str, str], ...], callees: Callees, holds: Callable[[], bool]
    ) -> _Planned | Reason:
        """Return the nest planned with what its functions mean."""
        from autopar.analysis.stages import analyze

        every = (*self.source.callees, *callees.sources)
        plan = analyze(replace(self.source, callees=every, given=known))
        if isinstance(plan, Refusal):
            return plan.reasons[0]
        found = _nest_at(plan, self.span)
        if isinstance(found, Reason):
            return found
        if isinstance(found, RegionPlan):  # the first call of each function may be interpreted
            found = replace(found, keeps_order=True)
        region = self.build(found, lambda: self.bindings_hold() and holds())
        site = self.site(region)
        left = tuple(map(dotted, self.nest.results))
        chains = {name for name in left if "." in name}
        if site.exits or not chains <= set(site.results) <= set(left):
            unknown = "what the loop leaves behind is what its text assigns"
            return ConditionFailed(span=self.span, condition=unknown, values=())
        asker = Asker(enter=site.enter)
        if site.answers is not None:
            site.answers(asker)
        order = {name: place for place, name in enumerate(site.results)}
        return _Planned(
            region=region,
            asker=asker,
            arguments=site.arguments,
            places=(0,) if self.nest.is_value else tuple(map(order.get, left)),
        )

    # ------------------------------------------------------------------------ refusals

    def _overridden(self, name: str, own: str) -> Reason:
        base = base_of(name)
        detail = f"'{base}' has an attribute '{own}' of its own"
        return CannotInline(span=self.span, function=dotted(name), detail=detail)

    def _unusable(self, name: str, value: object) -> Reason:
        """Return why a variable is not called in a kernel."""
        if is_chain(name):
            detail = "it is no function of its class whose text is known for certain"
            return CannotInline(span=self.span, function=dotted(name), detail=detail)
        if plain_function(value) is None:
            return UnsupportedArgument(span=self.span, name=name, kind=kind_of(value))
        detail = "its text is not known for certain, or is none that may stand in place of a call"
        return CannotInline(span=self.span, function=name, detail=detail)

    def _unreadable(self, name: str) -> Reason:
        kind = "a variable that the loop does not read itself"
        return UnsupportedArgument(span=self.span, name=name, kind=kind)

    def _refuse(self, reason: Reason) -> Returned:
        stack = self.records.stack
        if stack:
            stack[-1].add(self.number, "interpreter", None, 0.0, reason)
        return ()


def make_waiting(
    nest: WaitingRegion,
    place: tuple[int, SourceFunction],
    settings: tuple[Options, Callable[[], bool], Records],
    build: Build,
    site: Callable[[Region | Deferred], Site],
) -> Waiting:
    """Return the nest as what stands before its loop; `place` is its number and its function."""
    number, source = place
    options, bindings_hold, records = settings
    return Waiting(
        number=number,
        name=loop_id(source.qualified_name, nest.span),
        nest=nest,
        source=source,
        options=options,
        bindings_hold=bindings_hold,
        records=records,
        build=build,
        site=site,
        again=Reanalyses(span=nest.span, allowance=Allowance()),
    )


def site_of(waiting: Waiting) -> Site:
    """Return where a nest that waits for functions asks, and with what."""
    nest = waiting.nest
    return Site(
        line=nest.span.line,
        column=nest.span.column,
        arguments=nest.arguments,
        results=tuple(map(dotted, nest.results)),
        enter=waiting.enter,
        is_value=nest.is_value,
    )


def _nest_at(plan: Plan, span: Span) -> RegionPlan | DeferredRegion | Reason:
    """Return the nest at `span`, if a guard can stand before it; else why not."""
    for region in plan.regions:
        if region.scop.span == span and can_guard(region):
            return region
    for deferred in plan.deferred:
        if deferred.span == span:
            return deferred
    for loop in plan.unsupported:
        if loop.span == span:
            return loop.reasons[0]
    unknown = "the last value of every loop variable is one expression"
    return ConditionFailed(span=span, condition=unknown, values=())


def _kind(value: object) -> object:
    """Return what is remembered of a value that no kernel calls: nothing that it holds."""
    match value:
        case FunctionType():
            return value.__code__
        case BuiltinFunctionType() if isinstance(value.__self__, ModuleType):
            return value
        case np.ufunc():
            return value
    return type(value)


def _own_method(holder: object, methods: tuple[Method, ...]) -> str | None:
    """Return a name that an object has itself, and not by its class; None for none."""
    own = (each.name for each in methods if each.kind is type(holder))
    return next((name for name in own if has_itself(holder, name)), None)


def _is_still(method: Method) -> bool:
    """Return whether instances of a class call what they did."""
    return method_of(method.kind, method.name) is method.found


def _are_alike(one: Any, two: Any) -> bool:  # noqa: ANN401  # any two values
    """Return whether two functions are one, or made from the same code with the same values."""
    if one is two:
        return True
    if type(one) is not FunctionType or type(two) is not FunctionType:
        return False
    return (
        one.__code__ is two.__code__
        and one.__globals__ is two.__globals__
        and _same(one.__defaults__ or (), two.__defaults__ or ())
        and not one.__kwdefaults__
        and not two.__kwdefaults__
        and _same(one.__closure__ or (), two.__closure__ or (), _content)
    )


def _same(
    one: tuple[Any, ...], two: tuple[Any, ...], part: Callable[[Any], Any] = lambda each: each
) -> bool:
    return len(one) == len(two) and all(map(operator.is_, map(part, one), map(part, two)))


def _content(cell: Any) -> Any:  # noqa: ANN401  # whatever a closure captured
    try:
        return cell.cell_contents
    except ValueError:  # empty
        return cell


def _stand_in() -> FunctionType:
    """Return a function that sees nothing of what functions that are passed see.

    So all that they see is taken for theirs alone: their numbers are constants, and watched.
    """

    def inside() -> None: ...

    assert isinstance(inside, FunctionType)  # it is no more than that
    return inside
