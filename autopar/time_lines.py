"""From the record of a run to its time line: what each nest spent, on what, and when.

Before:  tallies by region and backend, notes of analyses and compilations
After:   spells in the order of their begins, counted from the begin of the run
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from autopar.analysis.model.source import Span
from autopar.analysis.model.time_line import DeviceRun, Spell, TimeLine, in_order

from .dispatch import Region
from .foretold import predicted_of
from .prepare import Entry, Prepared
from .record import RunRecord, Tally


def time_line(
    functions: Iterable[Prepared], record: RunRecord, file: str, ended: float | None
) -> TimeLine:
    """Return where the time of `record` went until `ended`, on the clock of `perf_counter`."""
    record.collect(None, record.begun)
    regions = {each.number: each for function in functions for each in function.regions}
    spells = [*_runs(regions, record, file), *_others(regions, record, file)]
    seconds = None if ended is None else ended - record.begun
    return TimeLine(seconds=seconds, spells=in_order(spells))


def time_line_of_call(
    function: Prepared, record: RunRecord, file: str, *, is_whole: bool
) -> TimeLine:
    """Return the time line of one call; its nests in the interpreter have a bound of their time.

    What a nest that was left takes nobody measures, but it is over when another one is entered:
    known only where every entry is in the record, which `is_whole` says.
    """
    line = time_line((function,), record, file, record.ended)
    if not is_whole:
        return line
    spans = {each.number: each.span for each in function.regions}
    tallies = {key: each for key, each in record.tallies.items() if key[0] in spans}
    last = record.left_open(record.ended)

    def after(tally: Tally) -> float:
        return tally.after + (last[1] if last is not None and last[0] is tally else 0.0)

    def bounded(spell: Spell) -> Spell:
        if spell.what != "interpreter" or spell.span is None:
            return spell
        within = [
            (spans[number], each)
            for (number, backend), each in tallies.items()
            if _is_within(spans[number], spell.span, backend)
        ]
        # Entries that native code left count for whatever Python entered before them.
        if any(each.native_calls for span, each in within if span == spell.span):
            return spell
        return replace(spell, at_most=sum(after(each) for _, each in within))

    return replace(line, spells=tuple(map(bounded, line.spells)))


def _is_within(inner: Span, outer: Span, backend: str) -> bool:
    """Return whether what follows entries of `inner` on a backend may be a part of `outer`."""
    if inner == outer:
        return backend == "interpreter"
    return outer.line <= inner.line and inner.end_line <= outer.end_line


def joined(lines: Iterable[TimeLine], seconds: float | None) -> TimeLine:
    """Return the time lines of what ran in one program as one."""
    return TimeLine(seconds=seconds, spells=in_order(e for line in lines for e in line.spells))


def moved(line: TimeLine, seconds: float) -> TimeLine:
    """Return a time line counted from another begin, `seconds` before its own."""

    def later(moment: float | None) -> float | None:
        return None if moment is None else moment + seconds

    spells = (replace(e, begun=later(e.begun), ended=later(e.ended)) for e in line.spells)
    return replace(line, spells=tuple(spells))


def _runs(regions: dict[int, Entry], record: RunRecord, file: str) -> Iterator[Spell]:
    foretold = set()
    for (number, backend), tally in sorted(record.tallies.items()):
        region = regions.get(number)
        if region is None:
            continue
        is_left = backend == "interpreter"
        yield Spell(
            what="interpreter" if is_left else "kernel",
            file=file,
            loop=region.name,
            span=region.span,
            calls=tally.calls,
            begun=None if tally.when is None else tally.when.begun - record.begun,
            ended=None if tally.when is None else tally.when.ended - record.begun,
            seconds=None if is_left else tally.seconds,
            predicted=None if number in foretold else predicted_of(region.regions()),
            code=None if tally.reason is None else tally.reason.code,
            device=_on_device(region.regions()) if backend == "cuda" else None,
        )
        foretold.add(number)


def _on_device(regions: list[Region]) -> DeviceRun | None:
    """Return what the last run on a device did."""
    found = [each.on_device for each in regions if each.on_device is not None]
    return found[-1].described() if found else None


def _others(regions: dict[int, Entry], record: RunRecord, file: str) -> Iterator[Spell]:
    for (number, what), spent in record.spent.items():
        region = None if number is None else regions.get(number)
        yield Spell(
            what=what,
            file=file,
            loop=None if region is None else region.name,
            span=None if region is None else region.span,
            calls=spent.count,
            begun=spent.when.begun - record.begun,
            ended=spent.when.ended - record.begun,
            seconds=spent.seconds,
        )
