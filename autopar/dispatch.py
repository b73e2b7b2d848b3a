"""At a call: facts, conditions, cost, backend, run, report.

A rewritten function asks `Region.enter` before each of its regions. The answer `()` sends it
to its original loop; one tuple means the region is done and holds what lives on.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from ctypes import ArgumentError
from dataclasses import field, replace
from functools import partial
from math import inf
from time import perf_counter_ns
from typing import Any

import numpy as np

from autopar.analysis.facts.device_arrays import device_array
from autopar.analysis.facts.lists import LISTS, ListView
from autopar.analysis.facts.reasons import (
    ArraysOverlap,
    ConditionFailed,
    IndexOutOfBounds,
    TracingActive,
)
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.facts import Facts
from autopar.analysis.model.loop_ir import Exchanged, Exits
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.source import Span
from autopar.analysis.passes.reasons import InternalFault
from autopar.codegen import tracing
from autopar.codegen.device import Done
from autopar.codegen.forks import Lock
from autopar.codegen.pool import ALWAYS
from autopar.codegen.rates import current
from autopar.codegen.reasons import NotProfitable, TargetLacksFeature
from autopar.codegen.residence import here

from .aliases import Pairs, facts_of, overlapping, written_alone
from .cost import interpreter_nanoseconds
from .counting import Counting, counting_of
from .failing import Failing
from .guard import Admission, Guard, evaluated, make_guard, why_not
from .inspectors import Call, Inspectors
from .kernels import Kernels, Key
from .lists import Copies, Lists, copies_of, does_not_pay, lists_of, views_in
from .long_sums import LongSums, sums_of
from .machine import MACHINE
from .offload import Offload, copied_bytes, has_device, integers_of
from .options import Options
from .patience import Patience
from .reanalysis import Allowance, Reanalyses
from .record import Records
from .repeats import Repeat, Repeats
from .replanning import Replanning
from .resting import Rest, known_ns, rest_of, sizes_tell
from .row_finders import NOT_FOUND, overlapping_rows
from .runs import Entered, Ingredients, Ran, Runs, passed, unsafe
from .shortcuts import LEARNED_AT, Shortcuts
from .sites import Asker
from .sizes import Sizes, sizes_of
from .spare import spare_for
from .unserved import warn_unserved
from .variant import Variant
from .warn import is_everyday

LOG = logging.getLogger("autopar")

# Calls that take more than so many times what surrounds a kernel are not short, whatever it took.
_FEW_ENTRIES = 4


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
    # The same region for arrays that share memory, by how they do, and what else calls showed.
    again: Reanalyses[Region] = field(init=False)
    replanning: Replanning[Region] = field(init=False)
    runs: Runs = field(init=False)
    alone: tuple[str, ...] = field(init=False)  # arrays that must not overlap themselves
    # The last call that was looked at in full, and what ran it if anything did.
    looked_at: tuple[Variant | None, Admission] | None = field(init=False, default=None)
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
        self.replanning = Replanning(
            plan=self.plan,
            name=self.name,
            found=self.again,
            lock=self.lock,
            remake=self._replanned_as,
        )
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
        self.runs = Runs(
            plan=self.plan,
            name=self.name,
            file=self.file,
            options=self.options,
            kernels=self.kernels,
            offload=self.offload,
            spare=spare_for(self.kernels) if self.options.backend == "cuda" else None,
            ingredients=self._call,
            forget=self._forget_calls,
        )
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

    @property
    def _reads_contents(self) -> bool:
        """Whether a check reads what arrays contain, which the next call may find changed."""
        return self.inspectors is not None or bool(self.guard.finders)

    def regions(self) -> list[Region]:
        """Return this region and those that calls made of it."""
        return [self, *(inner for each in self.again.all() for inner in each.regions())]

    def keep(self) -> None:
        """Let arrays stay on the device: the code around asks for them when it wants them."""
        self.runs.stays_there = True

    @property
    def on_device(self) -> Done | None:
        """What its last run on the device did."""
        return self.runs.on_device

    def _forget_calls(self) -> None:
        """Ask anew about calls that are like those before."""
        self.repeats.forget()
        self.shortcuts.forget()

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
        reason = unsafe(variant, named, self.span)
        if reason is not None:
            return self._refuse(found, reason)
        if self.patience.rest is not None:
            self.patience.rest.short = 0
        if self.failing is not None:
            self.failing.failed = 0
        chosen = self._chosen(variant, (key, values, found), named)
        arguments = passed(chosen, named, found)
        call = Entered(self.guard.arguments, values, found, repeated=repeated)
        if chosen.target == "cuda":
            return self._run(chosen, arguments, call)
        waits = self.offload is not None and self.offload.is_waiting
        if self._reads_contents or waits:  # the next call is asked about again
            return self._run(variant, arguments, call)
        self.repeats.note(self.guard.arguments, values, variant, found)
        return self._run(variant, arguments, call)

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
        if chosen is None or unsafe(chosen, named, self.span) is not None:
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
        call = Entered(self.guard.arguments, values, repeat.found)
        returned = self._run(repeat.variant, repeat.passed(values), call)
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
        call = Entered(self.guard.arguments, values, repeat.found)
        return self._ended(self.runs.settle(repeat.variant, outcome, seconds, call), call)

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
        call = Entered(self.guard.arguments, values, found, copies)
        returned = self._run(variant, passed(variant, named, found), call)
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
        reason = unsafe(variant, named, self.span)
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
        known = self.replanning.for_all_wraps
        if isinstance(known, Region):
            return known
        reason = why_not(self.plan, self.guard, values)
        if known is not None or not isinstance(reason, IndexOutOfBounds):
            return reason
        named = self._named(values)
        named |= self.guard.look(named)  # it did not fail before
        return self.replanning.wrapping(named, reason, lambda: self._repays_wrapping(named))

    def _repays_wrapping(self, named: dict[str, Any]) -> bool:
        """Return whether an analysis for negative subscripts is worth its time."""
        if self.options.backend != "auto":
            return True
        return self.patience.repays_wrapping(
            evaluated(interpreter_nanoseconds(self.plan.scop), named)
        )

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

    def _call(self, key: Key, values: tuple[object, ...], found: Admission) -> Ingredients:
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
            again = self.replanning.overlapping(facts)
        if isinstance(again, Reason):
            return self._refuse(found, again)
        return again.enter(*values)

    def _replanned_as(self, plan: RegionPlan) -> Region:
        again = replace(self, plan=plan, guard=make_guard(plan), is_of_call=True, lock=Lock())
        if not self.kernels.made:  # what was spent was spent for want of this
            again.patience.interpreted_ns = self.patience.interpreted_ns
        return again

    # ------------------------------------------------------------------------ run

    def _run(
        self, variant: Variant, arguments: tuple[Any, ...], call: Entered
    ) -> tuple[tuple[object, ...], ...]:
        """Return what a variant leaves behind, or () where the interpreter is to run the call."""
        return self._ended(self.runs.run(variant, arguments, call), call)

    def _ended(self, ran: Ran | Reason, call: Entered) -> tuple[tuple[object, ...], ...]:
        """Return what a run leaves behind, and take note of it."""
        if isinstance(ran, Reason):
            return self._refuse(call.found, ran)
        self.looked_at = ran.variant, call.found
        self._record(ran.variant.target, call.found, ran.seconds, ran.remark)
        return (ran.left,)

    # --------------------------------------------------------------------- report

    def _record(
        self, backend: str, found: Admission | None, seconds: float, reason: Reason | None
    ) -> None:
        stack = self.records.stack
        if stack:
            iterations = None if found is None else found.iterations
            plan = self.plan if self.is_of_call else None
            stack[-1].add(self.number, backend, iterations, seconds, reason, plan)


def _seen(value: object) -> object:
    """Return an argument as the guard reads it: one on the device by what it says of itself."""
    return value if type(value) is np.ndarray else device_array(value) or value
