"""What takes seconds in one piece is made on a thread of its own, and Ctrl-C is heard meanwhile.

Before:  make_variant(...) on the main thread     six seconds inside of LLVM: no signal is handled
After:   the same on another thread               the main one waits, and can be interrupted

Python handles signals on the main thread, between two of its own instructions; a call of LLVM is
none. So the main thread hands such work to another one and waits for a lock, which a signal ends.
What was begun goes on after that, and whoever wants it again waits for the same thing.

A process must not end while LLVM is at work: what the C library takes down at `exit` is still in
use. The work is told to stop, which it does where it next comes back to Python, and is waited for.
"""

from __future__ import annotations

import atexit
import ctypes
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from autopar.analysis.model import isl_budget
from autopar.codegen.forks import FORKS, compiling, is_owned

from .stacks import are_new_ones_small

T = TypeVar("T")


class _EndingError(BaseException):
    """The process ends: what is being made will not be wanted."""


class Apart(Generic[T]):
    """Something that another thread makes; it begins when somebody first waits for it."""

    def __init__(self, make: Callable[[], T]) -> None:
        # What is set for this thread alone holds there too: NumPy's error state, isl's budget.
        context = copy_context()
        self._make: Callable[[], T] | None = lambda: context.run(make)
        self._taken, self._over = threading.Lock(), threading.Lock()
        self._over.acquire()
        self._thread: threading.Thread | None = None
        self._is_running = False
        self._generation = FORKS.generation
        self._found: list[T] = []
        self._error: BaseException | None = None

    @property
    def is_lost(self) -> bool:
        """Whether nothing will come of it: it was begun before a fork, or broken off."""
        is_broken_off = self._error is not None and not isinstance(self._error, Exception)
        return is_broken_off or self._generation != FORKS.generation

    def result(self) -> T:
        """Return what was made, or raise what that raised; Ctrl-C ends the waiting only."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="autopar-making", daemon=True)
            _running.append(self)
            with suppress(RuntimeError):  # no more threads, or no more frames of this one
                self._thread.start()
                self._is_running = True
        if not self._is_running:
            self._run()
        with self._over:
            pass
        if self._error is not None:
            raise self._error
        return self._found[0]

    def _run(self) -> None:
        """Make it, if nobody else does."""
        if not self._taken.acquire(blocking=False):
            return
        try:
            assert self._make is not None  # nobody else has
            self._found.append(self._make())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error
        finally:
            self._make = None
            with suppress(ValueError):
                _running.remove(self)
            self._over.release()

    def end(self) -> None:
        """Stop the work where it is next in Python, and wait for that."""
        thread = self._thread
        if thread is None or thread.ident is None or self._generation != FORKS.generation:
            return
        identity = ctypes.c_ulong(thread.ident)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(identity, ctypes.py_object(_EndingError))
        while thread.is_alive():
            with suppress(KeyboardInterrupt):  # not before it is over
                thread.join()


_running: list[Apart[Any]] = []


def _end() -> None:
    for each in tuple(_running):
        each.end()


atexit.register(_end)


def is_of_use() -> bool:
    """Return whether this thread hears Ctrl-C while another one works, and may wait for it."""
    if threading.current_thread() is not threading.main_thread() or are_new_ones_small():
        return False
    if not callable(signal.getsignal(signal.SIGINT)):
        return False
    # A lock that this thread holds, as one that Numba calls in the middle of a compilation, would
    # never come to the other one.
    return not any(map(is_owned, (*compiling(), isl_budget.lock())))
