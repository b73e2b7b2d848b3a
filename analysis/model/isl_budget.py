"""The context that all isl values live in: its lock, and limits on the work done in it.

The context is our own, so that an exhausted budget here never poisons another library's
context. isl is not thread-safe and keeps one operation counter a context, hence one lock around
every operation. After a fork the child starts with a new lock.

isl counts allocations and pivots. Most take 0.2 to 0.6 us, but a pivot in a large tableau, or
one of long numbers, takes a hundred. So a budget limits operations and time: isl itself stops at
the count, which is the same on every machine; the clock is read between two calls of isl. The
wall clock is asked first, being cheap; only once it says that time is up is processor time
counted, and the work given as much again.

A call that isl gives up in the middle may leave its operands half rewritten, and what shares
memory with them: isl crashes when they are used again. So nothing is tried twice, a budget that
is spent calls isl no more, and whoever keeps sets from before asks `aborts` whether it still may.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from .later import Later

if TYPE_CHECKING:
    import islpy
else:
    islpy = Later("islpy")

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_BUDGET = 1_500_000  # operations for one question about a region: half a second of work
_SECONDS = 0.8  # for whatever number of operations; twice that where nobody else wants the core
# The clock cannot stop a call of isl: this many operations end it. The largest calls of ordinary
# nests (PolyBench) take a quarter of that.
_MOST_OF_A_CALL = 60_000
# Making loops is one call for a whole region: some 8,000 operations for each of its statements.
MOST_OF_A_SCAN = 600_000
_COUNTED_EVERY = 0.002  # seconds; some 10,000 operations
_NEARLY = 1_000  # operations: what a limit on one call, or on a function, is known to


class BudgetExhaustedError(Exception):
    """isl gave up: the limit of the enclosing `budget` was reached."""


class _Meter:
    """Counts what one budget spends; for use under the lock."""

    def __init__(self, context: islpy.Context, operations: int, seconds: float) -> None:
        self.context = context
        self.seconds = seconds
        self.clock: Callable[[], float] = time.perf_counter
        self.started = self.counted = self.clock()
        self.operations = max(operations, 1)  # 0 would be no limit
        self.asked = 0  # operations of `operations_spent` itself, which nobody pays for
        self.least = 0  # operations that have been spent for sure
        self.is_spent = operations <= 0
        self.most = _MOST_OF_A_CALL  # operations of the call that is under way
        context.reset_operations()
        self.allow(0)

    def allow(self, spent: int) -> None:
        """Let isl do what is left after `spent` operations, but no more than one call may."""
        self.granted = min(self.operations, spent + self.most)
        self.context.set_max_operations(self.granted + self.asked)

    def look(self) -> None:
        """Raise BudgetExhaustedError where the budget is spent, or its time is up."""
        now = self.clock()
        if not self.is_spent and now - self.started > self.seconds:
            if self.clock is time.thread_time:
                self.is_spent = True
            else:
                self.clock = time.thread_time
                self.started = self.counted = now = self.clock()
        if self.is_spent:
            raise BudgetExhaustedError("the budget is spent")
        if now - self.counted > _COUNTED_EVERY:
            self.counted = now
            self.allow(operations_spent(within=_NEARLY))


class _State:
    """The context, its lock, and the meter of the budget that is open."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.meter: _Meter | None = None
        self.aborts = 0

    @functools.cached_property
    def context(self) -> islpy.Context:
        """The one context, made under the lock."""
        return islpy.Context()


STATE = _State()


class _Purse:
    """What the budgets of one `allowance` may still spend."""

    def __init__(self, operations: int, seconds: float) -> None:
        self.operations = operations
        self.seconds = seconds


_purse: ContextVar[_Purse | None] = ContextVar("_purse", default=None)


def _hold_lock() -> None:
    # No thread may be in the middle of an isl operation: the child would see half of it.
    STATE.lock.acquire()


def _release_lock() -> None:
    STATE.lock.release()


def _renew_lock() -> None:
    # Held here for the fork alone, or also by a `budget` of this thread, which keeps its own.
    STATE.lock = threading.RLock()


os.register_at_fork(before=_hold_lock, after_in_parent=_release_lock, after_in_child=_renew_lock)


@contextmanager
def budget(operations: int = DEFAULT_BUDGET, seconds: float = _SECONDS) -> Iterator[None]:
    """Limit the isl work within the block; `BudgetExhaustedError` when the limit is reached.

    Holds the lock, since the counter belongs to the context and not to a thread. Inside another
    budget it asks for nothing of its own: the outer one counts.
    """
    with STATE.lock:
        if STATE.meter is not None:
            yield
            return
        purse = _purse.get()
        if purse is not None:
            operations = min(operations, purse.operations) if purse.seconds > 0 else 0
        STATE.meter = meter = _Meter(STATE.context, operations, seconds)
        try:
            yield
        finally:
            if purse is not None:
                purse.operations -= operations_spent(within=_NEARLY)
                purse.seconds -= seconds if meter.clock is time.thread_time else 0.0
            # The limit is sticky: every later call would fail, parsing included.
            STATE.context.set_max_operations(0)
            STATE.context.reset_operations()
            STATE.meter = None


@contextmanager
def allowance(operations: int, seconds: float) -> Iterator[None]:
    """Limit what the budgets within the block may spend together, each keeping its own limit."""
    token = _purse.set(_Purse(operations, seconds))
    try:
        yield
    finally:
        _purse.reset(token)


def operations_spent(*, within: int = 1) -> int:
    """Return how many operations isl did since the enclosing budget began.

    Fewer than `within` more have been done. isl does not tell, but says whether a limit is
    reached: the count is searched for.
    """
    with STATE.lock:
        meter = STATE.meter
        if meter is None:
            return 0
        if meter.is_spent:
            return meter.granted
        low, high = meter.least - 1, meter.granted + 1
        while high - low > within:
            middle = (low + high) // 2
            meter.context.set_max_operations(middle + meter.asked)
            if _may_operate():
                high = middle
                meter.asked += 1
            else:
                low = middle
        meter.context.set_max_operations(meter.granted + meter.asked)
        meter.least = max(low, 0)
        return meter.least


def lock() -> object:
    """Return the reentrant lock around every operation, which a `budget` holds."""
    return STATE.lock


def aborts() -> int:
    """Return how many calls isl has given up in the middle, in this process."""
    return STATE.aborts


@contextmanager
def isolated() -> Iterator[None]:
    """Let isl give up in the block without harm: all that it is given there is copied for it."""
    before = STATE.aborts
    try:
        yield
    finally:
        STATE.aborts = before


def _may_operate() -> bool:
    try:
        islpy.Val.zero(STATE.context)  # one operation, which fails for no other reason
    except islpy.Error:
        return False
    return True


def is_exhausted(error: islpy.Error) -> bool:
    """Return whether an operation failed for want of operations."""
    # The parser reports it as a syntax error.
    return "maximal number of operations" in str(error) or not _may_operate()


def locked(operation: Callable[P, R], *, most: int = _MOST_OF_A_CALL) -> Callable[P, R]:
    """Return `operation` under the lock and within a budget, of its own where none is open.

    A call of it may do `most` operations.
    """

    @functools.wraps(operation)  # the name too: pickling looks `Set.parse` up by it
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with STATE.lock:
            meter = STATE.meter
            if meter is None:
                with budget():
                    return run(*args, **kwargs)
            meter.look()
            before = meter.most
            if most > before:
                meter.most = most  # also for what the operation calls in its turn
                meter.allow(operations_spent(within=_NEARLY))
            try:
                return operation(*args, **kwargs)
            except islpy.Error as error:
                if not is_exhausted(error):
                    raise
                meter.is_spent = True
                STATE.aborts += 1
                raise BudgetExhaustedError(str(error)) from None
            finally:
                meter.most = before

    return run


def text_of(raw: islpy.Set | islpy.Map | islpy.UnionMap | islpy.Val | islpy.Aff) -> str:
    """Return isl's notation of a value, within a `locked` operation."""
    text: str | None = raw.to_str()
    if text is None:  # nothing raised
        raise islpy.Error("no text: maximal number of operations exceeded")
    return text
