"""Where overlapping arrays lie in the memory that they share.

Before:  a = x[1:], b = x[:-1], of float64      After:  a: cells 1 + i, b: cells 0 + j of "a, b"

Arrays whose elements may be the same memory form a group, by the bytes that they span and never
by `.base`. Cells are exact: two elements of a group are one cell or have no byte in common, else
the group has no layout. What is said of a layout is relative to the group's first array, so that
one analysis serves all calls with the same shifts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement
from math import gcd
from typing import Any, TypeAlias

from numpy.typing import NDArray

from ..model.facts import Layout

_Array: TypeAlias = NDArray[Any]
# Looking for the shifts between two arrays is given up after this many steps.
_MOST_STEPS = 64


def layouts_of(
    groups: tuple[tuple[str, ...], ...], arrays: Mapping[str, _Array]
) -> tuple[Layout, ...] | str:
    """Return the layouts of the arrays in `groups`, or why there are none, as a fragment."""
    found: list[Layout] = []
    for names in groups:
        problem = _misfit([arrays[name] for name in names])
        if problem is not None:
            return problem
        found += _shifted(names, arrays) or _flat(names, arrays)
    return tuple(found)


def groups_of(
    names: tuple[str, ...], overlapping: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, ...], ...]:
    """Return the arrays that overlap directly or by way of others, in the order of `names`."""
    group = {name: name for pair in overlapping for name in pair}
    for first, second in overlapping:
        old, new = group[second], group[first]
        group = {name: new if of == old else of for name, of in group.items()}
    heads = dict.fromkeys(group[name] for name in names if name in group)
    return tuple(tuple(name for name in names if group.get(name) == head) for head in heads)


def _misfit(group: list[_Array]) -> str | None:
    """Return why elements of the group may have some bytes in common and not all."""
    size = group[0].itemsize
    if any(each.itemsize != size for each in group):
        return "their elements have different sizes"
    for first, second in combinations_with_replacement(group, 2):
        step = gcd(*_strides(first), *_strides(second))
        apart = _address(second) - _address(first)
        rest = apart % step if step else abs(apart)
        is_whole = rest == 0 and (step >= size or step == 0)
        if not is_whole and (rest < size or (step and step - rest < size)):
            return "some of their elements have only some bytes in common"
    return None


def _flat(names: tuple[str, ...], arrays: Mapping[str, _Array]) -> Iterator[Layout]:
    """Yield the layouts of a group on a flat base, its cells as large as they can be."""
    origin = _address(arrays[names[0]])
    shifts = [_address(arrays[name]) - origin for name in names]
    strides = [stride for name in names for stride in _strides(arrays[name])]
    unit = gcd(*shifts, *strides) or 1
    for name, shift in zip(names, shifts, strict=True):
        array = arrays[name]
        yield Layout(
            array=name,
            base=_base(names),
            origin=(shift // unit,),
            strides=tuple(stride // unit for stride in _strides(array)),
            shape=array.shape if array.ndim > 1 else None,
        )


def _shifted(names: tuple[str, ...], arrays: Mapping[str, _Array]) -> tuple[Layout, ...]:
    """Return the layouts of a group on a base with the axes of its arrays; () if it has none.

    It has one where all have the same strides and every two elements that are one cell are
    apart by the same number of steps along each axis.
    """
    strides = _common_strides([arrays[name] for name in names])
    if strides is None:
        return ()
    between: dict[tuple[str, str], tuple[int, ...]] = {}
    for first, second in combinations_with_replacement(names, 2):
        shifts = _shifts(arrays[first], arrays[second], strides)
        if shifts is None or len(shifts) > 1:
            return ()
        for shift in shifts:
            between[first, second] = shift
            between[second, first] = tuple(-each for each in shift)
    origins = _origins(names, between)
    if origins is None:
        return ()
    return tuple(
        Layout(array=name, base=_base(names), origin=origins[name], strides=None, shape=None)
        for name in names
    )


def _origins(
    names: tuple[str, ...], between: Mapping[tuple[str, str], tuple[int, ...]]
) -> dict[str, tuple[int, ...]] | None:
    """Return the shift of each array against the first, if they all agree."""
    rank = len(between[names[0], names[0]])
    origins = {names[0]: (0,) * rank}
    pending = [names[0]]
    while pending:
        known = pending.pop()
        for name in names:
            shift = between.get((name, known))
            if shift is not None and name not in origins:
                pairs = zip(origins[known], shift, strict=True)
                origins[name] = tuple(x + y for x, y in pairs)
                pending.append(name)
    if len(origins) < len(names):
        return None
    agreed = all(
        shift == tuple(x - y for x, y in zip(origins[first], origins[second], strict=True))
        for (first, second), shift in between.items()
    )
    return origins if agreed else None


def _shifts(first: _Array, second: _Array, strides: tuple[int, ...]) -> set[tuple[int, ...]] | None:
    """Return all `y - x` for which `first[x]` and `second[y]` are one cell; None: too many.

    Two of them are enough to know that there is more than one.
    """
    axes = sorted(range(len(strides)), key=lambda axis: -abs(strides[axis]))
    lows = [1 - first.shape[axis] for axis in axes]
    highs = [second.shape[axis] - 1 for axis in axes]
    steps = [abs(strides[axis]) for axis in axes]
    reaches = [0] * (len(axes) + 1)
    for at in reversed(range(len(axes))):
        reaches[at] = reaches[at + 1] + steps[at] * max(-lows[at], highs[at])
    signs = [1 if strides[axis] >= 0 else -1 for axis in axes]
    found: set[tuple[int, ...]] = set()
    budget = _MOST_STEPS
    pending: list[tuple[tuple[int, ...], int]] = [((), _address(first) - _address(second))]
    while pending:
        moved, rest = pending.pop()
        at = len(moved)
        if at == len(axes):
            if rest == 0:
                found.add(tuple(moved[axes.index(axis)] for axis in range(len(axes))))
            continue
        for step in _possible(rest * signs[at], steps[at], reaches[at + 1], (lows[at], highs[at])):
            budget -= 1
            if budget < 0:
                return None
            pending.append(((*moved, step), rest - step * strides[axes[at]]))
        if len(found) > 1:
            break
    return found


def _possible(rest: int, step: int, reach: int, limits: tuple[int, int]) -> range:
    """Return how often `step` may be taken so that what is left of `rest` can be reached."""
    low, high = limits
    if step == 0:
        return range(low, high + 1)
    return range(max(low, -((reach - rest) // step)), min(high, (rest + reach) // step) + 1)


def _base(names: tuple[str, ...]) -> str:
    """Return how a group is called: like none of its arrays."""
    return ", ".join(names) if len(names) > 1 else f"{names[0]}, {names[0]}"


def _common_strides(group: list[_Array]) -> tuple[int, ...] | None:
    """Return the strides that all arrays have, axes of one element left out of account."""
    rank = group[0].ndim
    if rank == 0 or any(each.ndim != rank for each in group):
        return None
    strides = []
    for axis in range(rank):
        seen = {each.strides[axis] for each in group if each.shape[axis] > 1}
        if len(seen) > 1:
            return None
        strides.append(seen.pop() if seen else 0)
    return tuple(strides)


def _strides(array: _Array) -> tuple[int, ...]:
    """Return the strides in bytes, 0 for an axis of one element."""
    return tuple(s if n > 1 else 0 for s, n in zip(array.strides, array.shape, strict=True))


def _address(array: _Array) -> int:
    return int(array.__array_interface__["data"][0])
