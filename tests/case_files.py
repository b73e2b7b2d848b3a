"""Golden cases: a `.case` file -> its sections, checked against what the stages make of its source.

The one place that knows where stage texts and kernel texts come from.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

STAGES = ("loop-ir", "scop", "dependences", "plan")
KERNELS = ("program", "kernel cpu", "kernel cuda")
SECTIONS = ("source", *STAGES, *KERNELS)
HEADER = re.compile(r"^([a-z][a-z-]*):(.*)$")
TITLE = re.compile(r"^\[([a-z][a-z -]*)\]$")

Produce = Callable[["Case"], Mapping[str, str]]


class CaseError(Exception):
    """A `.case` file that cannot be read, or whose sections are not what the stages say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One `.case` file."""

    preamble: str  # everything before [source]: comments and header lines, kept as written
    header: Mapping[str, str]  # the `key: value` lines of the preamble
    sections: Mapping[str, str]  # by title, in the order of the file

    @property
    def source(self) -> str:
        """The Python text of the case."""
        return self.sections["source"]


def parse_case(text: str) -> Case:
    """Return the case that `text` describes; CaseError names the first line that is none of its parts."""
    parts: dict[str, list[str]] = {"": []}
    title = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if match := TITLE.match(line):
            title = match[1]
            if title not in SECTIONS or title in parts:
                raise CaseError(f"line {number}: section [{title}] is unknown or stands twice")
            parts[title] = []
        else:
            parts[title].append(line)
    preamble = parts.pop("")
    sections = {name: _trimmed("\n".join(lines)) for name, lines in parts.items()}
    if "source" not in sections or len(sections) < 2:
        raise CaseError("a case has a [source] and at least one section that checks it")
    return Case(preamble="\n".join(preamble).strip(), header=_header(preamble), sections=sections)


def _header(lines: list[str]) -> dict[str, str]:
    header = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = HEADER.match(line)
        if match is None:
            raise CaseError(f"line {number}: neither a comment nor `key: value`: {line}")
        header[match[1]] = match[2].strip()
    return header


def print_case(case: Case) -> str:
    """Return the text of `case`, as `parse_case` reads it."""
    parts = [f"[{title}]\n{text}\n" for title, text in case.sections.items()]
    return "\n".join([f"{case.preamble}\n", *parts] if case.preamble else parts)


def differences(case: Case, produced: Mapping[str, str]) -> str:
    """Return a unified diff of the sections of `case` from what was produced; empty where they agree."""
    return "\n".join(
        line
        for title, expected in case.sections.items()
        if title != "source"
        for line in difflib.unified_diff(
            expected.splitlines(),
            _section(produced, title).splitlines(),
            f"[{title}] in the case",
            f"[{title}] produced",
            lineterm="",
        )
    )


def updated(case: Case, produced: Mapping[str, str]) -> Case:
    """Return `case` with each of its sections, and no other, as produced."""
    sections = {
        title: text if title == "source" else _section(produced, title)
        for title, text in case.sections.items()
    }
    return replace(case, sections=sections)


def produce(case: Case) -> dict[str, str]:
    """Return the texts of the stages that `case` has sections for."""
    texts: dict[str, str] = {}
    if not case.sections.keys().isdisjoint(STAGES):
        stages = importlib.import_module("autopar.analysis.stages")
        texts |= stages.stage_texts(case.source + "\n")
    if not case.sections.keys().isdisjoint(KERNELS):
        preview = importlib.import_module("autopar.preview")
        texts |= preview.preview_kernels(case.source + "\n", case.header.get("types", ""))
    return texts


def _section(produced: Mapping[str, str], title: str) -> str:
    if title not in produced:
        raise CaseError(f"no stage produced [{title}]; there are {', '.join(sorted(produced))}")
    return _trimmed(produced[title])


def _trimmed(text: str) -> str:
    """Return `text` without trailing spaces and without empty lines around it."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
