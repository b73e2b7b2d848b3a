"""`autopar study` in the terminal: progress while it runs, the answer in a few lines at its end."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from autopar.corpus.execution import RunLimits
from autopar.corpus.isolation import can_cut_off_network
from autopar.corpus.study import Outcome, Settings, run_study
from autopar.corpus.study import Progress as Report
from autopar.corpus.summary import VERDICTS, Summary


class _Rate(ProgressColumn):
    """Notebooks a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s", style="dim")


def study(paths: Sequence[str], settings: Settings) -> Outcome:
    """Run a study with a progress bar on stderr."""
    with _shown() as report:
        return run_study(paths, settings, report)


@contextmanager
def _shown() -> Iterator[Report]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("notebooks", total=None)

        def report(done: int, found: int) -> None:
            bar.update(task, completed=done, total=found)

        yield report


def default_jobs() -> int:
    """Return how many processes to work with."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_limits(*, allow_network: bool) -> RunLimits:
    """Return the limits of `--execute`, having said on stderr what it is going to do.

    Raises click.UsageError where runs cannot be cut off from the network and are not allowed it.
    """
    for package in ("nbclient", "nbformat", "ipykernel"):
        if importlib.util.find_spec(package) is None:
            raise click.UsageError(
                f"--execute needs the extra 'execute' (no module named '{package}'): "
                "pip install 'autopar[study,execute]'."
            )
    if not allow_network and not can_cut_off_network():
        raise click.UsageError(
            "this system does not let us cut the notebooks off from the network (it takes Linux "
            "and network namespaces). Nothing was run. --allow-network runs them with it."
        )
    limits = RunLimits(allow_network=allow_network)
    network = "WITH THE NETWORK" if allow_network else "without network"
    click.echo(
        f"WARNING: --execute runs the code of these notebooks, {network}, "
        f"{limits.seconds:g} s and {limits.memory_bytes >> 30} GiB a notebook, each in a process "
        "and a folder of its own. They can still read and change whatever you can.",
        err=True,
    )
    return limits


def show(outcome: Outcome, folder: Path) -> None:
    """Print the answer to stdout, and where the rest of it lies."""
    console = Console(width=None if sys.stdout.isatty() else 100)
    if outcome.summary.loops:
        console.print(_table(outcome.summary))
    books = outcome.summary.data["notebooks"]
    console.print(
        f"{books['found']:,} notebooks and scripts, {books['distinct']:,} of them distinct and "
        f"readable, with {outcome.summary.loops:,} loops."
    )
    for name, count in books["not_studied"].items():
        console.print(f"  not studied: {name}, {count:,}")
    if "execution" in outcome.summary.data:
        _show_runs(console, outcome.summary.data["execution"])
    if not outcome.is_complete:
        console.print("Interrupted: run the same command with --resume to go on.")
    console.print(f"The report is {folder / 'report.html'}", soft_wrap=True)


def _show_runs(console: Console, runs: dict[str, Any]) -> None:
    like = runs["likeness"]
    console.print(
        f"{runs['compared']:,} of {runs['notebooks']:,} notebooks ran to their end twice: of "
        f"{runs['cells']:,} cells {like['same']['count']:,} show the same with autopar, "
        f"{like['close']['count']:,} differ in last digits, {like['unrepeatable']['count']:,} "
        f"differ from themselves, {like['different']['count']:,} differ. Of "
        f"{runs['regions_reached']:,} loops reached, {runs['ran']['cpu']['count']:,} ran on the "
        f"CPU's cores, {runs['ran']['cuda']['count']:,} on a device."
    )
    for name, count in runs["not_compared"].items():
        console.print(f"  not compared: {name}, {count:,}")
    for each in runs["different"]:
        console.print(f"  differs: {each['notebook']}, cells {each['cells']}", soft_wrap=True)


def _table(summary: Summary) -> Table:
    verdicts = summary.data["verdicts"]
    table = Table(box=None, pad_edge=False)
    table.add_column("loops that are")
    table.add_column("from the code alone", justify="right")
    table.add_column("with earlier cells", justify="right")
    for name in VERDICTS:
        alone, shown = verdicts["alone"][name], verdicts["shown"][name]
        table.add_row(name, _cell(alone), _cell(shown))
    return table


def _cell(found: dict[str, float]) -> str:
    return f"{found['count']:,}  {100 * found['share']:5.1f} %"
