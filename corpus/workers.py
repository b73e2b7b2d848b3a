"""Examine notebooks in worker processes, each within limits of time and memory.

Maps items to `Examined` rows, in their order. A notebook that takes too
long, or whose worker dies, is recorded as such, and another worker takes the next.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTime
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, TypeAlias

from autopar.analysis.model.nouns import dataclass

from .examine import Examined, examine, not_studied
from .manifest import LARGEST_BYTES, Item, Reader

if TYPE_CHECKING:
    from pebble import ProcessPool

# Address space of a worker; what a notebook needs beyond it is a MemoryError there.
MEMORY_BYTES = 4 * 1024**3
# A worker is replaced after so many notebooks: what isl and the parser keep adds up.
_NOTEBOOKS_PER_WORKER = 400
# Trees hold few cycles and many objects: looking for them every 700 takes a sixth of the time.
_COLLECTED_AFTER = 100_000
# So many notebooks are handed out ahead of those that are done.
_AHEAD_PER_WORKER = 8


Task: TypeAlias = Callable[[Item], Examined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one notebook may take."""

    seconds: float = 60.0
    memory_bytes: int = MEMORY_BYTES


def examine_all(
    items: Sequence[Item], jobs: int, limits: Limits, task: Task | None = None
) -> Iterator[Examined]:
    """Yield the rows of every item, in their order, from `jobs` processes.

    `task` is what a worker does with an item, `work` unless a test has other plans.
    """
    from pebble import ProcessPool

    waiting = deque(items)
    with ProcessPool(
        max_workers=jobs,
        max_tasks=_NOTEBOOKS_PER_WORKER,
        initializer=_begin,
        initargs=(limits.memory_bytes,),
        context=_context(),
    ) as pool:
        running: deque[tuple[Item, Future[Examined]]] = deque()
        try:
            while waiting or running:
                while waiting and len(running) < _AHEAD_PER_WORKER * jobs:
                    item = waiting.popleft()
                    running.append((item, _handed_out(pool, item, limits, task)))
                first, pending = running.popleft()
                found = _outcome(first, pending, limits)
                if found.notebook.status == "fault":
                    # Perhaps one of handing it out, on a machine that is short of something.
                    found = _outcome(first, _handed_out(pool, first, limits, task), limits)
                yield found
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]
            raise


def _handed_out(
    pool: ProcessPool, item: Item, limits: Limits, task: Task | None
) -> Future[Examined]:
    future: Future[Examined] = pool.schedule(task or work, args=(item,), timeout=limits.seconds)
    return future


def _context() -> BaseContext:
    import multiprocessing

    # Not fork: whoever runs the study may have threads.
    return multiprocessing.get_context("spawn")


def _outcome(item: Item, future: Future[Examined], limits: Limits) -> Examined:
    from pebble import ProcessExpired

    try:
        found = future.result()
    except OutOfTime:
        return not_studied(item, "timeout", f"more than {limits.seconds:g} s")
    except ProcessExpired as error:
        return not_studied(item, "died", f"the worker ended with status {error.exitcode}")
    except MemoryError:
        return not_studied(item, "memory", f"more than {limits.memory_bytes >> 20} MiB")
    except Exception as error:  # noqa: BLE001 - a fault of ours is a row of the table, not the end
        return not_studied(item, "fault", f"{type(error).__name__}: {error}"[:200])
    return found


def _begin(memory_bytes: int) -> None:
    """Set up a worker: the parent alone answers Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setrecursionlimit(3000)
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    with contextlib.suppress(OSError):
        os.nice(5)
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER, 20, 20)


_reader = Reader()


def work(item: Item) -> Examined:
    """Return the rows of one item, read from its file or archive."""
    if item.size > LARGEST_BYTES:
        return not_studied(item, "too-large", f"{item.size} bytes")
    try:
        content = _reader.read(item)
    except OSError as error:
        return not_studied(item, "unreadable", str(error)[:200])
    return examine(item, content)
