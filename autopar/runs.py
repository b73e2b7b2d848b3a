"""A run of a region: a variant and its arguments -> what it leaves behind, or why nothing is done.

Before:  a call that is admitted, and what was compiled for it
After:   the values that live on; or a reason, with every array as it was, for the interpreter

What a device or a compiler fails at, another variant may still do; who gives a reason back has
left no trace, so that the interpreter can begin at the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from autopar.analysis.facts.reasons import (
    CannotStopInside,
    ConditionFailed,
    ErrorStateChanged,
    NoRoom,
    ValueFailed,
)
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import FAILURES, INDEX_ERROR
from autopar.codegen import tracing
from autopar.codegen.compile import compiler_errors
from autopar.codegen.copies import NoRoomError
from autopar.codegen.device import DeviceError, DeviceLauncher, DeviceMemoryError, Done
from autopar.codegen.pool import Pool
from autopar.codegen.reasons import CompileFailed, DeviceFull
from autopar.codegen.residence import here
from autopar.codegen.tracing import traced

from .guard import Admission, failed_alone, holds
from .inspectors import out_of_range
from .kernels import Kernels, Key
from .lists import Copies
from .machine import MACHINE
from .offload import Offload
from .options import BackendError, Options
from .put_back import kept
from .spare import Spare
from .unserved import warn_unserved
from .variant import Variant
from .warn import failure_text, is_everyday, warn_as_numpy, would_warn

# What nobody can make good: no sound state is left, neither here nor there.
_HALFWAY = "the device failed in the middle of {}, when it had changed arrays that lay there: {}"

# What a kernel is made from: arguments by name, loops whose condition holds, whether it must be.
Ingredients: TypeAlias = tuple[dict[str, Any], frozenset[int], Callable[[], bool]]


class Entered(NamedTuple):
    """A call that may run."""

    arguments: tuple[str, ...]  # the names of `values`
    values: tuple[object, ...]
    found: Admission
    copies: Copies | None = None  # of lists
    repeated: Reason | None = None  # why loops run in order

    @property
    def named(self) -> dict[str, Any]:
        """The values by name, with what the guard read."""
        return dict(zip(self.arguments, self.values, strict=True)) | dict(self.found.data)


class Ran(NamedTuple):
    """A run that stands."""

    variant: Variant
    seconds: float
    remark: Reason | None  # what a report says of it
    left: tuple[object, ...]  # what lives on, in the order of the region's results


@dataclass(slots=True, kw_only=True, eq=False)
class Runs:
    """What runs the variants of one region."""

    plan: RegionPlan
    name: str
    file: str
    options: Options
    kernels: Kernels
    offload: Offload | None
    spare: Spare | None
    ingredients: Callable[[Key, tuple[object, ...], Admission], Ingredients]
    # Called where what was compiled turns out to be of no use.
    forget: Callable[[], None]
    # Whether arrays stay on the device from one region to the next: the code around settles them.
    stays_there: bool = False
    on_device: Done | None = field(init=False, default=None)  # what the last run there did

    @property
    def span(self) -> Span:
        """Where the region stands."""
        return self.plan.scop.span

    def run(self, variant: Variant, arguments: tuple[Any, ...], call: Entered) -> Ran | Reason:
        """Run a variant on the arguments of its host code (`passed`).

        Raises BackendError where a device failed that had changed arrays.
        """
        launcher: Pool | DeviceLauncher = MACHINE.launcher(variant.target, self.options)
        if isinstance(launcher, DeviceLauncher) and self.stays_there and call.copies is None:
            launcher = DeviceLauncher(here(), is_first=id(variant) not in self.kernels.ran)
        started = perf_counter()
        try:
            if variant.check is not None:
                found_out = variant.check(launcher, *arguments)[0] & FAILURES
                if found_out:
                    return self._failed(found_out)
            before = kept(variant.saves, variant.arrays, arguments)
            outcome = self._traced(variant, launcher, arguments)
        except DeviceError as error:
            if isinstance(launcher, DeviceLauncher) and launcher.has_changed:
                raise BackendError(_HALFWAY.format(self.name, error)) from error
            return self._run_elsewhere(variant, error, call)
        except NoRoomError as error:
            return NoRoom(span=self.span, detail=str(error))
        except compiler_errors() as error:
            # The first kernel of a region is compiled at its first launch, before it stored
            # anything; where there are several, all were compiled in `make_variant`.
            self.forget()
            return self.kernels.give_up(variant, error)
        self.kernels.ran.add(id(variant))
        if isinstance(launcher, DeviceLauncher):
            self.on_device = launcher.done
        if before is not None and _is_wanting(outcome[0]):
            before.put_back()
            return self._failed(outcome[0])
        return self.settle(variant, outcome, perf_counter() - started, call)

    def _run_elsewhere(self, variant: Variant, error: DeviceError, call: Entered) -> Ran | Reason:
        """Run on the CPU what the device could not, where there is something that does."""
        if self.spare is not None and call.copies is None:
            return self._run_spare(self.spare, variant, error, call)
        reason = self._device_failed(error)
        beside = None if self.offload is None else self.offload.beside(variant)
        if self.offload is None or beside is None:
            return reason
        named = call.named
        self.offload.fails(variant, error, named)
        return self.run(beside, passed(beside, named, call.found), call._replace(repeated=reason))

    def _run_spare(
        self, spare: Spare, variant: Variant, error: DeviceError, call: Entered
    ) -> Ran | Reason:
        """Run what the CPU makes of a call that the device had no memory for."""
        reason = self._device_failed(error)
        beside = spare.instead(
            error,
            variant,
            self.kernels,
            lambda key: self.ingredients(key, call.values, call.found),
        )
        named = call.named
        if beside is None or unsafe(beside, named, self.span) is not None:
            return reason
        here().settle()  # what other regions left on the device
        warn_unserved(reason, self.plan, self.file, self.options, by="the CPU")
        return self.run(beside, passed(beside, named, call.found), call._replace(repeated=reason))

    def _traced(
        self, variant: Variant, launcher: Pool | DeviceLauncher, arguments: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """Run a variant, and show it to a profiler if one is to see it."""
        if tracing.TRACE is None:
            return variant.run(launcher, *arguments)
        with tracing.TRACE.range(self.name), traced("region", self.name, backend=variant.target):
            return variant.run(launcher, *arguments)

    def settle(
        self, variant: Variant, outcome: tuple[Any, ...], seconds: float, call: Entered
    ) -> Ran | Reason:
        """Return what a run leaves behind, or why the interpreter is to do it again.

        `outcome` is a status word, then what the kernel assigned.
        """
        status, found = outcome[0], call.found
        if status and not self._accepts(status, variant, call):
            return self._failed(status)
        if call.copies is not None:
            call.copies.put_back()
        told = None if variant.has_copies else call.repeated or failed_alone(self.plan, found)
        remark = variant.remark or told
        assigned = variant.left_behind(outcome[1:], (call.arguments, call.values))
        left = (*found.last_values, *assigned)
        if call.copies is not None and call.copies.values:
            left = call.copies.values
        elif found.last_values and assigned:
            left = self._ordered(left)
        return Ran(variant, seconds, remark, left)

    def _ordered(self, left: tuple[object, ...]) -> tuple[object, ...]:
        """Return what is left behind in the order of the region's results.

        `left` has the loop variables with a last value first, then what kernels assign.
        """
        assert self.plan.last_values is not None  # `can_guard` asked
        results = self.plan.scop.live_out
        variables = tuple(name for name, _ in self.plan.last_values)
        assigned = (name for name in results if name not in variables)
        named = dict(zip((*variables, *assigned), left, strict=True))
        return tuple(named[name] for name in results)

    def _accepts(self, status: int, variant: Variant, call: Entered) -> bool:
        """Return whether a run with a raised status stands; else the interpreter redoes it."""
        if status & FAILURES:
            return False
        if not would_warn(status):
            return True
        if variant.may_redo(call.named):
            return False
        warn_as_numpy(status, variant.program, self.file)
        return True

    def _failed(self, status: int) -> Reason:
        if status & INDEX_ERROR:
            return out_of_range(self.plan.scop)
        return ValueFailed(span=self.span, detail=failure_text(status))

    def _device_failed(self, error: DeviceError) -> Reason:
        if isinstance(error, DeviceMemoryError):
            return DeviceFull(span=self.span, detail=str(error))
        return CompileFailed(span=self.span, target="cuda", detail=str(error))


def unsafe(variant: Variant, named: dict[str, Any], span: Span) -> Reason | None:
    """Return why a compiled region may not run for just these arguments."""
    needed = variant.types_hold
    if needed is not None and not holds(needed, named):
        return ConditionFailed(span=span, condition=needed, values=())
    if variant.may_warn and not is_everyday():
        return ErrorStateChanged(span=span)
    if variant.may_outgrow and variant.target == "cpu" and not variant.may_redo(named):
        return CannotStopInside(span=span)
    return None


def passed(variant: Variant, named: dict[str, Any], found: Admission) -> tuple[Any, ...]:
    """Return the arguments of a variant's host code."""
    arrays = [named[name] for name in variant.arrays]
    if variant.target == "cuda":
        arrays = [getattr(each, "original", each) for each in arrays]
    return (*arrays, *found.integers, *(named[name] for name in variant.scalars))


def _is_wanting(status: int) -> bool:
    """Return whether a run raised what only the interpreter can tell in full."""
    return bool(status & FAILURES) or would_warn(status)
