"""What the members of a crew ask and tell, for the interpreter: one step at a time."""

from __future__ import annotations

import threading
import time
from typing import Any

from autopar.codegen.progress import CELLS

_LOCK = threading.Lock()


def next_part(progress: Any, member: int, phase: int, parts: int, goal: int) -> int:
    """Return a part of `phase` that nobody has; -1 when all are done."""
    while True:
        with _LOCK:
            if progress[0] >= goal:
                assert progress[0] == goal or member > 0, "a later phase began before this one"
                return -1
            for part in sorted(range(parts), key=lambda each: each != member):
                if progress[CELLS * (part + 1)] < phase:
                    assert progress[0] >= goal - parts, "a part began before the phase before it"
                    progress[CELLS * (part + 1)] = phase
                    return part
        time.sleep(0)


def part_done(progress: Any) -> None:
    """Say that one more part is done."""
    with _LOCK:
        progress[0] += 1


def crew_left(progress: Any, members: int) -> None:
    """Say that so many members have left; the last ones make all as it was."""
    with _LOCK:
        progress[2] += members
        assert progress[2] <= progress[1]
        if progress[2] == progress[1]:
            progress[CELLS:] = 0
            progress[0] = progress[2] = 0
