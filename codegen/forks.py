"""What a fork leaves of threads and locks: nothing, and locks that nobody will ever release.

Only the thread that forks lives on in the child. A lock that another one held at that moment is
free there, whatever it was in the middle of: what these locks guard is entered when it is done,
so that the child finds it either there or not.

LLVM is another matter: half a compilation would be found. A fork waits until it is over, as
`analysis.model.isl_budget` has it for isl.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import Any, ClassVar


class Forks:
    """How often this process is a fork: the threads of a parent do not live in its child."""

    def __init__(self) -> None:
        self._cell = ctypes.c_int64(0)
        self.address = ctypes.addressof(self._cell)  # where native code finds the generation

    @property
    def generation(self) -> int:
        """How many forks lie between this process and the one that loaded the module."""
        return self._cell.value

    def renew(self) -> None:
        """Count a fork, and free what the threads that are gone held."""
        self._cell.value += 1
        for lock in list(_locks):
            lock.renew()


class Lock:
    """A reentrant lock that is free in the child of a fork, unless the forking thread holds it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Forget the thread that holds the lock, if it is another one."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()
FORKS = Forks()


def is_owned(lock: Any) -> bool:  # noqa: ANN401 - of `threading`, of Numba or of llvmlite
    """Return whether this thread holds a reentrant lock; None is no lock."""
    asks = getattr(lock, "_is_owned", None)  # as `threading.Condition` does
    return asks is not None and bool(asks())


def compiling() -> Iterator[Any]:
    """Yield the locks under which Numba, then llvmlite compiles; None where they are not loaded.

    In this order Numba takes them. llvmlite's own is held for each call of LLVM, by whomever.
    """
    numba = sys.modules.get("numba.core.compiler_lock")
    yield getattr(getattr(numba, "global_compiler_lock", None), "_lock", None)
    llvmlite = sys.modules.get("llvmlite.binding.ffi")
    calls = getattr(getattr(llvmlite, "lib", None), "_lock", None)
    yield getattr(calls, "_lock", None)


class _Held:
    """The locks that a fork holds on its way."""

    locks: ClassVar[list[Any]] = []


def _hold() -> None:
    for lock in compiling():
        if lock is not None:
            lock.acquire()
            _Held.locks.append(lock)


def _release() -> None:
    while _Held.locks:
        _Held.locks.pop().release()


def _renew() -> None:
    _release()  # this thread's own, here as there
    FORKS.renew()


os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_renew)
