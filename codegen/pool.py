"""A small pool of threads for chunk kernels.

Maps one launch, "this kernel over [lower, upper) in steps of step", to calls for chunks of the
range on several threads. The calling thread works too, so a launch always makes progress,
whatever the other threads are busy with.

No lock is held while a chunk is handed out: tickets are a shared iterator, results a list, and
each of their operations is one C call. So a KeyboardInterrupt, which can strike the calling
thread between any two bytecodes, never loses count.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeAlias

from .spinning import learn_to_spin, new_counter, spinner

# The status word, then last values of the scalars that the loop assigns.
Outcome: TypeAlias = tuple[int, *tuple[complex, ...]]
Kernel: TypeAlias = Callable[..., Outcome]

# A hop to another thread costs 23 to 40 us: less predicted work than this stays here.
INLINE_NS = 50_000
# A chunk shorter than this would be eaten up by handing it out.
SHORTEST_CHUNK_NS = 20_000
# Ctrl-C is honoured between chunks.
LONGEST_CHUNK_NS = 50_000_000
# A program with fewer launches than this is over before spinning could pay.
LAUNCHES_BEFORE_SPINNING = 20
# Iterations need not cost the same: a triangular loop leaves its last thread the most.
CHUNKS_PER_THREAD = 4


class Launcher(Protocol):
    """What the host code of a generated module needs to run its kernels."""

    def is_small(self, work: int) -> bool:
        """Return whether `work` nanoseconds are too few for a second thread."""

    def launch(
        self,
        kernel: Kernel,
        lower: int,
        upper: int,
        step: int,
        arguments: tuple[object, ...],
        work: int,
    ) -> Outcome:
        """Return what `kernel` gives for a parallel loop over range(lower, upper, step)."""

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        """Yield consecutive parts of range(lower, upper, step), short enough for Ctrl-C."""


class _Forks:
    """How often this process is a fork: the threads of a parent do not live in its child."""

    def __init__(self) -> None:
        self.generation = 0
        self.lock = threading.Lock()

    def renew(self) -> None:
        """Start over in a child; a thread that is gone may have held the lock."""
        self.generation += 1
        self.lock = threading.Lock()


_forks = _Forks()
os.register_at_fork(after_in_child=_forks.renew)
_current = threading.local()


class Pool:
    """A launcher on `threads` threads, this one included; they start at the first need."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = max(1, threads if threads is not None else usable_processors())
        self._queue: SimpleQueue[_Launch] = SimpleQueue()
        self._generation = -1
        self._bell = new_counter()  # rung for the threads of the pool

    def is_small(self, work: int) -> bool:
        """Return whether `work` nanoseconds are too few for a second thread."""
        return work < INLINE_NS

    def launch(
        self,
        kernel: Kernel,
        lower: int,
        upper: int,
        step: int,
        arguments: tuple[object, ...],
        work: int,
    ) -> Outcome:
        """Return what `kernel` gives for a parallel loop over range(lower, upper, step).

        Calls `kernel(start, stop, *arguments)` for chunks of the range, in any order and at the
        same time. Status bits are joined; the other values come from the last iteration's chunk.
        """
        if work < INLINE_NS:
            return kernel(lower, upper, *arguments)
        chunks = _chunks(lower, upper, step, work, self.threads)
        if len(chunks) == 1:
            return kernel(lower, upper, *arguments)
        launch = _Launch(kernel, arguments, chunks)
        if not getattr(_current, "is_helper", False):
            for _ in range(min(self.threads, len(chunks)) - 1):
                self._started().put(launch)
            self._bell[0] += 1
        return launch.run()

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        """Yield consecutive parts of range(lower, upper, step), short enough for Ctrl-C."""
        return iter(_chunks(lower, upper, step, work, 0))

    def _started(self) -> SimpleQueue[_Launch]:
        if self._generation != _forks.generation:
            with _forks.lock:
                if self._generation != _forks.generation:
                    self._start()
        return self._queue

    def _start(self) -> None:
        queue: SimpleQueue[_Launch] = SimpleQueue()
        for number in range(1, self.threads):
            name = f"autopar-{number}"
            threading.Thread(
                target=_serve, args=(queue, self._bell), name=name, daemon=True
            ).start()
        self._queue = queue
        self._generation = _forks.generation


def usable_processors() -> int:
    """Return the number of processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _chunks(
    lower: int, upper: int, step: int, work: int, threads: int
) -> tuple[tuple[int, int], ...]:
    """Return the parts in which to run a range whose whole work is `work` nanoseconds."""
    trips = len(range(lower, upper, step))
    wanted = min(CHUNKS_PER_THREAD * threads, work // SHORTEST_CHUNK_NS) if threads > 1 else 1
    count = max(1, min(trips, max(wanted, -(-work // LONGEST_CHUNK_NS))))
    borders = [lower + step * (trips * number // count) for number in range(count)]
    return tuple(zip(borders, [*borders[1:], upper], strict=True))


def _serve(queue: SimpleQueue[_Launch], bell: Any) -> None:  # noqa: ANN401 - an array
    _current.is_helper = True
    served = 0
    while True:
        _next_launch(queue, bell).help()
        served += 1
        if served == LAUNCHES_BEFORE_SPINNING and spinner() is None:
            learn_to_spin()


def _next_launch(queue: SimpleQueue[_Launch], bell: Any) -> _Launch:  # noqa: ANN401 - an array
    """Return the next launch, watching for it for a moment before going to sleep."""
    while True:
        heard = int(bell[0])
        try:
            return queue.get_nowait()
        except Empty:
            spin = spinner()
        if spin is None or not spin(bell, heard):
            return queue.get()


class _Launch:
    """One launch under way."""

    __slots__ = (
        "_arguments", "_chunks", "_count", "_finished", "_helped", "_kernel", "_taken", "_tickets",
    )  # fmt: skip

    def __init__(
        self,
        kernel: Kernel,
        arguments: tuple[object, ...],
        chunks: tuple[tuple[int, int], ...],
    ) -> None:
        self._kernel = kernel
        self._arguments = arguments
        self._chunks = chunks
        self._tickets = iter(range(len(chunks)))  # shared: each is handed out once
        self._taken: list[int] = []  # tickets of the calling thread
        self._helped: list[tuple[int, Outcome | BaseException]] = []
        self._finished: SimpleQueue[None] = SimpleQueue()  # a token after each entry above
        self._count = new_counter()  # of entries above, watched by the calling thread

    def help(self) -> None:
        """Run chunks on a thread of the pool until none is left."""
        for ticket in self._tickets:
            try:
                outcome: Outcome | BaseException = self._call(ticket)
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                outcome = error
                self._cancel()
            self._helped.append((ticket, outcome))
            self._finished.put(None)
            self._count[0] += 1

    def run(self) -> Outcome:
        """Run chunks on the calling thread, wait for the others, and return the joint outcome."""
        outcomes: dict[int, Outcome] = {}
        try:
            while (ticket := self._next()) is not None:
                outcomes[ticket] = self._call(ticket)
            self._wait()
        except BaseException:
            self._cancel()
            self._wait_whatever_comes()
            raise
        finally:
            self._arguments = ()  # a queue may hold this launch for a while yet
        for ticket, outcome in self._helped:
            if isinstance(outcome, BaseException):
                raise outcome
            outcomes[ticket] = outcome
        return _joined(outcomes)

    def _call(self, ticket: int) -> Outcome:
        start, stop = self._chunks[ticket]
        return self._kernel(start, stop, *self._arguments)

    def _next(self) -> int | None:
        before = len(self._taken)
        # One C call takes the ticket and records it: an interrupt comes before or after.
        self._taken.extend(islice(self._tickets, 1))
        return self._taken[-1] if len(self._taken) > before else None

    def _cancel(self) -> None:
        self._taken.extend(self._tickets)

    def _wait(self) -> None:
        # A missing entry of `_helped` puts its token later, so the get below always ends.
        while True:
            seen = int(self._count[0])
            if len(self._taken) + len(self._helped) >= len(self._chunks):
                return
            spin = spinner()
            if spin is None or not spin(self._count, seen):
                self._finished.get()

    def _wait_whatever_comes(self) -> None:
        while True:
            try:
                self._wait()
            except KeyboardInterrupt:
                continue  # one is on its way already; the arrays must not be left in use
            return


def _joined(outcomes: dict[int, Outcome]) -> Outcome:
    status = 0
    for outcome in outcomes.values():
        status |= outcome[0]
    return (status, *outcomes[max(outcomes)][1:])
