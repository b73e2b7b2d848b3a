"""The pages of the diagnostic codes: one a code, and the list of them.

Before:  the docstring of a reason, and `bad` and `good` of tests/reasons/APnnn.py
After:   docs/codes/APnnn.md

Text is the one that `autopar explain APnnn` prints; the examples are those that the tests hold
against the analysis.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.report import Report
from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import explain_text
from autopar.catalogue import CATALOGUE
from autopar.render import render_text

EXAMPLES = Path(__file__).resolve().parent.parent / "tests" / "reasons"
FAMILIES = {
    "AP0": ("Parallel", "the loop runs in parallel, at once or under a condition"),
    "AP1": ("Source", "there is no text to analyse"),
    "AP2": ("Syntax", "a statement or a call that is not analysed"),
    "AP3": ("Model", "a bound, a condition or a subscript that has no exact model"),
    "AP4": ("Dependence", "an iteration needs what another one does"),
    "AP5": ("Call", "what a call shows: overlap, values, types, contents of index arrays"),
    "AP6": ("Target", "where the loop would run, and whether that pays"),
    "AP9": ("Internal", "a fault of autopar's own; the loop runs as Python runs it"),
}
HEADINGS = ("Why it blocks", "Example", "Use instead", "Right to refuse", "References")
_HEADING = re.compile(rf"^({'|'.join(HEADINGS)}):[ ]?", re.MULTILINE)
_BAR = r"\|"
_MARKUP = re.compile(r"([\[\]<>_*\\$])")


def write(folder: Path) -> None:
    """Write all pages into `folder`; what is as it was stays untouched."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"index.md": index()} | {f"{each.code}.md": page(each) for each in CATALOGUE}
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in folder.glob("*.md"):
        if path.name not in texts:
            path.unlink()


def index() -> str:
    """Return the list of all codes, by family."""
    lines = [
        "# Diagnostic codes",
        "",
        "Every loop of a report has one. A code keeps its meaning for ever, and its number is",
        "never given to another; `autopar explain AP401` prints the same page in a terminal.",
        "",
    ]
    for family, group in groupby(CATALOGUE, key=lambda each: each.code[:3]):
        name, words = FAMILIES[family]
        reasons = tuple(group)
        lines += [f"## {family}: {name}", "", f"{words[0].upper()}{words[1:]}.", ""]
        lines += ["| code | meaning |", "| --- | --- |"]
        lines += [
            f"| [{each.code}]({each.code}.md) | {prose(meaning(each)).replace('|', _BAR)} |"
            for each in reasons
        ]
        entries = "\n".join(each.code for each in reasons)
        lines += ["", f"```{{toctree}}\n:hidden:\n\n{entries}\n```", ""]
    return "\n".join(lines)


def meaning(reason: type[Reason]) -> str:
    """Return the first paragraph of the manual page of `reason`."""
    return _parts(reason)[""]


def page(reason: type[Reason]) -> str:
    """Return the page of `reason`."""
    parts = _parts(reason)
    lines = [f"# {reason.code}", "", prose(parts[""]), ""]
    for heading in HEADINGS:
        lines += [f"## {heading}", ""]
        lines += [_code(parts[heading]) if heading == "Example" else _advice(parts[heading]), ""]
    lines += _tried(reason.code)
    return "\n".join(lines)


def _parts(reason: type[Reason]) -> dict[str, str]:
    """Return the text under each heading; that before the first under ""."""
    first, *rest = _HEADING.split(inspect.cleandoc(reason.__doc__ or reason.__name__))
    found = {"": first.strip()} | {
        heading: _without_margin(text) for heading, text in zip(rest[::2], rest[1::2], strict=True)
    }
    return dict.fromkeys(HEADINGS, "") | found


def _without_margin(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}".strip("\n")


def _advice(text: str) -> str:
    """Return prose, and the code at its end as a block."""
    lines = text.splitlines()
    for number in range(1, len(lines)):
        if _is_code("\n".join(lines[number:])):
            words = prose("\n".join(lines[:number]))
            return f"{words}\n\n{_code(chr(10).join(lines[number:]))}"
    return prose(text)


def _is_code(text: str) -> bool:
    try:
        tree = ast.parse(textwrap.dedent(text))
    except SyntaxError:
        return False
    first = tree.body[0] if tree.body else None
    return first is not None and not (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Name)
    )


def prose(text: str) -> str:
    """Return a paragraph as Markdown: what stands in backquotes as it is, the rest escaped."""
    joined = " ".join(text.split())
    parts = joined.split("`")
    escaped = [
        f"`{part}`" if number % 2 else _MARKUP.sub(r"\\\1", part)
        for number, part in enumerate(parts)
    ]
    text = "".join(escaped)
    return text[:1].upper() + text[1:]


def _code(text: str) -> str:
    body = textwrap.dedent(text)
    try:
        ast.parse(body)
    except SyntaxError:
        return f"```text\n{body}\n```"
    return f"```python\n{body}\n```"


# ---------------------------------------------------------------------- what the tests try


def _tried(code: str) -> list[str]:
    """Return the example of the tests, before and after, with what autopar says of it."""
    path = EXAMPLES / f"{code}.py"
    if not path.exists():
        return []
    before, after = (_example(path, name) for name in ("bad", "good"))
    return [
        "## Before and after",
        "",
        "As the tests hold it: this loop has the code, the one below it is parallel.",
        "",
        *_shown(code, before),
        *_shown(code, after),
    ]


def _shown(code: str, text: str) -> Iterator[str]:
    source = SourceText(path=f"{code}.py", text=text, cell=None)
    report = Report(version="", text=source, functions=explain_text(source))
    yield f"```python\n{text}```"
    yield ""
    yield f"```text\n{render_text(report, width=92)}\n```"
    yield ""


def _example(path: Path, name: str) -> str:
    """Return `bad` or `good` of an example, with the rest of its text that it needs."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    other = {"bad": "good", "good": "bad"}[name]
    lines = text.splitlines(keepends=True)
    kept = [
        node
        for node in tree.body
        if not (isinstance(node, ast.FunctionDef) and node.name == other)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    ]
    parts = ["".join(lines[_first(node) - 1 : node.end_lineno]) for node in kept]
    return "\n\n".join(part.rstrip("\n") + "\n" for part in parts)


def _first(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])
