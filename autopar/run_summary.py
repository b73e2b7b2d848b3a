"""The end of `autopar run --report`: where the time of the program went, what would gain most."""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.report import Report

from .advice import described
from .time_table import time_lines


def run_summary(report: Report, *, several_files: bool) -> Iterator[str]:
    """Yield the paragraphs that follow the reports of all files."""
    if report.time is None:
        return
    yield time_lines(report.time, several_files=several_files)
    if report.changes is not None:
        yield described(report.changes, report.time)
