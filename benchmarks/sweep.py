"""Kernels from one element to a hundred million: where each form overtakes the others.

python -m benchmarks.sweep [--quick] [--only NAME] [--json FILE [--resume]] [--seconds SECONDS]
                           [--figure FILE] [--bar]

Every size is measured after warm-up, that is when autopar's choice for it has settled. CPython is
timed itself as long as a call of it stays below half a second, and beyond that scaled from the
largest call that was, which the figure shows dashed. The bar: where CPython was timed, a
decorated call takes at most 20 µs or 5 % longer than an undecorated one, whichever is more.

With `--seconds` no kernel is begun after so long, and `--resume` leaves out those that FILE
already holds: so the whole sweep, some minutes, can be measured in pieces.

With `--bar` it is about the bar alone: every kernel of the benchmarks, CPython and autopar, from
one element until a call of CPython takes 50 ms, which is beyond where a kernel takes over.

Exit status: 0 when everything was measured, whatever the bar says; 1 when a value was wrong; 3
when there are kernels left for another run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

import autopar

from . import report
from .crossover import Crossover, crossovers
from .harness import (
    SEED,
    bound,
    check_full,
    check_small,
    interleaved,
    last_takeover,
)
from .kernels import KERNELS, Arguments, Kernel
from .loops import Form
from .pieces import add_options, in_pieces
from .statistics import median

EVERY = tuple(each.name for each in KERNELS)
SWEPT = (
    "saxpy", "jacobi", "matmul_ikj", "functions", "integers", "triangular_update", "stencil_3d",
)  # fmt: skip
FULL_DECADES, QUICK_DECADES = 8, 5
ROUNDS, QUICK_ROUNDS, LONG_ROUNDS = 7, 3, 2
SAMPLE_S = 0.004
SETTLE_S, SETTLE_CALLS = 0.8, 12  # a decorated function is called this long, at least so often
CPYTHON_S = 0.5  # a call predicted to take longer than this is not made
# A call may be slower than the undecorated one by this, whichever is more.
SLACK_S, SLACK = 20e-6, 0.05
# Arrays of at most this share of the machine's memory; each form has a copy while it is checked.
MEMORY_SHARE = 0.12
BAR_S = 0.05  # with `--bar`, no size is measured where CPython is predicted to take longer
CPYTHON, OURS = "cpython", "autopar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One kernel at one size."""

    kernel: str
    size: int  # the argument of the kernel's maker
    work: int  # size to the power of the kernel's rank: about its innermost iterations
    times_s: Mapping[str, float]  # median of each form, one call
    scaled: bool  # CPython's time was not measured but scaled from a smaller size
    ran: tuple[str, ...]  # where autopar ran it

    @property
    def loss_s(self) -> float:
        """Seconds by which a decorated call is slower than the slack allows; below 0: within."""
        plain = self.times_s[CPYTHON]
        return self.times_s[OURS] - plain - max(SLACK_S, SLACK * plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """All sizes of one kernel, ascending, and where the forms cross."""

    kernel: str
    cells: tuple[Cell, ...]
    crossovers: tuple[Crossover, ...]


def sizes(kernel: Kernel, decades: int) -> Iterator[int]:
    """The sizes at which the kernel's work is about a power of ten, without repetitions."""
    rank = kernel.sizes.rank
    yield from sorted({max(1, round(10 ** (decade / rank))) for decade in range(decades + 1)})


def fits(kernel: Kernel, size: int) -> bool:
    """Whether the arrays of the kernel at `size` leave enough memory to the rest."""
    small = 8
    nbytes = [each.nbytes for each in arguments_of(kernel, small) if isinstance(each, np.ndarray)]
    # Each array grows with the power of the size that its bytes show.
    grown = sum(each * (size / small) ** _rank(each, small) for each in nbytes)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return grown <= MEMORY_SHARE * pages


def _rank(nbytes: int, size: int) -> int:
    rank = 0
    while nbytes >= 4 * size ** (rank + 1):
        rank += 1
    return rank


def arguments_of(kernel: Kernel, size: int) -> Arguments:
    """The arguments of `kernel` at `size`, the same at each call."""
    return kernel.arguments(size, np.random.default_rng(SEED))


def settle(call: Callable[[], object]) -> None:
    """Call until what autopar does with these arguments has come to rest."""
    start = time.perf_counter()
    calls = 0
    while calls < SETTLE_CALLS or time.perf_counter() - start < SETTLE_S:
        call()
        calls += 1
        if calls >= 2 and time.perf_counter() - start > 3 * SETTLE_S:
            return


def measure(kernel: Kernel, decades: int, rounds: int, *, is_bar: bool = False) -> Sweep:
    """The kernel over all its sizes, or those and the forms that the bar is about.

    Raises WrongResult if a form's values are wrong.
    """
    cells: list[Cell] = []
    forms = forms_beside(kernel, is_bar=is_bar)
    if is_bar:  # values are held against CPython's
        kernel = replace(kernel, by_hand=kernel.plain)
    for size in sizes(kernel, decades):
        if not fits(kernel, size) or (is_bar and _predicted_s(kernel, size, cells) > BAR_S):
            break
        print(f"  {kernel.name} {size}", file=sys.stderr, flush=True)
        cells.append(one_cell(kernel, size, rounds, cells, forms))
    work = [each.work for each in cells]
    times = {form: [each.times_s[form] for each in cells] for form in cells[0].times_s}
    return Sweep(kernel=kernel.name, cells=tuple(cells), crossovers=tuple(crossovers(work, times)))


def forms_beside(kernel: Kernel, *, is_bar: bool) -> Mapping[str, Form]:
    """The forms that stand beside CPython's and ours."""
    if is_bar:
        return {}
    whole = {} if kernel.vectorised is None else {"numpy": kernel.vectorised}
    return {"by hand": kernel.by_hand, **whole}


def _predicted_s(kernel: Kernel, size: int, before: Sequence[Cell]) -> float:
    """What a call of CPython takes if it grows with the work; 0 where nothing is known."""
    if not before:
        return 0.0
    return before[-1].times_s[CPYTHON] * float(size**kernel.sizes.rank) / before[-1].work


def one_cell(
    kernel: Kernel, size: int, rounds: int, before: Sequence[Cell], beside: Mapping[str, Form]
) -> Cell:
    """All forms of `kernel` at `size`; `before` are the cells of smaller sizes."""
    # A function of its own for each size: what one size has made known must not serve another.
    ours = autopar.parallel(kernel.plain)
    forms: dict[str, Form] = {OURS: ours, **beside}
    arguments = arguments_of(kernel, size)
    if not before:
        check_small(kernel, forms)
    check_full(kernel, {OURS: ours}, arguments)
    calls = {name: bound(form, arguments) for name, form in forms.items()}
    predicted = _predicted_s(kernel, size, before)
    scaled = predicted > CPYTHON_S
    if not scaled:
        calls[CPYTHON] = bound(kernel.plain, arguments)
    settle(calls[OURS])
    found = interleaved(calls, rounds, SAMPLE_S, LONG_ROUNDS)
    times = {name: median(each) for name, each in found.items()}
    if scaled:
        times[CPYTHON] = predicted
    ran = last_takeover(ours, arguments).backends
    work = size**kernel.sizes.rank
    return Cell(kernel=kernel.name, size=size, work=work, times_s=times, scaled=scaled, ran=ran)


def slack_cell(cell: Cell) -> str:
    """What a line says of the bar: nothing where CPython was not timed."""
    if cell.scaled:
        return report.NO_NUMBER
    return "within" if cell.loss_s <= 0 else f"+{1e6 * cell.loss_s:.3g} µs"


def text(sweep: Sweep) -> str:
    """One kernel as a table: a line per size."""
    forms = [each for each in (CPYTHON, "numpy", "by hand", OURS) if each in sweep.cells[0].times_s]
    head = ("size", "work", *forms, "ran", "slack")
    rows = [
        (
            str(each.size),
            f"{each.work:.0e}",
            *(
                f"{'~' if each.scaled and form == CPYTHON else ''}{1e6 * each.times_s[form]:.4g} µs"
                for form in forms
            ),
            ",".join(each.ran) or "not recorded",
            slack_cell(each),
        )
        for each in sweep.cells
    ]
    lines = [f"{sweep.kernel}", report.table(head, rows)]
    lines += [
        f"  {each.faster} overtakes {each.slower} at {each.work:.2g}" for each in sweep.crossovers
    ]
    return "\n".join(lines)


def bars(sweeps: Sequence[Sweep]) -> tuple[report.Bar, ...]:
    """The bar: how many cells with a timed CPython are slower than the slack allows."""
    timed = [cell for sweep in sweeps for cell in sweep.cells if not cell.scaled]
    slow = [cell for cell in timed if cell.loss_s > 0]
    return (
        report.Bar(
            name=f"sizes beyond 20 µs or 5 % of CPython, of {len(timed)}",
            limit=0,
            measured=len(slow),
        ),
    )


def as_json(sweeps: Sequence[Sweep]) -> Mapping[str, object]:
    """Everything that was measured."""
    return {
        "schema": 1,
        "machine": report.machine(),
        "sweeps": [asdict(each) for each in sweeps],
        "bars": [asdict(each) | {"verdict": each.verdict} for each in bars(sweeps)],
    }


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds")
    parser.add_argument("--only", action="append", choices=EVERY, metavar="NAME")
    parser.add_argument("--json", metavar="FILE", help="write what was measured")
    parser.add_argument("--bar", action="store_true", help="the bar alone, for every kernel")
    add_options(parser)
    parser.add_argument("--figure", metavar="FILE", help="draw it (.svg or .png)")
    return parser.parse_args(argv)


def kept(path: Path) -> list[Sweep]:
    """The sweeps that a file holds."""
    names = [each.name for each in fields(Cell)]
    return [
        Sweep(
            kernel=one["kernel"],
            cells=tuple(
                Cell(**{**{n: e[n] for n in names}, "ran": tuple(e["ran"])}) for e in one["cells"]
            ),
            crossovers=tuple(Crossover(**each) for each in one["crossovers"]),
        )
        for one in json.loads(path.read_text("utf-8"))["sweeps"]
    ]


def in_order(sweeps: Sequence[Sweep]) -> list[Sweep]:
    """The sweeps in the order in which they are shown, in however many pieces they came."""
    return sorted(sweeps, key=lambda each: EVERY.index(each.kernel))


def main(argv: Sequence[str]) -> int:
    """Exit status of the sweep."""
    options = arguments(argv)
    decades = QUICK_DECADES if options.quick else FULL_DECADES
    path = None if options.json is None else Path(options.json)
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    usual = EVERY if options.bar else SWEPT
    wanted = [each for each in KERNELS if each.name in (options.only or usual)]

    def measured(kernel: Kernel) -> Sweep:
        found = measure(kernel, decades, rounds, is_bar=options.bar)
        print(text(found), end="\n\n", flush=True)
        return found

    study = in_pieces(
        wanted, options, path,
        read=kept, measure=measured, content=lambda study: as_json(in_order(study.found)),
    )  # fmt: skip
    sweeps = in_order(study.found)
    rows = [report.bar_row(each) for each in bars(sweeps)]
    print(report.table(("bar", "limit", "measured", "verdict"), rows))
    study.remark()
    if options.figure is not None and sweeps:
        from .sweep_figure import draw

        draw(sweeps, Path(options.figure))
    return study.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
