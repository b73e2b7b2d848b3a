"""How good autopar's choice is: held-out kernels times sizes, against the best tier of each.

python -m benchmarks.regret [--quick] [--only NAME] [--json FILE [--resume]] [--seconds SECONDS]

Every cell is measured in the steady state: what autopar settles on for a call that comes again
and again once its kernel has repaid its compilation, which a call of a microsecond does after
some minutes; the grid does not wait for that but compiles at once (`settled_rates`). What comes
before is measured by `benchmarks.first_call` and `benchmarks.warm_start`.

There are three tiers: the interpreter (`__wrapped__`), kernels on one thread, kernels on all
threads; and `backend="auto"`, which chooses. The oracle is the fastest tier. The regret of a cell
is what its call took over what the oracle took; that of its choice is the same for the tier that
was chosen, which leaves out what deciding costs.

Sizes: some from one iteration to a hundred thousand, and two around each place where the fastest
tier changes, as the tiers themselves were measured. With `--seconds` no kernel is begun after so
long, and `--resume` leaves out those that FILE already holds.

Exit status: 0 when everything was measured, whatever the bars say; 1 when a value was wrong; 3
when there are kernels left for another run.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from autopar.codegen.rates import CURRENT, current
from autopar.decorator import ParallelFunction
from autopar.machine import MACHINE
from autopar.options import Options, choose_options

from . import report
from .crossover import crossovers
from .harness import SEED, WrongResult, bound, copied, seconds_of
from .kernels import Arguments
from .pieces import add_options, in_pieces
from .regret_kernels import HELD, Held
from .statistics import geometric_mean, median

INTERPRETER, SERIAL, PARALLEL, AUTO = "interpreter", "serial", "parallel", "auto"
TIERS = (INTERPRETER, SERIAL, PARALLEL)
# About so many innermost iterations.
WORKS = (5, 30, 1_500, 9_000, 54_000, 162_000)
QUICK_WORKS = (60, 36_000)
# Two more cells are measured this far around each crossover, as far as there are any.
AROUND = 1.6
ROUNDS, QUICK_ROUNDS = 9, 3
SAMPLE_S = 0.003
WARM_S = 0.001
LONG_S = 0.02  # calls longer than this are timed in fewer rounds
LONG_ROUNDS = 3
SETTLE_S, SETTLE_CALLS = 0.02, 40
# Threads of the pool watch for the next launch for a while: let them fall asleep.
PAUSE_S = 0.001
NEAR = 3.0  # a cell whose work is within this factor of a crossover is near it
SLACK_S, SLACK = 20e-6, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One kernel at one size."""

    kernel: str
    work: int
    times_s: Mapping[str, float]  # median of each tier and of "auto", one call
    chosen: str  # the tier that "auto" ran in

    @property
    def oracle(self) -> str:
        """The fastest tier."""
        return min((tier for tier in TIERS if tier in self.times_s), key=self.times_s.__getitem__)

    @property
    def regret(self) -> float:
        """What the call took over what the oracle took."""
        return self.times_s[AUTO] / self.times_s[self.oracle]

    @property
    def regret_of_choice(self) -> float:
        """What the chosen tier takes over what the oracle takes."""
        return self.times_s[self.chosen] / self.times_s[self.oracle]

    @property
    def loss_s(self) -> float:
        """Seconds beyond the slack over the undecorated function; at most 0: within."""
        plain = self.times_s[INTERPRETER]
        return self.times_s[AUTO] - plain - max(SLACK_S, SLACK * plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One kernel at all its sizes, ascending."""

    kernel: str
    cells: tuple[Cell, ...]
    crossovers: tuple[float, ...]  # work at which the fastest tier changes

    def is_near(self, cell: Cell) -> bool:
        """Whether a cell is near a crossover."""
        return any(each / NEAR <= cell.work <= each * NEAR for each in self.crossovers)


def options_of(tier: str) -> Options:
    """The options under which one tier runs, or autopar chooses."""
    match tier:
        case "serial" | "parallel":
            return replace(choose_options(backend="cpu"), tier=tier)
        case _:
            return choose_options()


def decorated(held: Held, tier: str) -> ParallelFunction[..., object]:
    """The kernel as one tier runs it, or as autopar chooses."""
    return ParallelFunction(held.function, options_of(tier))


def check(held: Held, forms: Mapping[str, Callable[..., object]], arguments: Arguments) -> None:
    """Raise WrongResult unless all `forms` do what the loops do: same bits, or within tolerance."""
    expected = copied(arguments)
    held.function(*expected)
    for name, form in forms.items():
        actual = copied(arguments)
        form(*actual)
        _compare(held, name, expected, actual)


def _compare(held: Held, name: str, expected: Arguments, actual: Arguments) -> None:
    for position in held.outputs:
        want, have = np.asarray(expected[position]), np.asarray(actual[position])
        same = want.tobytes() == have.tobytes() and want.dtype == have.dtype
        if not same and held.tolerance:
            same = bool(np.allclose(want, have, rtol=held.tolerance, atol=0.0))
        if not same:
            raise WrongResult(f"{held.name}: '{name}' differs from the loops.")


def interleaved(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds per call of each of `calls`, one entry per round; the order is drawn each round."""
    order = np.random.default_rng(SEED)
    names = list(calls)
    once = {name: min(seconds_of(calls[name], 1) for _ in range(3)) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for index in order.permutation(len(names)):
            name = names[index]
            if once[name] > LONG_S and number >= LONG_ROUNDS:
                continue
            time.sleep(PAUSE_S)
            if once[name] < LONG_S:
                seconds_of(calls[name], max(1, round(WARM_S / once[name])))
            times[name].append(seconds_of(calls[name], max(1, round(SAMPLE_S / once[name]))))
    return times


@contextmanager
def settled_rates() -> Iterator[None]:
    """Let everything be repaid at once: what a region settles on after any number of calls."""
    before, is_calibrated = current(), CURRENT.is_calibrated
    CURRENT.set(replace(before, compile=0.0, analysis=0.0), is_calibrated=is_calibrated)
    try:
        yield
    finally:
        CURRENT.set(before, is_calibrated=is_calibrated)


def settle(call: Callable[[], object]) -> None:
    """Call until what autopar does with these arguments has come to rest."""
    start, calls = time.perf_counter(), 0
    while calls < SETTLE_CALLS or time.perf_counter() - start < SETTLE_S:
        call()
        calls += 1


def chosen(
    function: ParallelFunction[..., object], call: Callable[[], object], options: Options
) -> str:
    """The tier that one more call runs in, under the options that it was decorated with."""
    pool = MACHINE.pool(options)
    before = pool.shared
    call()
    run = function.last_run
    assert run is not None  # it was called
    loops = [loop for each in run.to_dict()["functions"] for loop in each["loops"]]
    if not any(loop.get("ran", {}).get("backend") == "cpu" for loop in loops):
        return INTERPRETER
    return PARALLEL if pool.shared != before else SERIAL


def cell(
    held: Held, work: int, rounds: int, forced: Mapping[str, ParallelFunction[..., object]]
) -> Cell:
    """The kernel at one size. Raises WrongResult before a wrong form is timed."""
    arguments = held.make(work, np.random.default_rng(SEED))
    # A function of its own for each size: what one size has shown must not serve another.
    ours = decorated(held, AUTO)
    forms: dict[str, Callable[..., object]] = {**forced, AUTO: ours}
    check(held, forms, arguments)
    calls = {name: bound(form, arguments) for name, form in forms.items()}
    for call in calls.values():
        settle(call)
    check(held, forms, arguments)
    if chosen(forced[PARALLEL], calls[PARALLEL], options_of(PARALLEL)) != PARALLEL:
        del calls[PARALLEL]  # nothing to share out
    calls[INTERPRETER] = bound(held.function, arguments)
    # Before anything is timed: the arrays of some kernels grow from call to call.
    tier = chosen(ours, calls[AUTO], options_of(AUTO))
    times = {name: median(each) for name, each in interleaved(calls, rounds).items()}
    return Cell(
        kernel=held.name,
        work=work,
        times_s=times,
        chosen=tier if tier in times else SERIAL,
    )


def line(held: Held, works: Sequence[int], rounds: int) -> Line:
    """One kernel, measured at `works` and around the crossovers that show there."""
    forced = {tier: decorated(held, tier) for tier in (SERIAL, PARALLEL)}
    with settled_rates():
        first = [cell(held, work, rounds, forced) for work in works]
        more = around(places(first), works)
        found = [*first, *(cell(held, work, rounds, forced) for work in more)]
    found.sort(key=lambda each: each.work)
    return Line(kernel=held.name, cells=tuple(found), crossovers=places(found))


def around(places: Sequence[float], works: Sequence[int]) -> list[int]:
    """Works on either side of each crossover that are none of `works`."""
    wanted = (round(each * factor) for each in places for factor in (1 / AROUND, AROUND))
    return sorted({max(1, each) for each in wanted} - set(works))


def places(found: Sequence[Cell]) -> tuple[float, ...]:
    """The works at which the fastest tier changes."""
    tiers = [tier for tier in TIERS if all(tier in each.times_s for each in found)]
    times = {tier: [each.times_s[tier] for each in found] for tier in tiers}
    crossed = crossovers([each.work for each in found], times)
    return tuple(e.work for e in crossed if _is_best_before(e.slower, e.work, found))


def _is_best_before(tier: str, work: float, found: Sequence[Cell]) -> bool:
    *_, last = [each for each in found if each.work <= work]
    return last.oracle == tier


def all_cells(lines: Sequence[Line]) -> list[Cell]:
    """The cells of all lines."""
    return [cell for each in lines for cell in each.cells]


def bars(lines: Sequence[Line]) -> tuple[report.Bar, ...]:
    """The bars that the grid is to hold."""
    found = all_cells(lines)
    near = sum(each.is_near(cell) for each in lines for cell in each.cells)
    regrets = [each.regret for each in found]
    choices = [each.regret_of_choice for each in found]
    return (
        report.Bar(name="regret, geometric mean", limit=1.10, measured=geometric_mean(regrets)),
        report.Bar(name="regret, worst cell", limit=2.0, measured=max(regrets)),
        report.Bar(name="regret of the choice, mean", limit=1.10, measured=geometric_mean(choices)),
        report.Bar(name="regret of the choice, worst", limit=2.0, measured=max(choices)),
        report.Bar(
            name="share of cells near a crossover",
            limit=1 / 3,
            measured=near / len(found),
            at_least=True,
        ),
        report.Bar(
            name=f"cells beyond 20 µs or 5 % of CPython, of {len(found)}",
            limit=0,
            measured=sum(each.loss_s > 0 for each in found),
        ),
    )


HEAD = ("kernel", "work", *TIERS, AUTO, "chosen", "oracle", "regret", "of choice", "near")


def row(of: Line, cell: Cell) -> tuple[str, ...]:
    """One cell as a row of the table; times in microseconds."""
    times = (f"{1e6 * cell.times_s[t]:.1f}" if t in cell.times_s else "-" for t in (*TIERS, AUTO))
    return (
        cell.kernel,
        str(cell.work),
        *times,
        cell.chosen,
        cell.oracle,
        f"{cell.regret:.2f}",
        f"{cell.regret_of_choice:.2f}",
        "near" if of.is_near(cell) else "",
    )


def as_json(lines: Sequence[Line]) -> Mapping[str, object]:
    """Everything that was measured."""
    found = [asdict(each) for each in lines]
    for one, each in zip(found, lines, strict=True):
        for kept, cell in zip(one["cells"], each.cells, strict=True):
            kept |= {"regret": cell.regret, "oracle": cell.oracle, "near": each.is_near(cell)}
    return {
        "schema": 1,
        "machine": report.machine(),
        "lines": found,
        "bars": [asdict(each) | {"verdict": each.verdict} for each in bars(lines)],
    }


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    names = [each.name for each in HELD]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regret", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two sizes and few rounds")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME")
    parser.add_argument("--json", metavar="FILE", help="write what was measured")
    add_options(parser)
    return parser.parse_args(argv)


def kept(path: Path) -> list[Line]:
    """The lines that a file holds."""
    names = {each.name for each in fields(Cell)}
    return [
        Line(
            kernel=one["kernel"],
            crossovers=tuple(one["crossovers"]),
            cells=tuple(Cell(**{n: e[n] for n in names}) for e in one["cells"]),
        )
        for one in json.loads(path.read_text("utf-8"))["lines"]
    ]


def show(lines: Sequence[Line]) -> None:
    """Print the bars."""
    held_bars = [report.bar_row(each) for each in bars(lines)]
    print(report.table(("bar", "limit", "measured", "verdict"), held_bars))


def main(argv: Sequence[str]) -> int:
    """Exit status of the grid."""
    options = arguments(argv)
    works = QUICK_WORKS if options.quick else WORKS
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    path = None if options.json is None else Path(options.json)
    wanted = [each for each in HELD if options.only is None or each.name in options.only]

    def measured(held: Held) -> Line:
        found = line(held, works, rounds)
        print(report.table(HEAD, [row(found, e) for e in found.cells]), end="\n\n", flush=True)
        return found

    study = in_pieces(
        wanted, options, path,
        read=kept, measure=measured, content=lambda study: as_json(study.found),
    )  # fmt: skip
    if study.found:
        show(study.found)
    study.remark()
    return study.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
