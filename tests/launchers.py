"""Launchers for tests: the iterations of a parallel loop in hostile orders, one at a time.

A loop that is wrongly said to be parallel shows it here on any machine: no race has to happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from autopar.codegen.pool import Kernel, Outcome

Order = Callable[[int], list[int]]


class SerialLauncher:
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

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        yield lower, upper


class AdversarialLauncher:
    """Chunks of one iteration in the order that `order` gives for their number."""

    def __init__(self, order: Order) -> None:
        self.order = order

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
        starts = range(lower, upper, step)
        if not starts:
            return kernel(lower, upper, *arguments)
        outcomes = {}
        for position in self.order(len(starts)):
            start = starts[position]
            outcomes[position] = kernel(start, min(start + step, upper), *arguments)
        assert sorted(outcomes) == list(range(len(starts)))
        status = 0
        for outcome in outcomes.values():
            status |= outcome[0]
        return (status, *outcomes[len(starts) - 1][1:])

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        starts = range(lower, upper, step)
        for start in starts:
            yield start, min(start + step, upper)
        if not starts:
            yield lower, upper
