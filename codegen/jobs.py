"""One launch laid out in memory, for the native part of the pool to run.

Before:  an entry, arguments (u, v, n), chunks between the borders 1, 350, 699
After:   [entry, 2, 2, 0, ...][&u, &v, n][1, 350, 699][0, 1][outcome of chunk 0][of chunk 1]

What the head means is said in `codegen.native`. A job may be run again with other arguments: a
sweep that is launched a thousand times is laid out once.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

from .entries import Entry
from .interrupts import STOPPED, STOPS
from .native import JOB_CELLS

_CELL = 8  # bytes


class Job:
    """A launch of one entry: head, sets of arguments, borders of chunks, groups of them, outcomes.

    With more than one set of arguments the first is that of chunk `last`, and each of the
    `threads` that may take part has one of the others; with `by_chunk` each of the other chunks.
    """

    def __init__(
        self,
        entry: Entry,
        borders: Sequence[int],
        sets: int = 1,
        *,
        threads: int,
        last: int,
        by_chunk: bool = False,
    ) -> None:
        self._entry = entry
        self.chunks = len(borders) - 1
        self._form = entry.form
        borders_at = _CELL * JOB_CELLS + self._form.size * sets
        taken_at = borders_at + _CELL * len(borders)
        groups = max(1, min(threads, self.chunks))
        self._outcomes_at = taken_at + _CELL * groups
        size = entry.outcome.itemsize
        self._memory = bytearray(self._outcomes_at + self.chunks * size)
        where = (_CELL * JOB_CELLS, borders_at, self._outcomes_at, size)
        who = (0, threads, self._form.size if sets > 1 else 0, last, 0, 0)
        head = (entry.address, self.chunks, groups, 0, *where, *who, taken_at, by_chunk)
        struct.pack_into(f"={JOB_CELLS}q", self._memory, 0, *head)
        struct.pack_into(f"={len(borders)}q", self._memory, borders_at, *borders)
        # Holds the memory where it is.
        self._cells = (ctypes.c_char * len(self._memory)).from_buffer(self._memory)
        self.address = ctypes.addressof(self._cells)
        self.arguments = self.address + _CELL * JOB_CELLS  # where the first set of them lies
        # A run that says so left nothing but a status of 0 for each chunk.
        self.only_has_status = len(entry.outcome.fields or ()) == _ONLY_STATUS

    def put(self, packed: tuple[Any, ...], number: int = 0) -> None:
        """Set one set of arguments, as `Entry.packed` gives it."""
        self._form.pack_into(self._memory, _CELL * JOB_CELLS + number * self._form.size, *packed)

    def let_stop(self, *, may: bool) -> None:
        """Say whether Ctrl-C may stop the next run."""
        struct.pack_into("=q", self._memory, _CELL * STOPS, may)

    @property
    def was_stopped(self) -> bool:
        """Whether Ctrl-C has stopped the last run: its outcomes mean nothing."""
        (stopped,) = struct.unpack_from("=q", self._memory, _CELL * STOPPED)
        return bool(stopped)

    def outcomes(self) -> list[tuple[Any, ...]]:
        """Return (status, values ...) of each chunk after a run."""
        return self._entry.outcomes(self._memory, self._outcomes_at)


_ONLY_STATUS = 3  # fields: error code, processor flags, status
