"""The time line of a run in a terminal: one line for each nest and what it spent time on.

Before:  spells with their begins and ends
After:   Time: 4.69 s in all: compilation 3.94 s, analysis 733 ms, kernels 11 ms, interpreter 4 ms
           Begins  Takes   What
           0 ms    733 ms  analysis                ▕█▏
           734 ms  3.94 s  compilation  line 4     ▕ █████████▏
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

from autopar.analysis.model.time_line import Spell, TimeLine, What

from .durations import describe_seconds
from .wording import describe_device, describe_prediction

# Of what took less there are no lines where there are more than so many.
MOST_LINES = 12
_BAR = 24
NOUNS: dict[What, str] = {
    "analysis": "analysis",
    "compile": "compilation",
    "transfer": "transfers",
    "kernel": "kernels",
    "interpreter": "interpreter",
}


def time_lines(time: TimeLine, *, several_files: bool = False) -> str:
    """Return the time line as text; files are named where there are several."""
    shown = longest(time)
    rows = [
        (begin_of(e), takes_of(e), NOUNS[e.what], place_of(e, several_files=several_files), e)
        for e in shown
    ]
    lines = [totals(time)]
    if rows:
        heading = ("Begins", "Takes", "What", "Where")
        widths = [
            max(cell_len(heading[k]), *(cell_len(str(row[k])) for row in rows)) for k in range(4)
        ]
        lines.append("  " + _padded(heading, widths).rstrip())
        lines += [
            f"  {_padded(row[:4], widths)}  {bar(row[4], time)}  {details(row[4])}".rstrip()
            for row in rows
        ]
    if len(shown) < len(time.spells):
        lines.append(f"  and {len(time.spells) - len(shown)} more that took less")
    return "\n".join(lines)


def totals(time: TimeLine) -> str:
    """Return where the time went in one line, the longest first."""
    spent = sorted(time.spent().items(), key=lambda item: -item[1])
    parts = [f"{NOUNS[what]} {describe_seconds(taken)}" for what, taken in spent if taken]
    whole = "" if time.seconds is None else f" {describe_seconds(time.seconds)} in all:"
    return f"Time:{whole} {', '.join(parts) or 'none was measured'}"


def longest(time: TimeLine) -> tuple[Spell, ...]:
    """Return the spells to show: those that took longest, in their order."""
    kept = sorted(time.spells, key=lambda each: -_weight(each))[:MOST_LINES]
    return tuple(each for each in time.spells if any(each is one for one in kept))


def _weight(spell: Spell) -> float:
    if spell.seconds is not None:
        return spell.seconds
    if spell.predicted is not None:
        return spell.calls * spell.predicted.interpreter
    return spell.at_most or 0.0


def begin_of(spell: Spell) -> str:
    """Return when a spell began; a dash where nobody knows."""
    return "-" if spell.begun is None else describe_seconds(spell.begun)


def takes_of(spell: Spell) -> str:
    """Return how long a spell took.

    About, where the interpreter was looked at now and then; at most, where all that is known is
    when the next nest was entered.
    """
    if spell.seconds is None:
        return "-" if spell.at_most is None else f"≤{describe_seconds(spell.at_most)}"
    about = "~" if spell.what == "interpreter" else ""
    return about + describe_seconds(spell.seconds)


def place_of(spell: Spell, *, several_files: bool) -> str:
    """Return where the nest of a spell stands."""
    file = spell.file if several_files else ""
    if spell.span is None:
        return file
    return f"{file}:{spell.span.line}" if file else f"line {spell.span.line}"


def details(spell: Spell) -> str:
    """Return how often a nest was entered, why it stayed, and what was predicted of an entry."""
    if spell.what not in {"kernel", "interpreter"}:
        return ""
    is_left = spell.what == "interpreter"
    if is_left and not spell.calls:
        return spell.code or ""
    calls = "1 call" if spell.calls == 1 else f"{spell.calls:,} calls"
    code = f": {spell.code}" if is_left and spell.code is not None else ""
    foretold = describe_prediction(spell.predicted, is_left=is_left)
    there = "" if spell.device is None else describe_device(spell.device)
    return f"{calls}{code}{foretold}{there}"


def bar(spell: Spell, time: TimeLine) -> str:
    """Return a spell as a bar between the begin and the end of all."""
    first, last = extent(spell, time)
    begin = min(_BAR - 1, int(first * _BAR))
    end = max(begin + 1, round(last * _BAR))
    if spell.begun is None:
        return f"▕{' ' * _BAR}▏"
    return f"▕{' ' * begin}{'█' * (end - begin)}{' ' * (_BAR - end)}▏"


def extent(spell: Spell, time: TimeLine) -> tuple[float, float]:
    """Return begin and end of a spell as shares of the whole."""
    whole = max([time.seconds or 0.0, *(each.ended or 0.0 for each in time.spells)])
    if not whole or spell.begun is None:
        return 0.0, 0.0
    ended = max(spell.ended or 0.0, spell.begun + (spell.seconds or 0.0))
    return spell.begun / whole, min(1.0, ended / whole)


def _padded(cells: tuple[object, ...], widths: list[int]) -> str:
    return "  ".join(_cells(cells, widths))


def _cells(cells: tuple[object, ...], widths: list[int]) -> Iterator[str]:
    for cell, width in zip(map(str, cells), widths, strict=True):
        yield cell + " " * (width - cell_len(cell))
