"""Elements that an iteration of an innermost loop updates several times are scalars in between.

Before:  for j: c[i, j] = c[i, j] + a[i, k] * b[k, j]; c[i, j] = c[i, j] + a[i, k + 1] * b[k + 1, j]
After:   a_fixed = a[i, k]; a_fixed_ = a[i, k + 1]
         for j:
             c_sum = c[i, j]
             c_sum = c_sum + a_fixed * b[k, j]; c_sum = c_sum + a_fixed_ * b[k + 1, j]
             c[i, j] = c_sum

A compiler has to store the element each time, since for all it knows `b` may overlap `c`. What
the iterations of such a loop read again and again is read before it for the same reason. (Scalar
replacement: Callahan, Carr, Kennedy, PLDI 1990.) Loops that were unrolled into each other
(`codegen.register_tiles`) are what there is of this kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autopar.analysis.model.typed import Load, Store, places_of

from .elements import Cell, cell_of, differ, key_of, with_scalars_for
from .fixed_reads import fixed_reads, read_before
from .innermost import Scalars, rewritten
from .kernel import Instance, Loop, Node, Program


def with_forwarded(program: Program) -> Program:
    """Return `program` with elements in scalars that iterations of inner loops update twice."""

    def forward(loop: Loop, around: tuple[Loop, ...], scalars: Scalars) -> Node | None:
        found = _updated_again(loop, (*around, loop), program.overlapping)
        if not found:
            return None
        inner = replace(loop, body=_forwarded(loop, found, scalars))
        fixed = fixed_reads(inner, around, program.overlapping, every=True)
        return read_before(inner, fixed, scalars) if fixed else inner

    return rewritten(program, forward)


def _updated_again(
    loop: Loop, around: Sequence[Loop], overlapping: frozenset[str]
) -> dict[str, tuple[Instance, Load]]:
    """Return the elements, by their texts, that each iteration reads, then stores twice or more.

    Nothing in the loop touches them by another text in the same iteration.
    """
    instances = [each for each in loop.body if isinstance(each, Instance)]
    if len(instances) < len(loop.body):
        return {}
    places = [
        (each, place, cell_of(each, place))
        for each in instances
        for place in places_of(each.statement)
    ]
    cells: dict[str, dict[str, Cell | None]] = {}
    stores: dict[str, int] = {}
    first: dict[str, tuple[Instance, Load | Store]] = {}
    for instance, place, cell in places:
        key = "" if cell is None else key_of(place.array, cell)
        cells.setdefault(place.array, {})[key] = cell
        first.setdefault(key, (instance, place))
        stores[key] = stores.get(key, 0) + isinstance(place, Store)
    found: dict[str, tuple[Instance, Load]] = {}
    # What a loop here adds up in elements goes to partial values there (`partials`).
    summed = {each.array for outer in (*around, loop) for each in outer.cells}
    for array, own in cells.items():
        for key, cell in own.items():
            instance, place = first[key]
            if stores[key] < 2 or cell is None or not isinstance(place, Load):
                continue
            others = [each for other, each in own.items() if other != key]
            if array not in overlapping | summed and all(
                differ(cell, each, around) for each in others
            ):
                found[key] = (instance, place)
    return found


def _forwarded(
    loop: Loop, found: dict[str, tuple[Instance, Load]], scalars: Scalars
) -> tuple[Node, ...]:
    values, before, after = scalars.standing_for(found, "sum")
    body = [with_scalars_for(each, values) for each in loop.body if isinstance(each, Instance)]
    return (*before, *body, *after)
