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

from autopar.analysis.model.typed import Load, Store, Variable, places_of

from .elements import cell_of, differ, key_of, moves
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
    """Return what stands for `loop`, with one element of each array held."""
    before: list[Node] = []
    after: list[Node] = []
    values: dict[str, Variable] = {}
    for array, (instance, load) in elements.items():
        variable, first = scalars.of(load, "held")
        last = Store(array=array, indices=load.indices, value=variable, span=load.span)
        before.append(replace(instance, name=f"{instance.name}_0", statement=first))
        cell = cell_of(instance, load)
        assert cell is not None  # `_elements` looked
        values[key_of(array, cell)] = variable
        after.append(replace(instance, name=f"{instance.name}_1", statement=last))
    return between(before, replace(loop, cells=()), values, after)


def _elements(
    loop: Loop, kept: frozenset[str], around: tuple[Loop, ...]
) -> dict[str, tuple[Instance, Load]]:
    """Return the arrays of which `loop` updates one element, and where it reads it.

    Every statement runs in every iteration, so the element is there if there is an iteration.
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
            updated = _updated(mine, (*around, loop))
            if updated is not None:
                found[array] = updated
    return found


def _updated(
    places: list[tuple[Instance, Load | Store]], around: tuple[Loop, ...]
) -> tuple[Instance, Load] | None:
    """Return where the one element is read that is stored; None where there may be another one.

    Other elements may be read that are surely never the one.
    """
    *_, loop = around
    cells = [(instance, place, cell_of(instance, place)) for instance, place in places]
    stored = {
        None if cell is None else key_of(place.array, cell)
        for _, place, cell in cells
        if isinstance(place, Store)
    }
    if len(stored) > 1 or None in stored:
        return None
    target = next(cell for _, place, cell in cells if isinstance(place, Store))
    if target is None or moves(target, loop):
        return None
    loads = [
        (instance, place)
        for instance, place, cell in cells
        if isinstance(place, Load) and cell is not None and key_of(place.array, cell) in stored
    ]
    others = [
        cell for _, place, cell in cells if cell is None or key_of(place.array, cell) not in stored
    ]
    if not loads or not all(differ(target, each, around) for each in others):
        return None
    return loads[0]


def _takes_its_range(loop: Loop) -> bool:
    """Return whether a loop inside a kernel runs in order, from its first to its last bound."""
    is_in_order = not loop.is_parallel and not loop.reductions
    is_in_order = is_in_order and loop.lanes is None and loop.passes is None
    return is_in_order and loop.within is None and loop.stays is None and not loop.is_endless
