"""Programs whose parallelism the source does not show, timed against the same loops compiled.

What is printed by `python -m benchmarks.polybench`: for each program what was proven and done,
whether it ran in parallel, and how many times as fast as `numba.njit` it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numba
import numpy as np

import autopar

from . import dace_contender, report
from .harness import WrongResult, copied, last_takeover
from .kernels import Arguments
from .loops import Form
from .pieces import add_options, in_pieces
from .polybench import Kernel
from .polybench.sizes import POLYBENCH, PROGRAMS
from .regret import settled_rates
from .statistics import bootstrap_ratio, geometric_mean, median
from .takeover import Takeover

HEAD = ("kernel", "njit", "autopar", "ratio", "95 %", "share", "loops", "done to them")
ROUNDS = 7
# Kernels without a loop that an order free of reassociation could share out.
CHAINS = frozenset({"durbin", "trisolv"})
GEOMETRIC_MEAN, SLOWEST = 1.7, 0.95
PAUSE_S = 0.005
LONG_S = 1.0  # calls that take longer are timed once


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One program."""

    kernel: str
    njit_s: float
    autopar_s: float
    ratio: float
    low: float
    high: float
    share: float  # of the time of a call, spent in compiled regions
    verdicts: Mapping[str, int]
    transforms: tuple[str, ...]
    is_suite: bool  # one of the thirty
    dace_s: float | None = None  # of DaCe, where it was asked and right
    dace: str = ""  # what became of it there: "same", "close", "wrong", an error


def refreshed(form: Form, arguments: Arguments, fresh: Arguments) -> float:
    """Seconds of a call with `arguments`, whose arrays hold what `fresh` holds when it begins."""
    for mine, original in zip(arguments, fresh, strict=True):
        if isinstance(mine, np.ndarray):
            mine[...] = original
    start = time.perf_counter()
    form(*arguments)
    return time.perf_counter() - start


def check(kernel: Kernel, forms: Mapping[str, Form], fresh: Arguments) -> None:
    """Raise WrongResult unless all `forms` leave the same bits in all arrays."""
    expected = None
    for name, form in forms.items():
        mine = copied(fresh)
        form(*mine)
        values = [each.tobytes() for each in mine if isinstance(each, np.ndarray)]
        if expected is not None and values != expected:
            raise WrongResult(f"{kernel.name}: '{name}' differs from the loops it stands for.")
        expected = values


def measure(kernel: Kernel, rounds: int, dace: str | None = None) -> Line:
    """`kernel` by both; raises WrongResult before anything is timed where values differ.

    `dace`: an interpreter that has DaCe, which is timed after them.
    """
    forms: dict[str, Callable[..., Any]] = {
        "njit": numba.njit(kernel.function),
        "autopar": autopar.parallel(kernel.function),
    }
    fresh = kernel.arguments()
    check(kernel, forms, fresh)
    arguments = copied(fresh)
    times: dict[str, list[float]] = {name: [] for name in forms}
    order = np.random.default_rng(1)
    slowest = max(refreshed(form, arguments, fresh) for form in forms.values())
    for one in range(2 if slowest > LONG_S else rounds + 1):
        names = list(forms)
        order.shuffle(names)
        for name in names:
            time.sleep(PAUSE_S)
            refreshed(forms[name], arguments, fresh)
            seconds = refreshed(forms[name], arguments, fresh)
            if one:
                times[name].append(seconds)
    for mine, original in zip(arguments, fresh, strict=True):
        if isinstance(mine, np.ndarray):
            mine[...] = original
    found = line(kernel, forms["autopar"], times, last_takeover(forms["autopar"], arguments))
    if dace is None:
        return found
    contender = dace_contender.run(dace, kernel.function, forms["njit"], fresh)
    is_right = contender.word in {"same", "close"}
    return replace(found, dace_s=contender.seconds if is_right else None, dace=contender.word)


def line(kernel: Kernel, ours: Any, times: Mapping[str, list[float]], took: Takeover) -> Line:
    """What was found, of timings and of the last run of `ours`."""
    (function,) = ours.last_run.to_dict()["functions"]
    loops = function["loops"]
    words = [f"{word} {each['variable']}" if "variable" in each else word
             for each in loops for word in each["transform"]]  # fmt: skip
    ratio = bootstrap_ratio(times["njit"], times["autopar"])
    return Line(
        kernel=kernel.name,
        njit_s=median(times["njit"]),
        autopar_s=median(times["autopar"]),
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        share=took.share,
        verdicts=dict(Counter(each["verdict"] for each in loops)),
        transforms=tuple(dict.fromkeys(words)),
        is_suite=kernel in POLYBENCH,
    )


def row(one: Line) -> tuple[str, ...]:
    """The cells of one program."""
    return (
        one.kernel,
        f"{1e3 * one.njit_s:.2f} ms",
        f"{1e3 * one.autopar_s:.2f} ms",
        f"{one.ratio:.2f}",
        f"{one.low:.2f}-{one.high:.2f}",
        f"{100 * one.share:.0f} %",
        ", ".join(f"{count} {verdict}" for verdict, count in one.verdicts.items()),
        ", ".join(one.transforms) or "-",
    )


def dace_cell(one: Line) -> str:
    """How many times as fast as njit DaCe was, and whether it was right; why there is nothing."""
    return f"{one.njit_s / one.dace_s:.2f}, {one.dace}" if one.dace_s else one.dace or "-"


def bars(lines: Sequence[Line]) -> tuple[report.Bar, ...]:
    """The bars, of the kernels of the suite."""
    suite = [one for one in lines if one.is_suite]
    gains = [one.ratio for one in suite if one.kernel not in CHAINS]
    slowest = min((one.ratio for one in suite), default=None)
    mean = geometric_mean(gains) if gains else None
    return (
        report.Bar(
            name=f"PolyBench vs njit, geometric mean of {len(gains)}",
            limit=GEOMETRIC_MEAN, measured=mean, at_least=True,
        ),
        report.Bar(
            name=f"PolyBench vs njit, slowest of {len(suite)}",
            limit=SLOWEST, measured=slowest, at_least=True,
        ),
    )  # fmt: skip


def arguments_of(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.polybench", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", nargs="?", const="", metavar="FILE")
    parser.add_argument("--dace", metavar="PYTHON", help="an interpreter that has DaCe")
    add_options(parser)
    return parser.parse_args(argv)


def kept(path: Path) -> list[Line]:
    """The lines of an earlier run."""
    lines = json.loads(path.read_text("utf-8"))["lines"]
    return [Line(**{**one, "transforms": tuple(one["transforms"])}) for one in lines]


def as_json(lines: Sequence[Line], wrong: Sequence[str]) -> dict[str, Any]:
    """Everything that was measured."""
    return {
        "schema": 1,
        "machine": report.machine(),
        "lines": [asdict(one) for one in lines],
        "wrong": list(wrong),
        "bars": [asdict(bar) | {"verdict": bar.verdict} for bar in bars(lines)],
    }


def show(lines: Sequence[Line]) -> None:
    """Print tables and bars."""
    if any(one.dace for one in lines):
        rows = [(*row(one), dace_cell(one)) for one in lines]
        print(report.table((*HEAD, "DaCe"), rows), end="\n\n")
    else:
        print(report.table(HEAD, [row(one) for one in lines]), end="\n\n")
    held = [report.bar_row(bar) for bar in bars(lines)]
    print(report.table(("bar", "limit", "measured", "verdict"), held))


def main(argv: Sequence[str]) -> int:
    """Exit status of the table."""
    options = arguments_of(argv)
    path = None
    if options.json is not None:
        day = report.results_path(report.device())
        path = Path(options.json or day.with_name(f"polybench-{day.name}"))
    wanted = [
        each
        for each in (*POLYBENCH, *PROGRAMS)
        if options.only is None or each.name in options.only
    ]

    def measured(kernel: Kernel) -> Line:
        with settled_rates():
            return measure(kernel, options.rounds, options.dace)

    study = in_pieces(
        wanted, options, path,
        read=kept, measure=measured, content=lambda study: as_json(study.found, study.wrong),
    )  # fmt: skip
    show(study.found)
    study.remark()
    return study.exit_status
