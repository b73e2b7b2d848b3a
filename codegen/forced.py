"""Pools that share out all launches, or none: what measurements compare a choice with.

Before:  Pool       launches of less work than its limit stay on one thread
After:   Alone      all stay there; Ctrl-C waits for them
         Together   none does, as far as there are iterations for two threads
"""

from __future__ import annotations

from collections.abc import Iterator

from .copies import Arguments, Private
from .pool import SHORTEST_CHUNK_NS, Bounds, Kernel, Outcome, Pool, Repeatable


class _Forced(Pool):
    """A pool that takes all work for another amount."""

    def taken_for(self, work: int) -> int:
        """Return what `work` nanoseconds are taken for."""
        raise NotImplementedError

    def _trial(self, kernel: Kernel, work: int) -> None:
        """Return None: nothing is left to trials."""

    def is_small(self, work: int) -> bool:
        """Return whether one thread runs a whole program."""
        return super().is_small(self.taken_for(work))

    def launch(
        self,
        kernel: Kernel,
        lower: int,
        upper: int,
        step: int,
        arguments: tuple[object, ...],
        work: int,
    ) -> Outcome:
        """Return what the pool gives for other work."""
        return super().launch(kernel, lower, upper, step, arguments, self.taken_for(work))

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
        """Return what the pool gives for other work."""
        taken = self.taken_for(work)
        return super().launch_with_copies(
            kernel, bounds, arguments, private, taken, is_lost=is_lost
        )

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        """Yield what the pool gives for other work."""
        return super().slices(lower, upper, step, self.taken_for(work))

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
        """Return what the pool gives for other work."""
        work = self.taken_for(work)
        return super().reduce(kernel, bounds, arguments, work, block, copies, by_part=by_part)

    def workers(self, work: int) -> int:
        """Return how many threads share the work."""
        return super().workers(self.taken_for(work))

    def repeatable(
        self, kernel: Kernel, bounds: Bounds, arguments: tuple[object, ...]
    ) -> Repeatable | None:
        """Return what the pool gives for other work."""
        lower, upper, step, work = bounds
        return super().repeatable(kernel, (lower, upper, step, self.taken_for(work)), arguments)


class Alone(_Forced):
    """A pool that never shares out a launch."""

    def taken_for(self, work: int) -> int:
        """Return too little to be shared out."""
        return min(work, self.inline_ns - 1)


class Together(_Forced):
    """A pool that shares out every launch."""

    def taken_for(self, work: int) -> int:
        """Return enough to be shared out."""
        return max(work, self.inline_ns, self.threads * SHORTEST_CHUNK_NS)
