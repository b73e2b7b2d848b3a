"""Axes of the parts of arrays that whole-array statements name: where they begin, how they go on.

Before:  u[1:-1] of an array u          After:  Axis(start=1, step=1, extent=u.shape[0] - 2),
                                                where 1 <= u.shape[0] - 1 holds

NumPy cuts a slice to what there is of its axis; what `requires` says excludes that, so that each
extent is one expression. Helper of the `array_statements` pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    Binary,
    Compare,
    CompareOperator,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Slice,
    walk_expression,
)
from ..model.source import Span
from .affine import Affine, affine, name_of, plus


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The elements `start`, `start + step`, ... of one axis of an array, `extent` in number."""

    start: Expression
    step: int
    extent: Expression
    requires: tuple[Compare, ...]  # for that to be what NumPy selects

    @property
    def behind(self) -> Expression:
        """The subscript one step behind the last element."""
        return moved(self.start, self.extent, self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A part of an array: one entry for each axis, a subscript where it selects one of it."""

    array: str
    entries: tuple[Axis | Expression, ...]
    span: Span
    has_tuple: bool = True  # as of `Element`; one element is one of a list as well

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes that are left."""
        return tuple(each for each in self.entries if isinstance(each, Axis))

    def requires(self) -> Iterator[Compare]:
        """Yield what must hold for this to be the part that the source names."""
        for number, entry in enumerate(self.entries):
            if isinstance(entry, Axis):
                yield from entry.requires
            else:
                size = _extent(self.array, number, self.span)
                yield from _holding("<=", _number(0, self.span), entry)
                yield from _holding("<", entry, size)

    def first(self) -> Element:
        """Return the element at the start of each axis that is left."""
        indices = tuple(e.start if isinstance(e, Axis) else e for e in self.entries)
        return Element(array=self.array, indices=indices, span=self.span, has_tuple=True)

    def element(self, variables: tuple[str, ...]) -> Element:
        """Return the element at the values of `variables`, one for each axis that is left."""
        waiting = iter(variables)
        indices = tuple(
            moved(entry.start, Name(name=next(waiting), span=self.span), entry.step)
            if isinstance(entry, Axis)
            else entry
            for entry in self.entries
        )
        return Element(array=self.array, indices=indices, span=self.span, has_tuple=self.has_tuple)


def view_of(place: Element, rank: int) -> View | None:
    """Return the part of an array of `rank` axes that `place` names; None for other subscripts."""
    if len(place.indices) > rank:
        return None
    whole = Slice(start=None, stop=None, step=None, span=place.span)
    given = (*place.indices, *[whole] * (rank - len(place.indices)))
    entries: list[Axis | Expression] = []
    for number, index in enumerate(given):
        if isinstance(index, Slice):
            axis = _axis(index, _extent(place.array, number, place.span))
            if axis is None:
                return None
            entries.append(axis)
        elif form(index) is None:
            return None  # data, a mask or an array of subscripts
        else:
            entries.append(_from_first(index, _extent(place.array, number, place.span)))
    is_one = not any(isinstance(each, Axis) for each in entries)
    return View(
        array=place.array,
        entries=tuple(entries),
        span=place.span,
        has_tuple=place.has_tuple or not is_one,
    )


def _axis(cut: Slice, size: Extent) -> Axis | None:
    """Return what a slice selects of an axis of `size` elements."""
    step = 1 if cut.step is None else _integer(cut.step)
    limits = [each for each in (cut.start, cut.stop) if each is not None]
    if step is None or step == 0 or any(form(each) is None for each in limits):
        return None
    at = cut.span
    zero, one = _number(0, at), _number(1, at)
    order: tuple[tuple[Expression, Expression], ...]
    if step > 0:
        start = zero if cut.start is None else _from_first(cut.start, size)
        stop: Expression = size if cut.stop is None else _from_first(cut.stop, size)
        order = ((zero, start), (start, stop), (stop, size))
        width = difference(stop, start)
    else:
        start = difference(size, one) if cut.start is None else _from_first(cut.start, size)
        stop = _number(-1, at) if cut.stop is None else _from_first(cut.stop, size)
        least = stop if cut.stop is None else zero  # -1 is written, and means the last one
        order = ((least, stop), (stop, start), (start, difference(size, one)))
        width = difference(start, stop)
    requires = tuple(test for low, high in order for test in _holding("<=", low, high))
    return Axis(start=start, step=step, extent=_quotient(width, abs(step)), requires=requires)


def _integer(expression: Expression) -> int | None:
    """Return the value of a literal integer."""
    match expression:
        case Constant(value=value) if type(value) is int:
            return value
    return None


def _from_first(index: Expression, size: Extent) -> Expression:
    """Return a subscript counted from the first element, where it surely counts from the last."""
    found = form(index)
    if found is not None and found.is_constant and found.constant < 0:
        return moved(size, _number(-found.constant, index.span), -1)
    return index


def _extent(array: str, axis: int, span: Span) -> Extent:
    return Extent(array=array, axis=axis, span=span, is_attribute=True)


# --------------------------------------------------------------------------- arithmetic


def form(expression: Expression) -> Affine | None:
    """Return an expression as a sum of multiples of names and extents; None for any other."""
    leaves = [node for node in walk_expression(expression) if isinstance(node, Name | Extent)]
    if any(isinstance(node, Element | Slice) for node in walk_expression(expression)):
        return None
    if any(
        isinstance(n, Constant) and type(n.value) is not int for n in walk_expression(expression)
    ):
        return None
    return affine(expression, {name_of(each): name_of(each) for each in leaves})


def distance(left: Expression, right: Expression) -> Affine | None:
    """Return `left - right` as a sum; None where one of the two is none."""
    forms = form(left), form(right)
    return None if forms[0] is None or forms[1] is None else plus(forms[0], forms[1], -1)


def constant_distance(left: Expression, right: Expression) -> int | None:
    """Return `left - right` where it is one number, whatever the names stand for."""
    found = distance(left, right)
    return found.constant if found is not None and found.is_constant else None


def difference(left: Expression, right: Expression) -> Expression:
    """Return `left - right`, in the fewest words."""
    return moved(left, right, -1)


def moved(start: Expression, by: Expression, factor: int) -> Expression:
    """Return `start + factor * by`, in the fewest words."""
    at = start.span
    known = constant_distance(start, by) if factor == -1 else None
    if known is not None:
        return _number(known, at)
    match start, by:
        case Constant(value=int() as first), Constant(value=int() as second):
            return _number(first + factor * second, at)
        case _, Constant(value=0):
            return start
        case Constant(value=0), _ if factor == 1:
            return by
        case Binary(operator="-", left=inner, right=Constant(value=int() as first)), Constant(
            value=int() as second
        ):
            return moved(inner, _number(first - factor * second, at), -1)
    if factor < 0:
        return Binary(operator="-", left=start, right=_times(by, -factor), span=at)
    return Binary(operator="+", left=start, right=_times(by, factor), span=at)


def _times(expression: Expression, factor: int) -> Expression:
    if factor == 1:
        return expression
    if isinstance(expression, Constant) and isinstance(expression.value, int):
        return _number(factor * expression.value, expression.span)
    number = _number(factor, expression.span)
    return Binary(operator="*", left=number, right=expression, span=expression.span)


def _quotient(width: Expression, step: int) -> Expression:
    """Return `width / step`, rounded up."""
    if step == 1:
        return width
    at = width.span
    above = moved(width, _number(step - 1, at), 1)
    return Binary(operator="//", left=above, right=_number(step, at), span=at)


def _number(value: int, span: Span) -> Constant:
    return Constant(value=value, span=span)


def _holding(operator: CompareOperator, left: Expression, right: Expression) -> Iterator[Compare]:
    """Yield a comparison, unless it holds whatever the names stand for."""
    known = constant_distance(left, right)
    is_plain = known is not None and {"<=": known <= 0, "<": known < 0, "==": known == 0}[operator]
    # Extents are not negative.
    is_extent = operator == "<=" and _integer(left) == 0 and isinstance(right, Extent)
    if not is_plain and not is_extent:
        yield Compare(operator=operator, left=left, right=right, span=left.span)


def equal(left: Expression, right: Expression) -> Iterator[Compare]:
    """Yield that two extents are the same, unless they are whatever the names stand for."""
    yield from _holding("==", left, right)


def not_empty(extent: Expression) -> Iterator[Compare]:
    """Yield that an axis has an element."""
    yield from _holding("<=", _number(1, extent.span), extent)
