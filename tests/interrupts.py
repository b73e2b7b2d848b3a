"""How long a script takes to honour Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SECOND = 1.0
_TRIES = 4


def seconds_to_end(line: str, script: Path, words: Sequence[str] = ()) -> float:
    """Return how many seconds after Ctrl-C ``script`` printed ``line``.

    The script prints ``ready`` before its long call, and ``line`` as the
    last thing.  A loaded machine delays anything, and the compiler, which
    cannot be stopped in the middle of a pass, may still be at work when
    the signal comes: a script that takes more than a second is asked again,
    and the shortest time counts.  One that never honours the signal is
    slow each time.

    Raises
    ------
    AssertionError
        If the script prints anything but ``ready`` and ``line``.
    """
    shortest = _seconds(line, script, words)
    for _ in range(_TRIES - 1):
        if shortest < SECOND:
            break
        shortest = min(shortest, _seconds(line, script, words))
    return shortest


def _seconds(line: str, script: Path, words: Sequence[str]) -> float:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, str(script), *words], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        printed = process.stdout.readline()
        waited = time.monotonic() - started
        process.kill()
    assert f"{line}\n" == printed
    return waited
