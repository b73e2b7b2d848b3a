"""Programs at all sizes, and element-wise chains against the bandwidth of a copy.

python -m benchmarks.programs.sizes [--json FILE [--resume]] [--most ELEMENTS] [--seconds SECONDS]

The sweep asks whether a program is ever slower than NumPy by more than 20 microseconds and 5 %,
whichever is more. The chains, which have no transcendental functions, are measured in one process
with copies of arrays as large, by NumPy and by a loop of autopar's; bytes are compulsory ones:
each array that is read, once, and each that is written, once.

Exit status: 0 when everything was measured, whatever the bars say; 3 when some is left.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import autopar
from benchmarks.programs.__main__ import is_slower, measured, worked
from benchmarks.statistics import median

SWEPT: Mapping[str, Callable[[int], int]] = {
    "black_scholes": lambda elements: elements,
    "heat": lambda elements: round(elements**0.5),
}
MOST = 10**8
CHAINED = 8_000_000
BAR = 0.8
ROUNDS = 15
# Calls as short as these differ from process to process by more than the bar: so many in turns.
SHORT, PROCESSES = 10**4, 3

Array = np.ndarray[Any, Any]


def scaled(x: Array, y: Array) -> Array:
    """Two arrays in, one out."""
    return 2.5 * x + y


def polynomial(x: Array) -> Array:
    """One array in, one out."""
    return ((0.25 * x - 0.5) * x + 0.75) * x - 1.0


def limited(x: Array, y: Array, z: Array) -> Array:
    """Three arrays in, one out."""
    return np.maximum(x - y, 0.0) * z + np.abs(y)


def updated(x: Array, y: Array) -> Array:
    """One array in, one updated."""
    y += 0.5 * (x - y)
    return y


def copied(x: Array, y: Array) -> None:
    """A copy as a program has it."""
    for i in range(x.shape[0]):
        y[i] = x[i]


# How many arrays each reads, and how many arrays it moves in all.
CHAINS: tuple[tuple[Callable[..., Array], int, int], ...] = (
    (scaled, 2, 3), (polynomial, 1, 2), (limited, 3, 4), (updated, 2, 3),
)  # fmt: skip


def in_turns(name: str, size: int, cache: str, processes: int) -> list[dict[str, Any] | None]:
    """Of each form, the process of the median time; None where one failed."""
    forms = ("numpy", "autopar")
    seen = [
        [measured(name, size, "float64", form, cache) for form in forms] for _ in [0] * processes
    ]
    found: list[dict[str, Any] | None] = []
    for column in zip(*seen, strict=True):
        whole = sorted((each for each in column if worked(each)), key=lambda each: each["seconds"])
        found.append(whole[len(whole) // 2] if len(whole) == processes else None)
    return found


def swept(name: str, elements: int, cache: str) -> dict[str, Any]:
    """One program at one size, under both."""
    size = SWEPT[name](elements)
    plain, own = in_turns(name, size, cache, PROCESSES if elements <= SHORT else 1)
    row: dict[str, Any] = {"program": name, "elements": elements, "numpy": plain, "autopar": own}
    if plain is not None and own is not None:
        row["is_within"] = not is_slower(row)
        row["to_numpy"] = plain["seconds"] / own["seconds"]
        row["is_same"] = plain["digest"] == own["digest"]
    return row


def chained() -> list[dict[str, Any]]:
    """The bandwidth of each chain, as a share of that of the fastest copy beside it."""
    draw = np.random.default_rng(8)
    given = [draw.random(CHAINED) for _ in range(3)]
    target = np.zeros(CHAINED)
    own_copy = autopar.parallel(copied)
    rows = []
    for chain, reads, arrays in CHAINS:
        own = autopar.parallel(chain)
        calls: dict[str, Callable[[], object]] = {
            "autopar": lambda own=own, reads=reads: own(*given[:reads]),
            "numpy": lambda chain=chain, reads=reads: chain(*given[:reads]),
            "copy, numpy": lambda: np.copyto(target, given[0]),
            "copy, autopar": lambda: own_copy(given[0], target),
        }
        times: dict[str, list[float]] = {each: [] for each in calls}
        for turn in range(2 * ROUNDS):
            for each, call in calls.items():
                start = time.perf_counter()
                call()
                if turn >= ROUNDS:  # kernels are there by now
                    times[each].append(time.perf_counter() - start)
        rates = {each: 16 * CHAINED / median(t) for each, t in times.items() if "copy" in each}
        rate = 8 * arrays * CHAINED / median(times["autopar"])
        rows.append(
            {
                "chain": chain.__name__,
                "bytes_per_s": rate,
                "copies": rates,
                "share": rate / max(rates.values()),
                "to_numpy": median(times["numpy"]) / median(times["autopar"]),
            }
        )
    return rows


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.programs.sizes")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--resume", action="store_true", help="leave out what FILE holds")
    parser.add_argument("--most", type=int, default=MOST, help="elements of the largest size")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args(argv)
    found: dict[str, Any] = {"sweep": [], "chains": []}
    if options.resume and options.json and Path(options.json).exists():
        found = json.loads(Path(options.json).read_text())
    known = {(each["program"], each["elements"]) for each in found["sweep"]}
    sizes = [10**k for k in range(2, 9) if 10**k <= options.most]
    wanted = [(n, e) for e in sizes for n in SWEPT if (n, e) not in known]
    end = time.monotonic() + options.seconds

    def keep() -> None:
        if options.json:
            Path(options.json).write_text(json.dumps(found, indent=1) + "\n")

    if not found["chains"]:
        found["chains"] = chained()
        keep()
    for each in found["chains"]:
        print(
            f"{each['chain']:12} {each['bytes_per_s'] / 1e9:6.1f} GB/s, "
            f"{100 * each['share']:4.0f} % of the copy (bar {100 * BAR:.0f} %), "
            f"{each['to_numpy']:5.2f} of NumPy"
        )
    with tempfile.TemporaryDirectory() as cache:
        while wanted and time.monotonic() < end:
            row = swept(*wanted.pop(0), cache)
            found["sweep"].append(row)
            keep()
            times = [1e6 * (row[form] or {}).get("seconds", 0) for form in ("numpy", "autopar")]
            print(
                f"{row['program']:14} {row['elements']:10} {times[0]:12.1f} us {times[1]:12.1f} us "
                f"{row.get('to_numpy', 0):6.2f}  {'' if row.get('is_within') else 'SLOWER'}",
                flush=True,
            )
    return 3 if wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
