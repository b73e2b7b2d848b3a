"""Launchers for tests: the iterations of a parallel loop in hostile orders, one at a time or in groups.

A loop that is wrongly said to be parallel shows it here on any machine: no race has to happen.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from autopar.codegen.copies import Private, private_copies
from autopar.codegen.pool import Kernel, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

Order = Callable[[int], list[int]]


class _Rubbish:
    @staticmethod
    def new_array(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        pattern = np.frombuffer(b"\xa5" * np.dtype(dtype).itemsize, dtype)
        return np.full(shape, pattern[0], dtype)


class SerialLauncher(_Rubbish):
    """Every launch is one call of the kernel, and every loop one slice."""

    def __init__(self) -> None:
        self.launches: list[tuple[str, int, int, int, int]] = []

    def is_small(self, work: int) -> bool:
        return False

    def launch(
        self,
        kernel: Kernel,
        lower: int,
        upper: int,
        step: int,
        arguments: tuple[object, ...],
        work: int,
    ) -> Outcome:
        self.launches.append((getattr(kernel, "__name__", ""), lower, upper, step, work))
        return kernel(lower, upper, *arguments)

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
        return self.launch(kernel, *bounds, arguments, work)

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        yield lower, upper

    turns = slices

    def call(self, kernel: Kernel, arguments: tuple[Any, ...], work: int) -> Outcome:
        return kernel(*arguments)

    def reduce(
        self,
        kernel: Kernel,
        bounds: tuple[int, int, int],
        arguments: tuple[object, ...],
        work: int,
        block: int,
        copies: tuple[tuple[object, ...], ...] | None = None,
        *,
        by_part: bool = False,
    ) -> list[Outcome]:
        lower, upper, _ = bounds
        return [kernel(lower, upper, *arguments)]

    def workers(self, work: int) -> int:
        return 2


class AdversarialLauncher(_Rubbish):
    """Chunks of an iteration in the order that `order` gives for their number.

    Chunks have as many iterations as `sizes` says, by turns: whole groups of a loop that is
    unrolled, what is left of one, and groups that begin anywhere.
    """

    def __init__(self, order: Order, sizes: tuple[int, ...] = (1,)) -> None:
        self.order = order
        self.sizes = sizes
        self.copied = False  # some launch had a private array

    def is_small(self, work: int) -> bool:
        return False

    def launch(
        self,
        kernel: Kernel,
        lower: int,
        upper: int,
        step: int,
        arguments: tuple[object, ...],
        work: int,
    ) -> Outcome:
        return self.launch_with_copies(kernel, (lower, upper, step), arguments, (), work)

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
        lower, upper, step = bounds
        starts = [*self._starts(range(lower, upper, step))]
        if not starts:
            return kernel(lower, upper, *arguments)
        last = len(starts) - 1
        self.copied |= bool(private)
        outcomes = {}
        for position in self.order(len(starts)):
            is_kept = position == last and not is_lost
            own = arguments if is_kept else self.own(arguments, private)
            end = starts[position + 1] if position < last else upper
            outcomes[position] = kernel(starts[position], end, *own)
        assert sorted(outcomes) == list(range(len(starts)))
        status = 0
        for outcome in outcomes.values():
            status |= outcome[0]
        return (status, *outcomes[last][1:])

    def _starts(self, iterations: range) -> Iterator[int]:
        """Yield where chunks begin."""
        at = 0
        for size in itertools.cycle(self.sizes):
            if at >= len(iterations):
                return
            yield iterations[at]
            at += size

    @staticmethod
    def own(arguments: tuple[object, ...], private: tuple[Private, ...]) -> tuple[object, ...]:
        """Return arguments with new copies of the private arrays, full of rubbish where they may be."""
        (own,) = private_copies(arguments, private, 1)
        for position, starts_filled in private:
            array = own[position]
            assert isinstance(array, np.ndarray)
            if not starts_filled:
                array[...] = np.frombuffer(b"\xa5" * array.itemsize, array.dtype)[0]
        return own

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        starts = range(lower, upper, step)
        for start in starts:
            yield start, min(start + step, upper)
        if not starts:
            yield lower, upper

    turns = slices

    def call(self, kernel: Kernel, arguments: tuple[Any, ...], work: int) -> Outcome:
        return kernel(*arguments)

    def reduce(
        self,
        kernel: Kernel,
        bounds: tuple[int, int, int],
        arguments: tuple[object, ...],
        work: int,
        block: int,
        copies: tuple[tuple[object, ...], ...] | None = None,
        *,
        by_part: bool = False,
    ) -> list[Outcome]:
        """Run parts of one block each."""
        lower, upper, step = bounds
        starts = range(lower, upper, step * block) or range(lower, lower + 1)
        if by_part:  # as many parts as there are copies, and that of the last one
            each = -(-len(starts) // (len(copies or ()) + 1))
            starts = starts[::each]
        last = len(starts) - 1
        own = {
            number: copies[number % len(copies)] if copies and number < last else arguments
            for number in range(len(starts))
        }
        parts = {
            number: kernel(starts[number], min(starts[number] + starts.step, upper), *own[number])
            for number in (self.order(len(starts)) if copies != () else range(len(starts)))
        }
        return [parts[number] for number in range(len(starts))]

    def workers(self, work: int) -> int:
        return 3


class ThreadedLauncher(SerialLauncher):
    """Every launch of workers on threads of its own, which wait for each other where they must."""

    def launch(
        self,
        kernel: Kernel,
        lower: int,
        upper: int,
        step: int,
        arguments: tuple[object, ...],
        work: int,
    ) -> Outcome:
        with ThreadPoolExecutor(max_workers=4) as threads:
            starts = range(lower, upper, step)
            made = [threads.submit(kernel, at, at + step, *arguments) for at in starts]
            outcomes = [each.result() for each in made]
        status = 0
        for outcome in outcomes:
            status |= outcome[0]
        return (status,)

    def workers(self, work: int) -> int:
        return 3


class CrewLauncher(ThreadedLauncher):
    """The same, to which every launch is short: threads run loops of launches together."""

    def is_small(self, work: int) -> bool:
        return True
