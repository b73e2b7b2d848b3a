"""The drawings of "How it works": one example, as each stage of the analysis leaves it.

Before:  the text of `paths`, and the SCoP, dependences, verdicts and schedule that autopar
         finds in it
After:   docs/pictures/*.svg: a point for each instance, an arrow for each dependence

Nothing is drawn by hand: points, arrows, boxes and colours are read off the sets and maps, for a
small array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import islpy

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import Plan, RegionPlan, Schedule
from autopar.analysis.model.scop import Scop
from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import analyze, functions_of, specialize
from autopar.preview import parse_types

EXAMPLE = """\
def paths(z, eps, rho):
    for t in range(z.shape[1] - 1):
        for i in range(z.shape[0]):
            z[i, t + 1] = rho * z[i, t] + eps[i, t]
"""
TYPES = "z=float64[:,:], eps=float64[:,:], rho=float"
EXTENTS = {"z_shape_0": 4, "z_shape_1": 7}

# A colour for each iteration of a parallel loop: ColorBrewer's "Dark2".
_COLOURS = ("#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#66a61e", "#a6761d")
_INK, _FAINT, _RED = "#333333", "#b8b8b8", "#d6604d"
_STEP, _LEFT, _TOP, _RADIUS = 72, 88, 44, 15

Instance = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What the pictures are read off."""

    region: RegionPlan
    source_order: Schedule
    new_order: Schedule

    @property
    def scop(self) -> Scop:
        return self.region.scop


def example() -> Example:
    """Return the example as the analysis leaves it."""
    text = SourceText(path="paths.py", text=EXAMPLE, cell=None)
    source = next(each for each in functions_of(text) if each.qualified_name == "paths")
    plan = analyze(source)
    assert isinstance(plan, Plan)
    (region,) = plan.regions
    types = parse_types(TYPES)
    orders = [specialize(region, types, frozenset(), reorders=each) for each in (None, "blocks")]
    assert all(isinstance(each, tuple) for each in orders)
    return Example(region=region, source_order=orders[0][1], new_order=orders[1][1])


def write(folder: Path) -> None:
    """Write all drawings into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = example()
    for name, draw in DRAWINGS.items():
        (folder / f"{name}.svg").write_text(draw(found), encoding="utf-8")


# ------------------------------------------------------------------- from relations to points


def pairs_of(relation: islpy.Map) -> list[tuple[Instance, Instance]]:
    """Return all pairs of a relation, for the extents of the drawings."""
    for name, value in EXTENTS.items():
        position = relation.find_dim_by_name(islpy.dim_type.param, name)
        if position >= 0:
            relation = relation.fix_val(islpy.dim_type.param, position, islpy.Val(value))
    width = relation.dim(islpy.dim_type.in_)
    found: list[tuple[Instance, Instance]] = []

    def see(point: islpy.Point) -> None:
        size = point.get_space().dim(islpy.dim_type.set)
        values = (point.get_coordinate_val(islpy.dim_type.set, k) for k in range(size))
        numbers = tuple(each.get_num_si() for each in values)
        found.append((numbers[:width], numbers[width:]))

    relation.wrap().foreach_point(see)
    return sorted(found)


def times(schedule: Schedule) -> dict[Instance, Instance]:
    """Return when each instance of the one statement runs."""
    (relation,) = schedule.relation.maps()
    return dict(pairs_of(relation.raw))


def dependences(found: Example) -> list[tuple[Instance, Instance]]:
    """Return all dependences, as pairs of instances."""
    all_ = [each.relation.raw for loop in found.region.loops for each in loop.dependences]
    return sorted({pair for each in all_ for pair in pairs_of(each)})


def parallel_dimension(schedule: Schedule) -> int:
    """Return the outermost dimension of time that carries nothing."""
    return next(k for k, each in enumerate(schedule.dimensions) if each.coincident)


# ------------------------------------------------------------------------------ the drawings


def draw_domain(found: Example) -> str:
    """Return the instances, numbered in the order in which the loop runs them."""
    order = _ranks(times(found.source_order))
    path = sorted(order, key=order.__getitem__)
    parts = [_line(a, b, _FAINT) for a, b in pairwise(path)]
    parts += [_point(each, str(number + 1), _INK) for each, number in order.items()]
    return _picture(order, parts, "each point is one run of the statement, numbered as Python does")


def draw_dependences(found: Example) -> str:
    """Return the instances with an arrow from each one to what needs it."""
    order = _ranks(times(found.source_order))
    parts = [_point(each, "", _INK) for each in order]
    parts += [_arrow(source, sink) for source, sink in dependences(found)]
    return _picture(order, parts, "an arrow leads from the write of z[i, t + 1] to its read")


def draw_verdicts(found: Example) -> str:
    """Return a box for each iteration of each loop: is there an arrow between two boxes?"""
    order = _ranks(times(found.source_order))
    carried = {
        found.scop.loops[plan.loop].variable: bool(plan.dependences) for plan in found.region.loops
    }
    columns = sorted({each[0] for each in order})
    parts = [_box([p for p in order if p[0] == t], _RED) for t in columns]
    parts += [_point(each, "", _COLOURS[0]) for each in order]
    parts += [_arrow(source, sink) for source, sink in dependences(found)]
    words = "; ".join(f"{name}: {'sequential' if is_carried else 'parallel'}"
                      for name, is_carried in carried.items())  # fmt: skip
    return _picture(order, parts, f"a box is one iteration of t, with all of i in it: {words}")


def draw_schedule(found: Example) -> str:
    """Return the instances in the colour of the parallel iteration, numbered within it."""
    when = times(found.new_order)
    dimension = parallel_dimension(found.new_order)
    shares = sorted({each[dimension] for each in when.values()})
    parts = []
    for number, share in enumerate(shares):
        colour = _COLOURS[number % len(_COLOURS)]
        own = {each: time for each, time in when.items() if time[dimension] == share}
        parts.append(_box(list(own), colour))
        parts += [_point(each, str(rank + 1), colour) for each, rank in _ranks(own).items()]
    parts += [_arrow(source, sink) for source, sink in dependences(found)]
    words = "one colour is one iteration of the parallel loop; the colours run at the same time"
    return _picture(when, parts, words)


DRAWINGS: dict[str, Callable[[Example], str]] = {
    "domain": draw_domain,
    "dependences": draw_dependences,
    "verdicts": draw_verdicts,
    "schedule": draw_schedule,
}


def _ranks(when: dict[Instance, Instance]) -> dict[Instance, int]:
    """Return the position of each instance among all, by its time."""
    return {each: number for number, each in enumerate(sorted(when, key=when.__getitem__))}


# ---------------------------------------------------------------------------------- the shapes


def _place(instance: Instance) -> tuple[int, int]:
    t, i = instance
    return _LEFT + _STEP * t, _TOP + _STEP * i


def _point(instance: Instance, label: str, colour: str) -> str:
    x, y = _place(instance)
    text = f'<text x="{x}" y="{y + 4.5}" text-anchor="middle" fill="#fff">{label}</text>'
    return f'<circle cx="{x}" cy="{y}" r="{_RADIUS}" fill="{colour}"/>{text if label else ""}'


def _line(start: Instance, end: Instance, colour: str) -> str:
    (x, y), (u, v) = _place(start), _place(end)
    return f'<path d="M {x} {y} L {u} {v}" stroke="{colour}" stroke-width="1.5" fill="none"/>'


def _arrow(start: Instance, end: Instance) -> str:
    (x, y), (u, v) = _place(start), _place(end)
    length = ((u - x) ** 2 + (v - y) ** 2) ** 0.5
    dx, dy = (u - x) / length, (v - y) / length
    x, y, u, v = x + dx * _RADIUS, y + dy * _RADIUS, u - dx * (_RADIUS + 1), v - dy * (_RADIUS + 1)
    return (
        f'<path d="M {x:.1f} {y:.1f} L {u:.1f} {v:.1f}" stroke="{_INK}" stroke-width="2" '
        'fill="none" marker-end="url(#tip)"/>'
    )


def _box(instances: list[Instance], colour: str) -> str:
    margin = _RADIUS + 8
    places = [_place(each) for each in instances]
    left, top = min(x for x, _ in places) - margin, min(y for _, y in places) - margin
    width = max(x for x, _ in places) + margin - left
    height = max(y for _, y in places) + margin - top
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="{margin}" '
        f'fill="{colour}" fill-opacity="0.10" stroke="{colour}" stroke-width="1.5"/>'
    )


def _picture(instances: dict[Instance, object], parts: list[str], words: str) -> str:
    columns = sorted({each[0] for each in instances})
    rows = sorted({each[1] for each in instances})
    width = _LEFT + _STEP * (len(columns) - 1) + 56
    height = _TOP + _STEP * (len(rows) - 1) + 84
    body = "\n".join([*parts, *_axes(columns, rows)])
    caption = f'<text x="16" y="{height - 10}" fill="{_INK}">{words}</text>'
    width = max(width, 16 + int(6.6 * len(words)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="13">\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" fill="{_INK}"/></marker>'
        f"</defs>\n{body}\n{caption}\n</svg>\n"
    )


def _axes(columns: list[int], rows: list[int]) -> Iterator[str]:
    bottom = _TOP + _STEP * (len(rows) - 1) + 40
    for t in columns:
        yield f'<text x="{_LEFT + _STEP * t}" y="{bottom}" text-anchor="middle">t = {t}</text>'
    for i in rows:
        yield f'<text x="12" y="{_TOP + _STEP * i + 4.5}">i = {i}</text>'
