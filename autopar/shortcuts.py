"""Which calls may take the native short way into a region, and what they are to run.

A call that the repeats know is tried once without running anything: its host code is called with
a launcher that only takes notes. Where all it does is one launch, or one call of a kernel in
order, `codegen.shortcut` can do the same without Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from autopar.analysis.model.nouns import dataclass
from autopar.codegen.entries import entry_of
from autopar.codegen.forks import FORKS
from autopar.codegen.pool import Bounds, Kernel, Outcome, Pool, Repeatable, joined
from autopar.codegen.shortcut import Answered, Known, Launched, Shortcut, is_possible

from .functions import watched_entries
from .record import slot
from .repeats import FLOATS, INTEGERS, Repeat, may_repeat
from .sites import Asker
from .warn import everyday_state

# Runs of a call after which it is learned: the machine code takes 40 ms to make, once a process.
# The last ones are for launches whose trials take long (`codegen.trials`).
LEARNED_AT = frozenset((8, 16, 32, 64, 128, 256, 512, 2048))

# A kernel, the bounds and work of a launch or the work of a call, and the arguments.
Noted: TypeAlias = tuple[Kernel, Bounds | int, tuple[object, ...]]


class _SeveralError(Exception):
    """A call launches more than once."""


class _Given:
    """A float of the call, told from all others by what it is turned into."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.value = float(position)  # an object of its own

    def __float__(self) -> float:
        return self.value


@dataclass(slots=True)
class _Notes:
    """A launcher that runs nothing, and decides as the pool does that it stands for."""

    pool: Pool
    noted: Noted | None = None

    def launch(
        self,
        kernel: Kernel,
        lower: int,
        upper: int,
        step: int,
        arguments: tuple[object, ...],
        work: int,
    ) -> Outcome:
        """Take note of a launch."""
        return self._take(kernel, (lower, upper, step, work), arguments)

    def call(self, kernel: Kernel, arguments: tuple[object, ...], work: int) -> Outcome:
        """Take note of a call."""
        return self._take(kernel, work, arguments)

    def slices(self, lower: int, upper: int, step: int, work: int) -> Iterator[tuple[int, int]]:
        """Yield what the pool does."""
        return self.pool.slices(lower, upper, step, work)

    def workers(self, work: int) -> int:
        """Return what the pool does."""
        return self.pool.workers(work)

    def is_small(self, work: int) -> bool:
        """Return what the pool does."""
        return self.pool.is_small(work)

    def _take(self, kernel: Kernel, what: Bounds | int, arguments: tuple[object, ...]) -> Outcome:
        if self.noted is not None:
            raise _SeveralError
        self.noted = kernel, what, arguments
        return (0,)


@dataclass(slots=True, kw_only=True)
class Shortcuts:
    """The short way into one region, once a call has come often enough to learn it.

    `finish` is called with the number of a block and the values of the call where a kernel ran
    and has something to say.
    """

    number: int  # of the region, in records
    bindings_hold: Callable[[], bool]
    key: object  # of the records
    finish: Callable[..., Any]
    asker: Asker | None = None  # None where all calls are to go the long way
    _shortcut: Shortcut | None = None
    _learned: list[Repeat | None] = field(default_factory=list)

    def learn(
        self, repeat: Repeat, values: tuple[object, ...], pool: Pool, result: tuple[Any, ...]
    ) -> bool:
        """Let calls like one that ran, and left `result`, take the short way if they may.

        Returns whether they do.
        """
        entries = watched_entries(self.bindings_hold)
        state = everyday_state() if repeat.variant.may_warn else None
        is_known = entries is not None and (state is not None or not repeat.variant.may_warn)
        if self.asker is None or entries is None or not is_known or not is_possible():
            return False
        noted = _noted(repeat, values, pool)
        planned = None if noted is None else noted.repeatable(pool)
        if noted is None or planned is None:
            return False
        known = Known(
            values=values,
            integers=_integers(values),
            entries=entries,
            state=state,
            forks=(FORKS.address, FORKS.generation),
        )
        launched = Launched(
            job=planned.job,
            board=planned.board,
            helpers=planned.helpers,
            objects=noted.objects,
            floats=noted.floats,
            result=result,
            slot=slot(self.number),
            iterations=repeat.found.iterations,
            uses=planned.uses,
            kept=noted.kept,
        )
        self._add(self.asker, repeat, known, launched)
        return True

    def leave(self, values: tuple[object, ...], uses: int) -> bool:
        """Let so many calls like one be left to the interpreter without a question.

        Returns whether they are. Where a call may be left because of its sizes, nothing else
        that a guard looks at matters: the interpreter is always right.
        """
        if self.asker is None or not is_possible() or not may_repeat(values):
            return False
        known = Known(
            values=values,
            integers=_integers(values),
            entries=(),
            state=None,
            forks=(FORKS.address, FORKS.generation),
        )
        left = slot(self.number, is_left=True)
        self._add(self.asker, None, known, Answered(result=(), slot=left, iterations=0, uses=uses))
        return True

    def _add(
        self, asker: Asker, repeat: Repeat | None, known: Known, does: Launched | Answered
    ) -> None:
        if self._shortcut is None:
            self._shortcut = Shortcut(asker.enter, self.finish, self.key)
            asker.enter = self._shortcut.enter
        self._learned.append(repeat)
        self._shortcut.add(known, does)

    def knows(self, repeat: Repeat) -> bool:
        """Return whether calls like one take a short way, unless something is in their way."""
        return self._shortcut is not None and any(
            each is repeat and self._shortcut.is_live(number)
            for number, each in enumerate(self._learned)
        )

    def said(self, number: int) -> tuple[Repeat, Outcome, float]:
        """Return which call ran last in a short way, what came out of it, and in what time."""
        assert self._shortcut is not None  # it has learned something
        outcomes, seconds = self._shortcut.said(number)
        repeat = self._learned[number]
        assert repeat is not None  # it ran
        return repeat, joined(outcomes), seconds

    def forget(self) -> None:
        """Send all calls the long way."""
        if self._shortcut is not None:
            self._shortcut.forget()


class _Noted(NamedTuple):
    """The one launch of a call, and where its arguments come from."""

    launch: Noted
    objects: tuple[tuple[int, int], ...]  # (position among the values, argument of the kernel)
    floats: tuple[tuple[int, int], ...]
    kept: tuple[object, ...]  # arrays that the host made: what rows and crews tell each other

    def repeatable(self, pool: Pool) -> Repeatable | None:
        """Return a job that does the same."""
        kernel, what, arguments = self.launch
        if isinstance(what, tuple):
            return pool.repeatable(kernel, what, arguments)
        return pool.repeatable_call(kernel, arguments, what)


def _noted(repeat: Repeat, values: tuple[object, ...], pool: Pool) -> _Noted | None:
    """Return what a call launches; None where it does more than that, or cannot be told."""
    variant = repeat.variant
    is_whole = variant.check is None and not variant.saves
    is_plain = variant.launches_once and is_whole and variant.remark is None
    if not is_plain or not all(map(_fits, values)):
        return None
    given = [_Given(position) for position in range(len(values))]
    marked = tuple(
        mark if isinstance(each, FLOATS) else each for mark, each in zip(given, values, strict=True)
    )
    notes = _Notes(pool)
    try:
        variant.run(notes, *repeat.passed(marked))
    except _SeveralError:
        return None
    if notes.noted is None:
        return None
    kernel, what, arguments = notes.noted
    objects = {id(each): n for n, each in enumerate(values) if type(each) is np.ndarray}
    floats = {id(each): mark.position for mark in given for each in (mark, mark.value)}
    passed = tuple(0.0 if id(e) in floats else e for e in arguments)
    if not isinstance(what, tuple) and (entry := entry_of(kernel)) is not None and entry.is_cut:
        arguments = arguments[2:]  # a job has its bounds elsewhere
    made = (each for each in arguments if isinstance(each, np.ndarray) and id(each) not in objects)
    return _Noted(
        launch=(kernel, what, passed),
        objects=_places(objects, arguments),
        floats=_places(floats, arguments),
        kept=tuple(made),
    )


def _integers(values: tuple[object, ...]) -> tuple[int, ...]:
    """Return the positions of the values that must be equal."""
    return tuple(n for n, each in enumerate(values) if isinstance(each, INTEGERS))


def _fits(value: object) -> bool:
    """Return whether a kernel takes a value in one word."""
    return not isinstance(value, (complex, np.complexfloating, np.longdouble))


def _places(known: dict[int, int], arguments: tuple[object, ...]) -> tuple[tuple[int, int], ...]:
    """Return (position among the values, argument) for the arguments whose ids are `known`."""
    return tuple((known[id(each)], n) for n, each in enumerate(arguments) if id(each) in known)
