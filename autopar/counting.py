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
its names are bound to then. So it is given as many turns as repay a kernel, and asks again. So is
a `for` loop over a range, where what remains of it has a plan (`autopar.rests`).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import field
from itertools import chain, compress, repeat
from math import inf
from operator import length_hint
from time import thread_time_ns
from types import FrameType
from typing import Any, TypeAlias

import numpy as np

from autopar.analysis.model.loop_ir import For
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.scop import Loop
from autopar.codegen.rates import current

from .cost import TURNS
from .guard import Admission

Turn: TypeAlias = tuple[()]
_Place: TypeAlias = tuple[int, int]
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

    def turns(self) -> int:
        """Return how many turns take as long as asking again is worth."""
        return min(_ENDLESS, int(self.price_ns * TURNS / self.predicted_ns) + 1)

    def piece(self, turns: Iterable[Any], count: int) -> Iterator[Any]:
        """Return the iterator over the next `count` turns."""
        found = iter(turns)
        self.iterator, self.given = found, count
        return found

    def pieces(
        self, count: int, make: Callable[[int, int], Iterable[Any]], price_ns: float
    ) -> Generator[Iterator[Any], None, int]:
        """Yield the turns in pieces, the clock being read between them, until they took so long.

        `make` gives those between two numbers. Returned is how many there were: a run may be
        shared by threads, which take note of their turns in one place, and each counts its own.
        """
        started = thread_time_ns()
        done = done_ns = 0
        while done < count and done_ns < price_ns:
            end = min(count, 2 * done + 1)
            yield self.piece(make(done, end), end - done)
            done, done_ns = end, thread_time_ns() - started
            self.done, self.given, self.done_ns = done, 0, done_ns
        return done

    def parts(self, turns: range, price_ns: float) -> Generator[Iterator[Any], None, int]:
        """Yield the same of a range."""
        return self.pieces(len(turns), lambda first, end: turns[first:end], price_ns)


@dataclass(slots=True, kw_only=True, eq=False)
class Counting:
    """What is known of the turns of one region, from those that the interpreter made."""

    reads_clock: bool  # the turns of the outermost loop do not tell how long it takes
    factor: float = 1.0  # what a call takes, over what is predicted of it
    rests: bool = False  # a `for` loop, what remains of which may be asked for
    has_rest: bool = False  # what remains of it has a plan already
    _run: _Run | None = field(default=None)
    # By thread and frame: the turns that were not given to the loop that runs there. Set, or
    # removed, whenever such a loop begins.
    _left: dict[_Place, range] = field(default_factory=dict)

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
        if self.rests:
            rates = current()
            least_ns = rates.enter if self.has_rest else rates.compile + rates.analysis
            price_ns = max(price_ns, least_ns)
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

    def note(self, turns: int) -> None:
        """Take note of how many turns a call took that somebody else counted."""
        self.factor = max(turns / TURNS, _MOST_OFF * self.factor)

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
        turns = run.turns()
        return run.piece(repeat((), turns), turns)

    def counted(self, iterable: Any) -> Any:  # noqa: ANN401  # whatever a loop runs over
        """Return what a `for` loop over `iterable` runs over instead."""
        run = self._run
        if run is None or type(iterable) not in _COUNTED:
            return iterable
        if type(iterable) is not range:
            # Only the numbers are kept here, so that nothing of the user's lives on.
            return compress(iterable, run.piece(repeat(True, _ENDLESS), _ENDLESS))
        if self.reads_clock:
            return chain.from_iterable(run.parts(iterable, inf))
        return run.piece(iterable, len(iterable))

    def first(self, iterable: Any) -> Any:  # noqa: ANN401  # as above
        """Return the same, or only the beginning of a range: then `left` has the rest of it."""
        place = _place(sys._getframe(1))  # noqa: SLF001 -- as in rewrite
        self._left.pop(place, None)
        run = self._run
        if run is None or type(iterable) is not range:
            return self.counted(iterable)
        return chain.from_iterable(self._first(run, iterable, place))

    def _first(self, run: _Run, iterable: range, place: _Place) -> Iterator[Iterator[Any]]:
        """Yield the turns of a loop that are made before the rest is asked for."""
        if self.reads_clock:
            done = yield from run.parts(iterable, run.price_ns)
        else:
            given = iterable[: run.turns()]
            done = len(given)
            yield run.piece(given, done)
            run.done, run.given = done, 0
        if done < len(iterable):
            self._left[place] = iterable[done:]

    def is_whole(self) -> bool:
        """Return whether no turns are left of the loop that ended in the calling frame."""
        return _place(sys._getframe(1)) not in self._left  # noqa: SLF001 -- as above

    def left(self) -> range:
        """Return the turns that are left of the loop that ended in the calling frame."""
        return self._left[_place(sys._getframe(1))]  # noqa: SLF001 -- as above

    def rest(self) -> range:
        """Return the same for the loop that makes them; none where there are none."""
        return self._left.pop(_place(sys._getframe(1)), range(0))  # noqa: SLF001 -- as above


def _place(frame: FrameType) -> _Place:
    return threading.get_ident(), id(frame)


def _empty(first: int, end: int) -> Iterable[Turn]:
    return repeat((), end - first)


def counting_of(loops: Iterable[Loop | For]) -> Counting | None:
    """Return what counts the turns of a nest, outer loops first; None where they are known."""
    real = [each for each in loops if not each.runs_once]
    left = [each for each in real if each.leaves is not None]
    return Counting(reads_clock=left != real[:1]) if left else None
