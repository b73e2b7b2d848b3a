"""The report: what `explain` and a run tell the user, as data.

`Report.to_dict()` is the JSON of the public interface, schema 1. How it looks in a terminal
or a notebook is the renderer's business.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from autopar.analysis.model.nouns import dataclass

from .dependence import Dependence
from .diagnostics import Reason
from .plan import VerdictKind
from .source import SourceText, Span
from .time_line import Predicted, TimeLine

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Where a loop really ran, summed over the calls that the report covers."""

    backend: Literal["cuda", "cpu", "interpreter"]
    calls: int
    iterations: int | None  # of this loop; None where nobody counted (the interpreter)
    seconds: float | None  # None where nobody measured
    note: str | None = None  # why it ran there, one sentence
    predicted: Predicted | None = None  # of the last call that was looked at in full
    reason: Reason | None = None  # what `note` says, for the renderer

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "backend": self.backend,
            "calls": self.calls,
            "iterations": self.iterations,
            "seconds": self.seconds,
            "note": self.note,
            "predicted": None if self.predicted is None else self.predicted.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopReport:
    """One row: a loop, a comprehension or a whole-array statement."""

    id: str  # stable: qualified name, line, column
    header: str
    depth: int  # 0 is outermost
    span: Span
    verdict: VerdictKind
    stage: Literal["static", "call"]
    condition: str | None
    assumes: tuple[str, ...]
    code: str
    reason: str
    reasons: tuple[Reason, ...]  # all of them, for the renderer
    reductions: tuple[str, ...]  # "+ into s"
    private: tuple[str, ...]
    transform: tuple[str, ...]
    dependences: tuple[Dependence, ...]
    ran: Ran | None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        row: dict[str, Any] = {
            "id": self.id,
            "line": self.span.line,
            "end_line": self.span.end_line,
            "depth": self.depth,
            "header": self.header,
            "verdict": self.verdict,
            "stage": self.stage,
            "condition": self.condition,
            "assumes": list(self.assumes),
            "code": self.code,
            "reason": self.reason,
            "reductions": list(self.reductions),
            "private": list(self.private),
            "transform": list(self.transform),
            "dependences": [dependence_to_dict(each) for each in self.dependences],
        }
        if self.ran is not None:
            row["ran"] = self.ran.to_dict()
        return row


def dependence_to_dict(dependence: Dependence) -> dict[str, Any]:
    """Return the JSON form of a dependence."""
    return {
        "kind": dependence.kind,
        "variable": dependence.array,
        "source_line": dependence.source_span.line,
        "sink_line": dependence.sink_span.line,
        "distance": None if dependence.distance is None else list(dependence.distance),
        "direction": list(dependence.direction),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionReport:
    """All loops of one function, in source order."""

    name: str  # qualified; "<module>" for module level
    line: int
    loops: tuple[LoopReport, ...]
    # Why the function as a whole is left alone (source not available, `exec`, ...).
    refusal: Reason | None
    cell: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        entry: dict[str, Any] = {"name": self.name, "line": self.line}
        if self.cell is not None:
            entry["cell"] = self.cell
        if self.refusal is not None:
            entry["refusal"] = {"code": self.refusal.code, "reason": self.refusal.message}
        entry["loops"] = [loop.to_dict() for loop in self.loops]
        return entry


def in_cell(report: FunctionReport, cell: int | None) -> FunctionReport:
    """Return the report of a function that stands in a cell of a notebook; None: in a file."""
    if cell is None:
        return report
    loops = tuple(replace(each, id=f"cell{cell}:{each.id}") for each in report.loops)
    return replace(report, cell=cell, loops=loops)


@dataclass(frozen=True, slots=True, kw_only=True)
class NestOrder:
    """How a nest runs whose order is not that of the source."""

    span: Span
    transforms: tuple[str, ...]  # "interchange", ...
    unless: tuple[str, ...]  # conditions: "k >= n"; where one holds it may run as it stands
    lines: tuple[str, ...]  # Python-like loops, parallel ones marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a change of the program could gain: a loop that was left alone, and why."""

    file: str
    loop: LoopReport
    reason: Reason
    seconds: float  # that the interpreter took for it
    advice: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "file": self.file,
            "loop": self.loop.id,
            "line": self.loop.span.line,
            "seconds": self.seconds,
            "code": self.reason.code,
            "reason": self.reason.message,
            "advice": list(self.advice),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What autopar has to say of a file or a function."""

    version: str
    text: SourceText | None  # None where no source is available
    functions: tuple[FunctionReport, ...]
    # The cells of a notebook that is a file; `text` is empty then and has its path.
    cells: tuple[SourceText, ...] = ()
    # What was generated, by the loop it stands for; for the eye only, not in the JSON.
    kernels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    orders: tuple[NestOrder, ...] = ()  # the same
    time: TimeLine | None = None  # of a run
    changes: tuple[Change, ...] | None = None  # that would gain most; None where nobody watched

    @property
    def file(self) -> str:
        """Path of the file as shown to the user."""
        return self.text.path if self.text is not None else "<unknown>"

    def text_of(self, function: FunctionReport) -> SourceText | None:
        """Return the text that the lines of `function` count in; None where it is not known."""
        for each in self.cells:
            if each.cell == function.cell:
                return each
        is_known = self.text is not None and self.text.cell == function.cell
        return self.text if is_known else None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, schema 1."""
        content = {
            "schema": SCHEMA,
            "autopar": self.version,
            "file": self.file,
            "functions": [function.to_dict() for function in self.functions],
        }
        if self.time is not None:
            content["time"] = self.time.to_dict()
        if self.changes is not None:
            content["changes"] = [each.to_dict() for each in self.changes]
        return content
