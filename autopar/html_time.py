"""The time line of a run as HTML: a strip of what the whole went to, and a bar for each nest."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from autopar.analysis.model.time_line import WHATS, Spell, TimeLine

from .time_table import NOUNS, begin_of, details, extent, longest, place_of, takes_of, totals

STYLE = """
.autopar { --analysis: #4393c3; --compile: #2166ac; --transfer: #8073ac; --kernel: #1b7837;
  --interpreter: #b2b2b2; }
.autopar .time { margin: 0.4em 0 1em; font-size: 0.86em; }
.autopar .strip { display: flex; height: 0.7em; margin: 0.3em 0 0.5em; border-radius: 3px;
  overflow: hidden; max-width: 44em; }
.autopar .spell { display: grid;
  grid-template-columns: 6.5em minmax(4em, 9em) 5em minmax(6em, 14em) minmax(14em, 1fr);
  column-gap: 0.7em; align-items: center; min-height: 1.5em; }
.autopar .track { position: relative; height: 0.62em; border-radius: 2px;
  background: rgba(128, 128, 128, 0.16); }
.autopar .track i { position: absolute; top: 0; bottom: 0; min-width: 2px; border-radius: 2px; }
.autopar .takes { text-align: right; }
.autopar .quiet { opacity: 0.75; }
""" + "".join(f".autopar .of-{what} {{ background: var(--{what}); }}\n" for what in WHATS)


def time_html(time: TimeLine) -> str:
    """Return a time line as HTML; its style is `STYLE`."""
    shown = longest(time)
    spent = time.spent()
    whole = sum(spent.values())
    strip = "".join(
        f'<span class="of-{what}" style="width: {100 * taken / whole:.2f}%" '
        f'title="{NOUNS[what]}: {100 * taken / whole:.0f} %"></span>'
        for what, taken in spent.items()
        if taken
    )
    rows = "".join(_row(each, time) for each in shown)
    left = len(time.spells) - len(shown)
    rest = f'<div class="quiet">and {left} more that took less</div>' if left else ""
    return (
        f'<div class="time"><div>{escape(totals(time))}</div>'
        f'<div class="strip">{strip}</div>{rows}{rest}</div>'
    )


def _row(spell: Spell, time: TimeLine) -> str:
    return f'<div class="spell">{"".join(_cells(spell, time))}</div>'


def _cells(spell: Spell, time: TimeLine) -> Iterator[str]:
    first, last = (100 * each for each in extent(spell, time))
    yield f"<span>{NOUNS[spell.what]}</span>"
    yield f"<span>{escape(place_of(spell, several_files=False))}</span>"
    yield f'<span class="takes">{escape(takes_of(spell))}</span>'
    bar = (
        f'<i class="of-{spell.what}" style="left: {first:.2f}%; width: {last - first:.2f}%"></i>'
        if spell.begun is not None
        else ""
    )
    yield f'<span class="track" title="began at {escape(begin_of(spell))}">{bar}</span>'
    yield f'<span class="quiet">{escape(details(spell))}</span>'
