"""The study as a page: Markdown for a repository, one HTML file for a reader.

Both say the same in the same order. The HTML needs no network: its figures are inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from .figures import figures
from .summary import VERDICTS, Summary

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 52rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.92rem; }
th, td { text-align: left; padding: 0.25rem 0.9rem 0.25rem 0; border-bottom: 1px solid #ddd;
  vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f6f6f4; padding: 0.6rem 0.8rem; overflow-x: auto; font-size: 0.85rem; }
figure { margin: 1.2rem 0; } figcaption { color: #555; font-size: 0.9rem; }
svg { max-width: 100%; height: auto; }
details { margin: 0.4rem 0; } summary { cursor: pointer; }
.pair { display: flex; flex-wrap: wrap; gap: 1rem; }
"""

_METHOD = """\
Every notebook is read cell by cell, as it stands; magics and shell lines are replaced only in \
cells that do not parse otherwise. Its cells are analysed in order as one module, by the same \
polyhedral dependence analysis that decides what the decorator runs in parallel.
A loop is judged as written, the iterations of the loops around it held fixed. 'From the code \
alone' nothing is known of any name; 'with earlier cells' the integers and array shapes are put \
in that the module assigns exactly once.
Copies of a notebook (the same code, whatever its outputs) count once.
"""
_LIMITS = """\
What a call would know is not known to a verdict: the analysis runs no code. A conditional loop is \
parallel whenever its condition holds, and an unsupported one may well be independent. Those \
called independent (AP222) are: each iteration computes values of its own from objects that no \
kernel can hold, so the interpreter runs them.
Names are assumed to hold plain arrays or numbers, arrays of different names not to overlap, and \
subscripts to be in range; a run checks all three.
Intervals are Wilson's, for the loops as a sample of such loops. Loops of one notebook are not \
independent of each other, so true intervals are wider.
"""
Row = Sequence[str]


def markdown(summary: Summary) -> str:
    """Return the study as Markdown, without figures."""
    data = summary.data
    lines = ["# How much of this code could run in parallel?", "", _headline(data), ""]
    for title, table in _tables(data):
        lines += [f"## {title}", "", *_markdown_table(table), ""]
    lines += ["## What stops the rest", ""]
    for reason in data["reasons"][:12]:
        lines += [f"### {reason['code']}: {_portion(reason['loops'])}", ""]
        lines += [f"Seen in {reason['repositories']} repositories. {reason['reason']}", ""]
        for example in reason["examples"][:1]:
            lines += [f"`{example['notebook']}`, {example['id']}:", "", "```python"]
            lines += [*example["excerpt"].split("\n"), "```", ""]
    lines += ["## Method", "", *_paragraphs(_METHOD), "## Limits", "", *_paragraphs(_LIMITS)]
    return "\n".join(lines)


def page(summary: Summary) -> str:
    """Return the study as one HTML file."""
    data = summary.data
    pictures = figures(data)
    parts = [
        f"<h1>How much of this code could run in parallel?</h1><p>{escape(_headline(data))}</p>"
    ]
    if pictures:
        parts.append(_figure(pictures["flow"], "What becomes of all loops, by verdict."))
        parts.append('<div class="pair">')
        parts.append(_figure(pictures["depth"], "How deep loops stand."))
        parts.append(_figure(pictures["iterables"], "What for loops run over."))
        parts.append("</div>")
    for title, table in _tables(data):
        parts.append(f"<h2>{escape(title)}</h2>{_html_table(table)}")
    parts.append("<h2>What stops the rest</h2>")
    if pictures:
        parts.append(
            _figure(pictures["reasons"], "The code of each reason; its page: autopar explain CODE.")
        )
    parts += [_html_reason(reason) for reason in data["reasons"][:20]]
    for title, text in (("Method", _METHOD), ("Limits", _LIMITS)):
        parts.append(
            f"<h2>{title}</h2>" + "".join(f"<p>{escape(each)}</p>" for each in text.splitlines())
        )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>autopar study</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


# ------------------------------------------------------------------------------- contents


def _headline(data: dict[str, Any]) -> str:
    loops, verdicts = data["loops"], data["verdicts"]
    if not loops["statements"]:
        return f"{data['notebooks']['distinct']:,} distinct notebooks, no loop among them."
    alone, shown = verdicts["alone"], verdicts["shown"]
    free = alone["parallel"]["count"] + alone["reduction"]["count"]
    more = shown["parallel"]["count"] + shown["reduction"]["count"]
    total = loops["statements"]
    return (
        f"Of {total:,} loops in {data['notebooks']['distinct']:,} distinct notebooks, {free:,} "
        f"({100 * free / total:.1f} %) are parallel or reductions by their code alone, {more:,} "
        f"({100 * more / total:.1f} %) once the values that earlier cells show are known, and "
        f"{alone['conditional']['count']:,} more are parallel under a condition that a call tests."
    )


def _tables(data: dict[str, Any]) -> list[tuple[str, list[Row]]]:
    """Return (title, rows) of every table; the first row is the head."""
    books, cells, loops = data["notebooks"], data["cells"], data["loops"]
    return [
        ("Verdicts", _verdict_rows(data["verdicts"])),
        ("Verdicts where something is stored", _verdict_rows(data["verdicts_with_stores"])),
        (
            "Notebooks",
            [
                ("", "number"),
                ("found", f"{books['found']:,}"),
                ("studied", f"{books['studied']:,}"),
                ("distinct", f"{books['distinct']:,}"),
                *_counted("not studied", books["not_studied"]),
                ("with a loop", _portion(books["with_a_loop"])),
                ("code cells", f"{cells['code']:,}"),
                ("cells that are no Python", _portion(cells["no_python"])),
                *_counted("of these", cells["reasons"]),
            ],
        ),
        (
            "Loops",
            [
                ("", "number"),
                ("for", f"{loops['for']:,}"),
                ("while", f"{loops['while']:,}"),
                ("comprehensions (not in any share)", f"{loops['comprehensions']:,}"),
                ("for over range", _portion(loops["over_range"])),
                ("with a polyhedral model", _portion(loops["scop"])),
                ("store into an element", _portion(loops["stores"])),
                ("append", _portion(loops["appends"])),
                ("print, read or write files", _portion(loops["prints"])),
                ("plot", _portion(loops["plots"])),
                ("branch", _portion(loops["branches"])),
                ("break, continue or return", _portion(loops["leaves"])),
            ],
        ),
        ("The earlier count's measures, by its rules", _published_rows(data["published"])),
        *([("What happened when they ran", _run_rows(data["execution"]))]
          if "execution" in data else []),
    ]  # fmt: skip


def _counted(label: str, counts: dict[str, int]) -> list[Row]:
    return [(f"{label}: {name}", f"{count:,}") for name, count in counts.items()]


def _verdict_rows(verdicts: dict[str, Any]) -> list[Row]:
    rows: list[Row] = [("verdict", "from the code alone", "with earlier cells")]
    rows += [
        (name, _portion(verdicts["alone"][name]), _portion(verdicts["shown"][name]))
        for name in VERDICTS
    ]
    return rows


def _published_rows(published: dict[str, Any]) -> list[Row]:
    return [
        ("", "number"),
        ("notebooks that parse", f"{published['notebooks']:,}"),
        ("with a for", _portion(published["with_a_for"])),
        ("for statements", f"{published['for_statements']:,}"),
        ("over range", _portion(published["over_range"])),
        *(
            (f"deepest nest {depth}{' or more' if depth == '6' else ''}", _portion(found))
            for depth, found in published["deepest"].items()
        ),
    ]


def _run_rows(runs: dict[str, Any]) -> list[Row]:
    words = {
        "same": "cells that show the same with autopar",
        "close": "cells whose numbers differ in their last digits",
        "different": "cells that differ",
        "unrepeatable": "cells that differ from themselves, run twice without",
    }
    return [
        ("", "number"),
        ("notebooks run", f"{runs['notebooks']:,}"),
        *_counted("not compared", runs["not_compared"]),
        ("cells compared", f"{runs['cells']:,}"),
        ("of these raise, without autopar too", f"{runs['failed_cells']:,}"),
        *((label, _portion(runs["likeness"][name])) for name, label in words.items()),
        *((f"differs: {each['notebook']}", f"cells {each['cells']}") for each in runs["different"]),
        ("loops reached", f"{runs['regions_reached']:,}"),
        *((f"ran: {name}", _portion(found)) for name, found in runs["ran"].items()),
        ("decided at the call", f"{runs['decided_at_call']:,}"),
        *_counted("in the interpreter", runs["why_interpreted"]),
        ("seconds in cells, without autopar", f"{runs['seconds_without']:,}"),
        ("seconds in cells, with autopar", f"{runs['seconds_with']:,}"),
    ]


def _portion(found: dict[str, Any]) -> str:
    """Return "123 of 456 (27.0 %, 23.1 to 31.2)"."""
    if not found["total"]:
        return "0 of 0"
    return (
        f"{found['count']:,} of {found['total']:,} ({100 * found['share']:.1f} %, "
        f"{100 * found['low']:.1f} to {100 * found['high']:.1f})"
    )


# ---------------------------------------------------------------------------------- forms


def _paragraphs(text: str) -> list[str]:
    return [line for each in text.splitlines() for line in (each, "")]


def _markdown_table(rows: list[Row]) -> list[str]:
    head, *body = rows
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return lines + [f"| {' | '.join(row)} |" for row in body]


def _html_table(rows: list[Row]) -> str:
    head, *body = rows
    label, *titles = head
    cells = f"<th>{escape(label)}</th>"
    cells += "".join(f'<th class="number">{escape(each)}</th>' for each in titles)
    lines = [f"<tr>{cells}</tr>"]
    for row in body:
        first, *rest = row
        values = "".join(f'<td class="number">{escape(each)}</td>' for each in rest)
        lines.append(f"<tr><td>{escape(first)}</td>{values}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _html_reason(reason: dict[str, Any]) -> str:
    examples = "".join(
        f"<p><code>{escape(each['notebook'])}</code>, {escape(each['id'])}: "
        f"{escape(each['reason'])}</p><pre>{escape(each['excerpt'])}</pre>"
        for each in reason["examples"]
    )
    title = (
        f"{reason['code']}: {_portion(reason['loops'])}, in {reason['repositories']} repositories"
    )
    return f"<details><summary>{escape(title)}</summary>{examples}</details>"
