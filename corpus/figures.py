"""The pictures of a study, as SVG text that a page can hold.

matplotlib draws; it is an optional package, loaded here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

import numpy as np

from .summary import VERDICTS

# One colour for each verdict, told apart also by those who see no red or green.
COLOURS = {
    "parallel": "#1b7837",
    "reduction": "#5aae61",
    "conditional": "#c2a5cf",
    "sequential": "#d6604d",
    "independent": "#92c5de",
    "unsupported": "#bdbdbd",
}
_INK = "#333333"
_BAR = "#4a7ba6"


def figures(data: dict[str, Any]) -> dict[str, str]:
    """Return {name: SVG} for the figures of a study; without loops there are none."""
    if not data["loops"]["statements"]:
        return {}
    return {
        "flow": _svg(lambda axes: _draw_flow(axes, data["flow"]), (7.6, 4.2)),
        "depth": _svg(lambda axes: _draw_depth(axes, data["loops"]["depth"]), (3.6, 2.6)),
        "iterables": _svg(lambda axes: _draw_bars(axes, data["loops"]["iterables"]), (3.6, 2.6)),
        "reasons": _svg(lambda axes: _draw_reasons(axes, data["reasons"][:12]), (7.6, 3.6)),
    }


def _svg(draw: Callable[[Any], None], size: tuple[float, float]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Text stays text, identifiers do not change from run to run, and no date is written.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "autopar", "font.size": 9}):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        draw(axes)
        buffer = StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _clean(axes: Any) -> None:  # noqa: ANN401 - matplotlib's axes
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=_INK, length=2)


def _draw_depth(axes: Any, depths: dict[str, int]) -> None:  # noqa: ANN401 - as above
    levels = sorted(depths, key=int)
    total = sum(depths.values())
    axes.bar(levels, [100 * depths[each] / total for each in levels], color=_BAR)
    axes.set_xlabel("loops around and including it")
    axes.set_ylabel("% of loops")
    _clean(axes)


def _draw_bars(axes: Any, counts: dict[str, int]) -> None:  # noqa: ANN401 - as above
    names = list(counts)[:10][::-1]
    total = sum(counts.values())
    axes.barh(names, [100 * counts[each] / total for each in names], color=_BAR)
    axes.set_xlabel("% of for loops")
    _clean(axes)


def _draw_reasons(axes: Any, reasons: Sequence[dict[str, Any]]) -> None:  # noqa: ANN401 - as above
    rows = list(reasons)[::-1]
    names = [row["code"] for row in rows]
    shares = [row["loops"] for row in rows]
    values = np.array([100 * each["share"] for each in shares])
    low = values - np.array([100 * each["low"] for each in shares])
    high = np.array([100 * each["high"] for each in shares]) - values
    errors = np.clip(np.array([low, high]), 0, None)
    axes.barh(names, values, xerr=errors, color=_BAR, ecolor=_INK, capsize=2)
    axes.set_xlabel("% of the loops that are not parallel, with 95 % intervals")
    _clean(axes)


def _draw_flow(axes: Any, flow: Sequence[Sequence[Any]]) -> None:  # noqa: ANN401 - as above
    """Draw three columns, "all loops", "code alone", "with values", and the streams between."""
    total = sum(count for _, _, count in flow)
    first = {name: sum(c for a, _, c in flow if a == name) for name in VERDICTS}
    second = {name: sum(c for _, b, c in flow if b == name) for name in VERDICTS}
    starts = _stacked(first, total)
    ends = _stacked(second, total)
    _column(axes, 0.0, {"all loops": (0.0, 1.0)}, {"all loops": total})
    _column(axes, 1.0, starts, first)
    _column(axes, 2.0, ends, second)
    whole = 0.0
    for name in VERDICTS:
        height = first[name] / total
        below, _ = starts[name]
        _stream(axes, (0.0, whole, 1.0, below, height), COLOURS[name])
        whole += height
    left = {name: bottom for name, (bottom, _) in starts.items()}
    right = {name: bottom for name, (bottom, _) in ends.items()}
    for a in VERDICTS:
        for b in VERDICTS:
            count = sum(c for x, y, c in flow if (x, y) == (a, b))
            height = count / total
            if count:
                _stream(axes, (1.0, left[a], 2.0, right[b], height), COLOURS[b])
            left[a] += height
            right[b] += height
    for x, label in ((0.0, "loops"), (1.0, "from the code alone"), (2.0, "with earlier cells")):
        axes.text(x, -0.06, label, ha="center", va="top", color=_INK)
    axes.set_xlim(-0.35, 2.75)
    axes.set_ylim(-0.12, 1.3)
    axes.axis("off")


def _stacked(counts: dict[str, int], total: int) -> dict[str, tuple[float, float]]:
    """Return bottom and top of each class in its column, small gaps between them."""
    bottom = 0.0
    found = {}
    for name, count in counts.items():
        height = count / total
        found[name] = (bottom, bottom + height)
        bottom += height + 0.05
    return found


def _column(
    axes: Any,  # noqa: ANN401 - as above
    x: float,
    parts: dict[str, tuple[float, float]],
    counts: dict[str, int],
) -> None:
    for name, (bottom, top) in parts.items():
        if not counts[name]:
            continue
        axes.fill_between(
            [x - 0.05, x + 0.05], bottom, top, color=COLOURS.get(name, _INK), linewidth=0
        )
        text = f"{name} {counts[name]:,}"
        axes.text(x + 0.08, (bottom + top) / 2, text, va="center", color=_INK, zorder=3)


def _stream(axes: Any, place: tuple[float, float, float, float, float], colour: str) -> None:  # noqa: ANN401 - as above
    x, bottom, end, end_bottom, height = place
    t = np.linspace(0.0, 1.0, 40)
    ease = 3 * t**2 - 2 * t**3
    low = bottom + (end_bottom - bottom) * ease
    along = x + 0.05 + (end - x - 0.1) * t
    axes.fill_between(along, low, low + height, color=colour, alpha=0.35, linewidth=0)
