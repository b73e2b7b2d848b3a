"""What surrounds a kernel: dispatch, analysis, import, and the first call of a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from . import loops
from .harness import interleaved, last_takeover
from .loops import Form
from .statistics import median
from .takeover import Takeover

ROOT = Path(__file__).resolve().parent.parent
BATCH_S = 0.02
INLINE_SIZE = 40  # a sweep of a few microseconds: one chunk, no pool
POOL_SIZE = 700  # a sweep of some hundred microseconds: worth the pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """What a warm decorated call costs beyond its kernel."""

    size: int
    decorated_s: float
    bare_s: float  # the same loops under a plain njit, one thread
    threads: int  # the bare kernel's time is divided by this
    takeover: Takeover  # who ran the loops, lest the interpreter's cost be read as dispatch

    @property
    def cost_s(self) -> float:
        """The decorated call less its share of the bare kernel; never below 0."""
        return max(0.0, self.decorated_s - self.bare_s / self.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCall:
    """Medians of fresh processes with empty caches."""

    autopar_s: float  # decorate and call, imports done
    by_hand_s: float  # compile and call, imports done
    autopar_total_s: float  # the same with all imports but NumPy's
    by_hand_total_s: float


def threads() -> int:
    """Threads that this process may use at once."""
    asked = os.environ.get("AUTOPAR_NUM_THREADS")
    return int(asked) if asked else len(os.sched_getaffinity(0))


def dispatch(decorate: Callable[[Form], Form], size: int, workers: int, rounds: int) -> Dispatch:
    """The cost of dispatching a Jacobi sweep of `size` x `size`, shared by `workers` threads."""
    random = np.random.default_rng(3)
    arguments = (random.random((size, size)), random.random((size, size)))
    ours: Any = decorate(loops.jacobi)
    bare: Any = njit(loops.jacobi)
    calls = {"ours": lambda: ours(*arguments), "bare": lambda: bare(*arguments)}
    times = interleaved(calls, rounds, BATCH_S)
    return Dispatch(
        size=size,
        decorated_s=median(times["ours"]),
        bare_s=median(times["bare"]),
        threads=workers,
        takeover=last_takeover(ours, arguments),
    )


def analysis_s(stage: Callable[[Form], object] | None, rounds: int) -> float | None:
    """Median seconds of `stage` on the matrix product, a 3-deep nest; None if there is no stage.

    The first call, which loads the analysis, is not counted.
    """
    if stage is None:
        return None
    stage(loops.matmul_element)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        stage(loops.matmul_element)
        times.append(time.perf_counter() - start)
    return median(times)


def process_s(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Seconds from starting `command` to its exit."""
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, env=environment)
    return time.perf_counter() - start


def installed(folder: str) -> dict[str, str]:
    """The environment of packages that pip has installed: their bytecode lies there, compiled."""
    environment = dict(os.environ, PYTHONPYCACHEPREFIX=folder)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def import_s(rounds: int) -> float:
    """Median seconds of `import autopar` beyond a bare `python -c pass`."""
    bare, ours = [sys.executable, "-c", "pass"], [sys.executable, "-c", "import autopar"]
    with tempfile.TemporaryDirectory() as folder:
        environment = installed(folder)
        process_s(ours, environment)
        differences = [
            process_s(ours, environment) - process_s(bare, environment) for _ in range(rounds)
        ]
    return median(differences)


def one_first_call(form: str, size: int, environment: dict[str, str]) -> dict[str, float]:
    """What `first_call` prints in a fresh process whose caches are empty."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"AUTOPAR_CACHE_DIR": f"{folder}/autopar", "NUMBA_CACHE_DIR": f"{folder}/numba"}
        command = [sys.executable, "-m", "benchmarks.first_call", form, str(size)]
        finished = subprocess.run(
            command, check=True, cwd=ROOT, env=environment | own, capture_output=True, text=True
        )
    return dict(json.loads(finished.stdout.splitlines()[-1]))


def first_call(size: int, rounds: int) -> FirstCall:
    """Cold first calls of autopar and of the hand-written version, interleaved."""
    seen: dict[str, list[dict[str, float]]] = {"autopar": [], "by_hand": []}
    order = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        environment = installed(folder)
        for form in seen:
            one_first_call(form, size, environment)  # writes the bytecode
        for _ in range(rounds):
            for form in order.permutation(sorted(seen)):
                seen[str(form)].append(one_first_call(str(form), size, environment))

    def middle(form: str, key: str) -> float:
        return median([run[key] for run in seen[form]])

    return FirstCall(
        autopar_s=middle("autopar", "call_s"),
        by_hand_s=middle("by_hand", "call_s"),
        autopar_total_s=middle("autopar", "total_s"),
        by_hand_total_s=middle("by_hand", "total_s"),
    )
