"""A sweep as a picture: time over work, one panel a kernel, crossovers marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .sweep import Sweep

COLOURS = {"cpython": "#bdbdbd", "numpy": "#4a7ba6", "by hand": "#d6604d", "autopar": "#1b7837"}
COLUMNS = 3


def draw(sweeps: Sequence[Sweep], path: Path) -> None:
    """Write the picture of `sweeps` to `path`; its ending says in which format."""
    from matplotlib.figure import Figure

    rows = -(-len(sweeps) // COLUMNS)
    columns = min(COLUMNS, len(sweeps))
    figure = Figure(figsize=(3.4 * columns, 2.9 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for sweep, axes in zip(sweeps, panels, strict=False):
        _panel(axes, sweep)
    for axes in panels[len(sweeps) :]:
        axes.set_axis_off()
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2 * columns, frameon=False)
    figure.savefig(path, dpi=150)


def _panel(axes: Any, sweep: Sweep) -> None:
    work = [each.work for each in sweep.cells]
    for form in sweep.cells[0].times_s:
        times = [1e6 * each.times_s[form] for each in sweep.cells]
        width = 2.2 if form == "autopar" else 1.3
        timed = [not (each.scaled and form == "cpython") for each in sweep.cells]
        seen = sum(timed)
        axes.plot(work[:seen], times[:seen], color=COLOURS[form], lw=width, label=form)
        if seen < len(work):
            axes.plot(work[seen - 1 :], times[seen - 1 :], "--", color=COLOURS[form], lw=width)
    for each in sweep.crossovers:
        if "autopar" in (each.faster, each.slower):
            axes.axvline(each.work, color="#999999", lw=0.6, ls=":")
    axes.set(xscale="log", yscale="log", title=sweep.kernel)
    axes.set_xlabel("innermost iterations")
    axes.set_ylabel("µs a call")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
