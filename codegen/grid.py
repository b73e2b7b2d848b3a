"""Grids of threads: which parallel loops of a kernel get a thread for each iteration.

Before:  parallel for i in range(n): parallel for j in range(i): ...
After:   Grid(axes i in range(n), j = 0 + k for k in range(n - 1) while j < i)

One to three perfectly nested parallel loops are taken; a loop whose bounds depend on those
around it is shifted to start at 0, which keeps bands and triangles narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autopar.analysis.model.loop_ir import (
    Binary,
    Call,
    Constant,
    Expression,
    Name,
    Unary,
    walk_expression,
)
from autopar.analysis.model.typed import SetVariable

from .host import Kernel
from .integers import NOWHERE, linear, rename, simplify
from .kernel import Branch, Decision, Instance, Loop, Node

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
    while len(axes) < MOST_AXES and (inner := _only_parallel(axes[-1].loop)):
        # Where a last value is wanted, the last thread must be one that runs.
        axis = _axis(inner, axes, may_shift=not kernel.returned)
        if axis is None:
            break
        axes.append(axis)
    return Grid(axes=tuple(axes), body=axes[-1].loop.body)


def _only_parallel(loop: Loop) -> Loop | None:
    (inner, *others) = loop.body
    return inner if isinstance(inner, Loop) and inner.is_parallel and not others else None


def _axis(loop: Loop, around: list[Axis], *, may_shift: bool) -> Axis | None:
    outer = {axis.loop.iterator: (axis.lower, _last(axis)) for axis in around}
    if not _mentions(loop.lower, outer) and not _mentions(loop.upper, outer):
        return Axis(loop=loop, lower=loop.lower, upper=loop.upper, is_shifted=False)
    if not may_shift or any(axis.is_shifted for axis in around):
        return None
    extent = Binary(operator="-", left=loop.upper, right=loop.lower, span=loop.span)
    upper = _largest(_anywhere(extent), outer)
    if upper is None:
        return None
    zero = Constant(value=0, span=loop.span)
    return Axis(loop=loop, lower=zero, upper=simplify(upper, loop.span), is_shifted=True)


def _last(axis: Axis) -> Expression:
    one = Constant(value=1, span=axis.loop.span)
    return Binary(operator="-", left=axis.upper, right=one, span=axis.loop.span)


def names_in(expression: Expression) -> frozenset[str]:
    """Return the parameters and iterators in `expression`."""
    return frozenset(leaf.name for leaf in walk_expression(expression) if isinstance(leaf, Name))


def _mentions(expression: Expression, names: Mapping[str, object] | frozenset[str]) -> bool:
    return any(name in names for name in names_in(expression))


def _anywhere(expression: Expression) -> Expression:
    """Return `expression` with all names where equal ones compare equal."""
    spans = {name: Name(name=name, span=NOWHERE) for name in names_in(expression)}
    return rename(expression, spans)


def _largest(
    expression: Expression, ranges: Mapping[str, tuple[Expression, Expression]], *, sign: int = 1
) -> Expression | None:
    """Return an upper bound of `expression`, or a lower one for sign -1, over iterators' ranges.

    None where the expression is no sum of monotonic terms.
    """
    terms, constant = linear(expression)
    total: Expression = Constant(value=constant, span=NOWHERE)
    for term, factor in terms.items():
        bound = _largest_term(term, ranges, sign if factor > 0 else -sign)
        if bound is None:
            return None
        number = Constant(value=factor, span=NOWHERE)
        scaled = Binary(operator="*", left=number, right=bound, span=NOWHERE)
        total = Binary(operator="+", left=total, right=scaled, span=NOWHERE)
    return total


def _largest_term(
    term: Expression, ranges: Mapping[str, tuple[Expression, Expression]], sign: int
) -> Expression | None:
    if not _mentions(term, ranges):
        return term
    match term:
        case Name():
            return ranges[term.name][sign > 0]
        case Call(function="min" | "max"):
            bounds = [_largest(each, ranges, sign=sign) for each in term.arguments]
            found = tuple(bound for bound in bounds if bound is not None)
            if len(found) < len(bounds):
                return None
            return Call(function=term.function, arguments=found, span=NOWHERE)
        case Binary(operator="//", left=left, right=Constant(value=int(divisor))) if divisor > 0:
            bound = _largest(left, ranges, sign=sign)
            number = Constant(value=divisor, span=NOWHERE)
            return bound and Binary(operator="//", left=bound, right=number, span=NOWHERE)
        case Unary(operator="-", operand=operand):
            bound = _largest(operand, ranges, sign=-sign)
            return bound and Unary(operator="-", operand=bound, span=NOWHERE)
        case _:
            return None


# ------------------------------------------------------------------------------ last values


def unsettled(kernel: Kernel) -> tuple[str, ...]:
    """Return the scalars whose last value the thread of the last iteration may not hold.

    It holds a scalar's if every iteration assigns it, or if all do or none does.
    """
    grid = plan_grid(kernel)
    if grid is None:
        return ()
    return tuple(
        name
        for name in kernel.returned
        if not _assigns(name, grid.body)
        and not _is_uniform(name, grid.body, frozenset(grid.iterators), is_alike=True)
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
                alike = is_alike and not _mentions(node.test, differing)
                if not _is_uniform(name, node.body, differing, is_alike=alike):
                    return False
            case Decision():
                if not _is_uniform(name, node.body + node.orelse, differing, is_alike=False):
                    return False
            case Loop():
                alike = not _mentions(node.lower, differing) and not _mentions(
                    node.upper, differing
                )
                inner = differing if alike else differing | {node.iterator}
                if not _is_uniform(name, node.body, inner, is_alike=is_alike and alike):
                    return False
    return True
