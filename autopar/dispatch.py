"""At a call: facts, conditions, cost, backend, run, report.

A rewritten function asks `Region.enter` before each of its regions. The answer `()` sends it
to its original loop; one tuple means the region is done and holds what lives on.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from autopar.analysis.facts.overlap import overlap
from autopar.analysis.facts.reasons import (
    ArraysOverlap,
    ConditionFailed,
    ErrorStateChanged,
    TracingActive,
    UnsupportedArgument,
    ValueFailed,
)
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.typed import FAILURES, WARNINGS
from autopar.codegen.device import DeviceLauncher, DeviceMemoryError
from autopar.codegen.pool import Pool
from autopar.codegen.reasons import CompileFailed, NotProfitable

from .cost import COMPILE_NS, DISPATCH_NS
from .guard import Admission, Guard
from .options import Options
from .record import Records
from .rewrite import UNBOUND
from .variants import Target, Variant, argument_types, make_variant
from .warn import warn_as_numpy

_REFUSED: tuple[tuple[object, ...], ...] = ()
# More kinds of arguments than this, and a region is left to the interpreter.
_MOST_VARIANTS = 16


class Machine:
    """The launchers of this process, made when first needed."""

    def __init__(self) -> None:
        self._pools: dict[int | None, Pool] = {}

    def launcher(self, target: Target, threads: int | None) -> Pool | DeviceLauncher:
        """Return what runs kernels of `target`."""
        if target == "cuda":
            return DeviceLauncher()
        if threads not in self._pools:
            self._pools[threads] = Pool(threads)
        return self._pools[threads]


MACHINE = Machine()


@dataclass(slots=True, kw_only=True, eq=False)
class Region:
    """One region of one function: its guard, and the variants compiled so far."""

    number: int  # among the regions of the function
    name: str  # "heat.L6C4"
    file: str
    plan: RegionPlan
    guard: Guard
    options: Options
    bindings_hold: Callable[[], bool]
    records: Records
    variants: dict[tuple[Any, ...], Variant | Reason] = field(default_factory=dict)
    interpreted_ns: int = 0  # predicted time spent in the interpreter so far
    lock: threading.RLock = field(default_factory=threading.RLock)

    def enter(self, *values: object) -> tuple[tuple[object, ...], ...]:
        """Return what the region leaves behind if it was run, else ()."""
        found = self._admit(values)
        if not isinstance(found, Admission):
            self._record("interpreter", None, 0.0, found)
            return _REFUSED
        variant = self._variant(values, found)
        if not isinstance(variant, Variant):
            self.interpreted_ns += found.interpreter_ns
            self._record("interpreter", found, 0.0, variant)
            return _REFUSED
        reason = self._unsafe(variant, values)
        if reason is not None:
            self._record("interpreter", found, 0.0, reason)
            return _REFUSED
        return self._run(variant, values, found)

    # ------------------------------------------------------------------ admission

    def _admit(self, values: tuple[object, ...]) -> Admission | Reason:
        """Return the integers of the call if every condition holds, else why not."""
        span = self.plan.scop.span
        if sys.gettrace() is not None:
            return TracingActive(span=span)
        if not self.bindings_hold():
            return ConditionFailed(
                span=span, condition="the functions in use are the same as before", values=()
            )
        return self._checked(values)

    def _checked(self, values: tuple[object, ...]) -> Admission | Reason:
        if self.guard.key(*values) is None:
            return self._failed_argument(values)
        try:
            found = self.guard.check(*values)
        except (TypeError, AttributeError, IndexError):
            return self._failed_argument(values)
        if found is None:
            return self._failed_condition(values)
        return found

    def _failed_argument(self, values: tuple[object, ...]) -> Reason:
        span = self.plan.scop.span
        named = dict(zip(self.guard.arguments, values, strict=True))
        for name, value in named.items():
            if value is UNBOUND:
                return UnsupportedArgument(span=span, name=name, kind="an unbound name")
            if (name in self.guard.arrays) != (type(value) is np.ndarray):
                kind = f"a {type(value).__name__}"
                return UnsupportedArgument(span=span, name=name, kind=kind)
        wrong = next(
            (name for name, value in named.items()
             if name not in self.guard.arrays and not isinstance(value, int | np.integer)),
            self.guard.arguments[0],
        )  # fmt: skip
        kind = f"a {type(named[wrong]).__name__}"
        return UnsupportedArgument(span=span, name=wrong, kind=kind)

    def _failed_condition(self, values: tuple[object, ...]) -> Reason:
        """Return the first condition that is false, with the values in it."""
        named = dict(zip(self.guard.arguments, values, strict=True))
        tests = [each.text for each in self.plan.in_bounds]
        if self.plan.live_out_defined is not None:
            tests.append(self.plan.live_out_defined.text)
        shown = tuple(
            (name, int(value))
            for name, value in named.items()
            if isinstance(value, int | np.integer)
        )
        for text in tests:
            if not eval(text, {"min": min, "max": max}, dict(named)):  # noqa: S307  # our own text
                return ConditionFailed(span=self.plan.scop.span, condition=text, values=shown)
        ranks = "arrays have the rank of their subscripts, and integers fit in 32 bits"
        return ConditionFailed(span=self.plan.scop.span, condition=ranks, values=shown)

    # ------------------------------------------------------------------- variants

    def _variant(self, values: tuple[object, ...], found: Admission) -> Variant | Reason:
        backend = self.options.backend
        key = (self.guard.key(*values), found.holding)
        known = self.variants.get(key)
        if known is None:
            if backend == "auto" and not self._repays(found):
                detail = f"it takes about {found.interpreter_ns / 1e3:.0f} µs in the interpreter"
                return NotProfitable(span=self.plan.scop.span, detail=detail)
            known = self._compile(key, values, found)
        elif backend == "auto" and found.interpreter_ns < DISPATCH_NS:
            detail = f"it takes about {found.interpreter_ns / 1e3:.0f} µs in the interpreter"
            return NotProfitable(span=self.plan.scop.span, detail=detail)
        return known

    def _repays(self, found: Admission) -> bool:
        return self.interpreted_ns + found.interpreter_ns >= COMPILE_NS

    def _compile(
        self, key: tuple[Any, ...], values: tuple[object, ...], found: Admission
    ) -> Variant | Reason:
        with self.lock:
            if key in self.variants:
                return self.variants[key]
            if len(self.variants) >= _MOST_VARIANTS:
                detail = f"{_MOST_VARIANTS} kinds of arguments have been compiled already"
                return NotProfitable(span=self.plan.scop.span, detail=detail)
            self.variants[key] = made = self._make(values, found)
            return made

    def _make(self, values: tuple[object, ...], found: Admission) -> Variant | Reason:
        named = dict(zip(self.guard.arguments, values, strict=True))
        types = argument_types(self.plan, named, self._value_names())
        if isinstance(types, Reason):
            return types
        holding = frozenset(
            loop for loop, holds in zip(self.guard.conditional, found.holding, strict=True) if holds
        )
        target: Target = "cuda" if self.options.backend == "cuda" else "cpu"
        place = (target, self.name, self.file)
        try:
            made = make_variant(self.plan, types, holding, place, self.options)
        except COMPILER_ERRORS as error:
            detail = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            return CompileFailed(span=self.plan.scop.span, target=target, detail=detail)
        return made.reasons[0] if isinstance(made, Refusal) else made

    def _value_names(self) -> tuple[str, ...]:
        """Return the scalars whose type matters: live in, or parameters used as values."""
        parameters = tuple(
            each.text for each in self.plan.scop.parameters if each.text in self.guard.arguments
        )
        return tuple(dict.fromkeys((*self.guard.scalars, *parameters)))

    # ------------------------------------------------------------------------ run

    def _unsafe(self, variant: Variant, values: tuple[object, ...]) -> Reason | None:
        """Return why a compiled region may not run for just these arguments."""
        span = self.plan.scop.span
        named = dict(zip(self.guard.arguments, values, strict=True))
        for first, second in self.plan.disjoint:
            if np.may_share_memory(named[first], named[second]):  # type: ignore[arg-type]  # arrays, by the guard
                if overlap(named[first], named[second]) is not False:  # type: ignore[arg-type]  # arrays, by the guard
                    return ArraysOverlap(span=span, first=first, second=second)
        if variant.may_warn and not _warns_or_ignores():
            return ErrorStateChanged(span=span)
        if variant.may_fail and variant.target == "cpu" and not self._may_redo(variant, named):
            return ValueFailed(
                span=span, detail="an operation that may fail after inputs were overwritten"
            )
        return None

    def _may_redo(self, variant: Variant, named: dict[str, object]) -> bool:
        if variant.redo is None:
            return False
        text = variant.redo.text
        return text == "True" or bool(eval(text, {"min": min, "max": max}, dict(named)))  # noqa: S307  # our own text

    def _run(
        self, variant: Variant, values: tuple[object, ...], found: Admission
    ) -> tuple[tuple[object, ...], ...]:
        named = dict(zip(self.guard.arguments, values, strict=True))
        arguments = [named[name] for name in variant.arrays]
        arguments += found.integers
        arguments += [named[name] for name in variant.scalars]
        launcher = MACHINE.launcher(variant.target, self.options.threads)
        started = perf_counter()
        try:
            outcome = variant.run(launcher, *arguments)
        except DeviceMemoryError as error:
            self._record("interpreter", found, 0.0, self._out_of_memory(error))
            return _REFUSED
        seconds = perf_counter() - started
        status = outcome[0]
        if status and not self._accept(status, variant, named):
            reason = ValueFailed(span=self.plan.scop.span, detail=_failure(status))
            self._record("interpreter", found, seconds, reason)
            return _REFUSED
        self._record(variant.target, found, seconds, None)
        results = (
            wrap(value) for (_, wrap), value in zip(variant.result_types, outcome[1:], strict=True)
        )
        return ((*found.last_values, *results),)

    def _accept(self, status: int, variant: Variant, named: dict[str, object]) -> bool:
        """Return whether a run with a raised status stands; else the interpreter redoes it."""
        if status & FAILURES:
            return False
        if not status & WARNINGS or not _would_warn(status):
            return True
        if variant.target == "cpu" and self._may_redo(variant, named):
            return False
        if variant.target == "cpu":
            warn_as_numpy(status, variant.program, self.file)
        return True

    def _out_of_memory(self, error: DeviceMemoryError) -> Reason:
        return CompileFailed(span=self.plan.scop.span, target="cuda", detail=str(error))

    # --------------------------------------------------------------------- report

    def _record(
        self, backend: str, found: Admission | None, seconds: float, reason: Reason | Any
    ) -> None:
        stack = self.records.stack
        if stack:
            iterations = None if found is None else found.iterations
            stack[-1].add(self.number, backend, iterations, seconds, reason)


def _warns_or_ignores() -> bool:
    """Return whether NumPy's error state and the warning filters are everyday ones."""
    state = np.geterr()
    return all(action in {"warn", "ignore"} for action in state.values()) and not any(
        entry[0] == "error" and issubclass(RuntimeWarning, entry[2]) for entry in warnings.filters
    )


def _would_warn(status: int) -> bool:
    del status
    return any(action == "warn" for kind, action in np.geterr().items() if kind != "under")


_FAILURE_TEXT = {
    1: "a division by zero",
    2: "a Python integer that outgrew 64 bits",
    4: "a value outside a function's domain",
    8: "a value that the array cannot hold",
}


def _failure(status: int) -> str:
    found = [text for bit, text in _FAILURE_TEXT.items() if status & bit]
    return found[0] if found else "a value that makes NumPy warn"
