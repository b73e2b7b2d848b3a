"""What a process pays before its first kernel has run: with an empty cache, and with a full one.

python -m benchmarks.warm_start                     the table
python -m benchmarks.warm_start (autopar | numba)   one start of this process, as a line of JSON

NumPy and the arguments are there before the clock starts. Numba's own fixed cost is that of
importing it and of a first call of one function that its cache holds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from . import loops
from .statistics import median

ROOT = Path(__file__).resolve().parent.parent
SIZE = 1000  # a plane whose sweep the interpreter takes a second for, a kernel a millisecond
BAR_S, BEYOND_NUMBA_S = 0.15, 0.05
HEAD = ("a process's first call", "cold", "warm", "Numba alone, warm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Seconds of one start, in the order in which they pass."""

    imported_s: float  # `import autopar`, or `import numba`
    decorator_s: float  # `autopar.parallel` is looked up, which loads its module
    decorated_s: float  # the function is decorated
    packages_s: float  # what only a call that runs kernels loads
    kernels_s: float  # kernels are compiled, or loaded from the cache
    rest_s: float  # the rest of the first call: analysis or its entry, guard, run
    again_s: float  # a second call

    @property
    def first_s(self) -> float:
        """From the end of `import autopar` to the end of the first call."""
        rest = self.packages_s + self.kernels_s + self.rest_s
        return self.decorator_s + self.decorated_s + rest


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """Medians of fresh processes."""

    cold: Start
    warm: Start
    numba: Start  # the first call includes what its cache gives

    @property
    def limit_s(self) -> float:
        """How long a warm first call may take after `import autopar`."""
        return max(BAR_S, self.numba.imported_s + self.numba.first_s + BEYOND_NUMBA_S)


def measure(rounds: int) -> WarmStart:
    """Starts of fresh processes, interleaved; each round has a cache folder of its own."""
    seen: dict[str, list[Start]] = {"cold": [], "warm": [], "numba": []}
    with tempfile.TemporaryDirectory() as bytecode:
        _round(bytecode)  # writes the bytecode, as an installation would have
        for _ in range(rounds):
            for name, start in _round(bytecode).items():
                seen[name].append(start)
    middle = {name: _middle(starts) for name, starts in seen.items()}
    return WarmStart(**middle)


def _round(bytecode: str) -> dict[str, Start]:
    with tempfile.TemporaryDirectory() as folder:
        places = {
            "PYTHONPYCACHEPREFIX": bytecode,
            "AUTOPAR_CACHE_DIR": f"{folder}/autopar",
            "NUMBA_CACHE_DIR": f"{folder}/numba",
        }
        _start("numba", places)
        numba = _start("numba", places)
        return {
            "cold": _start("autopar", places),
            "warm": _start("autopar", places),
            "numba": numba,
        }


def _start(form: str, places: Mapping[str, str]) -> Start:
    """What this module prints in a fresh process."""
    environment = {**os.environ, **places}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.warm_start", form],
        check=True,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    return Start(**json.loads(finished.stdout.splitlines()[-1]))


def _middle(starts: list[Start]) -> Start:
    names = [each.name for each in fields(Start)]
    return Start(**{name: median([getattr(each, name) for each in starts]) for name in names})


# ------------------------------------------------------------------ inside the fresh process


def arguments() -> tuple[loops.Floats, loops.Floats]:
    """The two planes of a sweep."""
    plane = np.random.default_rng(0).uniform(-1.0, 1.0, (SIZE, SIZE))
    return plane, plane.copy()


def with_autopar() -> Start:
    """One start of autopar in this process."""
    given = arguments()
    clock = [time.perf_counter()]
    import autopar

    clock.append(time.perf_counter())
    parallel = autopar.parallel
    clock.append(time.perf_counter())
    function = parallel(loops.jacobi)
    clock.append(time.perf_counter())
    from autopar import forms

    place: Any = forms
    prepared = place.prepared_module
    spent = 0.0

    def timed(*given: Any, **named: Any) -> Any:
        nonlocal spent
        start = time.perf_counter()
        module = prepared(*given, **named)
        spent += time.perf_counter() - start
        return module

    place.prepared_module = timed
    clock.append(time.perf_counter())
    function(*given)
    clock.append(time.perf_counter())
    function(*given)
    clock.append(time.perf_counter())
    passed = [after - before for before, after in pairwise(clock)]
    return Start(
        imported_s=passed[0],
        decorator_s=passed[1],
        decorated_s=passed[2],
        packages_s=passed[3],
        kernels_s=spent,
        rest_s=passed[4] - spent,
        again_s=passed[5],
    )


def with_numba() -> Start:
    """One start of Numba in this process."""
    given = arguments()
    clock = [time.perf_counter()]
    from numba import njit

    clock.append(time.perf_counter())
    function = njit(cache=True)(loops.jacobi)
    clock.append(time.perf_counter())
    function(*given)
    clock.append(time.perf_counter())
    function(*given)
    clock.append(time.perf_counter())
    passed = [after - before for before, after in pairwise(clock)]
    return Start(
        imported_s=passed[0],
        decorator_s=0.0,
        decorated_s=passed[1],
        packages_s=0.0,
        kernels_s=0.0,
        rest_s=passed[2],
        again_s=passed[3],
    )


# ------------------------------------------------------------------ the table

_PARTS = (
    ("import", "imported_s"),
    ("load the decorator", "decorator_s"),
    ("decorate", "decorated_s"),
    ("packages for kernels", "packages_s"),
    ("compile or load kernels", "kernels_s"),
    ("rest of the first call", "rest_s"),
    ("after the import, in all", "first_s"),
    ("second call", "again_s"),
)


def rows(measured: WarmStart) -> list[tuple[str, ...]]:
    """The table's lines, in milliseconds."""
    starts = (measured.cold, measured.warm, measured.numba)
    return [
        (title, *(f"{1e3 * getattr(start, name):.1f} ms" for start in starts))
        for title, name in _PARTS
    ]


def main(arguments: list[str]) -> None:
    """Print one start, or the table."""
    match arguments:
        case ["autopar"]:
            print(json.dumps(asdict(with_autopar())))
        case ["numba"]:
            print(json.dumps(asdict(with_numba())))
        case _:
            from .report import table

            measured = measure(7)
            print(table(HEAD, rows(measured)))
            print(f"\na warm first call may take {1e3 * measured.limit_s:.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
