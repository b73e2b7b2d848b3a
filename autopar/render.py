"""The look of a report: text for a terminal, HTML for a notebook, pages for codes.

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
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autopar.analysis.model.report import FunctionReport, LoopReport, Ran
from autopar.analysis.model.report import Report as ReportData

from .catalogue import find_reason, page_of
from .excerpt import render_diagnostic

# A terminal that does not tell its width (a pipe, a log file) gets this one.
DEFAULT_WIDTH = 100

# Of these loops there is nothing to explain: they run in parallel as they stand.
SELF_EXPLANATORY = ("parallel", "reduction")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report:
    """A report that prints as a table and shows as HTML in a notebook."""

    content: ReportData

    @property
    def file(self) -> str:
        return self.content.file

    @property
    def functions(self) -> tuple[FunctionReport, ...]:
        return self.content.functions

    def to_dict(self) -> dict[str, Any]:
        return self.content.to_dict()

    def __str__(self) -> str:
        return render_text(self.content)

    # At a prompt a report is asked for in order to be read.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        return render_html(self.content)


def render_text(report: ReportData, *, width: int | None = None) -> str:
    """Return the report as text: a table for each function, then the diagnostics.

    `width` in columns; None means that of the terminal. Ends without a newline.
    """
    columns = width or shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    parts = [summary(report)]
    for function in report.functions:
        if function.loops:
            parts.append(render_table(function, columns))
        parts.extend(diagnostics_of(report, function))
    return "\n\n".join(parts)


def summary(report: ReportData) -> str:
    """Return one line: the file, and how many of its loops got which verdict."""
    verdicts = Counter(loop.verdict for function in report.functions for loop in function.loops)
    total = verdicts.total()
    if total == 0:
        return f"{report.file}: no loops"
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    return f"{report.file}: {total} {'loop' if total == 1 else 'loops'}: {counts}"


def title_of(function: FunctionReport) -> str:
    """Return the name of `function` and where it stands."""
    if function.cell is not None:
        return f"{function.name} (cell {function.cell}, line {function.line})"
    return f"{function.name} (line {function.line})"


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


def describe_ran(ran: Ran | None, verdict: str = "parallel") -> str:
    """Return where and for how long a loop ran: "cpu, 100 calls, 12.0 ms"."""
    if ran is None:
        # Nobody counts the runs of a loop that has no guard.
        return "interpreter" if verdict == "unsupported" else "not run"
    calls = "1 call" if ran.calls == 1 else f"{ran.calls:,} calls"
    parts = [ran.backend, calls]
    if ran.seconds is not None:
        parts.append(describe_seconds(ran.seconds))
    text = ", ".join(parts)
    return f"{text}: {ran.note}" if ran.note else text


def describe_seconds(seconds: float) -> str:
    """Return a duration with three digits and a unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def describe_reason(loop: LoopReport) -> str:
    """Return the code and the reason, with what is private, reduced and transformed."""
    parts = [f"{loop.code} {loop.reason}"]
    for name, values in (
        ("private", loop.private),
        ("reductions", loop.reductions),
        ("transform", loop.transform),
    ):
        if values:
            parts.append(f"{name}: {', '.join(values)}")
    return "; ".join(parts)


def diagnostics_of(report: ReportData, function: FunctionReport) -> Iterator[str]:
    """Yield the diagnostics of `function`; what several loops have in common comes once."""
    if function.refusal is not None:
        yield render_diagnostic(function.refusal, report, function, ())
    shown = set()
    for loop in function.loops:
        for reason in () if loop.verdict in SELF_EXPLANATORY else loop.reasons:
            key = (reason.code, reason.span, reason.message)
            if key not in shown:
                shown.add(key)
                yield render_diagnostic(reason, report, function, loop.dependences)


def render_html(report: ReportData) -> str:
    """Return the report as an HTML fragment that needs nothing besides itself."""
    parts = [f"<p><b>{escape(summary(report))}</b></p>"]
    for function in report.functions:
        if function.loops:
            parts.append(html_table(function))
        parts.extend(
            f"<pre>{escape(diagnostic)}</pre>" for diagnostic in diagnostics_of(report, function)
        )
    return "<div>" + "\n".join(parts) + "</div>"


def html_table(function: FunctionReport) -> str:
    """Return the table of the loops of `function` as HTML."""
    heading, *rows = table_of(function)
    lines = [
        "<table>",
        f'<caption style="text-align: left">{escape(title_of(function))}</caption>',
        "<tr>" + "".join(f'<th style="text-align: left">{name}</th>' for name in heading) + "</tr>",
    ]
    # pre-wrap keeps the indentation by depth.
    style = 'style="text-align: left; white-space: pre-wrap"'
    lines.extend(
        "<tr>" + "".join(f"<td {style}>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return "\n".join([*lines, "</table>"])


def render_html_page(*reports: ReportData) -> str:
    """Return the reports as a whole HTML document."""
    title = escape(", ".join(report.file for report in reports))
    body = "\n".join(render_html(report) for report in reports)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>autopar: {title}</title>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def render_page(code: str) -> str | None:
    """Return the manual page of a diagnostic code; None where the code is unknown."""
    reason = find_reason(code)
    return None if reason is None else page_of(reason)
