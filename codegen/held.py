"""Array elements held in a scalar while an innermost loop accumulates into them.

Before:  for k in range(0, m): c[i, j] = c[i, j] + a[i, k] * b[k, j]
After:   if 0 < m:
             c_held = c[i, j]
             for k in range(0, m): c_held = c_held + a[i, k] * b[k, j]
             c[i, j] = c_held

A compiler must store the element in each iteration, since for all it knows `a` and `b` may
overlap `c`. Here arrays of different names are known not to, unless the program says so, and so
are elements whose subscripts always differ (`a[i, k]` for `k < j` is not `a[i, j]`); inside a
parallel loop nobody else touches the element. (Scalar replacement: Callahan, Carr,
Kennedy, Improving register allocation for subscripted variables, PLDI 1990, section 3.)
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from autopar.analysis.model.typed import Load, Store, places_of

from .elements import Cell, cell_of, differ, key_of, moves
from .innermost import Scalars, between, rewritten
from .kernel import Instance, Loop, Node, Program, runs_by_times


def with_held(program: Program) -> Program:
    """Return `program` with elements held that an innermost loop of a kernel updates."""

    def hold(loop: Loop, around: tuple[Loop, ...], scalars: Scalars) -> Node | None:
        if around and runs_by_times(around[-1]):
            return None
        # A loop around that accumulates by partial values looks for the stores.
        accumulated = {cells.array for each in around for cells in each.cells}
        elements = _elements(loop, program.overlapping | accumulated, around)
        return _held(loop, elements, scalars) if elements else None

    return rewritten(program, hold)


def _held(loop: Loop, elements: dict[str, tuple[Instance, Load]], scalars: Scalars) -> Node:
    """Return what stands for `loop`, with elements, by their texts, held."""
    values, before, after = scalars.standing_for(elements, "held")
    return between(before, replace(loop, cells=()), values, after)


def _elements(
    loop: Loop, kept: frozenset[str], around: tuple[Loop, ...]
) -> dict[str, tuple[Instance, Load]]:
    """Return the elements that `loop` updates, by their texts, and where it reads them.

    Every statement runs in every iteration, so an element is there if there is an iteration.
    Arrays in `kept` are left as they are.
    """
    instances = [each for each in loop.body if isinstance(each, Instance)]
    if len(instances) < len(loop.body) or not _takes_its_range(loop):
        return {}
    places = [(each, place) for each in instances for place in places_of(each.statement)]
    stored = dict.fromkeys(place.array for _, place in places if isinstance(place, Store))
    found: dict[str, tuple[Instance, Load]] = {}
    for array in stored:
        mine = [(instance, place) for instance, place in places if place.array == array]
        if array not in kept:
            found |= _updated(mine, (*around, loop))
    return found


def _updated(
    places: list[tuple[Instance, Load | Store]], around: tuple[Loop, ...]
) -> dict[str, tuple[Instance, Load]]:
    """Return where the elements are read that are stored; nothing where there may be other ones.

    They are surely not one another. Other elements may be read that are surely none of them.
    """
    *_, loop = around
    cells = [(instance, place, cell_of(instance, place)) for instance, place in places]
    stored: dict[str, Cell] = {}
    for _, place, cell in cells:
        if isinstance(place, Store):
            if cell is None or moves(cell, loop):
                return {}
            stored[key_of(place.array, cell)] = cell
    if not all(differ(one, other, around) for one, other in combinations(stored.values(), 2)):
        return {}
    loads: dict[str, tuple[Instance, Load]] = {}
    for instance, place, cell in cells:
        key = None if cell is None else key_of(place.array, cell)
        if key not in stored:
            if not all(differ(each, cell, around) for each in stored.values()):
                return {}
        elif isinstance(place, Load) and key is not None:
            loads.setdefault(key, (instance, place))
    return loads if len(loads) == len(stored) else {}


def _takes_its_range(loop: Loop) -> bool:
    """Return whether a loop inside a kernel runs in order, from its first to its last bound."""
    is_in_order = not loop.is_parallel and not loop.reductions
    is_in_order = is_in_order and loop.lanes is None and loop.passes is None
    return is_in_order and loop.within is None and loop.stays is None and not loop.is_endless
