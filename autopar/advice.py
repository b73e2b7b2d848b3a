"""Which changes of a program would gain most: its obstacles by the time they cost.

Before:  reasons of loops, and where the interpreter spent its time
After:   for p in particles: 3.2 s of 5.1 s in the interpreter
         AP203 What the call of 'move' reads, writes and does is not known.

A look at a thread counts for the innermost loop that something stands in the way of: a short
loop that may run in parallel is no obstacle, the one around it that keeps it short is.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from autopar.analysis.model.chains import dotted
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.report import Change, LoopReport, Report
from autopar.analysis.model.source import Span
from autopar.analysis.model.time_line import TimeLine
from autopar.analysis.passes.reasons import InternalFault
from autopar.codegen.reasons import NotProfitable

from .durations import describe_seconds
from .sampling import Place, Places

MOST_CHANGES = 3
# Of what took less nobody needs to know.
_LEAST_SHARE = 0.01
_LEAST_SECONDS = 0.02
# The share of analysis and compilation in a run that is worth a word.
_MUCH_PREPARED = 0.2
# A loop that was left for one of these may run in parallel as it stands.
_NO_OBSTACLE = (NotProfitable, InternalFault)
_USE_INSTEAD = re.compile(r"Use instead:\s*(.*?)(?:\n\s*\n|\Z)", re.DOTALL)


def changes(
    reports: Sequence[tuple[str, Report]], seconds: Mapping[Places, float]
) -> tuple[Change, ...]:
    """Return the changes that would gain most, the best first.

    `reports` come with the path that their code has in frames.
    """
    loops = {path: inner_first(report) for path, report in reports}
    files = {path: report.file for path, report in reports}
    found: dict[tuple[str, Span], tuple[LoopReport, Reason]] = {}
    cost: defaultdict[tuple[str, Span], float] = defaultdict(float)
    for places, taken in seconds.items():
        obstacle = _obstacle(places, loops)
        if obstacle is not None:
            path, loop, reason = obstacle
            found[path, loop.span] = loop, reason
            cost[path, loop.span] += taken
    least = max(_LEAST_SECONDS, _LEAST_SHARE * sum(seconds.values()))
    dearest = sorted((key for key in cost if cost[key] >= least), key=lambda key: -cost[key])
    return tuple(
        Change(
            file=files[key[0]],
            loop=found[key][0],
            reason=found[key][1],
            seconds=cost[key],
            advice=advice_of(found[key][1]),
        )
        for key in dearest[:MOST_CHANGES]
    )


def inner_first(report: Report) -> tuple[LoopReport, ...]:
    """Return the loops of a file, inner ones before those around them."""
    loops = (loop for function in report.functions for loop in function.loops)
    return tuple(sorted(loops, key=lambda e: (e.span.end_line - e.span.line, -e.depth)))


def _obstacle(
    places: Places, loops: Mapping[str, tuple[LoopReport, ...]]
) -> tuple[str, LoopReport, Reason] | None:
    """Return the innermost loop at `places` that something stands in the way of."""
    for place in places:
        for loop in around(place, loops):
            reason = reason_of(loop)
            if reason is not None:
                return place[0], loop, reason
            if loop.ran is not None and loop.ran.backend != "interpreter":
                return None  # a kernel that native code runs, or calls before there was one
    return None


def around(place: Place, loops: Mapping[str, tuple[LoopReport, ...]]) -> Iterator[LoopReport]:
    """Yield the loops around a place in their order."""
    path, line = place
    for loop in loops.get(path, ()):
        if loop.span.line <= line <= loop.span.end_line:
            yield loop


def reason_of(loop: LoopReport) -> Reason | None:
    """Return what keeps a loop in the interpreter that something can be done about."""
    left = None if loop.ran is None else loop.ran.reason
    if left is not None and not isinstance(left, _NO_OBSTACLE):
        return left
    if loop.verdict not in {"sequential", "unsupported"}:
        return None
    return next((each for each in loop.reasons if each.hints), next(iter(loop.reasons), None))


def advice_of(reason: Reason) -> tuple[str, ...]:
    """Return what to do about a reason: its hints, or what its page says."""
    if reason.hints:
        return tuple(map(dotted, reason.hints))
    found = _USE_INSTEAD.search(inspect.cleandoc(type(reason).__doc__ or ""))
    if found is None:
        return ()
    words = " ".join(_without_code(found[1].splitlines())).strip()
    return (f"{words[:1].upper()}{words[1:]}",) if words else ()


def _without_code(lines: Sequence[str]) -> Iterator[str]:
    """Yield the words that come before the lines of code of a page."""
    for number, line in enumerate(lines):
        if number and _is_code("\n".join(lines[number:])):
            return
        yield line.strip()


def _is_code(text: str) -> bool:
    try:
        return bool(ast.parse(inspect.cleandoc(f"\n{text}")).body)
    except SyntaxError:
        return False


def _of_preparation(time: TimeLine) -> Iterator[str]:
    """Yield what to know where much of the time went into analysis and compilation."""
    spent = time.spent()
    taken = spent["compile"] + spent["analysis"]
    if time.seconds is not None and taken >= max(1.0, _MUCH_PREPARED * time.seconds):
        yield (
            f"{describe_seconds(taken)} of the {describe_seconds(time.seconds)} were analysis and"
            " compilation; what they give is kept on disk, and the next run begins with it."
        )


def described(found: Sequence[Change], time: TimeLine) -> str:
    """Return the changes as text, for the end of a report."""
    prepared = tuple(_of_preparation(time))
    if not found:
        nothing = "What would gain most: nothing; no loop that was left alone took long."
        return "\n".join([nothing, *prepared])
    whole = "" if time.seconds is None else f" of {describe_seconds(time.seconds)}"
    lines = ["What would gain most:"]
    for number, each in enumerate(found, start=1):
        header = " ".join(each.loop.header.split())
        taken = f"{describe_seconds(each.seconds)}{whole} in the interpreter"
        lines += [
            f"{number}. {each.file}:{each.loop.span.line}, {header}: {taken}",
            f"   {each.reason.code} {dotted(each.reason.message)}",
            *(f"   Hint: {hint}" for hint in each.advice),
        ]
    return "\n".join([*lines, *prepared])
