"""What rows ask and tell, for the interpreter: one step at a time, at the mercy of its threads."""

from __future__ import annotations

import threading
import time
from typing import Any

from autopar.codegen.progress import CELLS, START

_LOCK = threading.Lock()


def next_rows(progress: Any) -> int:
    """Return the next turn, taken by nobody else."""
    with _LOCK:
        progress[0] += 1
        return int(progress[0]) - 1


def rows_before(progress: Any, turn: int) -> int:
    """Return which times the turn before `turn` has done."""
    return int(progress[CELLS * (turn + 1)])


def rows_done(progress: Any, turn: int, done: int) -> None:
    """Say that all times of `turn` before `done` are done."""
    assert done >= progress[CELLS * (turn + 2)]
    progress[CELLS * (turn + 2)] = done


def rest() -> None:
    """Let others go on."""
    time.sleep(0)


def rows_left(progress: Any, members: int) -> None:
    """Say that so many members have left; the last ones make all as it was."""
    with _LOCK:
        progress[2] += members
        assert progress[2] <= progress[1]
        if progress[2] == progress[1]:
            progress[2 * CELLS :: CELLS] = START
            progress[0] = progress[2] = 0
