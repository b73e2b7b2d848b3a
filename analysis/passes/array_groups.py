"""Loops around several nests, so that what one makes of a row, the next one finds in the cache.

Before:  for i, j: t[i, j] = x[i, j] - m[i]      After:  for i:
         for i: s[i] = sum of the row t[i]                   for j: t[j] = x[i, j] - m[i]
         for i, j: y[i, j] = x[i, j] / s[i]                  s = sum of t
                                                             for j: y[i, j] = x[i, j] / s

Only the outer loops are shared: within one iteration of these the nests follow one another. That
is right where no iteration touches an element that another one writes. A new array that its own
iteration alone sees is a row of the iteration, or a scalar.

Kennedy and McKinley, Maximizing Loop Parallelism and Improving Data Locality via Loop Fusion and
Distribution, LCPC 1993; we share loops only where functions of rows (`np.sum(t, axis=1)`) ask for
it. Helper of the `array_fusion` pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.array_run import NewArray
from ..model.loop_ir import (
    Allocate,
    Assign,
    Compare,
    Constant,
    Element,
    Expression,
    For,
    If,
    Name,
    Statement,
    walk_expression,
)
from .array_axes import constant_distance
from .array_blocks import in_blocks
from .array_lines import Axes, Line, Nest, are_equal, leaves
from .array_parts import is_one
from .array_ranges import in_step, runs
from .substitution import rebuilt, substituted


@dataclass(slots=True, kw_only=True)
class Group:
    """Nests within the same outer loops, one after the other."""

    axes: Axes  # of the outer loops
    variables: tuple[str, ...]
    items: list[Nest | Group]
    rows: list[NewArray] = field(default_factory=list)  # of one iteration of them


Item = Nest | Group | Assign


def grouped(
    items: list[Nest | Assign], made: Mapping[str, NewArray], candidates: frozenset[str]
) -> list[Item]:
    """Return the same in shared loops; of the arrays `candidates` nothing else is asked."""
    found: list[Item] = list(items)
    depths = {len(n.axes) for n in items if isinstance(n, Nest) and _has_row(n)} - {0}
    if not depths:
        return [each for run in runs(items) for each in _in_step(run)]
    for depth in sorted(depths, reverse=True):
        found = _grouped_at(found, depth)
        for each in found:
            if isinstance(each, Group) and len(each.axes) == depth:
                _contract(each, found, made, candidates)
    return found


def _in_step(run: list[Nest | Assign]) -> list[Item]:
    """Return nests that may share their first loop as a group."""
    nests = tuple(each for each in run if isinstance(each, Nest))
    found = in_step(nests) if len(nests) > 1 else None
    if found is None:
        return list(run)
    extent, items = found
    return [Group(axes=(extent,), variables=items[0].variables[:1], items=list(items))]


def nests_of(item: Item) -> Iterator[Nest]:
    """Yield the nests of an item, in order."""
    match item:
        case Nest():
            yield item
        case Group(items=items):
            for each in items:
                yield from nests_of(each)


def rows_of(item: Item) -> frozenset[str]:
    """Return the new arrays of an item that are rows of single iterations."""
    if not isinstance(item, Group):
        return frozenset()
    own = frozenset(each.name for each in item.rows)
    return own.union(*(rows_of(each) for each in item.items))


def loops_of(item: Nest | Group, requires: tuple[Compare, ...]) -> tuple[Statement, ...]:
    """Return the loops of an item; what it `requires` stands at the outermost one."""
    return _loops(item, 0, requires)


def _loops(item: Nest | Group, around: int, requires: tuple[Compare, ...]) -> tuple[Statement, ...]:
    axes = [n for n in range(around, len(item.axes)) if not is_one(item.axes[n])]
    if not axes and around == 0 and item.axes:
        axes = [0]  # what is required stands there
    item = _without_ones(item, around, axes)
    first = next(nests_of(item)).lines[0]
    at = first.store.span
    body: tuple[Statement, ...]
    if isinstance(item, Nest):
        body = tuple(each for line in item.lines for each in line.statements())
        if item.ordered:
            return in_blocks(item, around, body, requires)
    else:
        inner = (each for one in item.items for each in _loops(one, len(item.axes), ()))
        body = (
            *(
                Allocate(name=e.name, shape=e.extents, like=None, dtype=e.dtype, fill=None, span=at)
                for e in item.rows
            ),
            *inner,
        )
    for number in reversed(axes):
        is_first = around == 0 and number == axes[0]
        body = (
            For(
                variable=item.variables[number],
                start=Constant(value=0, span=at),
                stop=item.axes[number],
                step=Constant(value=1, span=at),
                body=body,
                header=first.header,
                span=at,
                label="any axis",
                is_inner_axis=not is_first,
                is_axis=True,
                requires=requires if is_first else (),
            ),
        )
    for test in reversed(item.tests if isinstance(item, Nest) else ()):
        body = (If(test=test, body=body, orelse=(), span=at),)
    return body


def _without_ones(item: Nest | Group, around: int, loops: list[int]) -> Nest | Group:
    """Return an item with 0 for the variables of axes of one element, which have no loop."""
    ones = [item.variables[n] for n in range(around, len(item.axes)) if n not in loops]
    if not ones:
        return item
    zeros: Mapping[str, Expression] = {
        name: Constant(value=0, span=next(nests_of(item)).lines[0].store.span) for name in ones
    }

    def put_in(one: Nest | Group) -> Nest | Group:
        if isinstance(one, Group):
            return replace(one, items=[put_in(each) for each in one.items])
        lines = [each.rewritten(lambda node: substituted(node, zeros)) for each in one.lines]
        return replace(one, lines=lines)

    return put_in(item)


def _has_row(item: Item) -> bool:
    return any(line.has_row for nest in nests_of(item) for line in nest.lines)


# ----------------------------------------------------------------------------------- grouping


def _grouped_at(items: list[Item], depth: int) -> list[Item]:
    """Return the items with those that follow one another in loops over `depth` axes shared."""
    found: list[Item] = []
    waiting: list[Nest | Group] = []
    for item in items:
        if waiting and not isinstance(item, Assign):
            moved = _renamed(item, waiting[0].variables[:depth], depth)
            if moved is not None and _fits(moved, waiting, depth):
                waiting.append(moved)
                continue
        found += _together(waiting, depth)
        waiting = []
        if isinstance(item, Assign) or not _may_share(item, depth):
            found.append(item)
        else:
            waiting = [item]
    found += _together(waiting, depth)
    return found


def _together(waiting: list[Nest | Group], depth: int) -> list[Item]:
    """Return nests that may share loops as a group, where one of them is about rows of these."""
    asks = [len(each.axes) == depth and _has_row(each) for each in waiting]
    if len(waiting) < 2 or not any(asks):
        return list(waiting)
    first = waiting[0]
    return [Group(axes=first.axes[:depth], variables=first.variables[:depth], items=waiting)]


def _may_share(item: Nest | Group, depth: int) -> bool:
    is_ordered = isinstance(item, Nest) and bool(item.ordered & set(range(depth)))
    return len(item.axes) >= depth and not is_ordered


def _renamed(item: Nest | Group, variables: tuple[str, ...], depth: int) -> Nest | Group | None:
    """Return an item with other variables for its outer loops; None where it has fewer."""
    if not _may_share(item, depth):
        return None
    at = next(nests_of(item)).lines[0].store.span
    known: Mapping[str, Expression] = {
        own: Name(name=new, span=at)
        for own, new in zip(item.variables[:depth], variables, strict=True)
    }

    def visit(node: Expression) -> Expression:
        return substituted(node, known)

    new = (*variables, *item.variables[depth:])
    if isinstance(item, Nest):
        lines = [each.rewritten(visit) for each in item.lines]
        return Nest(axes=item.axes, variables=new, lines=lines)
    inner = [_renamed(each, variables, depth) for each in item.items]
    moved = [each for each in inner if each is not None]
    assert len(moved) == len(inner)  # they have the axes of their group
    return Group(axes=item.axes, variables=new, items=moved, rows=item.rows)


def _fits(item: Nest | Group, waiting: list[Nest | Group], depth: int) -> bool:
    """Return whether an item may follow others in each iteration of their outer loops."""
    outer = waiting[0].axes[:depth]
    if not are_equal(item.axes[:depth], outer):
        return False
    variables = tuple(v for v, e in zip(waiting[0].variables, outer, strict=False) if not is_one(e))
    mine = [line for nest in nests_of(item) for line in nest.lines]
    theirs = [line for each in waiting for nest in nests_of(each) for line in nest.lines]
    return all(_are_in_step(one, other, variables) for one in theirs for other in mine)


def _are_in_step(one: Line, other: Line, variables: tuple[str, ...]) -> bool:
    """Return whether two lines touch what the other one writes in the same iteration alone."""
    for mine, its in ((one, other), (other, one)):
        target = mine.store.target
        if isinstance(target, Name) and target.name in _names_of(its):
            return False
    return all(
        _is_iterations_own(mine, theirs, variables)
        for mine, writes in one.touches()
        for theirs, also_writes in other.touches()
        if mine.array == theirs.array and (writes or also_writes)
    )


def _names_of(line: Line) -> frozenset[str]:
    """Return the scalars that a line reads or assigns."""
    own = [line.store.target] if isinstance(line.store.target, Name) else []
    return frozenset(e.name for e in (*line.reads(), *own) if isinstance(e, Name))


def _is_iterations_own(one: Element, other: Element, variables: tuple[str, ...]) -> bool:
    """Return whether two elements can be the same in one and the same outer iteration alone.

    They are where each variable alone decides about a subscript, and that is the same in both.
    """
    decided: set[str] = set()
    for mine, theirs in zip(one.indices, other.indices, strict=True):
        names = {each.name for each in walk_expression(mine) if isinstance(each, Name)}
        if len(names) == 1 and constant_distance(mine, theirs) == 0:
            decided |= names
    return decided.issuperset(variables)


# -------------------------------------------------------------------------------- contraction


def _contract(
    group: Group, items: list[Item], made: Mapping[str, NewArray], candidates: frozenset[str]
) -> None:
    """Make rows or scalars of the new arrays that single iterations of a group alone see."""
    inside = [line for nest in nests_of(group) for line in nest.lines]
    others = [each for each in items if each is not group]
    outside = [line for each in others for nest in nests_of(each) for line in nest.lines]
    elsewhere = {e.array for line in outside for e, _ in line.touches()}
    elsewhere |= {
        e.array
        for each in items
        if isinstance(each, Assign)
        for e in leaves(each.value)
        if isinstance(e, Element)
    }
    depth = len(group.axes)
    here: dict[str, bool] = {}
    for line in inside:
        for each, _ in line.touches():
            names = tuple(n.name if isinstance(n, Name) else None for n in each.indices[:depth])
            is_own = names == group.variables
            here[each.array] = here.get(each.array, True) and is_own
    for name, is_own in here.items():
        if is_own and name in candidates and name in made and name not in elsewhere:
            left = made[name].extents[depth:]
            if all(map(is_one, left)):
                _drop_axes(group, name, depth + len(left))
            else:
                _drop_axes(group, name, depth)
                group.rows.append(replace(made[name], extents=left))


def _drop_axes(group: Group, name: str, depth: int) -> None:
    """Let what is left of an array stand for it: its first axes are those of the loops around."""

    def visit(node: Expression) -> Expression:
        if isinstance(node, Element) and node.array == name:
            left = tuple(map(visit, node.indices[depth:]))
            if not left:
                return Name(name=name, span=node.span)
            return replace(node, indices=left)
        return rebuilt(node, visit)

    for nest in nests_of(group):
        nest.lines = [each.rewritten(visit) for each in nest.lines]
