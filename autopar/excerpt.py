"""One reason as a diagnostic: code and message, place, source excerpt, notes and hints."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.cells import cell_len

from autopar.analysis.model.chains import dotted
from autopar.analysis.model.dependence import Dependence
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.report import FunctionReport, Report
from autopar.analysis.model.source import SourceText, Span
from autopar.analysis.passes.reasons import CarriedAnti, CarriedFlow, CarriedOutput

TAB_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A place in the excerpt and what there is to say of it."""

    span: Span
    mark: str  # the character that underlines: "^" at fault, "-" related
    text: str  # a fragment; may be empty


def render_diagnostic(
    reason: Reason,
    report: Report,
    function: FunctionReport,
    dependences: tuple[Dependence, ...],
) -> str:
    """Return the diagnostic of `reason` as lines of text.

    `dependences` are those of the loop: where one is meant by the reason, both of its ends
    are underlined.
    """
    labels = labels_of(reason, dependences)
    text = report.text_of(function)
    lines = [f"{reason.code} {dotted(reason.message)}"]
    if report.text is not None:
        lines.append(place_of(report, function, labels[0].span))
    if text is not None:
        lines.extend(excerpt(text, labels))
    lines.extend(dotted(f"  Note: {note}") for note in reason.notes)
    lines.extend(dotted(f"  Hint: {hint}") for hint in reason.hints)
    lines.append(f"  More: autopar explain {reason.code}")
    return "\n".join(lines)


def place_of(report: Report, function: FunctionReport, span: Span) -> str:
    """Return the line that says where `span` is, as Python's tracebacks do."""
    # The path of a cell that was run says which one it is.
    is_said = function.cell is None or report.file == f"In [{function.cell}]"
    cell = "" if is_said else f", cell {function.cell}"
    return f'  File "{report.file}"{cell}, line {span.line}'


def labels_of(reason: Reason, dependences: tuple[Dependence, ...]) -> tuple[Label, ...]:
    """Return what to underline: the span of the reason, or both ends of its dependence."""
    match reason:
        case CarriedFlow():
            ends = ("flow", "written here", f"read {later(reason.distance_text)}")
        case CarriedAnti():
            ends = ("anti", "read here", f"written {later(reason.distance_text)}")
        case CarriedOutput():
            ends = ("output", "written here", f"written again {later(reason.distance_text)}")
        case _:
            return (Label(span=reason.span, mark="^", text=""),)
    kind, at_source, at_sink = ends
    for each in dependences:
        if (each.kind, each.array) == (kind, reason.variable) and (
            each.source_span.line,
            each.sink_span.line,
        ) == (reason.source_line, reason.sink_line):
            return labels_of_ends(each, at_source, at_sink)
    return (Label(span=reason.span, mark="^", text=""),)


def labels_of_ends(dependence: Dependence, at_source: str, at_sink: str) -> tuple[Label, ...]:
    """Return the labels of both ends; one label where they are the same place."""
    source, sink = dependence.source_span, dependence.sink_span
    if source == sink:
        return (Label(span=source, mark="^", text=f"{at_source}, {at_sink}"),)
    return (
        Label(span=source, mark="^", text=at_source),
        Label(span=sink, mark="-", text=at_sink),
    )


def later(distance_text: str | None) -> str:
    """Return the words for an iteration that comes `distance_text` iterations later."""
    match distance_text:
        case None:
            return "in a later iteration"
        case "1":
            return "one iteration later"
        case _:
            return f"{distance_text} iterations later"


def excerpt(text: SourceText, labels: tuple[Label, ...]) -> Iterator[str]:
    """Yield the source lines that `labels` point at, each with its labels below it."""
    in_order = sorted(labels, key=lambda label: label.span.line)
    gutter = max(len(str(in_order[-1].span.line)), 4)
    for number, group in groupby(in_order, key=lambda label: label.span.line):
        line = text.line(number)
        yield f"  {number:>{gutter}} | {line.expandtabs(TAB_SIZE)}".rstrip()
        for label in group:
            yield f"  {'':>{gutter}} | {underline(line, label)}".rstrip()


def underline(line: str, label: Label) -> str:
    """Return the mark below the span of `label`, then its text.

    Of a span of several lines only the part on its first line is marked.
    """
    start = display_column(line, label.span.column)
    stop = (
        display_column(line, label.span.end_column)
        if label.span.end_line == label.span.line
        else cell_len(line.expandtabs(TAB_SIZE).rstrip())
    )
    return " " * start + label.mark * max(stop - start, 1) + f" {label.text}"


def display_column(line: str, column: int) -> int:
    """Return the terminal column of a UTF-8 offset: tabs and wide characters count as shown."""
    return cell_len(line.encode()[:column].decode(errors="ignore").expandtabs(TAB_SIZE))
