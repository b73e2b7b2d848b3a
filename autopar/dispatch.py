"""At a call: facts, conditions, cost, backend, run, report.

A rewritten function asks `Region.enter` before each of its regions. The answer `()` sends it
to its original loop; one tuple means the region is done and holds what lives on.
"""

from __future__ import annotations

import logging
import operator
import sys
from collections.abc import Callable
from ctypes import ArgumentError
from dataclasses import field, replace
from functools import partial
from math import inf
from time import perf_counter, perf_counter_ns
from typing import Any, NamedTuple

import numpy as np

from autopar.analysis.facts.device_arrays import device_array
from autopar.analysis.facts.lists import LISTS, ListView
from autopar.analysis.facts.reasons import (
    ArraysOverlap,
    CannotStopInside,
    ConditionFailed,
    ErrorStateChanged,
    IndexOutOfBounds,
    NoRoom,
    TracingActive,
    ValueFailed,
)
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.facts import Facts
from autopar.analysis.model.loop_ir import Exchanged, Exits
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import FAILURES, INDEX_ERROR
from autopar.analysis.passes.reasons import InternalFault
from autopar.codegen import tracing
from autopar.codegen.compile import compiler_errors
from autopar.codegen.copies import NoRoomError
from autopar.codegen.device import DeviceError, DeviceLauncher, DeviceMemoryError, Done
from autopar.codegen.forks import Lock
from autopar.codegen.pool import ALWAYS, Pool
from autopar.codegen.rates import current
from autopar.codegen.reasons import CompileFailed, DeviceFull, NotProfitable, TargetLacksFeature
from autopar.codegen.residence import here
from autopar.codegen.tracing import traced

from .aliases import Pairs, facts_of, overlapping, written_alone
from .cost import interpreter_nanoseconds
from .counting import Counting, counting_of
from .failing import Failing
from .guard import Admission, Guard, can_guard, evaluated, holds, make_guard, why_not
from .inspectors import Call, Inspectors, out_of_range
from .kernels import Kernels, Key
from .lists import Copies, Lists, copies_of, does_not_pay, lists_of, views_in
from .long_sums import LongSums, sums_of
from .machine import Machine
from .offload import Offload, copied_bytes, has_device, integers_of
from .options import BackendError, Options
from .patience import Patience
from .put_back import kept
from .reanalysis import Allowance, Reanalyses
from .record import Records
from .repeats import Repeat, Repeats
from .resting import Rest, known_ns, rest_of, sizes_tell
from .rewrite import Asker
from .row_finders import NOT_FOUND, overlapping_rows
from .shortcuts import LEARNED_AT, Shortcuts
from .sizes import Sizes, sizes_of
from .spare import Spare, spare_for
from .unserved import warn_unserved
from .variant import Variant
from .warn import failure_text, is_everyday, warn_as_numpy, would_warn

LOG = logging.getLogger("autopar")

# More kinds of arguments than this, and a region is left to the interpreter.
_MOST_VARIANTS = 16
_WRAPS = Facts(wraps=True)
# Calls that take more than so many times what surrounds a kernel are not short, whatever it took.
_FEW_ENTRIES = 4

# What nobody can make good: no sound state is left, neither here nor there.
_HALFWAY = "the device failed in the middle of {}, when it had changed arrays that lay there: {}"

MACHINE = Machine()


class _How(NamedTuple):
    """How a region ran."""

    seconds: float
    repeated: Reason | None = None  # why loops ran in order
    copies: Copies | None = None  # of lists
    is_put_back: bool = False  # nothing is stored, and the interpreter is to do it


@dataclass(slots=True, kw_only=True, eq=False)
class Region:
    """One region of one function: who may enter it, what runs it, and what is left behind."""

    number: int  # among the regions of the function
    name: str  # "heat.L6C4"
    file: str
    plan: RegionPlan
    guard: Guard
    options: Options
    bindings_hold: Callable[[], bool]
    records: Records
    # Analyses at calls that are left to the loop of the source that this region stands for.
    allowance: Allowance = field(default_factory=Allowance)
    is_of_call: bool = False  # planned with what a call showed
    lock: Lock = field(default_factory=Lock)
    # None where the turns of all loops are known beforehand, or nobody has asked yet.
    counting: Counting | None = None
    kernels: Kernels = field(init=False)
    patience: Patience = field(init=False)
    # The same region for arrays that share memory, by how they do.
    again: Reanalyses[Region] = field(init=False)
    alone: tuple[str, ...] = field(init=False)  # arrays that must not overlap themselves
    wraps_by_values: bool | None = None  # None: not asked yet
    # The last call that was looked at in full, and what ran it if anything did.
    looked_at: tuple[Variant | None, Admission] | None = field(init=False, default=None)
    # Whether arrays stay on the device from one region to the next: the code around settles them.
    stays_there: bool = False
    # The same nest for arrays that have other numbers of axes, where that is one.
    instead: Callable[[tuple[object, ...]], Region | None] | None = None

    # Asked for what remains of its loop after some turns; None where it is run as a whole.
    enter_rest: Callable[..., tuple[tuple[object, ...], ...]] | None = None

    # None where no verdict of the region asks for a look at the data.
    inspectors: Inspectors | None = field(init=False, default=None)
    sums: LongSums = field(init=False)
    lists: Lists = field(init=False)
    sizes: Sizes = field(init=False)
    # None unless the device may be chosen by cost.
    offload: Offload | None = field(init=False, default=None)
    on_device: Done | None = field(init=False, default=None)  # what its last run there did
    # None unless the user named the device.
    spare: Spare | None = field(init=False, default=None)
    failing: Failing | None = field(init=False, default=None)  # None: no guard has failed
    # What the last call was predicted to take on the device (ns), and the bytes copied.
    device: tuple[float, int] | None = field(init=False, default=None)
    repeats: Repeats = field(init=False, default_factory=Repeats)
    shortcuts: Shortcuts = field(init=False)

    def __post_init__(self) -> None:
        self.shortcuts = Shortcuts(
            number=self.number,
            bindings_hold=self.bindings_hold,
            key=self.records.key,
            finish=self._judge,
        )
        place = (self.name, self.file)
        self.sums = sums_of(self.plan, self.guard.known, place, self.options)
        self.again = Reanalyses(span=self.span, allowance=self.allowance)
        self.alone = written_alone(self.plan)
        self.counting = self.counting or counting_of(self.plan.scop.loops)
        self.lists = lists_of(self.plan)
        self.sizes = sizes_of(self.plan.scop)
        self.patience = Patience(
            plan=self.plan, guard=self.guard, options=self.options, sums=self.sums
        )
        self.kernels = Kernels(
            name=self.name,
            file=self.file,
            plan=self.plan,
            options=self.options,
            scalars=self._value_names(),
            sizes=self.sizes,
            allowance=self.allowance,
            lock=self.lock,
        )
        if self.options.backend == "auto" and self.options.tier is None:
            there = replace(
                self.kernels,
                options=replace(self.options, backend="cuda"),
                made={},
                absent=set(),
                ran=set(),
            )
            self.offload = Offload(options=self.options, kernels=there)
        if self.options.backend == "cuda":
            self.spare = spare_for(self.kernels)
        if any(plan.inspections for plan in self.plan.loops):
            self.inspectors = Inspectors(plan=self.plan, place=place, options=self.options)

    @property
    def span(self) -> Span:
        """Where the region stands."""
        return self.plan.scop.span

    @property
    def exchanged(self) -> Exchanged | None:
        """How names change places in the region."""
        return self.plan.scop.exchanged

    @property
    def exits(self) -> Exits | None:
        """The `return` statements that may end the region."""
        return self.plan.scop.exits

    @property
    def is_value(self) -> bool:
        """Whether it is a comprehension, whose value is all that it leaves behind."""
        return self.plan.scop.is_value

    @property
    def interpreted_ns(self) -> int:
        """What it has spent in the interpreter for want of kernels, in predicted nanoseconds."""
        return self.patience.interpreted_ns

    is_hopeless = False  # sizes may be others the next time

    def spend(self, nanoseconds: int) -> None:
        """Take note of what the interpreter took while nobody was asked."""
        self.patience.interpreted_ns += nanoseconds

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names whose values `enter` takes, in this order."""
        return self.guard.arguments

    @property
    def results(self) -> tuple[str, ...]:
        """The names of what `enter` leaves behind, sorted."""
        return self.plan.scop.live_out

    def _ordered(self, left: tuple[object, ...]) -> tuple[object, ...]:
        """Return what is left behind in the order of `results`.

        `left` has the loop variables with a last value first, then what kernels assign.
        """
        assert self.plan.last_values is not None  # `can_guard` asked
        variables = tuple(name for name, _ in self.plan.last_values)
        assigned = (name for name in self.results if name not in variables)
        named = dict(zip((*variables, *assigned), left, strict=True))
        return tuple(named[name] for name in self.results)

    @property
    def _reads_contents(self) -> bool:
        """Whether a check reads what arrays contain, which the next call may find changed."""
        return self.inspectors is not None or bool(self.guard.finders)

    def regions(self) -> list[Region]:
        """Return this region and those that calls made of it."""
        return [self, *(inner for each in self.again.all() for inner in each.regions())]

    def keep(self) -> None:
        """Let arrays stay on the device: the code around asks for them when it wants them."""
        self.stays_there = True

    def answers(self, asker: Asker) -> None:
        """Take note of who asks `enter`: later calls may be answered a shorter way."""
        if self.options.backend != "cuda" and tracing.TRACE is None:  # it shows no native calls
            self.shortcuts.asker = asker

    def enter(self, *values: object) -> tuple[tuple[object, ...], ...]:
        """Return what the region leaves behind if it was run, else ()."""
        if self.counting is not None:
            self.patience.interpreted_ns += self.counting.settle()
        if self.failing is not None:
            kinds = tuple(map(type, values))
            reason = self.failing.kinds.get(kinds) or self._still_fails(kinds, values)
            if reason is not None:
                stack = self.records.stack
                if stack:
                    stack[-1].leave(self.number, reason)
                return ()
        try:
            repeat = self.repeats.find(values)
            if repeat is not None and repeat.leaves:
                return self._refuse(None, self.patience.resting())
            if repeat is not None and self._may_repeat(repeat.variant):
                return self._run_again(repeat, values)
            rest = self.patience.rest
            if rest is not None and rest.holds(values) and self._rests(rest, values):
                return self._refuse(None, self.patience.resting())
            return self._enter_in_full(values)
        except ArgumentError as error:
            # ctypes was stopped looking at arguments.
            raise RecursionError(str(error).partition("RecursionError: ")[2]) from None

    def _still_fails(self, kinds: tuple[type, ...], values: tuple[object, ...]) -> Reason | None:
        """Return why a call is left to the interpreter like those before it."""
        failing = self._failing()
        return self.lists.skipped() if failing.with_lists == kinds else failing.answer(values)

    def _fail(
        self,
        reason: Reason,
        values: tuple[object, ...],
        types: tuple[Any, ...] | None,
        is_waited_for: bool,  # noqa: FBT001 - which of two things the refusal is for
    ) -> tuple[tuple[object, ...], ...]:
        """Leave a call that is not admitted to the interpreter; take note if that may last."""
        if self.options.backend == "auto" and not is_waited_for:
            if types is not None:
                self._failing().note(reason)
            elif not any(type(each) in LISTS for each in values):
                self._failing().note_kinds(values, reason)
        return self._refuse(None, reason)

    def _fail_with_lists(self, values: tuple[object, ...]) -> tuple[()]:
        """Take note of a call with lists that is left to the interpreter, as calls like it are."""
        if self.options.backend == "auto" and self.lists.skips and self.guard.key(*values) is None:
            self._failing().with_lists = tuple(map(type, values))
        return ()

    def _failing(self) -> Failing:
        if self.failing is None:
            rest = self.patience.rest or rest_of(self.plan, self.guard, self.sums, current())
            self.failing = Failing(rest=rest)
        return self.failing

    def left_short(self, values: tuple[object, ...]) -> bool:
        """Return whether a call is as short as those before it, and is left to the interpreter.

        For who has to look further before a kernel may run, and would look in vain.
        """
        rest = self.patience.rest
        if rest is None or not rest.holds(values) or self._left_ns(rest) <= 0:
            return False
        self._refuse(None, self.patience.resting())
        return True

    def _left_ns(self, rest: Rest) -> float:
        """Return what the interpreter may take before a kernel is repaid, this call included."""
        rates, patience = current(), self.patience
        if rest.predicted_ns < known_ns(rates) or self.kernels.made:
            return inf
        patience.interpreted_ns += rest.predicted_ns
        # Nobody has looked yet whether a kernel lies on disk.
        is_new = self.kernels.kept_as is not None and not self.kernels.absent
        price = min(rates.compile, rates.load_kernel) if is_new else rates.compile
        return price - patience.interpreted_ns

    def _rests(self, rest: Rest, values: tuple[object, ...]) -> bool:
        """Return whether a short call is left to the interpreter; it may repay a kernel too."""
        patience, left_ns = self.patience, self._left_ns(rest)
        if left_ns <= 0:
            return False
        if not rest.comes_again(values):
            return True
        if rest.predicted_ns >= known_ns(current()) and self._may_learn():
            rest.short = 0  # kernels of calls that are known take less
            return False
        uses = rest.uses(left_ns)
        if self.shortcuts.leave(values, uses) and left_ns < inf:
            patience.interpreted_ns += uses * rest.predicted_ns
        return True

    def _may_learn(self) -> bool:
        """Return whether there are kernels, and calls may be known again."""
        has_kernel = next(self.kernels.variants(), None) is not None
        return has_kernel and not self._reads_contents and not self.repeats.is_off

    def _enter_in_full(self, values: tuple[object, ...]) -> tuple[tuple[object, ...], ...]:
        """Return what `enter` does for a call that is like none before."""
        values = self._shown(values)
        given, types = values, self.guard.key(*values)
        if types is None:
            values = self.lists.seen(self.guard.arguments, values)
            types = self.guard.key(*values)
        waited_ns = self.patience.outside_ns
        found = self._admit(types, values)
        if isinstance(found, Region):
            return found.enter(*values)
        if not isinstance(found, Admission):
            left = self._with_ranks(given)
            is_waited_for = self.patience.outside_ns != waited_ns  # until a plan is repaid
            return self._fail(found, given, types, is_waited_for) if left is None else left
        if self.plan.scop.collects or any(isinstance(each, ListView) for each in values):
            returned = self._enter_with_lists(types, values, found)
            return returned or self._fail_with_lists(given)
        return self._enter_with_arrays(types, values, found)

    def _enter_with_arrays(
        self, types: tuple[Any, ...] | None, values: tuple[object, ...], found: Admission
    ) -> tuple[tuple[object, ...], ...]:
        """Return what `enter` does for a call that is admitted and has no lists."""
        key = (types, found.holding)
        variant = self.kernels.made.get(key)
        named = self._named(values) | dict(found.data)
        if variant is None and self._is_too_early(key, values, found):
            self.patience.interpreted_ns += found.interpreter_ns
            self.patience.note_short(found)
            self._count(found, self._price_ns(key, values, found))
            return self._refuse(found, self.patience.too_early(found))
        strided = variant.strided if isinstance(variant, Variant) else self.alone
        pairs = overlapping(self.plan.disjoint, strided, named)
        if pairs:
            return self._with_overlap(pairs, values, named, found)
        repeated: Reason | None = None
        if self.inspectors is not None:
            found, repeated = self._inspect(self.inspectors, types, named, found)
            key = (types, found.holding)
        if found.data and not all(found.holding):
            repeated = repeated or overlapping_rows(self.plan, self._holding(found), found.data)
        variant = self._variant(key, values, found)
        if not isinstance(variant, Variant):
            self.patience.interpreted_ns += found.interpreter_ns
            if not isinstance(variant, NotProfitable) and self.options.backend == "auto":
                self._failing().note(variant)
            lacks_parallel = isinstance(variant, TargetLacksFeature)
            return self._refuse(found, (repeated if lacks_parallel else None) or variant)
        reason = self._unsafe(variant, named)
        if reason is not None:
            return self._refuse(found, reason)
        if self.patience.rest is not None:
            self.patience.rest.short = 0
        if self.failing is not None:
            self.failing.failed = 0
        chosen = self._chosen(variant, (key, values, found), named)
        arguments = self._passed(chosen, named, found)
        if chosen.target == "cuda":
            return self._run(chosen, arguments, values, found, repeated)
        waits = self.offload is not None and self.offload.is_waiting
        if self._reads_contents or waits:  # the next call is asked about again
            return self._run(variant, arguments, values, found, repeated)
        self.repeats.note(self.guard.arguments, values, variant, found)
        return self._run(variant, arguments, values, found, repeated)

    def _chosen(
        self,
        variant: Variant,
        call: tuple[Key, tuple[object, ...], Admission],
        named: dict[str, Any],
    ) -> Variant:
        """Return the variant that runs a call: that of the device where it is sooner."""
        self.device = None
        if self.offload is None or variant.target != "cpu" or not has_device(current()):
            return variant
        key, values, found = call
        try:
            _, device_ns = self.offload.predicted(variant, found, named, current())
            if device_ns is not None:
                self.device = device_ns, copied_bytes(variant, named, integers_of(variant, found))
            chosen = self.offload.instead(
                variant, key, found, lambda: self._call(key, values, found)
            )
        except Exception:  # a fault of ours must not become the user's
            LOG.exception("no device for %s", self.name)
            self.offload.is_off = True
            return variant
        if chosen is None or self._unsafe(chosen, named) is not None:
            return variant
        return chosen

    def on_cpu(self, variant: Variant) -> Variant:
        """Return what would run on the CPU in the place of a variant."""
        beside = None if self.offload is None else self.offload.beside(variant)
        return variant if beside is None else beside

    def _shown(self, values: tuple[object, ...]) -> tuple[object, ...]:
        """Return the arguments as the guard reads them, which may look into arrays."""
        if self.options.backend != "cuda":
            return values
        if self._reads_contents:
            here().fetch()
        return tuple(map(_seen, values))

    def _run_again(
        self, repeat: Repeat, values: tuple[object, ...]
    ) -> tuple[tuple[object, ...], ...]:
        """Run what ran before, and learn it where it comes often."""
        started = perf_counter_ns()
        returned = self._run(repeat.variant, repeat.passed(values), values, repeat.found, None)
        repeat.least_ns = min(repeat.least_ns, perf_counter_ns() - started)
        repeat.runs += 1
        if repeat.runs in LEARNED_AT and self._may_change_form(repeat, values):
            return returned
        if repeat.runs in LEARNED_AT and returned:
            try:
                self._learn(repeat, values, returned)
            except Exception:  # a fault of ours must not become the user's: all goes the long way
                LOG.exception("no short way into %s", self.name)
        return returned

    def _learn(
        self, repeat: Repeat, values: tuple[object, ...], returned: tuple[tuple[object, ...], ...]
    ) -> None:
        """Let calls like one that ran take a short way, or none where they do not pay."""
        if self.shortcuts.knows(repeat):
            return
        pool = MACHINE.pool(self.options)
        is_plain = all(type(each) is int for each in returned[0])
        if is_plain and self.shortcuts.learn(repeat, values, pool, returned):
            repeat.runs = 0  # it may be used up: then calls like it come here again
            return
        predicted_ns, rates = repeat.found.interpreter_ns, current()
        is_short = predicted_ns < min(repeat.least_ns, _FEW_ENTRIES * rates.enter)
        if self.options.backend != "auto" or not is_short or not sizes_tell(self.plan, self.guard):
            return
        if not self.sums.may_be_long(values):
            repeat.leaves = True
            self.shortcuts.leave(values, ALWAYS)

    def _may_change_form(self, repeat: Repeat, values: tuple[object, ...]) -> bool:
        """Return whether a repeated call runs the form of its kernels that is for other sizes."""
        named = self._named(values)
        if self.sizes.fit(repeat.variant, named):
            return False
        if self.sizes.note(repeat.runs * repeat.found.interpreter_ns, current()):
            self.repeats.forget()  # the next call takes the other form
        return True

    def _judge(self, number: int, *values: object) -> tuple[tuple[object, ...], ...]:
        """Return what is left behind by a run in the short way that has something to say."""
        repeat, outcome, seconds = self.shortcuts.said(number)
        return self._settle(repeat.variant, outcome, values, repeat.found, _How(seconds))

    def _enter_with_lists(
        self,
        types: tuple[Any, ...] | None,
        values: tuple[object, ...],
        found: Admission,
    ) -> tuple[tuple[object, ...], ...]:
        """Return what `enter` does, some of the values being lists."""
        waited_ns = self.patience.interpreted_ns
        ran = self._variant_for_lists(types, values, found)
        if isinstance(ran, Reason):
            if self.patience.interpreted_ns == waited_ns:  # else calls like it repay a kernel soon
                self.lists.fares(ran)
            return self._refuse(found, ran)
        variant, copies = ran
        named = self._named(values) | copies.arrays
        returned = self._run(
            variant, self._passed(variant, named, found), values, found, None, copies
        )
        self.lists.fares(None)
        return returned

    def _variant_for_lists(
        self,
        types: tuple[Any, ...] | None,
        values: tuple[object, ...],
        found: Admission,
    ) -> tuple[Variant, Copies] | Reason:
        """Return what runs a call with lists, and copies of these; or why nothing does."""
        named = self._named(values) | dict(found.data)
        views = views_in(named)
        key = (types, found.holding)
        if self.options.backend == "auto":
            gain = self.lists.gain(found.interpreter_ns, found.extents, views)
            if gain < current().enter:
                return does_not_pay(self.span, found.interpreter_ns)
            waited = self.patience.interpreted_ns + gain
            is_early = key not in self.kernels.made and waited < current().compile
            if is_early and not self._may_load(key, values, found):
                self.patience.interpreted_ns += gain
                return self.patience.too_early(found)
        arrays = {name: each for name, each in named.items() if name not in views}
        pairs = tuple(pair for pair in self.plan.disjoint if views.keys().isdisjoint(pair))
        alone = tuple(name for name in self.alone if name not in views)
        for first, second in overlapping(pairs, alone, arrays):
            detail = "a call with lists is not analysed again"
            return ArraysOverlap(span=self.span, first=first, second=second, detail=detail)
        reason = self.lists.overlap(views, named)
        if reason is not None:
            return reason
        variant = self.kernels.made.get(key)
        variant = variant or self._compile(key, values, found)
        if not isinstance(variant, Variant):
            return variant
        reason = self._unsafe(variant, named)
        copies = reason or copies_of(
            self.lists, (variant.lists, variant.stored), found.extents, named
        )
        return copies if isinstance(copies, Reason) else (variant, copies)

    def _may_repeat(self, variant: Variant) -> bool:
        """Return whether what does not depend on the arguments is as it was at a call that ran."""
        return (
            sys.gettrace() is None
            and self.bindings_hold()
            and (not variant.may_warn or is_everyday())
        )

    def foresee(self, values: tuple[object, ...]) -> Admission | Reason:
        """Return what the guard says of a call with these values, which does not run anything."""
        types = self.guard.key(*values)
        if types is None:
            values = self.lists.seen(self.guard.arguments, values)
            types = self.guard.key(*values)
        found = self._admit(types, values)
        return found.foresee(values) if isinstance(found, Region) else found

    def leave(self, reason: Reason) -> tuple[tuple[object, ...], ...]:
        """Return what sends a call to the interpreter, for a reason that others found."""
        return self._refuse(None, reason)

    def _refuse(self, found: Admission | None, reason: Reason) -> tuple[tuple[object, ...], ...]:
        if found is not None:
            self.looked_at = None, found
        self._record("interpreter", found, 0.0, reason)
        if self.options.backend != "auto":
            warn_unserved(reason, self.plan, self.file, self.options)
        return ()

    # ------------------------------------------------------------------ admission

    def _admit(
        self, types: tuple[Any, ...] | None, values: tuple[object, ...]
    ) -> Admission | Reason | Region:
        """Return the integers of the call if all holds, else why not, or the region for that."""
        span = self.plan.scop.span
        if sys.gettrace() is not None:
            return TracingActive(span=span)
        if not self.bindings_hold():
            unchanged = "the functions in use are those of the first call"
            return ConditionFailed(span=span, condition=unchanged, values=())
        if types is None:
            return self.lists.skipped() or why_not(self.plan, self.guard, values)
        try:
            found = self.guard.check(*values)
        except NOT_FOUND:
            return why_not(self.plan, self.guard, values)
        if found is None:
            return self._wrapping(values)
        return found if self.counting is None else self.counting.corrected(found)

    def _with_ranks(self, values: tuple[object, ...]) -> tuple[tuple[object, ...], ...] | None:
        """Return what the nest planned for other numbers of axes answers; None where none is."""
        if self.instead is None or sys.gettrace() is not None or not self.bindings_hold():
            return None
        other = self.instead(values)
        if other is None:
            return None
        named = self._named(values)
        return other.enter(*(named[name] for name in other.arguments))

    def _wrapping(self, values: tuple[object, ...]) -> Region | Reason:
        """Return this region for subscripts that may be negative, or why a call is not admitted."""
        again = self.again.get(_WRAPS)
        if isinstance(again, Region):
            return again
        reason = why_not(self.plan, self.guard, values)
        if again is not None or not isinstance(reason, IndexOutOfBounds):
            return reason
        named = self._named(values)
        named |= self.guard.look(named)  # it did not fail before
        if self.wraps_by_values:
            again = self.again.get(self._facts_of_wraps(named))
            if again is not None:
                return again if isinstance(again, Region) else reason
        if self.options.backend == "auto":
            predicted_ns = evaluated(interpreter_nanoseconds(self.plan.scop), named)
            if not self.patience.repays_wrapping(predicted_ns):
                return reason
        facts = self._facts_of_wraps(named)
        again = self.again.make(facts, lambda: self._planned_for_wraps(facts, reason))
        return again if isinstance(again, Region) else reason

    def _facts_of_wraps(self, named: dict[str, Any]) -> Facts:
        """Return what the region is planned for where subscripts may be negative."""
        with self.lock:
            if self.wraps_by_values is None:
                try:
                    from autopar.analysis.stages import wraps_by_values

                    found = self.allowance.watch(lambda: wraps_by_values(self.plan), self.span)
                    self.wraps_by_values = found is True
                except Exception:  # a fault of ours must not become the user's
                    LOG.exception("the negative subscripts of %s could not be counted", self.name)
                    self.wraps_by_values = False
        if not self.wraps_by_values:
            return _WRAPS
        return Facts(wraps=True, values=_integers_of(self.plan, named))

    def _planned_for_wraps(self, facts: Facts, reason: Reason) -> Region | Reason:
        from autopar.analysis.stages import plan_wrapping

        plan = plan_wrapping(self.plan, facts)
        if not isinstance(plan, RegionPlan) or not can_guard(plan):
            return reason
        # It takes the same arguments: the extents it counts from are those of arrays known before.
        return self._replanned_as(plan)

    def _inspect(
        self, inspectors: Inspectors, key: object, named: dict[str, Any], found: Admission
    ) -> tuple[Admission, Reason | None]:
        """Return `found` with the loops that hold for the data of the call too.

        A reason comes with it where the data tie iterations to each other.
        """
        if self.options.backend == "auto" and found.interpreter_ns < current().enter:
            return found, None
        conditional = self.guard.conditional
        call = Call(
            holding=self._holding(found),
            named=named,
            integers=found.integers,
            launcher=MACHINE.launcher(self.kernels.target, self.options),
        )
        try:
            with self.lock:
                holding, reason = inspectors.judge(key, lambda: self.kernels.types(named), call)
        except Exception as error:  # a fault of ours must not become the user's (AP900)
            LOG.exception("the data of %s could not be inspected", self.name)
            detail = f"{type(error).__name__}: {error}"
            return found, InternalFault(span=self.span, stage="inspector", detail=detail)
        return found._replace(holding=tuple(loop in holding for loop in conditional)), reason

    # ------------------------------------------------------------------- variants

    def _variant(self, key: Key, values: tuple[object, ...], found: Admission) -> Variant | Reason:
        known = self.kernels.made.get(key)
        if known is None:
            return self._compile(key, values, found)
        if (
            self.patience.is_too_short(found)
            and (self._reads_contents or not self.repeats.may_come_again(values))
            and not self._has_long_sum(key, values, found)
        ):
            self.patience.note_short(found)
            self._count(found, current().enter)
            return self.patience.too_short(found)
        if not isinstance(known, Variant) or self.sizes.fit(known, self._named(values)):
            return known
        if self.sizes.note(found.interpreter_ns, current()):
            self.sizes.lost_ns = 0.0
            self.kernels.renew(key, *self._call(key, values, found))
        return self.kernels.made[key]

    def _compile(self, key: Key, values: tuple[object, ...], found: Admission) -> Variant | Reason:
        return self.kernels.make(key, *self._call(key, values, found))

    def _call(
        self, key: Key, values: tuple[object, ...], found: Admission
    ) -> tuple[dict[str, Any], frozenset[int], Callable[[], bool]]:
        """Return what a kernel is made from."""
        is_needed = partial(self._has_long_sum, key, values, found)
        return self._named(values), self._holding(found), is_needed

    def _named(self, values: tuple[object, ...]) -> dict[str, Any]:
        return dict(zip(self.guard.arguments, values, strict=True))

    def _is_too_early(self, key: Key, values: tuple[object, ...], found: Admission) -> bool:
        """Return whether a kernel does not pay yet, and may do without."""
        return not (
            self.patience.may_compile(found)
            or self._may_load(key, values, found)
            or self._is_known(key[0])
            or self._has_long_sum(key, values, found)
        )

    def _count(self, found: Admission, price_ns: float) -> None:
        """Let the turns be counted of a loop that the interpreter is to run now."""
        if self.counting is not None:
            self.counting.begin(found.interpreter_ns, price_ns)

    def _price_ns(self, key: Key, values: tuple[object, ...], found: Admission) -> float:
        """Return what the interpreter may take until a kernel is repaid, if turns are counted."""
        rates = current()
        if self.counting is None:
            return rates.compile
        is_kept = self.kernels.is_kept(key, self._named(values), self._holding(found))
        return (rates.load_kernel if is_kept else rates.compile) - self.patience.interpreted_ns

    def _has_long_sum(self, key: Key, values: tuple[object, ...], found: Admission) -> bool:
        """Return whether a kernel would add floats in another order than the interpreter.

        Then no kernel may be missing because it does not pay yet.
        """
        if not self.sums.may_be_long((*values, *found.data.values())):
            return False
        named = self._named(values)
        holding = self._holding(found)
        with self.lock:
            is_long = self.allowance.watch(
                lambda: self.sums.is_long(
                    key, lambda: self.kernels.types(named), holding, found.integers
                ),
                self.span,
            )
        return is_long is True

    def _holding(self, found: Admission) -> frozenset[int]:
        """Return the conditional loops whose condition holds."""
        pairs = zip(self.guard.conditional, found.holding, strict=True)
        return frozenset(loop for loop, holds in pairs if holds)

    def _is_known(self, types: object) -> bool:
        """Return whether the region was compiled for these types, whatever held then."""
        return self.inspectors is not None and any(key[0] == types for key in self.kernels.made)

    def _may_load(self, key: Key, values: tuple[object, ...], found: Admission) -> bool:
        """Return whether some process has kept what a call needs, so that it is only loaded."""
        return (
            key not in self.kernels.absent
            and self.patience.has_spent(current().load_kernel, found)
            and self.kernels.is_kept(key, self._named(values), self._holding(found))
        )

    def _value_names(self) -> tuple[str, ...]:
        """Return the scalars whose type matters: live in, or parameters used as values."""
        parameters = tuple(
            each.text for each in self.plan.scop.parameters if each.text in self.guard.arguments
        )
        return tuple(dict.fromkeys((*self.guard.scalars, *parameters)))

    # -------------------------------------------------------------------- overlap

    def _with_overlap(
        self,
        pairs: Pairs,
        values: tuple[object, ...],
        named: dict[str, Any],
        found: Admission,
    ) -> tuple[tuple[object, ...], ...]:
        """Return what the region planned for arrays that overlap as these do leaves behind."""
        facts = facts_of(self.plan, pairs, named, found.integers)
        if self.options.backend == "cuda" and isinstance(facts, Facts):
            # Each array would be copied to the device by itself.
            (first, second), *_ = pairs
            facts = ArraysOverlap(
                span=self.span, first=first, second=second, detail="they have one base on the host"
            )
        if isinstance(facts, Reason):
            return self._refuse(found, facts)
        again = self.again.get(facts)
        if again is None:
            if not self.patience.repays_overlap(found):
                self._count(found, current().analysis - self.patience.overlapped_ns)
                return self._refuse(found, self.patience.too_early(found))
            again = self.again.make(facts, lambda: self._replanned(facts))
        if isinstance(again, Reason):
            return self._refuse(found, again)
        return again.enter(*values)

    def _replanned(self, facts: Facts) -> Region | Reason:
        from autopar.analysis.stages import plan_region

        plan = plan_region(self.plan.scop, facts)
        if isinstance(plan, Refusal):
            return plan.reasons[0]
        return self._replanned_as(plan)

    def _replanned_as(self, plan: RegionPlan) -> Region:
        again = replace(self, plan=plan, guard=make_guard(plan), is_of_call=True, lock=Lock())
        if not self.kernels.made:  # what was spent was spent for want of this
            again.patience.interpreted_ns = self.patience.interpreted_ns
        return again

    # ------------------------------------------------------------------------ run

    def _unsafe(self, variant: Variant, named: dict[str, Any]) -> Reason | None:
        """Return why a compiled region may not run for just these arguments."""
        span = self.plan.scop.span
        needed = variant.types_hold
        if needed is not None and not holds(needed, named):
            return ConditionFailed(span=span, condition=needed, values=())
        if variant.may_warn and not is_everyday():
            return ErrorStateChanged(span=span)
        if variant.may_outgrow and variant.target == "cpu" and not variant.may_redo(named):
            return CannotStopInside(span=span)
        return None

    @staticmethod
    def _passed(variant: Variant, named: dict[str, Any], found: Admission) -> tuple[Any, ...]:
        """Return the arguments of the kernel's host code."""
        arrays = [named[name] for name in variant.arrays]
        if variant.target == "cuda":
            arrays = [getattr(each, "original", each) for each in arrays]
        return (*arrays, *found.integers, *(named[name] for name in variant.scalars))

    def _run(
        self,
        variant: Variant,
        arguments: tuple[Any, ...],
        values: tuple[object, ...],
        found: Admission,
        repeated: Reason | None,
        copies: Copies | None = None,
    ) -> tuple[tuple[object, ...], ...]:
        launcher: Pool | DeviceLauncher = MACHINE.launcher(variant.target, self.options)
        if isinstance(launcher, DeviceLauncher) and self.stays_there and copies is None:
            launcher = DeviceLauncher(here(), is_first=id(variant) not in self.kernels.ran)
        self.looked_at = variant, found
        started = perf_counter()
        try:
            if variant.check is not None:
                found_out = variant.check(launcher, *arguments)[0] & FAILURES
                if found_out:
                    return self._refuse(found, self._failed(found_out))
            before = kept(variant.saves, variant.arrays, arguments)
            outcome = self._traced(variant, launcher, arguments)
        except DeviceError as error:
            if isinstance(launcher, DeviceLauncher) and launcher.has_changed:
                raise BackendError(_HALFWAY.format(self.name, error)) from error
            reason = self._device_failed(error)
            beside = None if self.offload is None else self.offload.beside(variant)
            if self.spare is not None and copies is None:
                return self._run_spare(self.spare, (variant, error), values, found, reason)
            if self.offload is None or beside is None:
                return self._refuse(found, reason)
            named = self._named(values) | dict(found.data)
            self.offload.fails(variant, error, named)
            arguments = self._passed(beside, named, found)
            return self._run(beside, arguments, values, found, reason)
        except NoRoomError as error:
            return self._refuse(found, NoRoom(span=self.plan.scop.span, detail=str(error)))
        except compiler_errors() as error:
            # The first kernel of a region is compiled at its first launch, before it stored
            # anything; where there are several, all were compiled in `make_variant`.
            self.repeats.forget()
            self.shortcuts.forget()
            return self._refuse(found, self.kernels.give_up(variant, error))
        self.kernels.ran.add(id(variant))
        if isinstance(launcher, DeviceLauncher):
            self.on_device = launcher.done
        is_put_back = before is not None and _is_wanting(outcome[0])
        if before is not None and is_put_back:
            before.put_back()
        how = _How(perf_counter() - started, repeated, copies, is_put_back)
        return self._settle(variant, outcome, values, found, how)

    def _run_spare(
        self,
        spare: Spare,
        failed: tuple[Variant, DeviceError],
        values: tuple[object, ...],
        found: Admission,
        reason: Reason,
    ) -> tuple[tuple[object, ...], ...]:
        """Return what the CPU makes of a call that the device had no memory for."""
        variant, error = failed
        beside = spare.instead(
            error, variant, self.kernels, lambda key: self._call(key, values, found)
        )
        named = self._named(values) | dict(found.data)
        if beside is None or self._unsafe(beside, named) is not None:
            return self._refuse(found, reason)
        here().settle()  # what other regions left on the device
        warn_unserved(reason, self.plan, self.file, self.options, by="the CPU")
        return self._run(beside, self._passed(beside, named, found), values, found, reason)

    def _traced(
        self, variant: Variant, launcher: Pool | DeviceLauncher, arguments: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """Run a variant, and show it to a profiler if one is to see it."""
        if tracing.TRACE is None:
            return variant.run(launcher, *arguments)
        with tracing.TRACE.range(self.name), traced("region", self.name, backend=variant.target):
            return variant.run(launcher, *arguments)

    def _settle(
        self,
        variant: Variant,
        outcome: tuple[Any, ...],
        values: tuple[object, ...],
        found: Admission,
        how: _How,
    ) -> tuple[tuple[object, ...], ...]:
        """Return what a run leaves behind, or () if the interpreter is to do it again."""
        status = outcome[0]
        if how.is_put_back or (status and not self._accept(status, variant, values, found)):
            return self._refuse(found, self._failed(status))
        remark = variant.remark or (None if variant.has_copies else how.repeated)
        self._record(variant.target, found, how.seconds, remark)
        if how.copies is not None:
            how.copies.put_back()
        passed = (self.guard.arguments, values)
        assigned = variant.left_behind(outcome[1:], passed)
        if how.copies is not None and how.copies.values:
            return (how.copies.values,)
        left = (*found.last_values, *assigned)
        return (self._ordered(left) if found.last_values and assigned else left,)

    def _accept(
        self, status: int, variant: Variant, values: tuple[object, ...], found: Admission
    ) -> bool:
        """Return whether a run with a raised status stands; else the interpreter redoes it."""
        if status & FAILURES:
            return False
        if not would_warn(status):
            return True
        named = self._named(values) | dict(found.data)
        if variant.may_redo(named):
            return False
        warn_as_numpy(status, variant.program, self.file)
        return True

    def _failed(self, status: int) -> Reason:
        if status & INDEX_ERROR:
            return out_of_range(self.plan.scop)
        return ValueFailed(span=self.plan.scop.span, detail=failure_text(status))

    def _device_failed(self, error: DeviceError) -> Reason:
        if isinstance(error, DeviceMemoryError):
            return DeviceFull(span=self.plan.scop.span, detail=str(error))
        return CompileFailed(span=self.plan.scop.span, target="cuda", detail=str(error))

    # --------------------------------------------------------------------- report

    def _record(
        self, backend: str, found: Admission | None, seconds: float, reason: Reason | None
    ) -> None:
        stack = self.records.stack
        if stack:
            iterations = None if found is None else found.iterations
            plan = self.plan if self.is_of_call else None
            stack[-1].add(self.number, backend, iterations, seconds, reason, plan)


def _integers_of(plan: RegionPlan, named: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """Return parameters and extents of a region, as Python text, with their values at a call."""
    extents = (f"{a.name}.shape[{axis}]" for a in plan.scop.given_arrays for axis in range(a.rank))
    texts = dict.fromkeys((*(each.text for each in plan.scop.parameters), *extents))
    return tuple((text, operator.index(evaluated(text, named))) for text in texts)


def _is_wanting(status: int) -> bool:
    """Return whether a run raised what only the interpreter can tell in full."""
    return bool(status & FAILURES) or would_warn(status)


def _seen(value: object) -> object:
    """Return an argument as the guard reads it: one on the device by what it says of itself."""
    return value if type(value) is np.ndarray else device_array(value) or value
