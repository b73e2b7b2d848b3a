"""Loops over rows that nests of several ranges share: what one writes, the next finds in the cache.

Before:  for i in range(n): for j: q[i, j] = 4 * p[i, j]
         for i in range(n - 1): for j: q[i + 1, j] = q[i + 1, j] - p[i, j]
After:   for i in range(n):
             for j: q[i, j] = 4 * p[i, j]
             if i >= 1:
                 for j: q[i, j] = q[i, j] - p[i - 1, j]

A nest is moved along its first axis so that it touches what the ones before have written in the
same iteration; that no other iteration touches it is shown for each pair of elements, and all of
it is judged again on the model. (Shifting before fusion: Darte and Huard, Loop shifting for loop
compaction, International Journal of Parallel Programming 28, 2000.) Helper of the `array_groups`
pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..model.loop_ir import Assign, Compare, Constant, Element, Expression, Name, walk_expression
from .array_axes import constant_distance, moved
from .array_lines import Nest, folded_sums
from .array_parts import is_one
from .substitution import rebuilt, substituted

# More nests in one loop take the model longer than they gain.
_MOST = 8


def in_step(items: tuple[Nest, ...]) -> tuple[Expression, tuple[Nest, ...]] | None:
    """Return how long the first axis of all nests is together, and these moved along it.

    None where one of them touches what another iteration of another one writes.
    """
    moves = [0]
    for number in range(1, len(items)):
        found = _move(items[:number], tuple(moves), items[number])
        if found is None:
            return None
        moves.append(found)
    longer = [constant_distance(each.axes[0], items[0].axes[0]) for each in items]
    known = [each for each in longer if each is not None]
    if len(known) < len(items):
        return None
    first = min(moves)
    last = max(move + more for move, more in zip(moves, known, strict=True))
    at = items[0].lines[0].store.span
    extent = _plus(items[0].axes[0], last - first)
    whole = next((e.axes[0] for e in items if constant_distance(e.axes[0], extent) == 0), extent)
    name = items[0].variables[0]
    return whole, tuple(
        _moved(each, name, move - first, whole, Constant(value=move - first, span=at))
        for each, move in zip(items, moves, strict=True)
    )


def runs(items: list[Nest | Assign]) -> Iterator[list[Nest | Assign]]:
    """Yield items one by one, and nests that may share their first loop together."""
    waiting: list[Nest | Assign] = []
    for item in items:
        together = [each for each in (*waiting, item) if isinstance(each, Nest)]
        is_more = len(together) == len(waiting) + 1 and len(together) <= _MOST
        if waiting and (not is_more or in_step(tuple(together)) is None):
            yield waiting
            waiting = []
        waiting.append(item)
        if isinstance(item, Assign) or not _may_share(item):
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _may_share(nest: Nest) -> bool:
    """Return whether an iteration of the first loop is a row, or more, and not about others."""
    wide = [each for each in nest.axes if not is_one(each)]
    is_plain = not any(line.has_row for line in nest.lines) and not nest.ordered
    return len(wide) > 1 and not is_one(nest.axes[0]) and is_plain and not nest.scalars()


def _move(before: tuple[Nest, ...], moves: tuple[int, ...], nest: Nest) -> int | None:
    """Return by how much later a nest runs than the first one, for all to fit; None for never."""
    if not _may_share(nest) or not all(map(_may_share, before)):
        return None
    found = {
        None if (apart := _apart(mine, nest, theirs, each)) is None else move + apart
        for each, move in zip(before, moves, strict=True)
        for mine, theirs in _conflicts(nest, each)
    }
    return found.pop() if len(found) == 1 else None  # one number for all pairs


def _conflicts(one: Nest, other: Nest) -> Iterator[tuple[Element, Element]]:
    """Yield the elements of one array that both touch, and one of them writes."""
    for line in one.lines:
        for mine, writes in line.touches():
            for its in other.lines:
                for theirs, also_writes in its.touches():
                    if mine.array == theirs.array and (writes or also_writes):
                        yield mine, theirs


def _apart(mine: Element, nest: Nest, theirs: Element, other: Nest) -> int | None:
    """Return how much further `other` must be for both to touch an element; None: not one number.

    `mine` is of an iteration of `nest`. Both have one subscript that only the first loop moves.
    """
    for index, its in zip(mine.indices, theirs.indices, strict=True):
        if _names(index) & {*nest.variables} != {nest.variables[0]}:
            continue
        if _names(its) & {*other.variables} != {other.variables[0]}:
            continue
        name = Name(name=other.variables[0], span=index.span)
        here = folded_sums(substituted(index, {nest.variables[0]: name}))
        apart = constant_distance(here, its)
        if apart is not None and _moves_by_one(its, other.variables[0]):
            return apart
    return None


def _moves_by_one(index: Expression, variable: str) -> bool:
    zero, one = (Constant(value=value, span=index.span) for value in (0, 1))
    start, following = (folded_sums(substituted(index, {variable: v})) for v in (zero, one))
    return constant_distance(following, start) == 1


def _names(index: Expression) -> set[str]:
    return {each.name for each in walk_expression(index) if isinstance(each, Name)}


def _moved(nest: Nest, name: str, by: int, whole: Expression, later: Constant) -> Nest:
    """Return a nest whose first loop is one over `whole`, `by` iterations later."""
    at = later.span
    variable = Name(name=name, span=at)
    place = moved(variable, later, -1) if by else variable

    def visit(node: Expression) -> Expression:
        if isinstance(node, Element):
            indices = (
                folded_sums(substituted(each, {nest.variables[0]: place})) for each in node.indices
            )
            return replace(node, indices=tuple(indices))
        if isinstance(node, Name) and node.name == nest.variables[0]:
            return place
        return rebuilt(node, visit)

    tests: list[Compare] = []
    if by:
        tests.append(Compare(operator=">=", left=variable, right=later, span=at))
    end = _plus(nest.axes[0], by)
    if constant_distance(end, whole) != 0:
        tests.append(Compare(operator="<", left=variable, right=end, span=at))
    lines = [each.rewritten(visit) for each in nest.lines]
    return Nest(
        axes=(whole, *nest.axes[1:]),
        variables=(name, *nest.variables[1:]),
        lines=lines,
        tests=tuple(tests),
    )


def _plus(extent: Expression, more: int) -> Expression:
    """Return an extent, longer by `more`, in the fewest words."""
    number = Constant(value=abs(more), span=extent.span)
    return moved(extent, number, 1 if more >= 0 else -1) if more else extent
