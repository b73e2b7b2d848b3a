"""What the expressions of an array run are for one element: axes, and what stands at a place.

Before:  np.exp(x[1:]) * row, of axes (n - 1, m) and (m,)
After:   axes (n - 1, m); at (i, j): multiply(exp(x[i + 1, j]), row[j])

Shapes are known as far as a call has shown which extents are equal, and which are 1; so NumPy's
broadcasting is decided here, and what else must be equal is left to the guard. Helper of the
`array_fusion` pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import NoReturn

import numpy as np

from autopar.analysis.model.nouns import dataclass

from ..model.array_run import (
    COPIED,
    FOLD,
    FORM,
    NEW_AXIS,
    OTHER_AXES,
    PARTS,
    PRODUCTS,
    REDUCTIONS,
    TRANSPOSE,
    WHERE,
)
from ..model.loop_ir import (
    Binary,
    Call,
    Compare,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Slice,
    Unary,
    children,
    walk_expression,
)
from ..model.source import Span
from ..model.ufuncs import FUNCTIONS
from .array_axes import Axis, equal, moved, view_of
from .array_forms import Forming, NoFormError, Piece
from .array_operators import is_bare, operation
from .array_parts import Part, Places, is_one
from .reasons_syntax import CHOSEN_OTHERWISE
from .substitution import rebuilt
from .updates import same_expression

# Stands for the array, or the part of one, of which a part is taken.
_PART = "?part"
# Whether this NumPy does: a power of -0.0 has no sign.
_HALF = 0.5
_TAKES_ROOTS = bool(np.signbit(np.array([-0.0]) ** _HALF)[0])


class UnfusedError(Exception):
    """Unwinds the reading of a run that has no loops."""

    def __init__(self, span: Span, detail: str) -> None:
        super().__init__(detail)
        self.span = span
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An array that names stand for, or a part of one."""

    name: str  # in the loops
    axes: tuple[Expression, ...]
    at: Callable[[Places], Expression] | None = None  # of a part: the element at a place


@dataclass(slots=True, kw_only=True)
class Reading:
    """Reads the values of one statement."""

    span: Span
    arrays: Mapping[str, Whole]  # by the names of the user
    # Holds what is computed of scalars alone, and what both sides of a choice are; returns it.
    keep_scalar: Callable[[Expression], Expression]
    keep_part: Callable[[Part], Part]
    reduce: Callable[[str, Part], Part]  # what holds what it comes to
    # The same by a function of NumPy's: its name, operands, axis, whether that is kept.
    fold: Callable[[str, tuple[Part, ...], int | None, bool], Part]
    choose: Callable[[tuple[Part, Part, Part]], Part]
    join: Callable[[tuple[Expression, ...], tuple[Piece, ...]], Part]  # a new array of pieces
    fill: Callable[[Part, Expression], Part | None]  # an array of one value, like another one
    is_complex: Callable[[Part], bool]
    is_float: Callable[[Part], bool]
    requires: list[Compare] = field(default_factory=list)
    # The array of truth values, as it is written, that selects elements of all others.
    mask: Expression | None = None

    def value(self, node: Expression) -> Part:
        """Return the values of an expression; raises UnfusedError where it has no loops."""
        match node:
            case Name(name=name) if name in {NEW_AXIS, OTHER_AXES}:
                self.refuse("it computes with 'None'")
            case Name(name=name) if name in self.arrays:
                if self.mask is not None:
                    self.refuse("it selects elements of one array, and takes all of another")
                return whole_part(self.arrays[name])
            case Element():
                part = self.part(node)
                if self.mask is not None and part.is_array and not self.is_masked(node):
                    self.refuse("it selects elements of two arrays otherwise")
                return part
            case Constant() | Name() | Extent():
                return _scalar(self.known(node))
            case Slice():
                self.refuse("a slice is no value")
            case Call():
                found = self.called(node)
                if found is not None:
                    return found
        operands = tuple(self.value(each) for each in children(node))
        if not any(each.is_array for each in operands):
            return _scalar(_with_operands(node, tuple(each.at(()) for each in operands)))
        return self.computed(node, tuple(map(self.kept, operands)))

    def called(self, node: Call) -> Part | None:
        """Return what a function gives that is none of elements; None for those of elements."""
        is_of_all = node.function in REDUCTIONS or node.function.startswith((FOLD, TRANSPOSE, FORM))
        if self.mask is not None and is_of_all:
            self.refuse("it is about all of the elements that are selected")
        match node:
            case Call(function=function, arguments=(operand,)) if function == TRANSPOSE:
                return _transposed(self.value(operand))
            case Call(function=function, arguments=(operand,)) if function == COPIED:
                return self.value(operand)
            case Call(function=function, arguments=operands) if function.startswith(FORM):
                return self.formed(function, tuple(map(self.value, operands)))
            case Call(function=function, arguments=(operand,)) if function in PARTS:
                return self.part_of_complex(node, self.value(operand))
            case Call(function=function, arguments=(operand,)) if function in REDUCTIONS:
                part = self.value(operand)
                if not part.is_array:
                    self.refuse("it reduces a number")
                return self.reduce(function, part)
            case Call(function=function, arguments=operands) if function in PRODUCTS:
                parts = tuple(map(self.value, operands))
                return self.fold(function.removeprefix(FOLD), parts, None, False)  # as declared
            case Call(function=function, arguments=(operand, axis, kept)) if function.startswith(
                FOLD
            ):
                part = self.value(operand)
                assert isinstance(kept, Constant)  # the reader made it
                assert isinstance(axis, Constant)  # as before
                assert isinstance(axis.value, int)  # as before
                place = None if axis.value is True else axis.value
                name = function.removeprefix(FOLD)
                return self.fold(name, (part,), place, bool(kept.value))
            case Call(function=function) if function == WHERE:
                test, one, other = (self.value(each) for each in node.arguments)
                if not (test.is_array or one.is_array or other.is_array):
                    self.refuse("'np.where' of numbers makes an array without axes")
                return self.choose((test, self.held(one), self.held(other)))
        return None

    def formed(self, function: str, parts: tuple[Part, ...]) -> Part:
        """Return an array whose elements are those of others."""
        forming = Forming(
            span=self.span,
            computed=lambda node, operands: self.computed(node, tuple(map(self.kept, operands))),
            joined=self.join,
            filled=self.fill,
            require=self.requires.extend,
        )
        try:
            return forming.form(function, parts)
        except NoFormError:
            self.refuse("NumPy makes such an array by itself")

    def part_of_complex(self, node: Call, part: Part) -> Part:
        """Return the real or the imaginary parts of numbers."""
        if not part.is_array or not self.is_complex(part):
            self.refuse(f"'{node.function}' is taken of numbers that are not complex")

        def element(places: Places) -> Expression:
            return Call(function=node.function, arguments=(part.at(places),), span=node.span)

        return Part(axes=part.axes, at=element, is_array=True)

    def kept(self, part: Part) -> Part:
        """Return an operand, a number that is computed in a scalar of its own."""
        if part.is_array or is_bare(part.at(())):
            return part
        return _scalar(self.keep_scalar(part.at(())))

    def held(self, part: Part) -> Part:
        """Return a part whose values are computed whether they are chosen or not."""
        if not part.is_array:
            return self.kept(part)
        places = tuple(Name(name=f"?{n}", span=self.span) for n in range(len(part.axes)))
        return part if isinstance(part.at(places), Element) else self.keep_part(part)

    def computed(self, node: Expression, operands: tuple[Part, ...]) -> Part:
        """Return an operation of NumPy's for each element."""
        if _is_root(node, operands) and self.is_float(operands[0]):
            operands = operands[:1]
            node = Call(function="numpy.sqrt", arguments=(children(node)[0],), span=node.span)
        # An exponent that is written decides which function a power is.
        names = tuple(
            each if isinstance(each, Constant) else Name(name=f"?{n}", span=node.span)
            for n, each in enumerate(_operands(node, operands))
        )
        pattern: Expression | None = _with_operands(node, names)
        if not (isinstance(node, Call) and node.function == "numpy.clip"):
            assert pattern is not None  # it is what it was, for the check of types
            pattern = operation(pattern, self.is_array_of(operands))
        if not isinstance(pattern, Call) or pattern.function not in FUNCTIONS:
            self.refuse("arrays have no such operation here")
        chosen = [
            operands[int(each.name[1:])] if isinstance(each, Name) else _scalar(each)
            for each in pattern.arguments
        ]
        if pattern.function == "numpy.clip" and any(each.is_array for each in operands[1:]):
            self.refuse("NumPy chooses otherwise between zeros where bounds are arrays")
        function, at = pattern.function, node.span
        axes = self.broadcast(tuple(each.axes for each in operands))

        def element(places: Places) -> Expression:
            arguments = tuple(at_places(each, axes, places) for each in chosen)
            return Call(function=function, arguments=arguments, span=at)

        return Part(axes=axes, at=element, is_array=True)

    def is_array_of(self, operands: tuple[Part, ...]) -> Callable[[Expression], bool]:
        return lambda each: isinstance(each, Name) and operands[int(each.name[1:])].is_array

    def broadcast(self, shapes: tuple[tuple[Expression, ...], ...]) -> tuple[Expression, ...]:
        """Return the shape that NumPy gives to an operation on these; note what that takes."""
        rank = max(map(len, shapes))
        found: list[Expression] = []
        for axis in range(rank):
            here = [s[len(s) - rank + axis] for s in shapes if len(s) - rank + axis >= 0]
            wide = [each for each in here if not is_one(each)]
            found.append(wide[0] if wide else here[0])
            for each in wide[1:]:
                self.requires += equal(wide[0], each)
        return tuple(found)

    # ------------------------------------------------------------------ parts of arrays

    def part(self, node: Element) -> Part:
        """Return a part of an array that subscripts name."""
        whole = self.arrays.get(node.array)
        if whole is None:
            self.refuse(f"'{node.array}' is subscripted and no array")
        if self.is_masked(node):
            return whole_part(whole)
        indices = self.indices(node, len(whole.axes))
        if any(map(self.names_array, indices)):
            self.refuse("its subscripts are arrays")
        kept = tuple(each for each in indices if not _is_new(each))
        place = Element(
            array=_PART, indices=tuple(map(self.known, kept)), span=node.span, has_tuple=True
        )
        view = view_of(place, len(whole.axes))
        if view is None:
            self.refuse(f"what it reads {CHOSEN_OTHERWISE}")
        entries = tuple(
            Axis(
                start=self.sized(each.start, whole),
                step=each.step,
                extent=self.sized(each.extent, whole),
                requires=(),
            )
            if isinstance(each, Axis)
            else self.sized(each, whole)
            for each in view.entries
        )
        self.requires += [self.sized_test(each, whole) for each in view.requires()]
        return _view_part(whole, place.span, entries, indices)

    def names_array(self, node: Expression) -> bool:
        """Return whether an array stands in an expression, subscripted or whole."""
        return any(
            (isinstance(each, Name) and each.name in self.arrays)
            or (isinstance(each, Element) and each.array in self.arrays)
            for each in walk_expression(node)
        )

    def is_masked(self, node: Element) -> bool:
        """Return whether an array is given the subscript that the whole statement is about."""
        match node.indices:
            case (index,):
                return self.mask is not None and same_expression(index, self.mask)
        return False

    def indices(self, node: Element, rank: int) -> tuple[Expression, ...]:
        """Return subscripts for all axes, `...` written out."""
        named = sum(not _is_new(each) and not _is_rest(each) for each in node.indices)
        rests = sum(map(_is_rest, node.indices))
        if named > rank or rests > 1:
            self.refuse("it has more subscripts than axes")
        whole = Slice(start=None, stop=None, step=None, span=node.span)
        filled: list[Expression] = []
        for each in node.indices:
            filled += [whole] * (rank - named) if _is_rest(each) else [each]
        return (*filled, *([] if rests else [whole] * (rank - named)))

    def known(self, node: Expression) -> Expression:
        """Return a number with the extents of arrays put in."""
        match node:
            case Extent(array=array, axis=axis):
                whole = self.arrays.get(array)
                if whole is None or not -len(whole.axes) <= axis < len(whole.axes):
                    self.refuse(f"'{array}' has no such axis")
                return whole.axes[axis]
            case Element():
                found = self.part(node)
                if found.axes:
                    self.refuse("a number is a part of an array")
                return found.at(())
            case Name(name=name) if name in self.arrays:
                self.refuse("a number is an array")
            case Call(function="len"):
                self.refuse("it asks for a length")
        return rebuilt(node, self.known)

    def sized(self, node: Expression, whole: Whole) -> Expression:
        """Return an expression with the extents of an array put in."""
        if isinstance(node, Extent) and node.array == _PART:
            return whole.axes[node.axis]
        put_in = rebuilt(node, lambda each: self.sized(each, whole))
        match put_in:
            case Binary(operator="+" | "-", left=left, right=right):
                return moved(left, right, 1 if put_in.operator == "+" else -1)
        return put_in

    def sized_test(self, test: Compare, whole: Whole) -> Compare:
        return Compare(
            operator=test.operator,
            left=self.sized(test.left, whole),
            right=self.sized(test.right, whole),
            span=test.span,
        )

    def refuse(self, detail: str) -> NoReturn:
        raise UnfusedError(self.span, detail)


def at_places(part: Part, axes: tuple[Expression, ...], places: Places) -> Expression:
    """Return what stands for `part` at places on `axes`, to which it is broadcast."""
    inner = places[len(places) - len(part.axes) :]
    wide = axes[len(axes) - len(part.axes) :]
    return part.at(
        tuple(
            Constant(value=0, span=place.span) if is_one(own) and not is_one(other) else place
            for own, other, place in zip(part.axes, wide, inner, strict=True)
        )
    )


def whole_part(whole: Whole) -> Part:
    """Return all of an array."""
    if whole.at is not None:
        return Part(axes=whole.axes, at=whole.at, is_array=True)

    def element(places: Places) -> Expression:
        at = places[0].span
        return Element(array=whole.name, indices=places, span=at, has_tuple=True)

    return Part(axes=whole.axes, at=element, is_array=True, whole=whole.name)


def _scalar(node: Expression) -> Part:
    return Part(axes=(), at=lambda _: node, is_array=False)


def _transposed(part: Part) -> Part:
    return Part(axes=part.axes[::-1], at=lambda places: part.at(places[::-1]), is_array=True)


def scalar_part(node: Expression) -> Part:
    """Return a number as a part."""
    return _scalar(node)


def _view_part(
    whole: Whole,
    span: Span,
    entries: tuple[Axis | Expression, ...],
    indices: tuple[Expression, ...],
) -> Part:
    """Return the part that entries select, with an axis for each `None` among the subscripts."""
    one = Constant(value=1, span=span)
    axes: list[Expression] = []
    waiting = list(entries)
    for each in indices:
        if _is_new(each):
            axes.append(one)
        else:
            entry = waiting.pop(0)
            if isinstance(entry, Axis):
                axes.append(entry.extent)

    def element(places: Places) -> Expression:
        left, found = list(places), []
        rest = list(entries)
        for each in indices:
            if _is_new(each):
                left.pop(0)
                continue
            entry = rest.pop(0)
            if isinstance(entry, Axis):
                found.append(moved(entry.start, left.pop(0), entry.step))
            else:
                found.append(entry)
        if whole.at is not None:
            return whole.at(tuple(found))
        return Element(array=whole.name, indices=tuple(found), span=span, has_tuple=True)

    return Part(axes=tuple(axes), at=element, is_array=bool(axes))


def _operands(node: Expression, operands: tuple[Part, ...]) -> tuple[Expression | None, ...]:
    """Return the operands of a power that are numbers; None for all others."""
    if not isinstance(node, Binary) or node.operator != "**":
        return (None,) * len(operands)
    return tuple(None if each.is_array else each.at(()) for each in operands)


def _is_root(node: Expression, operands: tuple[Part, ...]) -> bool:
    """Return whether a power is what NumPy takes a square root for, of floats."""
    if not (isinstance(node, Binary) and node.operator == "**" and operands[0].is_array):
        return False
    exponent = None if operands[1].is_array else operands[1].at(())
    return isinstance(exponent, Constant) and exponent.value == _HALF and _TAKES_ROOTS


def _with_operands(node: Expression, names: tuple[Expression, ...]) -> Expression:
    """Return an operation with other operands."""
    waiting = iter(names)
    match node:
        case Binary() | Compare() | Unary() | Call():
            return rebuilt(node, lambda _: next(waiting))
    return node


def _is_new(node: Expression) -> bool:
    return isinstance(node, Name) and node.name == NEW_AXIS


def _is_rest(node: Expression) -> bool:
    return isinstance(node, Name) and node.name == OTHER_AXES
