"""Run the benchmarks and print them.

python -m benchmarks [--quick] [--json [FILE]] [--only NAME]

Exit status: 0 when everything was measured, whatever the bars say; 1 when a value was wrong;
2 for a name that is not there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import autopar

from . import analysis_api, bandwidth, functions, nests, overheads, report, warm_start
from .harness import Measurement, WrongResult, measure
from .kernels import KERNELS, Kernel
from .loops import Form

ROUNDS, QUICK_ROUNDS = 15, 5
COLD_ROUNDS, QUICK_COLD_ROUNDS = 5, 2
COLD_SIZE = 2000
OVERHEADS, ANALYSIS, BANDWIDTH = "overheads", "analysis", "bandwidth"
FUNCTIONS = "functions of NumPy"


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    names = [kernel.name for kernel in KERNELS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds")
    parser.add_argument(
        "--only",
        action="append",
        choices=[*names, OVERHEADS, ANALYSIS, BANDWIDTH, FUNCTIONS],
        metavar="NAME",
        help=f"one of {', '.join(names)}, {OVERHEADS}, {ANALYSIS}, {BANDWIDTH} "
        f"or '{FUNCTIONS}'; may be repeated",
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const="",
        metavar="FILE",
        help="write JSON, by default to benchmarks/results/",
    )
    return parser.parse_args(argv)


def kernels(options: argparse.Namespace) -> tuple[list[Measurement], list[WrongResult]]:
    """The chosen kernels, measured, and those that are not because a value was wrong."""
    chosen = [one for one in KERNELS if options.only is None or one.name in options.only]
    results = [one_kernel(kernel, options) for kernel in chosen]
    wrong = [one for one in results if isinstance(one, WrongResult)]
    return [one for one in results if isinstance(one, Measurement)], wrong


def on_cpu(function: Form) -> Form:
    """`function` on the CPU whatever it costs: of interest is the dispatch, not the choice."""
    return autopar.parallel(function, backend="cpu")


def one_kernel(kernel: Kernel, options: argparse.Namespace) -> Measurement | WrongResult:
    """One kernel, measured; it is announced, since it takes some seconds."""
    print(f"measuring {kernel.name} ...", file=sys.stderr, flush=True)
    size = kernel.sizes.quick if options.quick else kernel.sizes.full
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    try:
        return measure(kernel, autopar.parallel, size, rounds)
    except WrongResult as error:
        return error


def surroundings(options: argparse.Namespace) -> report.Overheads:
    """The overheads, measured unless only kernels were asked for."""
    if options.only is not None and OVERHEADS not in options.only:
        return report.Overheads()
    print("measuring overheads ...", file=sys.stderr, flush=True)
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    cold = QUICK_COLD_ROUNDS if options.quick else COLD_ROUNDS
    workers = overheads.threads()
    return report.Overheads(
        inline=overheads.dispatch(on_cpu, overheads.INLINE_SIZE, 1, rounds),
        pool=overheads.dispatch(on_cpu, overheads.POOL_SIZE, workers, rounds),
        verdicts_s=overheads.analysis_s(analysis_api.verdicts, rounds),
        with_schedule_s=overheads.analysis_s(analysis_api.with_schedule, rounds),
        first_call=overheads.first_call(COLD_SIZE, cold),
        warm_start=warm_start.measure(cold),
        import_s=overheads.import_s(rounds),
    )


def analysis(options: argparse.Namespace) -> nests.Analysis | None:
    """The costs of the analysis, measured unless only other things were asked for."""
    if options.only is not None and ANALYSIS not in options.only:
        return None
    print("measuring the analysis ...", file=sys.stderr, flush=True)
    return nests.measure(QUICK_ROUNDS if options.quick else ROUNDS)


def moved(options: argparse.Namespace) -> bandwidth.Bandwidth | None:
    """The bandwidth of memory-bound kernels, measured unless only other things were asked for."""
    if options.only is not None and BANDWIDTH not in options.only:
        return None
    print("measuring bandwidths ...", file=sys.stderr, flush=True)
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    return bandwidth.measure(None, rounds, quick=options.quick)


def computed(options: argparse.Namespace) -> functions.Functions | None:
    """NumPy's functions thread by thread, measured unless only other things were asked for."""
    if options.only is not None and FUNCTIONS not in options.only:
        return None
    print("measuring functions ...", file=sys.stderr, flush=True)
    size = functions.ODD if options.quick else functions.SIZE
    return functions.measure(None, QUICK_ROUNDS if options.quick else ROUNDS, size=size)


def show(results: report.Results) -> None:
    """Print tables and bars."""
    machine = report.machine()
    print(
        f"{machine['device']}, {machine['cores']} cores, load {machine['load']:.2f}, "
        f"Python {machine['python']}, NumPy {machine['numpy']}, Numba {machine['numba']}"
    )
    print(
        "Ratios: the other's median over autopar's; above 1 autopar is faster.  CPython is "
        "timed on a small part and scaled by the work.\n"
    )
    if results.measured:
        print(report.table(report.HEAD, [report.row(one) for one in results.measured]), end="\n\n")
    for line in report.overhead_lines(results.overheads):
        print(line)
    if results.analysis is not None:
        rows = [report.nest_row(each) for each in results.analysis.nests]
        print("\n" + report.table(report.NESTS_HEAD, rows))
    if results.overheads.warm_start is not None:
        rows = warm_start.rows(results.overheads.warm_start)
        print("\n" + report.table(warm_start.HEAD, rows))
    if results.bandwidth is not None:
        print("\n" + report.table(bandwidth.HEAD, bandwidth.rows(results.bandwidth)))
    if results.functions is not None:
        print("\n" + report.table(functions.HEAD, functions.rows(results.functions)))
    held = [report.bar_row(bar) for bar in report.all_bars(results)]
    print("\n" + report.table(("bar", "limit", "measured", "verdict"), held))
    for message in results.wrong:
        print(f"WRONG, not measured: {message}")


def main(argv: Sequence[str]) -> int:
    """Exit status of the benchmarks."""
    options = arguments(argv)
    measured, wrong = kernels(options)
    results = report.Results(
        measured=tuple(measured),
        wrong=tuple(map(str, wrong)),
        overheads=surroundings(options),
        analysis=analysis(options),
        bandwidth=moved(options),
        functions=computed(options),
    )
    show(results)
    if options.json is not None:
        path = Path(options.json or report.results_path(report.device()))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report.as_json(results), indent=1) + "\n", "utf-8")
        print(f"\nwritten: {path}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
