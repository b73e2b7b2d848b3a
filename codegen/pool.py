"""A small pool of threads for chunk kernels.

Maps one launch, "this kernel over [lower, upper) in steps of step", to calls for chunks of the
range on several threads. The calling thread works too, so a launch always makes progress,
whatever the other threads are busy with. What happens between chunks is native code
(`codegen.native`); Python sees a launch begin and end.

Ctrl-C is honoured between batches of chunks, each a call of at most about a tenth of a second:
no chunk is ever under way when an exception is raised here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from .copies import Arguments, Private, new_array, private_copies
from .entries import Entry, entry_of
from .forks import FORKS, Lock
from .interrupts import interrupted, may_stop
from .jobs import Job
from .native import Board, machine
from .trials import Trial, Trials
from .uneven import Work, cuts, is_unsure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The status word, then last values of the scalars that the loop assigns.
Outcome: TypeAlias = tuple[int, *tuple[complex, ...]]
Kernel: TypeAlias = Callable[..., Outcome]
Borders: TypeAlias = tuple[int, ...]
Bounds: TypeAlias = tuple[int, int, int, int]  # lower, upper, step; work in nanoseconds

# Waking another thread costs 30 to 100 us: less predicted work than this stays here.
INLINE_NS = 50_000
# A chunk shorter than this would be eaten up by handing it out.
SHORTEST_CHUNK_NS = 10_000
# Ctrl-C is honoured between chunks.
LONGEST_CHUNK_NS = 50_000_000
# The first part of a loop of which nobody knows how long its turns take.
FIRST_TURNS_NS = 1_000_000
# LLVM may find a closed form for turns that only count: no part must bring their end near.
MOST_TURNS = 2**20
# Iterations need not cost the same: a triangular loop leaves its last thread the most.
CHUNKS_PER_THREAD = 4
# More chunks than threads cost some microseconds each: the next one begins with cold caches.
EXTRA_CHUNK_NS = 60_000
# What is predicted to take less is let run to its end, if predictions are worth anything.
_LASTING_NS = 2_000_000
ALWAYS = 2**62  # uses of what nobody has to look at again
_FEWEST_TRIPS = 2  # that can be shared out
# Jobs kept to be run again, one a kernel: a few hundred bytes each.
_MOST_JOBS = 256


class Repeatable(NamedTuple):
    """What native code may run in place of a launch."""

    job: Job
    board: Board | None  # None: on this thread alone
    helpers: int
    uses: int  # how often, before somebody is to look again


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

    def launch_with_copies(
        self,
        kernel: Kernel,
        bounds: tuple[int, int, int],
        arguments: tuple[object, ...],
        private: tuple[Private, ...],
        work: int,
        *,
        is_lost: bool = False,
    ) -> Outcome:
        """Return what `launch` does for a kernel that shares out a loop with private arrays.

        Iterations that run at the same time need copies of the arrays in `private`; the last
        one works on the arrays themselves, unless nobody reads these afterwards (`is_lost`).
        """

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        """Yield consecutive parts of range(lower, upper, step), short enough for Ctrl-C."""

    def turns(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        """Yield consecutive parts of range(lower, upper, step), of which few may be wanted.

        `work` is that of one turn, as far as it is known.
        """

    def call(self, kernel: Kernel, arguments: tuple[Any, ...], work: int) -> Outcome:
        """Return what `kernel` gives for `arguments`, its bounds among them if it has any."""

    def reduce(  # noqa: PLR0913 - all that a launch is made of
        self,
        kernel: Kernel,
        bounds: tuple[int, int, int],
        arguments: tuple[object, ...],
        work: int,
        block: int,
        copies: tuple[Arguments, ...] | None = None,
        *,
        by_part: bool = False,
    ) -> list[Outcome]:
        """Return what `kernel` gives for consecutive parts of range(*bounds).

        Each part but the last has a power of two of blocks, the same for all. With `copies`,
        each thread takes one of them for its arguments, the last part `arguments`; where there
        are none of them, one thread runs all. With `by_part` each part takes the one of its
        number, and there are not more parts than that.
        """

    def workers(self, work: int) -> int:
        """Return how many threads share `work` nanoseconds."""

    def new_array(self, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        """Return a new array for the region alone. Raises NoRoomError before anything ran."""


_NO_JOB: tuple[Bounds | None, Job | None] = (None, None)


_starting = Lock()
_boards: list[Board] = []  # never freed: threads watch them


class Pool:
    """A launcher on `threads` threads, this one included; they start at the first need."""

    def __init__(self, threads: int | None = None, inline_ns: int = INLINE_NS) -> None:
        self.threads = max(1, threads if threads is not None else usable_processors())
        self.inline_ns = inline_ns  # less predicted work than this stays on the calling thread
        self._trials = Trials(inline_ns)
        self._native_ns = 0  # what the last launch took without Python; 0 where nobody knows
        self._board: Board | None = None
        self._generation = -1
        self._together = _together(self.threads)
        # The last job of each kernel, with its bounds and work; for whoever has the board.
        self._jobs: dict[Entry, tuple[Bounds | None, Job | None]] = {}

    @property
    def shared(self) -> int:
        """How many launches were handed to several threads so far."""
        return 0 if self._board is None else self._board.launches

    def is_small(self, work: int) -> bool:
        """Return whether `work` nanoseconds are too few for a second thread."""
        return work < self.inline_ns

    def _trial(self, kernel: Kernel, work: int) -> Trial | None:
        """Return what is known of launches like one; None where the prediction is good enough."""
        return self._trials.of(kernel, work) if self.threads > 1 else None

    def _may_last(self, work: int) -> bool:
        """Return whether `work` may be so much that somebody wants to stop it."""
        return work >= _LASTING_NS or is_unsure(work)

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
        if len(range(lower, upper, step)) < _FEWEST_TRIPS:
            return self.call(kernel, (lower, upper, *arguments), work)
        if self.threads == 1 and not self._may_last(work):
            return self.call(kernel, (lower, upper, *arguments), work)
        trial = self._trial(kernel, work)
        started = 0 if trial is None else perf_counter_ns()
        is_tried = trial is not None and trial.is_open(started)
        stays = work < self.inline_ns if trial is None else trial.stays
        self._native_ns = 0
        if stays:
            outcome = self.call(kernel, (lower, upper, *arguments), work)
        else:
            outcome = self._shared_out(kernel, (lower, upper, step, work), arguments)
        if trial is not None and is_tried:
            taken = perf_counter_ns() - started
            trial.note(taken, self._native_ns or taken, stayed=stays)
        return outcome

    def _shared_out(self, kernel: Kernel, bounds: Bounds, arguments: Arguments) -> Outcome:
        """Return what `launch` does, on several threads."""
        lower, upper, step, work = bounds
        entry = entry_of(kernel) if work <= self._together else None
        outcome = None if entry is None else self._in_one(entry, bounds, arguments)
        if outcome is not None:
            return outcome
        borders = _borders(lower, upper, step, work, self.threads)
        return joined(self.run(kernel, borders, arguments, work))

    def launch_with_copies(
        self,
        kernel: Kernel,
        bounds: tuple[int, int, int],
        arguments: tuple[object, ...],
        private: tuple[Private, ...],
        work: int,
        *,
        is_lost: bool = False,
    ) -> Outcome:
        """Return what `launch` does, each thread with copies of its own of the private arrays.

        Memory is bounded: threads without room for copies take no part, and where there are
        none at all, the chunks run in order on the arrays themselves. With `is_lost` one of the
        threads has the arrays themselves: nobody is to find in them what the last chunk left.
        """
        lower, upper, step = bounds
        if work < self.inline_ns:
            return self.call(kernel, (lower, upper, *arguments), work)
        borders = _borders(lower, upper, step, work, self.threads)
        threads = min(self.threads, len(borders) - 1)
        copies = private_copies(arguments, private, threads - is_lost) if threads > 1 else ()
        if is_lost:
            copies = (arguments, *copies)
        return joined(self.run(kernel, borders, arguments, work, copies, has_last=not is_lost))

    def run(  # noqa: PLR0913 - as `reduce`
        self,
        kernel: Kernel,
        borders: Borders,
        arguments: Arguments,
        work: int,
        copies: tuple[Arguments, ...] | None = None,
        *,
        by_part: bool = False,
        has_last: bool = True,
    ) -> list[Outcome]:
        """Return what `kernel` gives for each chunk between two neighbours in `borders`.

        Where there are `copies`, each thread takes one of them for its arguments, and the last
        chunk alone takes `arguments`, if it `has_last`; where there are none of them, one thread
        runs all. With `by_part` each chunk takes the one of its number.
        """
        entry = entry_of(kernel)
        if entry is None:
            return [kernel(start, stop, *arguments) for start, stop in pairwise(borders)]
        packed = tuple(entry.packed(each) for each in (arguments, *(copies or ())))
        outcomes: list[Outcome] = []
        count = len(borders) - 1
        size = _batch(count, work, self.threads)
        threads = self.threads if copies is None else max(1, len(copies))
        for first in range(0, count, size):
            last = count - 1 - first if has_last else -1  # of the launch, as this batch counts
            part = borders[first : first + size + 1]
            if by_part:
                own = (packed[0], *packed[1 + first : 1 + first + size])
                outcomes += self._share(entry, own, part, (self.threads, last), by_part=True)
            else:
                outcomes += self._share(entry, packed, part, (threads, last))
        return outcomes

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        """Yield consecutive parts of range(lower, upper, step), short enough for Ctrl-C."""
        return pairwise(_borders(lower, upper, step, work, 0))

    @staticmethod
    def turns(lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        """Yield consecutive parts of range(lower, upper, step), of which few may be wanted.

        `work` is that of one turn, as far as it is known: the parts after the first go by the
        time that the ones before took, so that there is a look at Ctrl-C every now and then.
        """
        count = max(1, min(MOST_TURNS, FIRST_TURNS_NS // max(1, work)))
        while lower < upper:
            stop = min(upper, lower + step * count)
            started = perf_counter_ns()
            yield lower, stop
            taken = perf_counter_ns() - started
            lower = stop
            if taken > LONGEST_CHUNK_NS:
                count = max(1, count * LONGEST_CHUNK_NS // (2 * taken))
            elif 4 * taken < LONGEST_CHUNK_NS:
                count = min(MOST_TURNS, 2 * count)

    def call(self, kernel: Kernel, arguments: tuple[Any, ...], work: int) -> Outcome:
        """Return what `kernel` gives for `arguments`, its bounds among them if it has any.

        Runs on this thread. Where that may take long, Ctrl-C stops it.
        """
        entry = entry_of(kernel) if self._may_last(work) and may_stop() else None
        if entry is None:
            return kernel(*arguments)
        bounds, passed = (arguments[:2], arguments[2:]) if entry.is_cut else ((0, 0), arguments)
        job = Job(entry, bounds, threads=1, last=0)
        job.put(entry.packed(passed))
        job.let_stop(may=True)
        machine().run_alone(job.address)
        if job.was_stopped:
            raise interrupted()
        return joined(job.outcomes())

    def reduce(  # noqa: PLR0913 - all that a launch is made of
        self,
        kernel: Kernel,
        bounds: tuple[int, int, int],
        arguments: tuple[object, ...],
        work: int,
        block: int,
        copies: tuple[Arguments, ...] | None = None,
        *,
        by_part: bool = False,
    ) -> list[Outcome]:
        """Return what `kernel` gives for consecutive parts of range(*bounds).

        Each part but the last has a power of two of blocks, the same for all. With `copies`,
        each thread takes one of them for its arguments, the last part `arguments`; where there
        are none of them, one thread runs all. With `by_part` each part takes the one of its
        number, and there are not more parts than that.
        """
        lower, upper, step = bounds
        blocks = -(-len(range(lower, upper, step)) // block)
        trial = self._trial(kernel, work) if blocks >= _FEWEST_TRIPS else None
        started = perf_counter_ns()
        is_tried = trial is not None and trial.is_open(started)
        stays = blocks < _FEWEST_TRIPS or (work < self.inline_ns if trial is None else trial.stays)
        if stays:
            outcomes = [self.call(kernel, (lower, upper, *arguments), work)]
        else:
            count = _count(blocks, work, self.threads)
            if by_part:
                count = min(blocks, len(copies or ()) + 1)
            together = 1 << (-(-blocks // count) - 1).bit_length()
            borders = (*range(lower, upper, step * block * together), upper)
            outcomes = self.run(kernel, borders, arguments, work, copies, by_part=by_part)
        if trial is not None and is_tried:
            taken = perf_counter_ns() - started
            trial.note(taken, taken, stayed=stays)
        return outcomes

    def workers(self, work: int) -> int:
        """Return how many threads share `work` nanoseconds."""
        return 1 if work < self.inline_ns else min(self.threads, max(1, work // SHORTEST_CHUNK_NS))

    @staticmethod
    def new_array(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        """Return a new array for the region alone. Raises NoRoomError before anything ran."""
        return new_array(shape, dtype)

    def repeatable(
        self, kernel: Kernel, bounds: Bounds, arguments: tuple[object, ...]
    ) -> Repeatable | None:
        """Return a job that does what `launch` does.

        None where it cannot be done in one native call, or must be interrupted on the way.
        """
        lower, upper, step, work = bounds
        entry = entry_of(kernel) if work <= self._together and not is_unsure(work) else None
        if entry is None or entry.has_complex:
            return None
        trial = self._trial(kernel, work)
        if trial is not None and trial.is_open(perf_counter_ns()):
            return None  # later, when that is decided
        stays = work < self.inline_ns if trial is None else trial.stays_natively
        is_inline = stays or len(range(lower, upper, step)) < _FEWEST_TRIPS
        board = None if is_inline or self.threads == 1 else self._started()
        cuts = (lower, upper) if is_inline else _borders(lower, upper, step, work, self.threads)
        job = Job(entry, cuts, threads=self.threads, last=len(cuts) - 2)
        if not job.only_has_status:
            return None
        job.put(entry.packed(arguments))
        uses = ALWAYS if trial is None else trial.uses()
        helpers = min(self.threads, job.chunks) - 1
        return Repeatable(job=job, board=board, helpers=helpers, uses=uses)

    def repeatable_call(
        self, kernel: Kernel, arguments: tuple[Any, ...], work: int
    ) -> Repeatable | None:
        """Return a job that does what `call` does.

        None where it cannot be done in one native call, or must be interrupted on the way.
        """
        entry = entry_of(kernel) if work <= LONGEST_CHUNK_NS and not is_unsure(work) else None
        if entry is None or entry.has_complex:
            return None
        bounds, passed = (arguments[:2], arguments[2:]) if entry.is_cut else ((0, 0), arguments)
        job = Job(entry, bounds, threads=1, last=0)
        if not job.only_has_status:
            return None
        job.put(entry.packed(passed))
        return Repeatable(job=job, board=None, helpers=0, uses=ALWAYS)

    def _in_one(self, entry: Entry, bounds: Bounds, arguments: Arguments) -> Outcome | None:
        """Return what `launch` does, in one native call; None where the pool cannot be had.

        The job of the last such launch of the same kernel is run again where it has the same
        bounds: the launches of a time loop come here, each with cold caches, and what is not
        done again need not be fetched.
        """
        board = self._started() if self.threads > 1 else None
        # Another thread of the program may be using the pool.
        if board is None or not board.seize():
            return None
        try:
            last, job = self._jobs.get(entry, _NO_JOB)
            if last != bounds or job is None:
                borders = _borders(*bounds, self.threads)
                count = len(borders) - 1
                job = Job(entry, borders, threads=self.threads, last=count - 1)
                if len(self._jobs) >= _MOST_JOBS:
                    self._jobs.clear()
                self._jobs[entry] = (bounds, job)
            job.put(entry.packed(arguments))
            job.let_stop(may=self._may_last(bounds[3]) and may_stop())
            started = perf_counter_ns()
            said = machine().run(board.address, job.address, min(self.threads, job.chunks) - 1)
            self._native_ns = perf_counter_ns() - started
            if job.was_stopped:
                raise interrupted()
            if not said and job.only_has_status:
                return (0,)
            return joined(job.outcomes())
        finally:
            board.release()

    def _share(
        self,
        entry: Entry,
        packed: tuple[tuple[Any, ...], ...],
        borders: Borders,
        who: tuple[int, int],
        *,
        by_part: bool = False,
    ) -> list[Outcome]:
        """Run the chunks of one batch: `who` are the threads allowed, and the last chunk.

        The first set of arguments is that of the last chunk; the others are the threads', or
        those of the other chunks, if there are any.
        """
        threads, last = who
        job = Job(entry, borders, len(packed), threads=threads, last=last, by_chunk=by_part)
        for number, arguments in enumerate(packed):
            job.put(arguments, number)
        job.let_stop(may=may_stop())
        board = self._started() if threads > 1 else None
        # Another thread of the program may be using the pool; then this one works alone.
        if board is not None and board.seize():
            try:
                machine().run(board.address, job.address, min(threads, job.chunks) - 1)
            finally:
                board.release()
        else:
            machine().run_alone(job.address)
        if job.was_stopped:
            raise interrupted()
        return job.outcomes()

    def _started(self) -> Board | None:
        if self._generation != FORKS.generation:
            with _starting:
                if self._generation != FORKS.generation:
                    self._start()
        return self._board

    def _start(self) -> None:
        board = Board()
        _boards.append(board)
        if board.is_usable:
            serve = machine().serve
            for number in range(1, self.threads):
                name = f"autopar-{number}"
                helper = threading.Thread(
                    target=serve, args=(board.address, number), name=name, daemon=True
                )
                try:
                    helper.start()
                except RuntimeError:  # the system has no more of them: fewer will do
                    break
        self._board = board if board.is_usable else None
        self._generation = FORKS.generation


def usable_processors() -> int:
    """Return the number of processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _borders(lower: int, upper: int, step: int, work: int, threads: int) -> Borders:
    """Return where to cut a range whose whole work is `work` nanoseconds, both ends included."""
    trips = len(range(lower, upper, step))
    count = _count(trips, work, threads)
    prices = work.prices if isinstance(work, Work) else None
    if prices is not None:
        return (lower, *(lower + step * cut for cut in cuts(prices, trips, count)), upper)
    return (*(lower + step * (trips * number // count) for number in range(count)), upper)


def _count(trips: int, work: int, threads: int) -> int:
    """Return in how many chunks to cut `trips` pieces of work; at least 1."""
    wanted = 1
    if threads > 1:
        # As many for each thread: one chunk too many would be done while the others wait.
        each = min(CHUNKS_PER_THREAD, work // (EXTRA_CHUNK_NS * threads))
        wanted = max(min(threads, work // SHORTEST_CHUNK_NS), each * threads)
    return max(1, min(trips, max(wanted, -(-work // LONGEST_CHUNK_NS))))


def _batch(chunks: int, work: int, threads: int) -> int:
    """Return how many chunks may run between two looks for Ctrl-C."""
    together = _together(threads)
    return chunks if work <= together else max(threads, chunks * together // work)


def _together(threads: int) -> int:
    """Return how many nanoseconds of work there may be between two looks for Ctrl-C."""
    return 2 * LONGEST_CHUNK_NS * threads


def joined(outcomes: list[Outcome]) -> Outcome:
    """Return the outcome of a loop from those of its chunks in order."""
    status = 0
    for outcome in outcomes:
        status |= outcome[0]
    return (status, *outcomes[-1][1:])
