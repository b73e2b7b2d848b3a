"""What the names of a loop are bound to in turn, and for how many turns.

Before:  for i, x in enumerate(a, k): ...     After:  i counts from k; x is a[turn]; the loop's
                                                      variable i goes from k to k + a.shape[0]

Helper of the `index_loops` pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    Binary,
    Call,
    Compare,
    Conditional,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
)
from ..model.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A part of an array, as `array[indices]`: all of it, or a row."""

    array: str
    indices: tuple[Expression, ...] = ()

    def part(self, span: Span) -> Element:
        """Return it as what stands in the source for it."""
        return Element(array=self.array, indices=self.indices, span=span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """A name that counts: from `start`, up to `stop` if there is one."""

    name: Name
    start: Expression
    stop: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """A name for one element or row of an array after the other."""

    name: Name
    view: View
    is_reversed: bool
    column: int | None = None  # of `x, y`: the element of the row that it stands for
    width: int | None = None  # how many there must be then


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A name for one written number after the other."""

    name: Name
    numbers: tuple[Constant, ...]

    def at(self, position: Expression) -> Expression:
        """Return the number of the turn `position`, which counts from 0."""
        *others, found = self.numbers
        chosen: Expression = found
        for turn, number in reversed(list(enumerate(others))):
            at = number.span
            here = Constant(value=turn, span=at)
            test = Compare(operator="==", left=position, right=here, span=at)
            chosen = Conditional(test=test, body=number, orelse=chosen, span=at)
        return chosen


Stream: TypeAlias = Numbers | Values | Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The turns of a loop whose variable begins at `start`."""

    start: Expression
    span: Span

    def end(self, stream: Stream) -> Expression | None:
        """Return where the variable is once the stream is exhausted; None if it never is."""
        if isinstance(stream, Written):
            return total(self.start, Constant(value=len(stream.numbers), span=self.span))
        if isinstance(stream, Values):
            return total(self.start, extent_of(stream.view, self.span))
        if stream.stop is None or stream.start == self.start:
            return stream.stop
        return total(self.start, difference(stream.stop, stream.start))

    def position(self, variable: str) -> Expression:
        """Return the number of a turn, from 0."""
        return difference(Name(name=variable, span=self.span), self.start)


def limits(stream: Stream) -> Iterator[Expression]:
    """Yield the numbers that a stream begins and ends with."""
    if isinstance(stream, Numbers):
        yield stream.start
        if stream.stop is not None:
            yield stream.stop


def extent_of(view: View, span: Span) -> Extent:
    """Return how many elements or rows a part of an array has."""
    return Extent(array=view.array, axis=len(view.indices), span=span)


def total(left: Expression, right: Expression) -> Expression:
    """Return `left + right`, in the fewest words."""
    if _is_zero(left):
        return right
    if isinstance(right, Binary) and right.operator == "-" and right.right == left:
        return right.left
    return (
        right if _is_zero(left) else Binary(operator="+", left=right, right=left, span=right.span)
    )


def difference(left: Expression, right: Expression) -> Expression:
    """Return `left - right`, in the fewest words."""
    if _is_zero(right):
        return left
    return Binary(operator="-", left=left, right=right, span=left.span)


def _is_zero(expression: Expression) -> bool:
    return isinstance(expression, Constant) and expression.value == 0


def least(ends: tuple[Expression, ...]) -> Expression:
    """Return the first of several ends that is reached."""
    if len(ends) == 1:
        return ends[0]
    return Call(function="min", arguments=ends, span=ends[0].span)
