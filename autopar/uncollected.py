"""No garbage collection while modules are loaded and kernels compiled.

Both make hundreds of thousands of objects that stay. Python's collector goes through all of them
again and again, which takes a sixth of a first call, and finds next to nothing to free.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class _Pauses:
    """How many threads want no collection, and whether it was on before the first of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._wanted = 0
        self._was_on = False

    def begin(self) -> None:
        """Collect no garbage until the last `end`."""
        with self._lock:
            if not self._wanted:
                self._was_on = gc.isenabled()
                gc.disable()
            self._wanted += 1

    def end(self) -> None:
        """Collect garbage again, as it was before, if this was the last one."""
        with self._lock:
            self._wanted = max(0, self._wanted - 1)  # the child of a fork has begun none
            if not self._wanted and self._was_on:
                _age()
                gc.enable()

    def renew(self) -> None:
        """Forget the threads of the parent, which are not in the child of a fork."""
        if self._wanted and self._was_on:
            gc.enable()
        self._lock = Lock()
        self._wanted = 0


def _age() -> None:
    """Count what was made meanwhile as old, or the next collection would go through all of it."""
    if gc.get_freeze_count() == 0:  # else the program has put objects aside, to stay there
        gc.freeze()
        gc.unfreeze()


_PAUSES = _Pauses()
os.register_at_fork(after_in_child=_PAUSES.renew)


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage inside, on any thread; in the child of a fork it is collected again."""
    _PAUSES.begin()
    try:
        yield
    finally:
        _PAUSES.end()
