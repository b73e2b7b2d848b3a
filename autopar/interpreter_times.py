"""What loops took in the interpreter, by the looks at a program that was watched.

Before:  spells of nests, those in the interpreter without a time; seconds by place
After:   those with one, and a spell for each loop without a guard that took some

A look counts for the innermost loop around it, and for the whole nest where that has a guard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from autopar.analysis.model.report import LoopReport, Report
from autopar.analysis.model.source import Span
from autopar.analysis.model.time_line import Spell, TimeLine

from .advice import around, inner_first
from .sampling import Places

# Of what took less nobody needs to know.
_LEAST_SECONDS = 0.02


def watched(
    lines: Sequence[TimeLine],
    reports: Sequence[tuple[str, Report]],
    seconds: Mapping[Places, float],
) -> tuple[TimeLine, ...]:
    """Return the time lines with what their loops took in the interpreter.

    `reports` come with the path that their code has in frames, one for each of `lines`.
    """
    loops = {path: inner_first(report) for path, report in reports}
    nests = {path: _nests(line) for (path, _), line in zip(reports, lines, strict=True)}
    taken: defaultdict[str, defaultdict[Span, float]] = defaultdict(lambda: defaultdict(float))
    rows: dict[tuple[str, Span], LoopReport] = {}
    for places, each in seconds.items():
        found = next(_loops_at(places, loops), None)
        if found is not None:
            path, loop = found
            span = next((e for e in nests[path] if _is_in(loop.span, e)), loop.span)
            taken[path][span] += each
            rows[path, loop.span] = loop
    return tuple(
        _timed(line, path, report.file, taken[path], rows)
        for (path, report), line in zip(reports, lines, strict=True)
    )


def _nests(line: TimeLine) -> tuple[Span, ...]:
    """Return the nests that have guards."""
    spells = (each for each in line.spells if each.what in {"interpreter", "kernel"})
    return tuple(dict.fromkeys(each.span for each in spells if each.span is not None))


def _loops_at(
    places: Places, loops: Mapping[str, tuple[LoopReport, ...]]
) -> Iterator[tuple[str, LoopReport]]:
    for place in places:
        for loop in around(place, loops):
            yield place[0], loop


def _is_in(inner: Span, outer: Span) -> bool:
    return outer.line <= inner.line and inner.end_line <= outer.end_line


def _timed(
    line: TimeLine,
    path: str,
    file: str,
    taken: Mapping[Span, float],
    rows: Mapping[tuple[str, Span], LoopReport],
) -> TimeLine:
    left = dict(taken)
    spells: list[Spell] = []
    for each in line.spells:
        if each.what == "interpreter" and each.span in left:
            spells.append(replace(each, seconds=left.pop(each.span)))
        else:
            spells.append(each)
    for span, seconds in left.items():
        loop = rows.get((path, span))
        if loop is not None and seconds >= _LEAST_SECONDS:
            spells.append(_without_guard(loop, file, seconds))
    return replace(line, spells=tuple(spells))


def _without_guard(loop: LoopReport, file: str, seconds: float) -> Spell:
    return Spell(
        what="interpreter",
        file=file,
        loop=loop.id,
        span=loop.span,
        calls=0,
        begun=None,
        ended=None,
        seconds=seconds,
        code=loop.code,
    )
