"""Read what a loop runs over: a gast expression -> an `Iterable` of the loop IR.

Before:  enumerate(zip(a, range(n)), 1)    After:  Enumerated(1, Zipped(Elements(a), Counts(0, n)))

Helper of the `parse` pass. Where the numbers of an iterable step by something else than one, or
its meaning depends on more than its text, it is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import gast

from ..model.held import FIRST, LAST
from ..model.loop_ir import (
    Binary,
    Compare,
    Constant,
    Counts,
    Elements,
    Enumerated,
    Expression,
    Extent,
    Grid,
    Iterable,
    Listed,
    Name,
    Pattern,
    Zipped,
)
from ..model.source import Span
from . import names
from .held_values import is_bar, limits_of_range

# Written numbers are chosen by the number of the turn, one test for each.
_MOST_WRITTEN = 32


class Reading(NamedTuple):
    """How the reader of the function reads parts of an iterable."""

    expression: Callable[[Any], Expression]
    canonical: Callable[[Any], str | None]
    span_of: Callable[[Any], Span]
    place: Callable[[Any], str | None]  # the name of an array, or of a chain that leads to one
    held: Callable[[Any], str | None]  # the name of what is computed before the loop begins
    is_inside: bool  # another loop stands around this one


def read_pattern(node: Any, span_of: Callable[[Any], Span]) -> Pattern | None:
    """Return the names that a loop's target binds; None where it binds anything else."""
    match node:
        case gast.Name():
            return Name(name=node.id, span=span_of(node))
        case gast.Tuple() | gast.List():
            parts = [read_pattern(each, span_of) for each in node.elts]
            known = tuple(each for each in parts if each is not None)
            return known if len(known) == len(parts) else None
    return None


def read_iterable(node: Any, target: Pattern, reading: Reading) -> Iterable | None:
    """Return what a loop with such a target runs over; None where its turns have no numbers."""
    found = _read(node, target, reading)
    name = reading.held(node) if found is None and _is_flat(target) else None
    if name is None:
        return found
    at = reading.span_of(node)
    limits = limits_of_range(node, reading.canonical) if isinstance(target, Name) else None
    if limits is None:
        return Elements(array=name, is_reversed=False, span=at)
    first = Name(name=name + FIRST, span=at) if limits > 1 else _zero(at)
    return Counts(start=first, stop=Name(name=name + LAST, span=at), span=at)


def _read(node: Any, target: Pattern, reading: Reading) -> Iterable | None:
    at = reading.span_of(node)
    match node:
        case gast.Name() | gast.Attribute() | gast.Subscript() if _is_flat(target):
            array = reading.place(node)
            return None if array is None else Elements(array=array, is_reversed=False, span=at)
        case gast.Tuple() | gast.List() if reading.is_inside:
            return _listed(node, target, reading)
        case gast.Call() if not any(isinstance(each, gast.Starred) for each in node.args):
            return _call(node, target, reading)
        case gast.Call(args=[gast.Starred(value=shape)]):
            # np.ndindex(*a.shape)
            return _indices([shape], target, reading) if _is_ndindex(node, reading) else None
    return None


def _is_flat(target: Pattern) -> bool:
    """Return whether a target is a name, or takes a row apart into names."""
    return isinstance(target, Name) or all(isinstance(each, Name) for each in target)


def _listed(node: Any, target: Pattern, reading: Reading) -> Listed | None:
    """Return numbers that are written out, or pairs of them and the like."""
    rows: list[list[Any]] = []
    for each in node.elts:
        if isinstance(target, Name):
            rows.append([each])
        elif isinstance(each, gast.Tuple | gast.List) and len(each.elts) == len(target):
            rows.append(each.elts)
        else:
            return None
    if not 0 < len(rows) <= _MOST_WRITTEN:
        return None
    columns = [_numbers(column, reading) for column in zip(*rows, strict=True)]
    known = tuple(each for each in columns if each is not None)
    is_known = known and len(known) == len(columns)
    return Listed(columns=known, span=reading.span_of(node)) if is_known else None


def _numbers(nodes: tuple[Any, ...], reading: Reading) -> tuple[Constant, ...] | None:
    """Return literals of one type; None where there are others."""
    is_plain = all(isinstance(each, gast.Constant | gast.UnaryOp) for each in nodes)
    # The text of a constant that is no number has no place in an expression.
    if not is_plain or any(_is_text(part) for each in nodes for part in names.walk(each)):
        return None
    found = [each for each in map(reading.expression, nodes) if isinstance(each, Constant)]
    is_one_type = len(found) == len(nodes) and len({type(each.value) for each in found}) == 1
    return tuple(found) if is_one_type else None


def _is_text(node: Any) -> bool:
    return isinstance(node, gast.Constant) and not isinstance(
        node.value, bool | int | float | complex
    )


def steps_of(listed: Iterable | None) -> tuple[Constant, Constant, Constant] | None:
    """Return start, stop and step of the range that gives the same integers; None for no range."""
    if not isinstance(listed, Listed) or len(listed.columns) > 1:
        return None
    (numbers,) = listed.columns
    values = [each.value for each in numbers if type(each.value) is int]
    if len(values) < len(numbers):
        return None
    step = values[1] - values[0] if len(values) > 1 else 1
    stop = values[0] + len(values) * step
    if not step or values != list(range(values[0], stop, step)):
        return None
    start, end, stride = (Constant(value=e, span=listed.span) for e in (values[0], stop, step))
    return start, end, stride


def _call(node: Any, target: Pattern, reading: Reading) -> Iterable | None:
    at, arguments = reading.span_of(node), list(node.args)
    parts = () if isinstance(target, Name) else target
    match reading.canonical(node.func):
        case "enumerate" if len(parts) == 2 and arguments:
            return _enumerated(node, parts[1], reading)
        case _ if node.keywords:
            return None
        case "range" if isinstance(target, Name):
            return _counts(node, reading)
        # How far a bar gets in a `zip` depends on what else is in it.
        case "zip" if (
            parts
            and len(parts) == len(arguments)
            and not any(is_bar(each, reading.canonical) for each in arguments)
        ):
            found = [
                read_iterable(each, part, reading)
                for each, part in zip(arguments, parts, strict=True)
            ]
            known = tuple(each for each in found if each is not None)
            return Zipped(parts=known, span=at) if len(known) == len(found) else None
        case "reversed" if len(arguments) == 1:
            inner = read_iterable(arguments[0], target, reading)
            if isinstance(inner, Elements) and not inner.is_reversed:
                return replace(inner, is_reversed=True, span=at)
        case "numpy.ndindex":
            return _indices(arguments, target, reading)
        case "numpy.ndenumerate" if len(parts) == 2:
            return _numbered(arguments, parts, reading)
        case "itertools.product" if arguments and len(parts) == len(arguments):
            axes = [_counts(each, reading) for each in arguments]
            ranges = tuple(each for each in axes if each is not None)
            return Grid(axes=ranges, array=None, span=at) if len(ranges) == len(axes) else None
    return None


def _enumerated(node: Any, target: Pattern, reading: Reading) -> Iterable | None:
    arguments = list(node.args)
    if [each.arg for each in node.keywords] == ["start"]:
        arguments.append(node.keywords[0].value)
    elif node.keywords:
        return None
    at = reading.span_of(node)
    inner = read_iterable(arguments[0], target, reading)
    if inner is None or len(arguments) > 2:  # enumerate(iterable, start)
        return None
    start = reading.expression(arguments[1]) if len(arguments) > 1 else _zero(at)
    if isinstance(start, Constant) and type(start.value) is not int:
        return None
    return Enumerated(start=start, inner=inner, span=at)


def _counts(node: Any, reading: Reading) -> Counts | None:
    """Return `range(stop)` or `range(start, stop)`."""
    is_range = isinstance(node, gast.Call) and reading.canonical(node.func) == "range"
    if not is_range or node.keywords or not 1 <= len(node.args) <= 2:
        return None
    if any(isinstance(each, gast.Starred) for each in node.args):
        return None
    limits = [reading.expression(each) for each in node.args]
    at = reading.span_of(node)
    return Counts(start=_zero(at) if len(limits) == 1 else limits[0], stop=limits[-1], span=at)


def backwards(
    start: Expression, stop: Expression, step: Expression
) -> tuple[Expression, Expression, Expression] | None:
    """Return the limits of a range taken from its end; None where the step is no literal."""
    stride = step.value if isinstance(step, Constant) else 0
    if not isinstance(stride, int) or isinstance(stride, bool) or not stride:
        return None
    at = step.span
    one = Constant(value=1 if stride > 0 else -1, span=at)
    if abs(stride) == 1:
        last = _minus(stop, one)
    else:
        # As many whole steps as lie before the end; fewer than none where the range is empty.
        size = Constant(value=abs(stride), span=at)
        ends = (stop, start) if stride > 0 else (start, stop)
        room = _minus(_minus(*ends), Constant(value=1, span=at))
        steps = Binary(operator="//", left=room, right=size, span=at)
        way = Binary(operator="*", left=steps, right=Constant(value=stride, span=at), span=at)
        last = Binary(operator="+", left=start, right=way, span=at)
    return last, _minus(start, one), Constant(value=-stride, span=at)


def _minus(left: Expression, right: Expression) -> Expression:
    if isinstance(left, Constant) and isinstance(right, Constant):
        value = left.value - right.value
        return Constant(value=value, span=left.span)
    if isinstance(right, Constant) and isinstance(right.value, int) and right.value < 0:
        positive = Constant(value=-right.value, span=right.span)
        return Binary(operator="+", left=left, right=positive, span=left.span)
    return Binary(operator="-", left=left, right=right, span=left.span)


def _is_ndindex(node: Any, reading: Reading) -> bool:
    return reading.canonical(node.func) == "numpy.ndindex" and not node.keywords


def _indices(arguments: list[Any], target: Pattern, reading: Reading) -> Grid | None:
    """Return the positions that `np.ndindex` gives: of an array's shape, or of literal extents."""
    if isinstance(target, Name) or not arguments:
        return None
    at = reading.span_of(arguments[0])
    match arguments:
        case [gast.Attribute(value=array, attr="shape")]:
            name = reading.place(array)
            return None if name is None else _over_shape(name, len(target), at)
        case [gast.Tuple(elts=elements)]:
            arguments = elements
    extents = [reading.expression(each) for each in arguments]
    if len(extents) != len(target) or any(map(_is_no_extent, extents)):
        return None
    axes = tuple(Counts(start=_zero(at), stop=each, span=at) for each in extents)
    return Grid(axes=axes, array=None, span=at)


def _is_no_extent(extent: Expression) -> bool:
    return isinstance(extent, Constant) and not (type(extent.value) is int and extent.value >= 0)


def no_negatives(iterable: Iterable) -> tuple[Compare, ...]:
    """Return what must hold of extents: `np.ndindex` refuses some for which a range is empty."""
    axes = iterable.axes if isinstance(iterable, Grid) else ()
    return tuple(
        Compare(operator="<=", left=axis.start, right=axis.stop, span=axis.span)
        for axis in axes
        if not isinstance(axis.stop, Constant | Extent)
    )


def _numbered(arguments: list[Any], parts: tuple[Pattern, ...], reading: Reading) -> Grid | None:
    positions = parts[0]
    match arguments:
        case [array] if not isinstance(positions, Name):
            name = reading.place(array)
            if name is not None:
                grid = _over_shape(name, len(positions), reading.span_of(array))
                return replace(grid, array=name)
    return None


def _over_shape(array: str, rank: int, at: Span) -> Grid:
    extents = (
        Extent(array=array, axis=axis, span=at, is_attribute=True, of=rank) for axis in range(rank)
    )
    axes = tuple(Counts(start=_zero(at), stop=each, span=at) for each in extents)
    return Grid(axes=axes, array=None, span=at)


def _zero(at: Span) -> Constant:
    return Constant(value=0, span=at)
