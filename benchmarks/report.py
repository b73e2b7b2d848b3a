"""Measurements as a table, as JSON, and held against the bars."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import warm_start
from .bandwidth import Bandwidth
from .functions import Functions
from .harness import Measurement
from .nests import Analysis, Nest
from .overheads import Dispatch, FirstCall
from .statistics import Ratio, geometric_mean
from .warm_start import WarmStart

RESULTS = Path(__file__).parent / "results"
HEAD = ("kernel", "size", "autopar", "vs by hand", "95 %", "vs numpy", "vs cpython", "share", "ran")
NESTS_HEAD = (
    "analysis of", "verdicts", "with schedule", "again, values", "condition", "isl operations",
    "loops",
)  # fmt: skip
NO_NUMBER = "-"
INTERPRETER, WRONG = "interpreter", "wrong result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheads:
    """What surrounds the kernels; None where it was not measured."""

    inline: Dispatch | None = None
    pool: Dispatch | None = None
    verdicts_s: float | None = None
    with_schedule_s: float | None = None
    first_call: FirstCall | None = None
    warm_start: WarmStart | None = None
    import_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One limit and what was measured against it."""

    name: str
    limit: float
    measured: float | None  # None: not measured in this run
    at_least: bool = False  # the limit is a lower one
    unit: str = ""
    spoilt: str = ""  # what makes the figure prove nothing: 'interpreter', 'wrong result'

    @property
    def verdict(self) -> str:
        """'pass', 'FAIL', 'FAIL(interpreter)', 'FAIL(wrong result)' or 'not measured'."""
        if self.spoilt:
            return f"FAIL({self.spoilt})"
        if self.measured is None:
            return "not measured"
        good = self.measured >= self.limit if self.at_least else self.measured <= self.limit
        return "pass" if good else "FAIL"


def machine() -> dict[str, Any]:
    """Processor, cores, load and versions: what a figure is worth nothing without."""
    import numba
    import numpy as np

    return {
        "device": device(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "numba_threads": numba.get_num_threads(),
        "date": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
    }


def device() -> str:
    """The processor's name as the system tells it."""
    listing = Path("/proc/cpuinfo")
    text = listing.read_text(encoding="utf-8") if listing.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def results_path(device_name: str) -> Path:
    """`benchmarks/results/<device>-<date>.json`."""
    slug = re.sub(r"[^a-z0-9]+", "-", device_name.lower()).strip("-")
    day = dt.datetime.now(tz=dt.UTC).date().isoformat()
    return RESULTS / f"{slug}-{day}.json"


def ratio_cell(ratio: Ratio | None) -> str:
    """A ratio to three figures."""
    return NO_NUMBER if ratio is None else f"{ratio.value:.3g}"


def row(measured: Measurement) -> tuple[str, ...]:
    """The cells of one kernel's line."""
    hand = measured.ratios["by hand"]
    verdict = "" if measured.takeover.earned else f" FAIL({INTERPRETER})"
    return (
        measured.kernel,
        str(measured.size),
        f"{1e3 * measured.times_s['autopar']:.3f} ms",
        f"{hand.value:.3f}",
        f"{hand.low:.2f}-{hand.high:.2f}",
        ratio_cell(measured.ratios.get("numpy")),
        ratio_cell(measured.ratios.get("cpython")),
        f"{100 * measured.takeover.share:.0f} %",
        (",".join(measured.takeover.backends) or "not recorded") + verdict,
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of aligned columns, the first to the left and the others to the right."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "  ".join([first[0].ljust(first[1]), *(cell.rjust(w) for cell, w in others)])

    return "\n".join([line(head), line(["-" * width for width in widths]), *map(line, rows)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything one run of the benchmarks found out."""

    measured: tuple[Measurement, ...]
    wrong: tuple[str, ...]  # kernels that were not measured because a value was wrong, and which
    overheads: Overheads
    analysis: Analysis | None = None
    bandwidth: Bandwidth | None = None
    functions: Functions | None = None


def all_bars(results: Results) -> tuple[Bar, ...]:
    """Every bar with what was measured; in each kernel's ratio, above 1 is faster."""
    return (
        *kernel_bars(results),
        *overhead_bars(results.overheads),
        *analysis_bars(results.analysis),
        bandwidth_bar(results.bandwidth),
        *function_bars(results.functions),
    )


def function_bars(functions: Functions | None) -> tuple[Bar, ...]:
    """The bars of NumPy's functions."""
    share = None if functions is None else functions.worst_share
    gain = None if functions is None else functions.worst_gain
    return (
        Bar(name="functions, share of NumPy per thread", limit=0.95, measured=share, at_least=True),
        Bar(name="functions, gain on two threads", limit=1.7, measured=gain, at_least=True),
    )


def bandwidth_bar(bandwidth: Bandwidth | None) -> Bar:
    """The bar of memory-bound kernels."""
    share = None if bandwidth is None or not bandwidth.moved else bandwidth.slowest
    name = "memory-bound kernels, share of the copy"
    return Bar(name=name, limit=0.85, measured=share, at_least=True)


def kernel_bars(results: Results) -> tuple[Bar, ...]:
    """The bars of the ratios to the hand-written kernels; one wrong kernel spoils them."""
    ratios = [one.ratios["by hand"].value for one in results.measured]
    earned = all(one.takeover.earned for one in results.measured)
    spoilt = WRONG if results.wrong else "" if earned else INTERPRETER
    mean = geometric_mean(ratios) if ratios else None
    worst = min(ratios, default=None)
    bars = (("geometric mean vs by hand", 0.97, mean), ("slowest kernel vs by hand", 0.85, worst))
    return tuple(
        Bar(name=name, limit=limit, measured=measured_value, at_least=True, spoilt=spoilt)
        for name, limit, measured_value in bars
    )


def overhead_bars(overheads: Overheads) -> tuple[Bar, ...]:
    """The bars of what surrounds the kernels."""
    first = overheads.first_call
    return (
        dispatch_bar("dispatch, inline", 20.0, overheads.inline),
        dispatch_bar("dispatch, pool", 60.0, overheads.pool),
        Bar(name="verdicts, 3-deep nest", limit=15.0, measured=ms(overheads.verdicts_s), unit="ms"),
        Bar(name="with schedule", limit=100.0, measured=ms(overheads.with_schedule_s), unit="ms"),
        Bar(
            name="first call vs by hand",
            limit=0.7,
            measured=None if first is None else first.autopar_s / first.by_hand_s,
        ),
        warm_bar(overheads.warm_start),
        Bar(name="import autopar", limit=0.10, measured=overheads.import_s, unit="s"),
    )


def warm_bar(warm: WarmStart | None) -> Bar:
    """The bar of the first call in a process that finds everything in the cache."""
    limit = warm_start.BAR_S if warm is None else warm.limit_s
    measured = None if warm is None else ms(warm.warm.first_s)
    return Bar(name="first call, warm", limit=1e3 * limit, measured=measured, unit="ms")


def analysis_bars(analysis: Analysis | None) -> tuple[Bar, ...]:
    """The bars of the analysis: medians over the nests, and the long function."""

    def middle(part: str, scale: float) -> float | None:
        return None if analysis is None else scale * analysis.middle(part)

    long = None if analysis is None else analysis.long_function_s
    nests = "30 PolyBench nests"
    return (
        Bar(name=f"verdicts, {nests}", limit=15.0, measured=middle("verdicts_s", 1e3), unit="ms"),
        Bar(
            name=f"with schedule, {nests}",
            limit=100.0,
            measured=middle("with_schedule_s", 1e3),
            unit="ms",
        ),
        Bar(
            name=f"again with values, {nests}",
            limit=20.0,
            measured=middle("reanalysis_s", 1e3),
            unit="ms",
        ),
        Bar(
            name=f"condition at a call, {nests}",
            limit=10.0,
            measured=middle("condition_s", 1e6),
            unit="µs",
        ),
        Bar(name="verdicts, function of 300 lines", limit=1.0, measured=long, unit="s"),
    )


def nest_row(nest: Nest) -> tuple[str, ...]:
    """The cells of one nest's line."""
    check = NO_NUMBER if nest.condition_s is None else f"{1e6 * nest.condition_s:.2f} µs"
    return (
        nest.kernel,
        f"{1e3 * nest.verdicts_s:.1f} ms",
        f"{1e3 * nest.with_schedule_s:.1f} ms",
        f"{1e3 * nest.reanalysis_s:.1f} ms",
        check,
        str(nest.operations),
        ", ".join(f"{count} {verdict}" for verdict, count in nest.verdicts.items()),
    )


def dispatch_bar(name: str, limit_us: float, measured: Dispatch | None) -> Bar:
    """The bar of one dispatch cost, in microseconds."""
    if measured is None:
        return Bar(name=name, limit=limit_us, measured=None, unit="µs")
    compiled = "interpreter" not in measured.takeover.backends and measured.takeover.backends != ()
    cost = 1e6 * measured.cost_s
    spoilt = "" if compiled else INTERPRETER
    return Bar(name=name, limit=limit_us, measured=cost, unit="µs", spoilt=spoilt)


def ms(seconds: float | None) -> float | None:
    """Seconds in milliseconds."""
    return None if seconds is None else 1e3 * seconds


def bar_row(bar: Bar) -> tuple[str, ...]:
    """The cells of one bar's line."""
    sign = ">=" if bar.at_least else "<="
    value = NO_NUMBER if bar.measured is None else f"{bar.measured:.3g} {bar.unit}".strip()
    return (bar.name, f"{sign} {bar.limit:g} {bar.unit}".strip(), value, bar.verdict)


def overhead_lines(overheads: Overheads) -> tuple[str, ...]:
    """What the overheads' bars were computed from, a sentence each."""
    lines = []
    for name, one in (("inline", overheads.inline), ("pool", overheads.pool)):
        if one is not None:
            lines.append(
                f"dispatch, {name}: decorated sweep of {one.size} x {one.size} "
                f"{1e6 * one.decorated_s:.1f} µs, plain njit {1e6 * one.bare_s:.1f} µs, of which "
                f"1/{one.threads} is taken off"
            )
    if overheads.first_call is not None:
        first = overheads.first_call
        lines.append(
            f"first call, caches empty: autopar {first.autopar_s:.2f} s, by hand "
            f"{first.by_hand_s:.2f} s; with imports {first.autopar_total_s:.2f} s and "
            f"{first.by_hand_total_s:.2f} s"
        )
    return tuple(lines)


def as_json(results: Results) -> Mapping[str, Any]:
    """Everything that was measured, as `--json` writes it."""
    kernels = [asdict(one) | {"earned": one.takeover.earned} for one in results.measured]
    held = [asdict(bar) | {"verdict": bar.verdict} for bar in all_bars(results)]
    return {
        "schema": 1,
        "machine": machine(),
        "kernels": kernels,
        "wrong": list(results.wrong),
        "overheads": asdict(results.overheads),
        "analysis": None if results.analysis is None else asdict(results.analysis),
        "bandwidth": None if results.bandwidth is None else asdict(results.bandwidth),
        "functions": None if results.functions is None else asdict(results.functions),
        "bars": held,
    }
