"""A report as HTML: the source with its loops in the margin, and what is to say of each.

A fragment needs nothing besides itself: no script, no network, and no style that would reach the
page around it. A click on the header of a loop opens what there is to say of it; a bar in the
margin says it when the mouse is over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from autopar.analysis.model.chains import dotted
from autopar.analysis.model.dependence import Dependence
from autopar.analysis.model.report import FunctionReport, LoopReport, NestOrder, Report
from autopar.analysis.model.source import SourceText

from .beside import source_lines, title
from .durations import describe_seconds
from .excerpt import TAB_SIZE, render_diagnostic
from .html_time import STYLE as TIME_STYLE
from .html_time import time_html
from .listing import Row, rows
from .wording import (
    SELF_EXPLANATORY,
    describe_ran,
    describe_reason,
    summary,
    title_of,
)

_STYLE = """
.autopar { --parallel: #1b7837; --reduction: #5aae61; --conditional: #8457a0;
  --sequential: #c2452f; --unsupported: #a8a8a8; line-height: 1.45; }
.autopar .function { margin: 0.6em 0 1.2em; }
.autopar .title { font-weight: 600; margin-bottom: 0.3em; }
.autopar .listing { border: 1px solid rgba(128, 128, 128, 0.35); border-radius: 4px;
  padding: 0.3em 0; overflow-x: auto; }
.autopar .row { display: flex; white-space: pre; font-family: ui-monospace, Menlo, Consolas,
  monospace; font-size: 0.86em; align-items: stretch; min-height: 1.45em; }
.autopar .number { width: 3.2em; text-align: right; padding-right: 0.7em; opacity: 0.5;
  flex: none; user-select: none; }
.autopar .bar { width: 0.42em; margin-right: 0.18em; flex: none; }
.autopar .source { padding-left: 0.6em; flex: 1 0 auto; }
.autopar .note { padding: 0 0.8em 0 2em; opacity: 0.75; flex: none; }
.autopar .gap { opacity: 0.5; padding-left: 3.2em; }
.autopar summary { list-style: none; cursor: pointer; }
.autopar summary::-webkit-details-marker { display: none; }
.autopar summary:hover { background: rgba(128, 128, 128, 0.14); }
.autopar .panel summary { text-decoration: underline dotted; }
.autopar .panel { margin: 0.2em 1em 0.6em 4.4em; padding: 0.5em 0.9em;
  border-left: 3px solid; background: rgba(128, 128, 128, 0.08); font-size: 0.9em; }
.autopar .panel p { margin: 0.25em 0; }
.autopar pre { white-space: pre !important; word-break: normal !important; overflow-x: auto;
  margin: 0.4em 0; padding: 0; border: 0; font-size: 0.82em; line-height: 1.35;
  background: none !important; color: inherit; }
.autopar .word { color: #fff; border-radius: 3px; padding: 0 0.4em; font-size: 0.86em;
  white-space: nowrap; }
.autopar .word.reduction, .autopar .word.unsupported { color: #111; }
.autopar .arrow { display: flex; margin: 0.5em 0; overflow-x: auto; }
.autopar .beside { display: flex; flex-wrap: wrap; gap: 0 2.5em; overflow-x: auto; }
.autopar .beside pre + pre { border-left: 2px solid var(--parallel) !important;
  padding-left: 0.8em; }
.autopar .remark { font-size: 0.86em; opacity: 0.85; }
.autopar .beside b { color: var(--parallel); }
.autopar svg { flex: none; overflow: visible; }
.autopar .ends { font-family: ui-monospace, Menlo, Consolas, monospace; white-space: pre;
  font-size: 0.82em; line-height: 18px; }
""" + "".join(
    f".autopar .{name} {{ background: var(--{name}); border-color: var(--{name}); }}\n"
    f".autopar .bar.{name}.left {{ background: repeating-linear-gradient(-45deg, "
    f"var(--{name}) 0 2px, transparent 2px 5px); }}\n"
    for name in ("parallel", "reduction", "conditional", "sequential", "unsupported")
)
# What the margin means, in the order of the colours above.
_LEGEND = (
    ("parallel", "parallel"),
    ("reduction", "reduction"),
    ("conditional", "conditional: decided at the call"),
    ("sequential", "sequential"),
    ("unsupported", "unsupported: not analysed"),
)
_LINE = 18  # pixels; of the lines that an arrow goes between
_REMARKS = ("  Note: ", "  Hint: ", "  More: ")
_FARTHEST = 8  # lines between the ends of a dependence that are shown
_MOST_ARROWS = 4


def fragment(report: Report) -> str:
    """Return the report as an HTML fragment that needs nothing besides itself."""
    parts = [f"<p><b>{escape(summary(report))}</b></p>"]
    if any(function.loops for function in report.functions):
        parts.append(_legend(report))
    parts.extend(_function(report, each) for each in report.functions)
    style = _STYLE
    if report.time is not None:
        parts.append(time_html(report.time))
        style += TIME_STYLE
    return f'<div class="autopar"><style>{style}</style>' + "\n".join(parts) + "</div>"


def page(*reports: Report) -> str:
    """Return the reports as a whole HTML document."""
    title = escape(", ".join(report.file for report in reports))
    body = "\n".join(map(fragment, reports))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>autopar: {title}</title>\n"
        "<style>body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; "
        "max-width: 70rem; margin: 1.5rem auto; padding: 0 1rem; }\n"
        ":root { color-scheme: light dark; }\n"
        "@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616; } }"
        "</style>\n"
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _legend(report: Report) -> str:
    seen = {loop.verdict for function in report.functions for loop in function.loops}
    words = " ".join(_word(name, words) for name, words in _LEGEND if name in seen)
    has_left = any(_is_left(loop) for each in report.functions for loop in each.loops)
    left = " Striped: it ran in the interpreter." if has_left else ""
    return f"<p>{words}{left} A click on a loop opens what there is to say of it.</p>"


def _function(report: Report, function: FunctionReport) -> str:
    text = report.text_of(function)
    parts = [f'<div class="title">{escape(title_of(function))}</div>']
    if function.refusal is not None:
        diagnostic = render_diagnostic(function.refusal, report, function, ())
        parts.append(f"<pre>{escape(diagnostic)}</pre>")
    if text is None:
        parts += [_panel(report, function, loop) for loop in function.loops]
    elif function.loops:
        lines = "\n".join(_row(report, function, each) for each in rows(text, function))
        parts.append(f'<div class="listing">{lines}</div>')
    return f'<div class="function">{"".join(parts)}</div>'


# ---------------------------------------------------------------------------- the listing


def _row(report: Report, function: FunctionReport, row: Row | None) -> str:
    if row is None:
        return '<div class="row gap">⋯</div>'
    notes = "  ".join(_note(loop) for loop in row.begins)
    inside = (
        f'<span class="number">{row.number}</span>{"".join(map(_bar, row.bars))}'
        f'<span class="source">{escape(row.text.expandtabs(TAB_SIZE))}</span>'
        f'<span class="note">{escape(notes)}</span>'
    )
    if not row.begins:
        return f'<div class="row">{inside}</div>'
    panels = "".join(_panel(report, function, loop) for loop in row.begins)
    return f'<details><summary class="row">{inside}</summary>{panels}</details>'


def _bar(loop: LoopReport | None) -> str:
    if loop is None:
        return '<span class="bar"></span>'
    left = " left" if _is_left(loop) else ""
    words = escape(f"line {loop.span.line}: {loop.verdict}. {describe_reason(loop)}", quote=True)
    return f'<span class="bar {loop.verdict}{left}" title="{words}"></span>'


def _is_left(loop: LoopReport) -> bool:
    """Return whether the interpreter ran a loop that autopar has something better for."""
    return loop.ran is not None and loop.ran.backend == "interpreter"


def _note(loop: LoopReport) -> str:
    """Return the words at the end of a header's line."""
    parts: list[str] = [loop.verdict]
    if loop.ran is not None:
        parts.append(loop.ran.backend)
        if loop.ran.seconds is not None:
            parts.append(describe_seconds(loop.ran.seconds))
    return ", ".join(parts)


# ------------------------------------------------------------------------- what it opens


def _panel(report: Report, function: FunctionReport, loop: LoopReport) -> str:
    parts = [
        f"<p>{_word(loop.verdict, loop.verdict)} <code>{_one_line(loop.header)}</code></p>",
        f"<p>{escape(describe_reason(loop))}</p>",
    ]
    if loop.condition is not None:
        parts.append(f"<p>Exactly when <code>{escape(loop.condition)}</code></p>")
    if loop.assumes:
        assumed = ", ".join(f"<code>{escape(dotted(each))}</code>" for each in loop.assumes)
        parts.append(f"<p>Checked at each call: {assumed}</p>")
    if loop.ran is not None:
        parts.append(f"<p>Ran: {escape(describe_ran(loop.ran, loop.verdict))}</p>")
    text = report.text_of(function)
    if text is not None:
        parts += [_arrow(text, each) for each in _told_apart(loop.dependences)]
    if loop.verdict not in SELF_EXPLANATORY:
        parts += [
            _diagnostic(render_diagnostic(each, report, function, loop.dependences), loop)
            for each in dict.fromkeys(loop.reasons)
        ]
    parts += [_order(text, each) for each in report.orders if each.span == loop.span]
    kernels = dict(report.kernels).get(loop.id, ())
    parts += [
        f"<details><summary>What runs instead ({number} of {len(kernels)})</summary>"
        f"<pre>{escape(each)}</pre></details>"
        for number, each in enumerate(kernels, start=1)
    ]
    return f'<div class="panel" style="border-color: var(--{loop.verdict})">{"".join(parts)}</div>'


def _diagnostic(text: str, loop: LoopReport) -> str:
    """Return a diagnostic: its excerpt as it is, and around it what may be wrapped."""
    message, *lines = text.split("\n")
    is_said = message == f"{loop.code} {loop.reason}"
    excerpt = [line for line in lines if not line.startswith(_REMARKS)]
    remarks = [line.strip() for line in lines if line.startswith(_REMARKS)]
    return "".join(
        (
            "" if is_said else f"<p>{escape(message)}</p>",
            f"<pre>{escape(chr(10).join(excerpt))}</pre>" if excerpt else "",
            *(f'<p class="remark">{escape(each)}</p>' for each in remarks),
        )
    )


def _order(text: SourceText | None, order: NestOrder) -> str:
    """Return a nest beside the loops that run in its place, the parallel ones told apart."""
    lines = "\n".join(
        f"<b>{escape(each)}</b>" if each.lstrip().startswith("parallel ") else escape(each)
        for each in order.lines
    )
    source = escape("\n".join(source_lines(order, text)))
    return (
        f"<p>{escape(title(order))}</p>"
        f'<div class="beside"><pre>{source}</pre><pre>{lines}</pre></div>'
    )


def _word(verdict: str, words: str) -> str:
    return f'<span class="word {verdict}">{words}</span>'


def _one_line(text: str) -> str:
    return escape(" ".join(text.split()))


def _told_apart(dependences: Sequence[Dependence]) -> list[Dependence]:
    """Return one dependence for each array and pair of lines, flow before anti before output."""
    kinds = ("flow", "anti", "output")
    first: dict[tuple[str, int, int], Dependence] = {}
    for each in sorted(dependences, key=lambda each: kinds.index(each.kind)):
        first.setdefault((each.array, each.source_span.line, each.sink_span.line), each)
    return list(first.values())[:_MOST_ARROWS]


def _arrow(text: SourceText, dependence: Dependence) -> str:
    """Return the lines at both ends of a dependence, and an arrow from source to sink."""
    numbers = list(_between(dependence))
    shown = [
        "   ⋯" if each is None else f"{each:>4}  {text.line(each).expandtabs(TAB_SIZE)}"
        for each in numbers
    ]
    start = _LINE * (numbers.index(dependence.source_span.line) + 0.5)
    end = _LINE * (numbers.index(dependence.sink_span.line) + 0.5)
    if start == end:
        start, end = start - 5, end + 5
    path = f"M 30 {start} C 2 {start}, 2 {end}, 27 {end}"
    tip = f"M 22 {end - 4} L 29 {end} L 22 {end + 4}"
    drawing = (
        f'<svg width="34" height="{_LINE * len(numbers)}" role="img" '
        f'aria-label="{dependence.kind} dependence"><path d="{path}" fill="none" '
        f'stroke="currentColor" stroke-width="1.3"/><path d="{tip}" fill="none" '
        'stroke="currentColor" stroke-width="1.3"/></svg>'
    )
    lines = escape("\n".join(shown))
    return (
        f"<p>{escape(_words(dependence))}</p>"
        f'<div class="arrow">{drawing}<div class="ends">{lines}</div></div>'
    )


def _words(dependence: Dependence) -> str:
    ends = {
        "flow": ("written", "read"),
        "anti": ("read", "written"),
        "output": ("written", "written again"),
    }
    first, then = ends[dependence.kind]
    where = (
        f"{dependence.kind} dependence of {dotted(dependence.array)}: {first} in line "
        f"{dependence.source_span.line}, {then} later in line {dependence.sink_span.line}"
    )
    if dependence.distance is not None:
        where += f", distance ({', '.join(map(str, dependence.distance))})"
    return f"{where}; direction ({', '.join(dependence.direction)})"


def _between(dependence: Dependence) -> Iterator[int | None]:
    """Yield the lines from one end to the other; None where many are left out."""
    first, last = sorted((dependence.source_span.line, dependence.sink_span.line))
    if last - first <= _FARTHEST:
        yield from range(first, last + 1)
    else:
        yield from (first, None, last)
