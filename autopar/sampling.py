"""What the program is doing, some hundred times a second: where the interpreter spends its time.

Before:  a program that runs             After:  seconds by place, and by the places it came from

A thread of its own looks at the frames of all others; nothing is changed in the program, and
loops that have no guard are seen like all others. A look counts for the time since the one before
it, and for no more than what the process computed meanwhile: waiting costs nothing. What autopar
does itself, and its kernels, are left out.
"""

from __future__ import annotations

import _thread
import logging
import os
import sys
from collections import defaultdict
from collections.abc import Container
from pathlib import Path
from time import perf_counter, process_time
from types import FrameType
from typing import TypeAlias

LOG = logging.getLogger("autopar")

Place: TypeAlias = tuple[str, int]  # path of the file and line
Places: TypeAlias = tuple[Place, ...]  # of a thread, innermost first

_PERIOD = 0.005  # seconds
_DEEPEST = 12  # frames of the program's own that are looked at
_OURS = str(Path(__file__).parent)
# A thread that stands in one of these waits for another one.
_WAITING = frozenset({"threading.py", "queue.py", "selectors.py", "subprocess.py", "_base.py"})


class Sampler:
    """Looks at the frames that stand in files of `paths`."""

    def __init__(self, paths: Container[str]) -> None:
        self.seconds: defaultdict[Places, float] = defaultdict(float)
        self._paths = paths
        self._stop = _thread.allocate_lock()
        self._ended = _thread.allocate_lock()
        self._process = os.getpid()

    def start(self) -> None:
        """Begin to look, in a thread that the program does not see among its own."""
        self._stop.acquire()
        self._ended.acquire()
        _thread.start_new_thread(self._watch, ())

    def stop(self) -> None:
        """Look no more. The child of a fork has no such thread."""
        if os.getpid() == self._process:
            self._stop.release()
            self._ended.acquire()

    def _watch(self) -> None:
        clock, computed = perf_counter(), process_time()
        try:
            while not self._stop.acquire(timeout=_PERIOD):
                clock, before = perf_counter(), clock
                computed, computed_before = process_time(), computed
                self._look(min(clock - before, computed - computed_before))
        except Exception:  # a fault of ours must not become the user's
            LOG.exception("the program is watched no more")
        finally:
            self._ended.release()

    def _look(self, seconds: float) -> None:
        frames = sys._current_frames()  # noqa: SLF001  # documented, for this
        # The frame of this call, which has all the others in it: as a circle they would keep
        # what their functions had in variables until Python looks for circles.
        del frames[_thread.get_ident()]
        found = [self._places(frame) for frame in frames.values()]
        busy = [each for each in found if each is not None]
        for each in busy:
            self.seconds[each] += seconds / len(busy)

    def _places(self, frame: FrameType | None) -> Places | None:
        """Return where a thread stands in the program; None where it waits or is busy for us."""
        if frame is not None and Path(frame.f_code.co_filename).name in _WAITING:
            return None
        found: list[Place] = []
        while frame is not None and len(found) < _DEEPEST:
            file = frame.f_code.co_filename
            if file in self._paths:
                found.append((file, frame.f_lineno or 0))
            elif not found and file.startswith(_OURS):
                return None
            frame = frame.f_back
        return tuple(found)
