"""At a call: inspectors, which look at the data a loop's verdict is conditional on.

Before:  scatter(y, x, idx), parallel where "idx[i] distinct for 0 <= i < n"
After:   True for this very call, or the reason AP503

An inspector is a kernel like any other (`codegen.inspect`), compiled for the types of a call and
run anew at each one, since the data may have changed. It is run only where what it may gain is
more than what it takes, and less and less often where it keeps finding repetitions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

import numpy as np

from autopar.analysis.facts.reasons import IndexNotInjective, IndexOutOfBounds, ValueFailed
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.indirect import indirect_value
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import LoopPlan, RegionPlan
from autopar.analysis.model.scop import Scop
from autopar.analysis.model.text import python_text
from autopar.analysis.model.typed import FAILURES, INDEX_ERROR, REPEATED
from autopar.analysis.model.types import LiveInType
from autopar.codegen.compile import compiler_errors
from autopar.codegen.device import DeviceError, DeviceLauncher
from autopar.codegen.kernel import Program
from autopar.codegen.pool import INLINE_NS, Pool
from autopar.codegen.reasons import NotProfitable

from .guard import holds
from .options import Options
from .variant import Target

LOG = logging.getLogger("autopar")

# The marks of one inspection, in bytes; pages that no mark is set in are never touched.
_MOST_MARKED_BYTES = 1 << 30
_MOST_SKIPPED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspector:
    """What inspects one loop for arguments of certain types."""

    source: str  # of the generated module
    run: Callable[..., tuple[Any, ...]]
    arrays: tuple[str, ...]  # what `run` takes after the launcher: these, ...
    marked: tuple[str, ...]  # ... marks for each of these, parameters, ...
    scalars: tuple[str, ...]  # ... and these
    # Of the parameters: predicted nanoseconds of the region and of its inspection.
    work: Callable[..., tuple[int, int]]

    def pays(self, integers: tuple[int, ...], threads: int) -> bool:
        """Return whether threads gain more on the loop than its inspection takes."""
        loop, inspection = self.work(*integers)
        return (loop + inspection) // threads + INLINE_NS < loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a call shows that an inspector needs."""

    holding: frozenset[int]  # the conditional loops whose condition holds
    named: Mapping[str, Any]  # the arguments of the region
    integers: tuple[int, ...]  # values of the parameters
    launcher: Pool | DeviceLauncher


@dataclass(slots=True, kw_only=True)
class _State:
    """An inspector and how it has fared."""

    inspector: Inspector | None  # None where there is none for these types
    failures: int = 0  # in a row
    skips: int = 0  # calls for which not to look


@dataclass(slots=True, kw_only=True)
class Inspectors:
    """The inspectors of one region, by types of arguments and loop."""

    plan: RegionPlan
    place: tuple[str, str]  # name of the region and the user's file
    options: Options
    states: dict[tuple[object, int], _State] = field(default_factory=dict)

    def judge(
        self, key: object, types: Callable[[], Mapping[str, LiveInType] | Reason], call: Call
    ) -> tuple[frozenset[int], Reason | None]:
        """Return which of the conditional loops may run in parallel.

        Those of `call.holding`, and the outermost of the others for which an inspector finds
        what they ask of the data; a reason where one does not. `key` stands for `types`.
        """
        holding = set(call.holding)
        reason: Reason | None = None
        for plan in self.plan.loops:
            where = plan.inspected_where
            if where is None or not plan.is_coincident or self._is_inside(plan, holding):
                continue
            if where.text != "True" and not holds(where.text, call.named):
                continue
            if (key, plan.loop) not in self.states:
                made = self._make(plan, types(), frozenset(holding))
                self.states[key, plan.loop] = _State(inspector=made)
            against = self._against(plan, self.states[key, plan.loop], call)
            if against is None:
                holding.add(plan.loop)
            reason = reason or against
        return frozenset(holding), reason

    def sources(self) -> dict[str, str]:
        """Return {name: generated source} of every inspector compiled so far."""
        found = {}
        for (_, loop), state in self.states.items():
            if state.inspector is not None:
                line = self.plan.scop.loops[loop].span.line
                found[f"{self.place[0]} inspector of line {line}"] = state.inspector.source
        return found

    def _against(self, plan: LoopPlan, state: _State, call: Call) -> Reason | None:
        """Return why a loop keeps its order at a call; None where it need not."""
        shape = self.plan.scop.loops[plan.loop]
        asked = " and ".join(each.text for each in plan.inspections)
        repeated = IndexNotInjective(span=shape.span, loop_variable=shape.shown, condition=asked)
        if state.skips:
            state.skips -= 1
            return repeated
        status = _status(state, call)
        if status is None:
            detail = f"looking at each call whether '{asked}' would take longer than it gains"
            return NotProfitable(span=shape.span, detail=detail, is_parallel=True)
        if status & INDEX_ERROR:
            return out_of_range(self.plan.scop)
        if status & FAILURES:
            detail = "a value in a subscript for which the interpreter raises"
            return ValueFailed(span=shape.span, detail=detail)
        if status & REPEATED:
            state.failures += 1
            state.skips = min(2**state.failures - 2, _MOST_SKIPPED)
            return repeated
        state.failures = 0
        return None

    def _is_inside(self, plan: LoopPlan, holding: set[int]) -> bool:
        """Return whether a loop around this one is parallel."""
        loops = self.plan.scop.loops
        return any(
            other.is_coincident
            and (other.condition is None or other.loop in holding)
            and loops[other.loop].depth < loops[plan.loop].depth
            and loops[other.loop].span.contains(loops[plan.loop].span)
            for other in self.plan.loops
        )

    def _make(
        self, plan: LoopPlan, types: Mapping[str, LiveInType] | Reason, holding: frozenset[int]
    ) -> Inspector | None:
        """Return the compiled inspector of a loop; None where it has none."""
        target: Target = "cuda" if self.options.backend == "cuda" else "cpu"
        if isinstance(types, Reason):
            return None
        from autopar.analysis.stages import specialize
        from autopar.codegen.inspect import inspector_of

        from .forms import loaded
        from .variants import generated, lowered

        found = specialize(self.plan, types, holding | {plan.loop}, may_copy=target == "cpu")
        if isinstance(found, Refusal):
            return None
        program = lowered(self.plan, found, types, *self.place)
        inspection = inspector_of(program, self.plan.scop.loops[plan.loop].span)
        if inspection is None:
            return None
        source = generated(inspection.program, target, self.options)
        try:
            run = loaded(inspection.program, source, target, self.options)
        except compiler_errors():
            LOG.debug("no inspector of %s: it does not compile", self.place[0], exc_info=True)
            return None
        marks = dict(inspection.marks)
        return Inspector(
            source=source,
            run=run,
            arrays=tuple(each.name for each in program.given_arrays),
            marked=tuple(marks),
            scalars=tuple(each.name for each in inspection.program.live_in),
            work=_work(program, inspection.program),
        )


def out_of_range(scop: Scop) -> IndexOutOfBounds:
    """Return the reason of a region some of whose subscripts are data out of range."""
    for statement in scop.statements:
        for access in statement.accesses:
            for axis, index in enumerate(access.indices):
                value = indirect_value(index)
                if value is not None:
                    extent = f"{access.array}.shape[{axis}]"
                    condition = f"-{extent} <= {python_text(value)} < {extent}"
                    return IndexOutOfBounds(span=access.span, condition=condition)
    raise AssertionError("no subscript of this region is data")


def _status(state: _State, call: Call) -> int | None:
    """Return what an inspector found, 0 for nothing; None where it does not pay to look."""
    inspector, launcher = state.inspector, call.launcher
    if inspector is None:
        return None
    if isinstance(launcher, Pool) and not inspector.pays(call.integers, launcher.threads):
        return None
    sizes = [int(call.named[array].size) for array in inspector.marked]
    if 8 * sum(sizes) > _MOST_MARKED_BYTES:
        return None
    arguments = [_original(call.named[name]) for name in inspector.arrays]
    arguments += [np.zeros(size, np.int64) for size in sizes]
    arguments += call.integers
    arguments += [call.named[name] for name in inspector.scalars]
    try:
        return int(inspector.run(launcher, *arguments)[0]) & (FAILURES | REPEATED)
    except compiler_errors(DeviceError):
        LOG.debug("an inspector could not run", exc_info=True)
        state.inspector = None
        return None


def _original(array: Any) -> Any:  # noqa: ANN401  # arrays of either kind
    """Return an array as the user passed it: the guard reads one on the device by its shape."""
    return getattr(array, "original", array)


def _work(loop: Program, inspection: Program) -> Callable[..., tuple[int, int]]:
    """Return a function of the parameters that predicts how long two programs take."""
    from autopar.codegen.integers import text
    from autopar.codegen.work import predicted_ns

    names = {each.name: f"p{number}" for number, each in enumerate(loop.integers)}
    works = ", ".join(text(predicted_ns(each.body, {}), names) for each in (loop, inspection))
    function = f"lambda {', '.join(names.values())}: ({works})"
    work: Callable[..., tuple[int, int]] = eval(function, {"min": min, "max": max})  # noqa: S307  # our own text
    return work
