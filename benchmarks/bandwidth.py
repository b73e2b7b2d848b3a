"""Memory-bound kernels against the bandwidth of a copy that is measured in the same rounds.

A kernel's bytes are its compulsory ones: every distinct cell that a sweep reads, once, and every
distinct cell that it writes, once. A processor moves more than that where it fetches lines that
are about to be overwritten, or of which a strided loop wants one cell in three; so does the copy,
unless it is one that writes past the caches. The fastest of several copies is the measure: all of
arrays of the same kind, first written by the thread that made them, on the same threads.

Arrays are four times as large as in the other tables, 128 to 300 MB each: a share of a large last
cache that holds one of 32 MB gives some kernels twice the bandwidth of memory.

Beside them stand the kernels in C (`benchmarks.best_c`), in several forms of which the fastest
counts: what the machine can reach. `python -m benchmarks.memory_bound` measures them in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import prange

import autopar

from . import best_c
from .by_hand import parallel
from .harness import SEED, bound, check_small, interleaved
from .kernels import KERNELS, Kernel
from .loops import Floats, Form
from .statistics import median

COPIED = 16_000_000  # cells: as many as the vectors of the kernels have
# Sizes by the rank of a kernel's arrays: four times the cells of the other tables.
SIZES = {1: COPIED, 2: 4000, 3: 320}

# Bytes of one sweep at a size; kernels that compute more than they move are not here.
COMPULSORY: Mapping[str, Callable[[int], int]] = {
    "saxpy": lambda n: 24 * n,
    "jacobi": lambda n: 8 * (n * n - 4) + 8 * (n - 2) ** 2,
    "polynomial": lambda n: 16 * n,
    "single_precision": lambda n: 8 * n,
    "integers": lambda n: 24 * n,
    "triangular_update": lambda n: 8 * n * (n + 1) + 16 * n,
    "stencil_3d": lambda n: 8 * ((n - 2) ** 3 + 6 * (n - 2) ** 2) + 8 * (n - 2) ** 3,
    "transpose_add": lambda n: 24 * n * n,
    "every_third": lambda n: 24 * ((n + 2) // 3),
    "odd_from_even": lambda n: 8 * ((n - 1) // 2 + 1) + 8 * ((n - 1) // 2),
}
# These want some cells of each line only: their lines are three and two times their cells.
STRIDED = frozenset(("every_third", "odd_from_even"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What one kernel moves, and how fast."""

    kernel: str
    size: int
    size_bytes: int  # compulsory
    seconds: float  # median
    share: float  # of the bandwidth of the fastest copy
    by_hand_share: float
    is_strided: bool
    c_share: float | None = None  # None: no C compiler
    c_way: str = ""  # the fastest form of it
    copies: Mapping[str, float] | None = None  # bytes per second in the same rounds

    @property
    def bytes_per_s(self) -> float:
        """Compulsory bytes in a second."""
        return self.size_bytes / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """The copies, in bytes per second, and the kernels."""

    copies: Mapping[str, float]
    moved: tuple[Moved, ...]

    @property
    def slowest(self) -> float:
        """The smallest share of the copy's bandwidth among kernels that want whole lines."""
        return min((each.share for each in self.moved if not each.is_strided), default=0.0)

    @property
    def furthest(self) -> float | None:
        """The smallest part of what C reaches; None where there is no C."""
        parts = (each.share / each.c_share for each in self.moved if each.c_share)
        return min(parts, default=None)


def copy_loop(x: Floats, y: Floats) -> None:
    """A copy as a program has it."""
    for i in range(x.shape[0]):
        y[i] = x[i]


@parallel
def copy_by_hand(x: Floats, y: Floats) -> None:
    """The same by hand; LLVM knows it for a copy and calls the C library's."""
    for i in prange(x.shape[0]):
        y[i] = x[i]


def copies() -> dict[str, Callable[[], object]]:
    """Copies of one array into another."""
    x = np.random.default_rng(SEED).uniform(-1.0, 1.0, COPIED)
    y = np.empty_like(x)
    ours = autopar.parallel(copy_loop)
    ways = {f"copy, C {way}": bound(form, (x, y)) for way, form in best_c.forms("copy").items()}
    return {
        "copy, autopar": lambda: ours(x, y),
        "copy, by hand": lambda: copy_by_hand(x, y),
        "copy, numpy": lambda: np.copyto(y, x),
        **ways,
    }


def measure(names: frozenset[str] | None, rounds: int, *, quick: bool) -> Bandwidth:
    """The bandwidth of copies and kernels, in interleaved rounds."""
    chosen = [each for each in memory_bound() if not names or each.name in names]
    return together([moved(each, rounds, quick=quick) for each in chosen])


def memory_bound() -> list[Kernel]:
    """The kernels of the table."""
    return [each for each in KERNELS if each.name in COMPULSORY]


def together(found: Sequence[Moved]) -> Bandwidth:
    """What was measured of kernels, and the medians of the copies beside them."""
    rates: dict[str, list[float]] = {}
    for each in found:
        for name, rate in (each.copies or {}).items():
            rates.setdefault(name, []).append(rate)
    return Bandwidth(
        copies={name: median(each) for name, each in rates.items()}, moved=tuple(found)
    )


def moved(kernel: Kernel, rounds: int, *, quick: bool) -> Moved:
    """One kernel beside the copies: the machine's bandwidth changes while others use it.

    Raises WrongResult where a form gives other values than CPython.
    """
    size = kernel.sizes.quick if quick else SIZES[kernel.sizes.rank]
    ours = autopar.parallel(kernel.plain)
    in_c = {f"C {way}": form for way, form in best_c.forms(kernel.name).items()}
    check_small(kernel, {"autopar": ours, **in_c})
    arguments = kernel.arguments(size, np.random.default_rng(SEED))
    forms: dict[str, Form] = {"autopar": ours, "by hand": kernel.by_hand, **in_c}
    calls = {name: bound(form, arguments) for name, form in forms.items()} | copies()
    times = {name: median(each) for name, each in interleaved(calls, rounds).items()}
    rates = {name: 16 * COPIED / times[name] for name in times if name.startswith("copy")}
    size_bytes, best = COMPULSORY[kernel.name](size), max(rates.values())
    way = min(in_c, key=times.__getitem__, default="")
    return Moved(
        kernel=kernel.name,
        size=size,
        size_bytes=size_bytes,
        seconds=times["autopar"],
        share=size_bytes / times["autopar"] / best,
        by_hand_share=size_bytes / times["by hand"] / best,
        is_strided=kernel.name in STRIDED,
        c_share=size_bytes / times[way] / best if way else None,
        c_way=way.removeprefix("C "),
        copies=rates,
    )


HEAD = ("memory-bound", "MB", "GB/s", "of the copy", "by hand", "best C")


def rows(bandwidth: Bandwidth) -> list[tuple[str, ...]]:
    """The cells of the table: copies first."""
    lines: list[tuple[str, ...]] = []
    lines += [
        (name, "", f"{rate / 1e9:.1f}", "", "", "") for name, rate in bandwidth.copies.items()
    ]
    for each in bandwidth.moved:
        name = f"{each.kernel} (strided)" if each.is_strided else each.kernel
        in_c = "" if each.c_share is None else f"{100 * each.c_share:.0f} % ({each.c_way})"
        shares = (f"{100 * each.share:.0f} %", f"{100 * each.by_hand_share:.0f} %", in_c)
        figures = (f"{each.size_bytes / 1e6:.0f}", f"{each.bytes_per_s / 1e9:.1f}")
        lines.append((name, *figures, *shares))
    return lines
