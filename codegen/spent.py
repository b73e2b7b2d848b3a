"""Where time goes besides kernels and the interpreter: analyses, compilations, transfers.

Before:  with spending("compile"): ...      After:  a note in the thread that spent it

A note says what it was, when, and how long without what was noted inside it. Who counts what
happened in a call takes the notes of its thread; the oldest are dropped if nobody does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, NamedTuple, TypeAlias

from . import tracing

What: TypeAlias = Literal["analysis", "compile", "transfer"]

_MOST_NOTES = 1000


class Note(NamedTuple):
    """One piece of time, in seconds of `perf_counter`."""

    what: What
    begun: float
    ended: float
    seconds: float  # without the notes inside it


class Notes(threading.local):
    """The notes of one thread that nobody has taken yet, in the order of their ends."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[Note] = []
        self.inside = 0.0  # seconds noted within the piece that is being spent

    def take(self) -> list[Note]:
        """Return the notes there are, and forget them."""
        found, self.left = self.left, []
        return found


NOTES = Notes()


@contextmanager
def spending(what: What) -> Iterator[None]:
    """Note how long the block takes."""
    around, NOTES.inside = NOTES.inside, 0.0
    begun = perf_counter()
    try:
        yield
    finally:
        ended = perf_counter()
        note = Note(what, begun, ended, max(0.0, ended - begun - NOTES.inside))
        NOTES.inside = around + ended - begun
        if len(NOTES.left) >= _MOST_NOTES:
            del NOTES.left[: _MOST_NOTES // 2]
        NOTES.left.append(note)
        if tracing.TRACE is not None:
            tracing.TRACE.add(what, what, begun, ended)
