"""Sets and maps of integers: the only user of islpy.

All values live in one context of our own, so that an exhausted budget here never poisons
another library's context. isl is not thread-safe and keeps one operation counter a context,
hence one lock around every operation. After a fork the child starts with a new lock.

Dimensions are addressed by name, never by position, outside this module.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, Self, TypeVar, final

import islpy

P = ParamSpec("P")
R = TypeVar("R")

# One isl operation costs about 0.6 us: this is a little under two seconds of work.
DEFAULT_BUDGET = 3_000_000


class BudgetExhaustedError(Exception):
    """isl gave up: the operation limit of the enclosing `budget` was reached."""


class _State:
    """The context and its lock; replaced as a whole after a fork."""

    def __init__(self) -> None:
        self.context = islpy.Context()
        self.lock = threading.RLock()


_state = _State()


def _renew_lock() -> None:
    _state.lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def budget(operations: int = DEFAULT_BUDGET) -> Iterator[None]:
    """Limit the isl operations within the block; `BudgetExhaustedError` when they are spent.

    Holds the lock, since the counter belongs to the context and not to a thread.
    """
    with _state.lock:
        context = _state.context
        context.reset_operations()
        context.set_max_operations(operations)
        try:
            yield
        finally:
            # The limit is sticky: every later call would fail, parsing included.
            context.set_max_operations(0)
            context.reset_operations()


def locked(operation: Callable[P, R]) -> Callable[P, R]:
    """Return `operation` under the lock, its exhausted budget told apart from a fault."""

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with _state.lock:
            try:
                return operation(*args, **kwargs)
            except islpy.Error as error:
                if "maximal number of operations" in str(error):
                    raise BudgetExhaustedError(str(error)) from None
                raise

    run.__name__ = operation.__name__
    run.__doc__ = operation.__doc__
    return run
