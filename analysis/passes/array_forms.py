"""Arrays whose elements are those of others: turned, shifted, joined, or one value throughout.

Before:  np.diff(x), x of axes (n,)    After:  axes (n - 1,); at i: subtract(x[i + 1], x[i])
         np.roll(x, 1)                         pieces: x[:n - 1] from 1 on, x[n - 1:] from 0 on
         np.outer(x, y)                        axes (n, m); at (i, j): multiply(x[i], y[j])

Helper of the `array_values` pass.
"""

from __future__ import annotations

from collections.abc import Callable

from autopar.analysis.model.nouns import dataclass

from ..model.array_run import FORM
from ..model.loop_ir import Binary, Call, Compare, Constant, Expression, Name
from ..model.source import Span
from .array_axes import equal, moved
from .array_parts import Part, Places, is_one, with_axis


class NoFormError(Exception):
    """Unwinds: NumPy is to make it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The values of a part of a new array."""

    axis: int  # along which pieces follow one another
    start: Expression  # where it begins there
    part: Part

    def at_of(self, whole: Part) -> Part:
        """Return where it lies in the new array."""
        return Part(axes=self.part.axes, at=_from(whole, self.axis, self.start), is_array=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forming:
    """What forms are made with."""

    span: Span
    computed: Callable[[Expression, tuple[Part, ...]], Part]  # an operation for each element
    joined: Callable[[tuple[Expression, ...], tuple[Piece, ...]], Part]  # a new array of pieces
    filled: Callable[[Part, Expression], Part | None]  # of one value, in the form of another one
    require: Callable[[tuple[Compare, ...]], None]

    def form(self, function: str, parts: tuple[Part, ...]) -> Part:
        """Return what a form makes of its operands; raises NoFormError where NumPy is to."""
        word = function.removeprefix(FORM)
        match word.split():
            case ["outer"]:
                return self.outer("numpy.multiply", parts, most=1)
            case ["outer", operation]:
                return self.outer(operation, parts, most=None)
            case ["diff"]:
                return self.difference(parts[0], _place(parts[0], parts[1]))
            case ["flip"]:
                return self.flipped(parts[0], _place(parts[0], parts[1]))
            case ["swap" | "move" | "order"]:
                return _turned(parts[0], _new_order(word, parts[0], parts[1:]))
            case ["axis"]:
                wide = _value(parts[1])
                rank = len(parts[0].axes)
                if not parts[0].is_array or not -rank - 1 <= wide <= rank:
                    raise NoFormError
                return with_axis(parts[0], wide % (rank + 1), self.span)
            case ["filled"]:
                found = self.filled(parts[0], parts[1].at(())) if not parts[1].axes else None
                if found is None:
                    raise NoFormError
                return found
            case ["roll"]:
                return self.rolled(parts[0], _value(parts[1]), parts[2:])
        return self.put_together(word, _value(parts[-1]), parts[:-1])

    def outer(self, operation: str, parts: tuple[Part, ...], most: int | None) -> Part:
        """Return an operation on each element of one with each of the other."""
        left, right = parts
        ranks = [len(each.axes) for each in parts]
        if not (left.is_array and right.is_array) or (most is not None and max(ranks) > most):
            raise NoFormError
        for _ in right.axes:
            left = with_axis(left, len(left.axes), self.span)
        names = tuple(Name(name=f"?{n}", span=self.span) for n in range(len(parts)))
        node = Call(function=operation, arguments=names, span=self.span)
        return self.computed(node, (left, right))

    def difference(self, part: Part, axis: int) -> Part:
        """Return the differences of neighbours along an axis."""
        extent = part.axes[axis]
        if is_one(extent):
            raise NoFormError
        left = moved(extent, self.one, -1)
        axes = (*part.axes[:axis], left, *part.axes[axis + 1 :])
        here = Part(axes=axes, at=part.at, is_array=True)
        there = Part(axes=axes, at=_from(part, axis, self.one), is_array=True)
        names = tuple(Name(name=f"?{n}", span=self.span) for n in range(2))
        node = Binary(operator="-", left=names[0], right=names[1], span=self.span)
        return self.computed(node, (there, here))

    def flipped(self, part: Part, axis: int) -> Part:
        """Return the same with an axis the other way round."""
        last = moved(part.axes[axis], self.one, -1)

        def element(places: Places) -> Expression:
            back = moved(last, places[axis], -1)
            return part.at((*places[:axis], back, *places[axis + 1 :]))

        return part if is_one(part.axes[axis]) else _plain(part.axes, element)

    def rolled(self, part: Part, shift: int, axes: tuple[Part, ...]) -> Part:
        """Return the same with the elements of an axis moved, the last ones first."""
        if not part.is_array or (not axes and len(part.axes) > 1):
            raise NoFormError
        axis = _place(part, axes[0]) if axes else 0
        extent = part.axes[axis]
        if shift == 0 or is_one(extent):
            whole = Piece(axis=axis, start=self.zero, part=_plain(part.axes, part.at))
            return self.joined(part.axes, (whole,))
        number = Constant(value=abs(shift), span=self.span)
        self.require((Compare(operator="<=", left=number, right=extent, span=self.span),))
        rest = moved(extent, number, -1)
        # How many of the first elements go to the end, or of the last ones to the front.
        first, last = (rest, number) if shift > 0 else (number, rest)
        front = self.cut(part, axis, self.zero, first)
        back = self.cut(part, axis, first, last)
        pieces = (
            Piece(axis=axis, start=last, part=front),
            Piece(axis=axis, start=self.zero, part=back),
        )
        return self.joined(part.axes, pieces if shift > 0 else pieces[::-1])

    def put_together(self, word: str, axis: int, parts: tuple[Part, ...]) -> Part:
        """Return arrays one after the other along an axis, a new one where they are stacked."""
        rank = len(parts[0].axes)
        if any(not each.is_array or len(each.axes) != rank for each in parts):
            raise NoFormError
        if word in ("rows", "columns"):
            axis = 0 if word == "rows" or rank == 1 else 1
        if word == "stacked" or (word == "rows" and rank == 1):
            if not -rank - 1 <= axis <= rank:
                raise NoFormError
            axis %= rank + 1
            parts = tuple(with_axis(each, axis, self.span) for each in parts)
        elif not -rank <= axis < rank:
            raise NoFormError
        else:
            axis %= rank
        start: Expression = self.zero
        pieces: list[Piece] = []
        for each in parts:
            self.fit(parts[0], each, axis)
            pieces.append(Piece(axis=axis, start=start, part=each))
            start = each.axes[axis] if len(pieces) == 1 else moved(start, each.axes[axis], 1)
        whole = (*parts[0].axes[:axis], start, *parts[0].axes[axis + 1 :])
        return self.joined(whole, tuple(pieces))

    def fit(self, first: Part, other: Part, axis: int) -> None:
        """Require that two arrays are as long along all axes but one: these do not broadcast."""
        for number, (one, two) in enumerate(zip(first.axes, other.axes, strict=True)):
            if number == axis:
                continue
            if is_one(one) != is_one(two):
                raise NoFormError
            self.require(tuple(equal(one, two)))

    def cut(self, part: Part, axis: int, start: Expression, extent: Expression) -> Part:
        axes = (*part.axes[:axis], extent, *part.axes[axis + 1 :])
        return _plain(axes, _from(part, axis, start))

    @property
    def zero(self) -> Constant:
        return Constant(value=0, span=self.span)

    @property
    def one(self) -> Constant:
        return Constant(value=1, span=self.span)


def _plain(axes: tuple[Expression, ...], at: Callable[[Places], Expression]) -> Part:
    return Part(axes=axes, at=at, is_array=True)


def _from(part: Part, axis: int, start: Expression) -> Callable[[Places], Expression]:
    """Return the elements of a part from a place of an axis on."""

    def element(places: Places) -> Expression:
        there = moved(start, places[axis], 1)
        return part.at((*places[:axis], there, *places[axis + 1 :]))

    return element


def _turned(part: Part, order: list[int]) -> Part:
    """Return the same with its axes in another order."""

    def element(places: Places) -> Expression:
        return part.at(tuple(places[order.index(axis)] for axis in range(len(order))))

    return _plain(tuple(part.axes[each] for each in order), element)


def _new_order(word: str, part: Part, given: tuple[Part, ...]) -> list[int]:
    """Return which axes come first, second and so on."""
    rank = len(part.axes)
    places = [_place(part, each) for each in given]
    order = list(range(rank))
    if word == "order":
        order = places
    elif word == "swap":
        order[places[0]], order[places[1]] = order[places[1]], order[places[0]]
    else:
        order.insert(places[1], order.pop(places[0]))
    if sorted(order) != list(range(rank)):
        raise NoFormError  # NumPy raises
    return order


def _value(part: Part) -> int:
    """Return the integer that the reader put there."""
    node = part.at(())
    assert isinstance(node, Constant)  # it made sure of it
    assert isinstance(node.value, int)  # as before
    return node.value


def _place(part: Part, axis: Part) -> int:
    """Return an axis counted from the first one."""
    found = _value(axis)
    if not part.is_array or not -len(part.axes) <= found < len(part.axes):
        raise NoFormError  # NumPy raises
    return found % len(part.axes)
