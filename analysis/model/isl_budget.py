"""The context that all isl values live in: its lock, and limits on the work done in it.

The context is our own, so that an exhausted budget here never poisons another library's
context. isl is not thread-safe and keeps one operation counter a context, hence one lock around
every operation. After a fork the child starts with a new lock.

isl counts allocations and pivots. Most take 0.2 to 0.6 us, but a pivot in a large tableau, or
one of long numbers, takes a hundred. So a budget limits operations and time: the operations are
dealt out in portions, and between two of them the clock is read. What stops ordinary work is
the count, the same on every machine. The wall clock is asked first, being cheap; only once it
says that time is up is processor time counted, and the work given as much again.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

import islpy

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_BUDGET = 1_500_000  # operations for one question about a region: half a second of work
_SECONDS = 0.8  # for whatever number of operations; twice that where nobody else wants the core
_PORTION = 2_500  # operations between two looks at the clock


class BudgetExhaustedError(Exception):
    """isl gave up: the limit of the enclosing `budget` was reached."""


class _Meter:
    """Deals out the operations of one budget; for use under the lock."""

    def __init__(self, context: islpy.Context, operations: int, seconds: float) -> None:
        self.context = context
        self.operations = operations
        self.seconds = seconds
        self.clock: Callable[[], float] = time.perf_counter
        self.started = self.looked = self.clock()
        self.granted = self.last = min(_PORTION, max(operations, 1))  # 0 would be no limit
        self.asked = 0  # operations of `operations_spent` itself, which nobody pays for
        self.is_spent = False
        context.reset_operations()
        context.set_max_operations(self.granted)

    def grant(self, wanted: int) -> int:
        """Allow some more operations and return how many; 0 where the budget is spent.

        To be called when all that were granted are used up.
        """
        left = self.operations + self.asked - self.granted
        portion = 0 if self.is_spent else min(wanted, left, self._affordable(wanted))
        if portion <= 0:
            self.is_spent = True
            return 0
        self.last = portion
        self.granted += portion
        self.context.set_max_operations(self.granted)
        return portion

    def _affordable(self, wanted: int) -> int:
        """Return how many of the `wanted` operations there is time for, if they go on like this."""
        now = self.clock()
        pace = max(now - self.looked, 1e-9) / self.last
        self.looked = now
        affordable = int((self.started + self.seconds - now) / pace)
        if affordable >= wanted or self.clock is time.thread_time:
            return affordable
        self.clock = time.thread_time
        self.started = self.looked = self.clock()
        return wanted


class _State:
    """The context, its lock, and the meter of the budget that is open."""

    def __init__(self) -> None:
        self.context = islpy.Context()
        self.lock = threading.RLock()
        self.meter: _Meter | None = None


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
                purse.operations -= meter.granted  # a portion too much at most
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


def operations_spent() -> int:
    """Return how many operations isl did since the enclosing budget began.

    isl does not tell, but says whether a limit is reached: the count is searched for.
    """
    with STATE.lock:
        meter = STATE.meter
        if meter is None:
            return 0
        low, high = meter.granted - meter.last - meter.asked, meter.granted - meter.asked + 1
        while high - low > 1:
            middle = (low + high) // 2
            STATE.context.set_max_operations(middle + meter.asked)
            if _may_operate():
                high = middle
                meter.asked += 1
                meter.granted += 1
            else:
                low = middle
        STATE.context.set_max_operations(meter.granted)
        return low


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


def locked(operation: Callable[P, R]) -> Callable[P, R]:
    """Return `operation` under the lock and within a budget, of its own where none is open.

    An operation that uses up its portion is begun again with a larger one: it must have no
    effect but its result.
    """

    @functools.wraps(operation)  # the name too: pickling looks `Set.parse` up by it
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with STATE.lock:
            if STATE.meter is None:
                with budget():
                    return run(*args, **kwargs)
            tried, wanted = 0, _PORTION
            while True:
                try:
                    return operation(*args, **kwargs)
                except islpy.Error as error:
                    if not is_exhausted(error):
                        raise
                    granted = STATE.meter.grant(wanted)
                    if granted <= tried:  # what did not suffice will not suffice
                        STATE.meter.is_spent = True
                        raise BudgetExhaustedError(str(error)) from None
                    tried, wanted = granted, 2 * granted

    return run


def text_of(raw: islpy.Set | islpy.Map | islpy.UnionMap | islpy.Val) -> str:
    """Return isl's notation of a value, within a `locked` operation."""
    text: str | None = raw.to_str()
    if text is None:  # nothing raised
        raise islpy.Error("no text: maximal number of operations exceeded")
    return text
