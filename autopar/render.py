"""The look of a report in a terminal, and pages for codes; `html_report` has that of notebooks.

Before:  Report nouns with spans and reasons
After:   a table of loops, then a diagnostic for each loop that is not parallel:

    AP401 Loop 'i' carries a flow dependence: it reads what the iteration before wrote to 'a'.
      File "smooth.py", line 7
         7 |         a[i] = 0.5 * (a[i - 1] + b[i])

The layout of the diagnostics follows GT4Py's (gt4py.next): code, place, excerpt, notes, hints.
"""

from __future__ import annotations

import io
import shutil

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autopar.analysis.model.report import FunctionReport, Report

from .beside import beside
from .catalogue import find_reason, page_of
from .time_table import time_lines
from .wording import describe_ran, describe_reason, diagnostics_of, summary, title_of

# A terminal that does not tell its width (a pipe, a log file) gets this one.
DEFAULT_WIDTH = 100


def render_text(report: Report, *, width: int | None = None) -> str:
    """Return the report as text: a table for each function, then the diagnostics.

    `width` in columns; None means that of the terminal. Ends without a newline.
    """
    columns = width or shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    parts = [summary(report)]
    for function in report.functions:
        if function.loops:
            parts.append(render_table(function, columns))
        parts.extend(diagnostics_of(report, function))
    parts.extend(beside(each, report.text, columns) for each in report.orders)
    if report.time is not None:
        parts.append(time_lines(report.time))
    return "\n\n".join(parts)


def render_table(function: FunctionReport, width: int) -> str:
    """Return the table of the loops of `function`, one row each, indented by depth."""
    heading, *rows = table_of(function)
    table = Table(title=Text(title_of(function)), title_justify="left", pad_edge=False, box=None)
    for name in heading:
        table.add_column(name, justify="right" if name == "Line" else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(
        file=io.StringIO(), width=width, color_system=None, force_terminal=False,
        force_jupyter=False,  # in a notebook Rich would show something of its own
    )  # fmt: skip
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def table_of(function: FunctionReport) -> list[tuple[str, ...]]:
    """Return the heading and the rows of the table; `Ran` only where something ran."""
    has_run = any(loop.ran is not None for loop in function.loops)
    heading = ("Line", "Loop", "Verdict", *(("Ran",) if has_run else ()), "Reason")
    rows = [
        (
            str(loop.span.line),
            "  " * loop.depth + " ".join(loop.header.split()),
            loop.verdict,
            *((describe_ran(loop.ran, loop.verdict),) if has_run else ()),
            describe_reason(loop),
        )
        for loop in function.loops
    ]
    return [heading, *rows]


def render_page(code: str) -> str | None:
    """Return the manual page of a diagnostic code; None where the code is unknown."""
    reason = find_reason(code)
    return None if reason is None else page_of(reason)
