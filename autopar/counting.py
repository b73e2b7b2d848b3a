"""How long the interpreter takes for loops whose turns nobody knows beforehand.

Before:  while a[i] < x: i += 1      predicted as 16 turns, at each of its calls
After:   a million turns were made   so the next call is predicted to make as many; and this one
                                     was left once what it took repaid a kernel

The interpreter runs such a loop over an iterator of ours, which knows afterwards how many turns
were made: nothing is done at a turn, and a `break`, a `return` or an exception make no difference.
Where turns say too little, since loops in them may be left too, the clock is read between pieces
of them, each as long as all before it; it is that of the thread, which other processes do not
disturb.

A `while` loop can be left after any turn: what remains of it is the same loop, begun with what
its names are bound to then. So it is given as many turns as repay a kernel, and asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from itertools import chain, compress, repeat
from math import inf
from operator import length_hint
from time import thread_time_ns
from typing import Any, TypeAlias

import numpy as np

from autopar.analysis.model.loop_ir import For
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.scop import Loop

from .cost import TURNS
from .guard import Admission

Turn: TypeAlias = tuple[()]
# No run is longer.
_ENDLESS = 2**62
# What a loop runs over, of these types exactly: an iterator of ours is asked in its place.
_COUNTED = frozenset((range, list, tuple, np.ndarray, enumerate, zip))
# A run that was shorter than predicted takes no more than so much off the next prediction.
_MOST_OFF = 0.5


@dataclass(slots=True, kw_only=True, eq=False)
class _Run:
    """One run of the loop in the interpreter."""

    predicted_ns: float
    price_ns: float  # the loop is to ask again once it has taken so long
    iterator: Any = None  # over the turns of the last piece; None: it has not begun
    given: int = 0  # turns in that piece
    done: int = 0  # turns before that piece
    done_ns: int = 0  # what they took, where the clock is read

    def made(self) -> int:
        """Return how many turns were begun."""
        return 0 if self.iterator is None else self.done + self.given - length_hint(self.iterator)

    def piece(self, turns: Iterable[Any], count: int) -> Iterator[Any]:
        """Return the iterator over the next `count` turns."""
        found = iter(turns)
        self.iterator, self.given = found, count
        return found

    def pieces(
        self, count: int, make: Callable[[int, int], Iterable[Any]], price_ns: float
    ) -> Iterator[Iterator[Any]]:
        """Yield the turns in pieces, the clock being read between them, until they took so long.

        `make` gives those between two numbers.
        """
        started = thread_time_ns()
        while self.done < count and self.done_ns < price_ns:
            end = min(count, 2 * self.done + 1)
            yield self.piece(make(self.done, end), end - self.done)
            self.done, self.given = end, 0
            self.done_ns = thread_time_ns() - started


@dataclass(slots=True, kw_only=True, eq=False)
class Counting:
    """What is known of the turns of one region, from those that the interpreter made."""

    reads_clock: bool  # the turns of the outermost loop do not tell how long it takes
    factor: float = 1.0  # what a call takes, over what is predicted of it
    _run: _Run | None = field(default=None)

    def corrected(self, found: Admission) -> Admission:
        """Return `found` with what a call takes in the interpreter, as far as anybody knows."""
        return found._replace(interpreter_ns=self.corrected_ns(found.interpreter_ns))

    def corrected_ns(self, predicted_ns: int) -> int:
        """Return the same of a number alone."""
        return int(predicted_ns * self.factor)

    def begin(self, predicted_ns: int, price_ns: float) -> None:
        """Let the loop that now begins be asked again once it has taken so long.

        `predicted_ns` is what `corrected` gave.
        """
        plain_ns = max(1.0, predicted_ns / self.factor)
        self._run = _Run(predicted_ns=plain_ns, price_ns=max(0.0, price_ns))

    def settle(self) -> int:
        """Return the nanoseconds that the last run took beyond what was predicted."""
        run, self._run = self._run, None
        if run is None or not run.made():
            return 0
        if not self.reads_clock:
            share = run.made() / TURNS
        elif run.done:
            share = run.done_ns * run.made() / run.done / run.predicted_ns
        else:
            return 0  # it was left in its first turn
        beyond = run.predicted_ns * (share - self.factor)
        self.factor = max(share, _MOST_OFF * self.factor)
        return max(0, int(beyond))

    # ------------------------------------------------------------ asked by the function

    @property
    def is_settled(self) -> bool:
        """Whether asking again is of no use: the region was refused for another reason."""
        return self._run is None

    def turns(self) -> Iterable[Turn]:
        """Return what a `while` loop runs over until it asks again."""
        run = self._run
        if run is None:
            return ()
        if self.reads_clock:
            return chain.from_iterable(run.pieces(_ENDLESS, _empty, run.price_ns))
        turns = min(_ENDLESS, int(run.price_ns * TURNS / run.predicted_ns) + 1)
        return run.piece(repeat((), turns), turns)

    def counted(self, iterable: Any) -> Any:  # noqa: ANN401  # whatever a loop runs over
        """Return what a `for` loop over `iterable` runs over instead."""
        run = self._run
        if run is None or type(iterable) not in _COUNTED:
            return iterable
        if type(iterable) is range:
            if not self.reads_clock:
                return run.piece(iterable, len(iterable))
            pieces = run.pieces(len(iterable), lambda first, end: iterable[first:end], inf)
            return chain.from_iterable(pieces)
        # Only the numbers are kept here, so that nothing of the user's lives on.
        return compress(iterable, run.piece(repeat(True, _ENDLESS), _ENDLESS))


def _empty(first: int, end: int) -> Iterable[Turn]:
    return repeat((), end - first)


def counting_of(loops: Iterable[Loop | For]) -> Counting | None:
    """Return what counts the turns of a nest, outer loops first; None where they are known."""
    real = [each for each in loops if not each.runs_once]
    left = [each for each in real if each.leaves is not None]
    return Counting(reads_clock=left != real[:1]) if left else None
