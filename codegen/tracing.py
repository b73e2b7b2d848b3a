"""What a profiler shows of a process: spans of time in Chrome's trace format, and NVTX ranges.

    AUTOPAR_TRACE=trace.json python script.py        then chrome://tracing or ui.perfetto.dev

Regions, launches on a device, transfers, analyses and compilations, each with its thread; a launch
is the time that starting it takes, since a device works on by itself. The file is written at the
end of the process. Where the package `nvtx` is installed, regions are ranges of it, too.
(Trace Event Format, Google, 2016: complete events, times in microseconds.)
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from autopar.analysis.model.later import load

# A process that runs for days must not fill the memory; the first events are kept.
_MOST_EVENTS = 1_000_000


class Trace:
    """The events of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._events: list[dict[str, Any]] = []
        self._process = os.getpid()
        try:
            self._nvtx: Any = load("nvtx")
        except ImportError:
            self._nvtx = None

    def add(self, kind: str, name: str, begun: float, ended: float, **known: object) -> None:
        """Add what ran from `begun` to `ended`, in seconds of `perf_counter`."""
        if len(self._events) < _MOST_EVENTS:
            self._events.append(
                {
                    "name": name,
                    "cat": kind,
                    "ph": "X",
                    "ts": begun * 1e6,
                    "dur": (ended - begun) * 1e6,
                    "pid": self._process,
                    "tid": threading.get_native_id(),
                    "args": known,
                }
            )

    @contextmanager
    def range(self, name: str) -> Iterator[None]:
        """Show the block as a range of NVTX, if that is there."""
        if self._nvtx is None:
            yield
            return
        self._nvtx.push_range(name, domain="autopar")
        try:
            yield
        finally:
            self._nvtx.pop_range(domain="autopar")

    def write(self) -> None:
        """Write the file; a process that was forked leaves it alone."""
        if os.getpid() != self._process:
            return
        content = {"traceEvents": self._events, "displayTimeUnit": "ms"}
        self._path.write_text(json.dumps(content, default=str) + "\n", encoding="utf-8")


def _wanted() -> Trace | None:
    path = os.environ.get("AUTOPAR_TRACE", "")
    if not path:
        return None
    trace = Trace(Path(path).absolute())
    atexit.register(_close, trace)
    return trace


def _close(trace: Trace) -> None:
    try:
        trace.write()
    except OSError as error:
        sys.stderr.write(f"autopar: no trace was written: {error}\n")


TRACE = _wanted()


@contextmanager
def traced(kind: str, name: str, **known: object) -> Iterator[None]:
    """Add the block to the trace, if there is one."""
    if TRACE is None:
        yield
        return
    begun = perf_counter()
    try:
        yield
    finally:
        TRACE.add(kind, name, begun, perf_counter(), **known)
