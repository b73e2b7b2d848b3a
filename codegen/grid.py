"""Grids of threads: which parallel loops of a kernel get a thread for each iteration.

Before:  parallel for i in range(n): parallel for j in range(i): ...
After:   Grid(axes i in range(n), j = 0 + k for k in range(n - 1) while j < i)

One to three perfectly nested parallel loops are taken; a loop whose bounds depend on those
around it is shifted to start at 0, which keeps bands and triangles narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autopar.analysis.model.loop_ir import Binary, Constant, Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import PrivateArray
from autopar.analysis.model.typed import SetVariable, Store, places_of

from .elements import cell_of
from .extremes import anywhere, largest, mentions
from .host import Kernel
from .integers import linear, simplify
from .kernel import Branch, Decision, Instance, Loop, Node, walk_nodes

MOST_AXES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One parallel loop of a grid; `lower` and `upper` are known to the host."""

    loop: Loop
    lower: Expression
    upper: Expression  # exclusive; reached for some values of the iterators around at most
    is_shifted: bool  # `lower` and `upper` count from the loop's own lower bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The parallel loops of a kernel, outermost first, and what each thread runs."""

    axes: tuple[Axis, ...]
    body: tuple[Node, ...]
    private: tuple[PrivateArray, ...]  # each thread has copies of these

    @property
    def iterators(self) -> tuple[str, ...]:
        """The iterators that a thread gets, outermost first."""
        return tuple(axis.loop.iterator for axis in self.axes)


def plan_grid(kernel: Kernel) -> Grid | None:
    """Return the grid of a kernel; None for one that runs in a single thread."""
    loop = kernel.loop
    if loop is None or not loop.is_parallel:
        return None
    axes = [Axis(loop=loop, lower=loop.lower, upper=loop.upper, is_shifted=False)]
    private = copied_by(kernel)
    while len(axes) < MOST_AXES and (inner := _only_parallel(axes[-1].loop)):
        # Else the last iteration of one of the loops would not write all that any of them writes.
        if {each.name for each in inner.private_arrays} != {
            each.name for each in axes[-1].loop.private_arrays
        }:
            break
        # Where a last value is wanted, the last thread must be one that runs.
        axis = _axis(inner, axes, may_shift=not kernel.returned and not private)
        if axis is None:
            break
        axes.append(axis)
    filled = {e.name for axis in axes for e in axis.loop.private_arrays if e.starts_filled}
    return Grid(
        axes=tuple(axes),
        body=axes[-1].loop.body,
        private=tuple(replace(each, starts_filled=each.name in filled) for each in private),
    )


def with_fastest(grid: Grid, layouts: Mapping[str, str]) -> Grid:
    """Return a grid with that loop last that walks along memory in most of what is touched.

    Threads of neighbouring iterations of the last loop read and write together. `layouts`: "C",
    "F" or "A" of each array. A store counts twice: what is read otherwise may go through tiles.
    """
    if len(grid.axes) < 2 or grid.private or any(each.is_shifted for each in grid.axes):
        return grid
    scores = {each.loop.iterator: 0 for each in grid.axes}
    for node in walk_nodes(grid.body):
        if not isinstance(node, Instance):
            continue
        for place in places_of(node.statement):
            cell, layout = cell_of(node, place), layouts.get(place.array)
            if cell is None or layout not in ("C", "F"):
                continue
            along = cell[-1 if layout == "C" else 0]
            weight = 2 if isinstance(place, Store) else 1
            for name in scores:
                if any(mentions(each, {name: None}) for each in cell):
                    scores[name] += weight if _steps(along, name) else -weight
    best = max(reversed(grid.axes), key=lambda each: scores[each.loop.iterator])
    others = tuple(each for each in grid.axes if each is not best)
    return replace(grid, axes=(*others, best))


def _steps(index: Expression, iterator: str) -> bool:
    """Return whether a subscript moves by one element from one iteration to the next."""
    terms, _ = linear(index)
    factors = [factor for term, factor in terms.items() if mentions(term, {iterator: None})]
    is_plain = all(isinstance(t, Name) for t in terms if mentions(t, {iterator: None}))
    return is_plain and factors in ([1], [-1])


def copied_by(kernel: Kernel) -> tuple[PrivateArray, ...]:
    """Return the arrays of which threads of a kernel have copies."""
    private = kernel.loop.private_arrays if kernel.loop is not None else ()
    return tuple(each for each in private if each.name in kernel.arrays)


def _only_parallel(loop: Loop) -> Loop | None:
    (inner, *others) = loop.body
    return inner if isinstance(inner, Loop) and inner.is_parallel and not others else None


def _axis(loop: Loop, around: list[Axis], *, may_shift: bool) -> Axis | None:
    outer = {axis.loop.iterator: (axis.lower, _last(axis)) for axis in around}
    if not mentions(loop.lower, outer) and not mentions(loop.upper, outer):
        return Axis(loop=loop, lower=loop.lower, upper=loop.upper, is_shifted=False)
    if not may_shift or any(axis.is_shifted for axis in around):
        return None
    extent = Binary(operator="-", left=loop.upper, right=loop.lower, span=loop.span)
    upper = largest(anywhere(extent), outer)
    if upper is None:
        return None
    zero = Constant(value=0, span=loop.span)
    return Axis(loop=loop, lower=zero, upper=simplify(upper, loop.span), is_shifted=True)


def _last(axis: Axis) -> Expression:
    one = Constant(value=1, span=axis.loop.span)
    return Binary(operator="-", left=axis.upper, right=one, span=axis.loop.span)


# ------------------------------------------------------------------------------ last values


def unsettled(kernel: Kernel) -> tuple[str, ...]:
    """Return the scalars whose last value the thread of the last iteration may not hold.

    It holds a scalar's if every iteration assigns it, or if all do or none does.
    """
    grid = plan_grid(kernel)
    if grid is not None:
        body, iterators = grid.body, frozenset(grid.iterators)
    elif kernel.partial is not None:
        loop = kernel.partial.loop
        body, iterators = loop.body, frozenset({loop.iterator})
    else:
        return ()
    return tuple(
        name
        for name in kernel.returned
        if not _assigns(name, body) and not _is_uniform(name, body, iterators, is_alike=True)
    )


def _assigns(name: str, nodes: tuple[Node, ...]) -> bool:
    """Return whether `nodes` assign `name` whatever happens."""
    for node in nodes:
        match node:
            case Instance(statement=SetVariable(name=target)) if target == name:
                return True
            case Loop(lower=Constant(value=int(lower)), upper=Constant(value=int(upper))):
                if lower < upper and _assigns(name, node.body):
                    return True
            case Decision():
                if _assigns(name, node.body) and _assigns(name, node.orelse):
                    return True
            case _:
                pass
    return False


def _is_uniform(
    name: str, nodes: tuple[Node, ...], differing: frozenset[str], *, is_alike: bool
) -> bool:
    """Return whether all threads agree on which assignments to `name` they run.

    `differing`: iterators whose values depend on the thread; `is_alike`: whether all threads
    that get here run `nodes`.
    """
    for node in nodes:
        match node:
            case Instance(statement=statement):
                if not is_alike and isinstance(statement, SetVariable) and statement.name == name:
                    return False
            case Branch():
                alike = is_alike and not mentions(node.test, differing)
                if not _is_uniform(name, node.body, differing, is_alike=alike):
                    return False
            case Decision():
                if not _is_uniform(name, node.body + node.orelse, differing, is_alike=False):
                    return False
            case Loop():
                alike = not mentions(node.lower, differing) and not mentions(node.upper, differing)
                alike = alike and node.within is None
                inner = differing if alike else differing | {node.iterator}
                if not _is_uniform(name, node.body, inner, is_alike=is_alike and alike):
                    return False
    return True
