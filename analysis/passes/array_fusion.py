"""Make loops of a run of array statements: as few nests as their dependences allow.

Before:  t = np.exp(-x)                After:  for axis_0 in range(x.shape[0]):
         y = a * t + b                             t = exp(negative(x[axis_0]))
                                                   y[axis_0] = add(multiply(a, t), b)

A statement joins the nest before it where both have the same axes, and where no element that one
of the two writes is touched by the other in another iteration (Kennedy and McKinley, Maximizing
Loop Parallelism and Improving Data Locality via Loop Fusion and Distribution, LCPC 1993). A new
array that is read in its own nest alone, at the place where it is made, is a scalar (Gao, Olsen,
Sarkar and Thekkath, Collective Loop Fusion for Array Contraction, LCPC 1992). Unlike these we go
through the statements once, in order, and join the last nest or none.

That loops are right is judged again on their model: every axis must come out as parallel, or as
a reduction into scalars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from itertools import count
from typing import NoReturn

import numpy as np

from autopar.analysis.model.nouns import dataclass

from ..model.array_run import (
    FOLD,
    LESS,
    PARTS,
    PIECES,
    REDUCTIONS,
    TRANSPOSE,
    VIEWS,
    ArrayRun,
    Fold,
    FusedRun,
    GivenArray,
    GivenScalar,
    Loops,
    NewArray,
)
from ..model.diagnostics import Refusal
from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    Binary,
    Call,
    Compare,
    Conditional,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Update,
    walk_expression,
)
from ..model.source import Span
from ..model.types import (
    BOOL,
    COMPILED_DTYPES,
    COMPLEX,
    COMPLEX_DTYPES,
    FLOAT,
    FLOAT_DTYPES,
    INT,
    ArrayType,
    NumpyScalar,
    PythonScalar,
    ScalarType,
)
from .array_axes import equal, not_empty
from .array_folds import COUNTS_AS_PYTHON, folded, reduction
from .array_forms import Piece
from .array_lines import Member
from .array_nests import Block
from .array_parts import Part, is_one, with_axis
from .array_runs import names_of
from .array_steps import Segment, steps_of
from .array_sums import Along, Way, way_of
from .array_values import (
    Reading,
    UnfusedError,
    Whole,
    at_places,
    scalar_part,
    whole_part,
)
from .reasons import ArrayStatement, UnsupportedType
from .type_expression import type_expression
from .type_operations import Scope
from .updates import same_expression

_PYTHON = {"bool": True, "int": 0, "float": 0.0, "complex": 0j}
Given = Mapping[str, GivenArray | GivenScalar]
_POSITIVE = frozenset(("numpy.absolute", "numpy.fabs", "numpy.square", "numpy.exp"))
_BOOL = NumpyScalar(dtype="bool")
_TURNS = frozenset((TRANSPOSE, *VIEWS))


def fuse(run: ArrayRun, given: Given, *, has_rows: bool = True) -> FusedRun | Refusal:
    """Return the loops of a run for what a call gives it, or why it has none.

    `has_rows` says whether loops may have NumPy reduce rows of arrays.
    """
    fusing = _Fusing.of(run, given, has_rows=has_rows)
    try:
        for statement in run.statements:
            fusing.statement(statement)
        return fusing.fused()
    except UnfusedError as found:
        text = run.text.segment(found.span)
        reason = ArrayStatement(span=found.span, text=text, detail=found.detail)
        return Refusal(reasons=(reason,))


@dataclass(slots=True, kw_only=True)
class _Fusing:
    """What the names of a run stand for, on the way through it."""

    run: ArrayRun
    arrays: dict[str, Whole]  # by the names of the user
    types: dict[str, ArrayType]  # by the names in the loops
    scalars: dict[str, ScalarType]
    given: dict[str, Whole]
    taken: set[str]
    span: Span  # of the statement that is read
    block: Block = field(init=False)
    done: list[Segment | Fold] = field(default_factory=list)  # before that block
    made: dict[str, Whole] = field(default_factory=dict)  # new arrays, by their names in the loops
    requires: list[Compare] = field(default_factory=list)  # of extents, for all that is read
    changes: bool = False  # an array that the run has not made
    has_rows: bool = True
    # What functions came to along axes of arrays that nothing has changed since.
    known_folds: dict[tuple[str, str | None, int], Part] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.block = Block(fresh=self.fresh)

    @staticmethod
    def of(run: ArrayRun, given: Given, *, has_rows: bool) -> _Fusing:
        arrays = {n: each for n, each in given.items() if isinstance(each, GivenArray)}
        extents: dict[int, Expression] = {}
        one = Constant(value=1, span=run.span)
        wholes = {}
        for name, each in arrays.items():
            axes: list[Expression] = []
            for axis, number in enumerate(each.extents):
                extent = Extent(array=name, axis=axis, span=run.span, is_attribute=True)
                known = dict(each.short).get(-1 if number is None else number)
                size = extent if known is None else Constant(value=known, span=run.span)
                axes.append(one if number is None else extents.setdefault(number, size))
            wholes[name] = Whole(name=name, axes=tuple(axes))
        return _Fusing(
            run=run,
            arrays=wholes,
            types={
                name: _array_type(each.dtype, len(each.extents)) for name, each in arrays.items()
            },
            scalars={
                name: _scalar_type(each)
                for name, each in given.items()
                if isinstance(each, GivenScalar)
            },
            given=dict(wholes),
            has_rows=has_rows,
            taken=set(names_of(run)),
            span=run.span,
        )

    # ---------------------------------------------------------------------- statements

    def statement(self, node: Assign | Update) -> None:
        self.span = node.span
        match node.target:
            case Name(name=name):
                if isinstance(node, Update) and name not in self.arrays:
                    value = Binary(
                        operator=node.operator, left=node.target, right=node.value, span=node.span
                    )
                    self.bind(name, value)
                elif isinstance(node, Update):
                    self.update_whole(name, node)
                else:
                    self.bind(name, node.value)
            case Element() as place:
                self.store(place, node)

    def bind(self, name: str, value: Expression) -> None:
        """Let a name of the user stand for a new value."""
        if isinstance(value, Name) and value.name in self.arrays:
            self.arrays[name] = self.arrays[value.name]
            return
        part = self.reading().value(value)
        if not part.is_array:
            if name in self.arrays:
                self.refuse(f"'{name}' is an array before, and a number then")
            self.assign(name, part.at(()))
            return
        if name in self.scalars:
            self.refuse(f"'{name}' is a number before, and an array then")
        base = self.base_of(value)
        if base is not None:
            self.arrays[name] = Whole(name=base, axes=part.axes, at=part.at)
        elif part.whole is not None and part.whole in self.made and _is_fold(value):
            self.arrays[name] = self.made[part.whole]
        else:
            if len(part.axes) > 1 and not self.is_in_order(part):
                self.refuse("what it makes does not lie in memory as in C")
            self.arrays[name] = self.make(name, part)

    def base_of(self, value: Expression) -> str | None:
        """Return the array of which a value is a part; None where it is new."""
        match value:
            case Element(array=array, indices=indices):
                is_mask = any(map(self.reading().names_array, indices))
                return None if is_mask else self.arrays[array].name
            case Call(function=function, arguments=(Name(name=name), *_)) if function in _TURNS:
                return self.arrays[name].name if name in self.arrays else None
            case Call(function=function, arguments=(operand, *_)) if function in _TURNS:
                base = self.base_of(operand)
                if base is None:
                    self.refuse("it turns around what it makes")
                return base
            case Call(function=function) if function in PARTS:
                self.refuse("it gives a part of an array another name")
        return None

    def update_whole(self, name: str, node: Update) -> None:
        """Let an operator store into an array, or make it anew where that is the same."""
        whole = self.arrays[name]
        value = Binary(operator=node.operator, left=node.target, right=node.value, span=node.span)
        part = self.reading().value(value)
        own = self.types[whole.name].dtype
        is_same = part.axes == whole.axes and self.type_of(part) == NumpyScalar(dtype=own)
        parts = any(
            each.at is not None and each.name == whole.name for each in self.arrays.values()
        )
        if whole.name in self.made and is_same and whole.at is None and not parts:
            renewed = self.make(name, part)
            for each, stood in list(self.arrays.items()):
                if stood is whole:
                    self.arrays[each] = renewed
            return
        self.put(whole_part(whole), part)

    def store(self, place: Element, node: Assign | Update) -> None:
        """Let an assignment store into a part of an array."""
        reading = self.reading()
        mask = self.mask_of(place, reading)
        if mask is not None:
            (reading.mask,) = place.indices
        value = node.value
        if isinstance(node, Update):
            value = Binary(operator=node.operator, left=place, right=value, span=node.span)
        target = reading.value(place)
        part = reading.value(value)
        if mask is not None and mask.axes != target.axes:
            self.refuse("its array of truth values has another shape")
        self.put(target, part, mask)

    def mask_of(self, place: Element, reading: Reading) -> Part | None:
        """Return the array of truth values that is the only subscript."""
        if len(place.indices) != 1 or not reading.names_array(place.indices[0]):
            return None
        part = reading.value(place.indices[0])
        if not part.is_array or self.type_of(part) != _BOOL:
            return None
        return reading.held(part)

    def put(self, target: Part, value: Part, mask: Part | None = None) -> None:
        """Add a store, by way of a new array where it writes what others of its places read."""
        written = {
            e.array for e in (target.at(self.some_places(target)),) if isinstance(e, Element)
        }
        self.changes = self.changes or not written <= self.made.keys()
        self.known_folds.clear()
        skipped = len(target.axes) - len(value.axes)
        if skipped < 0:
            self.refuse("what it reads has more axes than what it assigns to")
        for wide, own in zip(target.axes[skipped:], value.axes, strict=True):
            if not is_one(own):
                self.requires += equal(wide, own)
        member = self.member(target, value, mask)
        if target.axes and not self.block.is_apart(member):
            if mask is not None:
                self.refuse("its elements overlap with those that it reads")
            member = self.member(target, self.keep_part(value), None)
        self.block.add(member)

    def member(self, target: Part, value: Part, mask: Part | None = None) -> Member:
        """Return the statement that stores the values of one part in another."""
        span = self.span

        def stored(places: tuple[Expression, ...]) -> Assign:
            found = target.at(places)
            assert isinstance(found, Element)  # a part of an array
            return Assign(target=found, value=at_places(value, target.axes, places), span=span)

        return Member(
            axes=target.axes,
            stored=stored,
            tested=lambda places: None if mask is None else mask.at(places),
            header=self.run.text.segment(span),
            span=span,
        )

    # -------------------------------------------------------------------------- values

    def reading(self) -> Reading:
        return Reading(
            span=self.span,
            arrays=self.arrays,
            keep_scalar=self.keep_scalar,
            keep_part=self.keep_part,
            choose=self.choose,
            reduce=self.reduce,
            fold=self.fold,
            join=self.join,
            fill=self.fill,
            is_complex=lambda part: self.type_of(part).dtype in COMPLEX_DTYPES,
            is_float=lambda part: _is_float(self.type_of(part)),
            requires=self.requires,
        )

    def make(self, name: str, part: Part) -> Whole:
        """Return a new array of these values."""
        kind = self.type_of(part)
        if not isinstance(kind, NumpyScalar):
            self.refuse("its values are of no type of NumPy's")
        whole = Whole(name=self.fresh(name), axes=part.axes)
        self.made[whole.name] = whole
        self.types[whole.name] = _array_type(kind.dtype, len(part.axes))
        self.block.add(self.member(whole_part(whole), part), makes=whole.name)
        return whole

    def join(self, axes: tuple[Expression, ...], pieces: tuple[Piece, ...]) -> Part:
        """Return a new array that is put together of pieces of the same type."""
        kinds = {self.type_of(each.part) for each in pieces}
        if len(kinds) > 1 or not all(self.is_in_order(each.part) for each in pieces):
            self.refuse("NumPy joins arrays of several types, or in another order, by itself")
        kind = kinds.pop()
        if not isinstance(kind, NumpyScalar):
            self.refuse("its values are of no type of NumPy's")
        whole = Whole(name=self.fresh(f"{TEMPORARY}joined"), axes=axes)
        self.made[whole.name] = whole
        self.types[whole.name] = _array_type(kind.dtype, len(axes))
        for number, each in enumerate(pieces):
            target = each.at_of(whole_part(whole))
            makes = whole.name if number == 0 else None
            self.block.add(self.member(target, each.part), makes=makes)
        return whole_part(whole)

    def fill(self, like: Part, value: Expression) -> Part | None:
        """Return an array of one value in the form of another; None where NumPy is to do it."""
        kind = self.type_of(like)
        if not like.is_array or not isinstance(kind, NumpyScalar) or not _fits(value, kind.dtype):
            return None
        filled = Call(function=f"numpy.{kind.dtype}", arguments=(value,), span=self.span)
        return Part(axes=like.axes, at=lambda _: filled, is_array=True)

    def keep_part(self, part: Part) -> Part:
        if not part.axes:  # one number, as `a[-1]` in `a[1:] = a[-1]`
            return scalar_part(self.keep_scalar(part.at(())))
        return whole_part(self.make(f"{TEMPORARY}kept", part))

    def keep_scalar(self, value: Expression) -> Expression:
        name = self.fresh(f"{TEMPORARY}of_scalars")
        self.assign(name, value)
        return Name(name=name, span=value.span)

    def assign(self, name: str, value: Expression) -> None:
        """Let a scalar have a value, before the nest that is last where that is the same."""
        self.scalars[name] = self.scalar_type(value)
        target = Name(name=name, span=self.span)
        self.block.assign(Assign(target=target, value=value, span=self.span))

    def choose(self, parts: tuple[Part, Part, Part]) -> Part:
        """Return `np.where` of three parts."""
        test, one, other = parts
        kinds = tuple(self.type_of(each) for each in parts)
        dtype = _common(kinds[1], kinds[2])
        if dtype is None or kinds[0] != _BOOL:
            self.refuse("'np.where' chooses between types that kernels do not hold")
        axes = self.reading().broadcast(tuple(each.axes for each in parts))

        def as_common(part: Part, kind: ScalarType, places: tuple[Expression, ...]) -> Expression:
            value = at_places(part, axes, places)
            if kind == NumpyScalar(dtype=dtype):
                return value
            return Call(function=f"numpy.{dtype}", arguments=(value,), span=value.span)

        def element(places: tuple[Expression, ...]) -> Expression:
            return Conditional(
                test=at_places(test, axes, places),
                body=as_common(one, kinds[1], places),
                orelse=as_common(other, kinds[2], places),
                span=self.span,
            )

        return Part(axes=axes, at=element, is_array=True)

    def reduce(self, function: str, part: Part) -> Part:
        """Return the scalar that holds what all values of a part come to."""
        kind = self.type_of(part)
        if not isinstance(kind, NumpyScalar):
            self.refuse("its values are of no type of NumPy's")
        is_float = kind.dtype in FLOAT_DTYPES
        is_extremum = function in {"numpy.max", "numpy.min"}
        found = reduction(function, kind, self.span)
        # Which of 0.0 and -0.0 NumPy takes depends on where they stand; floats are added in an
        # order of its own.
        if found is None or (is_extremum and is_float and not self.is_positive(part)):
            return self.fold(function, (part,), None, keeps=False)
        start, combine, result = found.start, found.combine, found.result
        name = self.fresh(f"{TEMPORARY}of_all")
        at = self.span
        target = Name(name=name, span=at)
        first: Expression = Call(function=f"numpy.{result.dtype}", arguments=(start,), span=at)
        if result == _BOOL:
            first = Call(function="numpy.not_equal", arguments=(start, _zero(at)), span=at)
        self.assign(name, first)
        if function in {"numpy.max", "numpy.min"}:
            self.requires += [each for axis in part.axes for each in not_empty(axis)]

        def stored(places: tuple[Expression, ...]) -> Assign:
            value = part.at(places)
            if kind != result and result == _BOOL:
                value = Call(function="numpy.not_equal", arguments=(value, _zero(at)), span=at)
            elif kind != result:
                value = Call(function=f"numpy.{result.dtype}", arguments=(value,), span=at)
            return Assign(target=target, value=combine(target, value), span=at)

        self.block.add(
            Member(
                axes=part.axes,
                stored=stored,
                tested=lambda _: None,
                header=self.run.text.segment(at),
                span=at,
            )
        )
        return scalar_part(target)

    # ------------------------------------------------------------------- functions of NumPy's

    def fold(
        self,
        function: str,
        parts: tuple[Part, ...],
        axis: int | None,
        keeps: bool,  # noqa: FBT001  # as the reader of values calls it
    ) -> Part:
        """Return what a function of NumPy's makes of whole arrays, in a step of its own."""
        if not all(each.is_array for each in parts):
            self.refuse("it reduces a number")
        if function == "numpy.count_nonzero" and axis is None and not keeps:
            return self.counted(parts[0])
        function, _, missing = function.partition(LESS)
        if function in {"numpy.var", "numpy.std"} and _is_float(self.type_of(parts[0])):
            less = int(missing or 0)
            return self.spread(function, self.whole_of(parts[0]), axis, keeps=keeps, less=less)
        if missing:
            self.refuse("NumPy takes the variance of such numbers by itself")
        if axis is not None and self.has_rows:
            along = self.along(function, parts[0], axis, keeps=keeps)
            if along is not None:
                return along
        if self.changes:
            self.refuse("NumPy's own order is wanted after an array was changed")
        parts = tuple(map(self.whole_of, parts))
        types = tuple(self.type_of(each) for each in parts)
        found = folded(function, tuple(each.axes for each in parts), types, axis, keeps=keeps)
        if found is None:
            self.refuse("NumPy reduces such arrays by itself")
        self.requires += found.requires
        self.close()
        name = self.fresh(f"{TEMPORARY}of_all")
        sources = tuple(each.whole for each in parts if each.whole is not None)
        step = Fold(function=function, sources=sources, axis=axis, keeps_axis=keeps, target=name)
        self.done.append(step)
        if found.axes is None:
            self.scalars[name] = found.type
            return scalar_part(Name(name=name, span=self.span))
        assert isinstance(found.type, NumpyScalar)  # of arrays
        whole = Whole(name=name, axes=found.axes)
        self.made[name] = whole
        self.types[name] = _array_type(found.type.dtype, len(found.axes))
        return whole_part(whole)

    def along(self, function: str, part: Part, axis: int, *, keeps: bool) -> Part | None:
        """Return what loops make of an array along an axis; None where NumPy is to do it."""
        if not -len(part.axes) <= axis < len(part.axes):
            return None  # NumPy raises
        axis %= len(part.axes)
        known = self.known_folds.get((function, part.whole, axis))
        if known is not None:
            return known if not keeps else with_axis(known, axis, self.span)
        kind = self.type_of(part)
        found = folded(function, (part.axes,), (kind,), axis, keeps=keeps)
        if found is None or found.axes is None or not self.is_in_order(part):
            return None
        assert isinstance(kind, NumpyScalar)  # it has such a result
        assert isinstance(found.type, NumpyScalar)  # of arrays
        way = way_of(function, part.axes, kind.dtype, axis)
        if way is None:
            return None
        self.requires += not_empty(part.axes[axis])
        reduced = Along(
            function=function,
            part=self.whole_of(part) if way == "row" else part,
            axis=axis,
            dtype=found.type.dtype,
            header=self.run.text.segment(self.span),
            span=self.span,
        )
        whole = self.reduced(reduced, way)
        if whole is None:
            return None
        if part.whole is not None:
            self.known_folds[function, part.whole, axis] = whole
        return whole if not keeps else with_axis(whole, axis, self.span)

    def reduced(self, along: Along, way: Way) -> Part | None:
        """Return an array of what is left of another one."""
        if way == "written out":
            values = along.written_out()
            return None if values is None else self.keep_part(values)
        whole = Whole(name=self.fresh(f"{TEMPORARY}of_all"), axes=along.axes)
        self.made[whole.name] = whole
        self.types[whole.name] = _array_type(along.dtype, len(along.axes))
        if way == "row":
            self.block.add(along.of_rows(whole.name, self.fresh), makes=whole.name)
            return whole_part(whole)
        first, adds = along.in_order(whole.name)
        self.block.add_before(first, makes=whole.name)
        self.block.add(adds)
        total = whole_part(whole)
        if along.function != "numpy.mean":
            return total
        values = Part(
            axes=whole.axes, at=lambda outer: along.divided(total.at(outer)), is_array=True
        )
        return self.keep_part(values)

    def counted(self, part: Part) -> Part:
        """Return how many values are not zero, a number of Python's."""
        if self.type_of(part) != _BOOL:
            left, zero = Name(name="?0", span=self.span), _zero(self.span)
            test = Compare(operator="!=", left=left, right=zero, span=self.span)
            part = self.reading().computed(test, (part, scalar_part(zero)))
        number = self.reduce("numpy.sum", part)
        if not COUNTS_AS_PYTHON:
            return number
        found = Call(function="int", arguments=(number.at(()),), span=self.span)
        return scalar_part(self.keep_scalar(found))

    def whole_of(self, part: Part) -> Part:
        """Return the same as a whole array, as NumPy would have it between two operations."""
        if part.whole is not None:
            return part
        if len(part.axes) > 1 and not self.is_in_order(part):
            self.refuse("what it makes does not lie in memory as in C")
        return self.keep_part(part)

    def spread(
        self, function: str, part: Part, axis: int | None, *, keeps: bool, less: int
    ) -> Part:
        """Return the variance as NumPy computes it: the mean of squared distances to the mean.

        Where degrees of freedom are missing, so `less` many, it is a sum over one number less.
        """
        reading, at = self.reading(), self.span
        left, right = Name(name="?0", span=at), Name(name="?1", span=at)
        middle = self.fold("numpy.mean", (part,), axis, True)  # as declared
        apart = Binary(operator="-", left=left, right=right, span=at)
        apart_part = self.keep_part(reading.computed(apart, (part, middle)))
        square = Binary(operator="*", left=left, right=right, span=at)
        squares = reading.computed(square, (apart_part, apart_part))
        if less:
            found = self.fold("numpy.sum", (squares,), axis, keeps)
            found = self.over(found, part, axis, less)
        else:
            found = self.fold("numpy.mean", (squares,), axis, keeps)
        if function == "numpy.var":
            return found
        root = Call(function="numpy.sqrt", arguments=(left,), span=at)
        if found.is_array:
            return reading.computed(root, (found,))
        value = Call(function="numpy.sqrt", arguments=(found.at(()),), span=at)
        return scalar_part(self.keep_scalar(value))

    def over(self, total: Part, part: Part, axis: int | None, less: int) -> Part:
        """Return sums over the numbers that there were of each, less some: in double precision."""
        at = self.span
        axes = part.axes if axis is None else (part.axes[axis],)
        kind = self.type_of(total)
        assert isinstance(kind, NumpyScalar)  # a sum of floats
        number: Expression = Constant(value=1.0, span=at)
        for each in axes:
            term = Call(function="numpy.float64", arguments=(each,), span=at)
            number = Call(function="numpy.multiply", arguments=(number, term), span=at)
        missing = Constant(value=float(less), span=at)
        number = Call(function="numpy.subtract", arguments=(number, missing), span=at)
        least = Constant(value=less, span=at)
        self.requires.append(Compare(operator="<", left=least, right=axes[0], span=at))

        def divided(places: tuple[Expression, ...]) -> Expression:
            wide = Call(function="numpy.float64", arguments=(total.at(places),), span=at)
            value = Call(function="numpy.divide", arguments=(wide, number), span=at)
            return Call(function=f"numpy.{kind.dtype}", arguments=(value,), span=at)

        if total.is_array:
            return self.keep_part(Part(axes=total.axes, at=divided, is_array=True))
        return scalar_part(self.keep_scalar(divided(())))

    def close(self) -> None:
        """End the loops that are made: what follows stands behind a function of NumPy's."""
        self.done.append(Segment(block=self.block, requires=tuple(dict.fromkeys(self.requires))))
        self.requires.clear()
        self.block = Block(fresh=self.fresh)

    # --------------------------------------------------------------------------- types

    def type_of(self, part: Part) -> ScalarType:
        names = tuple(f"?{axis}" for axis in range(len(part.axes)))
        places = tuple(Name(name=each, span=self.span) for each in names)
        return self.typed(part.at(places), dict.fromkeys(names, INT))

    def some_places(self, part: Part) -> tuple[Expression, ...]:
        return tuple(Name(name=f"?{axis}", span=self.span) for axis in range(len(part.axes)))

    def is_in_order(self, part: Part) -> bool:
        """Return whether NumPy gives a result of these values in C order."""
        names = tuple(f"?{axis}" for axis in range(len(part.axes)))
        value = part.at(tuple(Name(name=each, span=self.span) for each in names))
        for node in walk_expression(value):
            if isinstance(node, Element):
                order = [
                    names.index(each.name)
                    for index in node.indices
                    for each in walk_expression(index)
                    if isinstance(each, Name) and each.name in names
                ]
                if order != sorted(order):
                    return False
        return True

    def is_positive(self, part: Part) -> bool:
        """Return whether no value has the sign of -0.0."""
        places = tuple(Name(name=f"?{axis}", span=self.span) for axis in range(len(part.axes)))
        match part.at(places):
            case Call(function=function) if function in _POSITIVE:
                return True
            case Call(function="numpy.multiply", arguments=(one, other)):
                return same_expression(one, other)
        return False

    def scalar_type(self, value: Expression) -> ScalarType:
        return self.typed(value, {})

    def typed(self, value: Expression, integers: Mapping[str, ScalarType]) -> ScalarType:
        scope = Scope(arrays=self.types, integers=integers, variables=self.scalars, intervals={})
        found = type_expression(value, scope)
        if isinstance(found, UnsupportedType):
            self.refuse(f"it is not compiled for these types: {', '.join(found.types)}")
        return found.type

    # -------------------------------------------------------------------------- result

    def fused(self) -> FusedRun:
        self.close()
        results = tuple(
            (name, self.arrays[name].name if name in self.arrays else name)
            for name in self.run.results
        )
        if any(self.arrays[n].at is not None for n in self.run.results if n in self.arrays):
            self.refuse("a part of an array lives on under another name")
        wholes = {each.name: each for each in (*self.given.values(), *self.made.values())}
        steps = steps_of(
            tuple(self.done),
            made=tuple(
                NewArray(name=name, dtype=self.types[name].dtype, extents=whole.axes)
                for name, whole in self.made.items()
            ),
            kept=frozenset(each for _, each in results),
            extents=tuple((name, each.axes) for name, each in wholes.items()),
            span=self.run.span,
        )
        if steps is None or not any(isinstance(each, Loops | Fold) for each in steps):
            self.refuse("it computes with numbers alone")
        return FusedRun(steps=steps, results=results, span=self.run.whole)

    def fresh(self, wanted: str) -> str:
        """Return a name that nothing else has, `wanted` or the like."""
        names = (wanted if number == 0 else f"{wanted}_{number}" for number in count())
        name = next(each for each in names if each not in self.taken)
        self.taken.add(name)
        return name

    def refuse(self, detail: str) -> NoReturn:
        raise UnfusedError(self.span, detail)


def _zero(span: Span) -> Constant:
    return Constant(value=0, span=span)


def _scalar_type(given: GivenScalar) -> ScalarType:
    known = {each.kind: each for each in (BOOL, INT, FLOAT, COMPLEX)}
    return known[given.kind] if given.is_python else NumpyScalar(dtype=given.kind)  # type: ignore[index]  # one of these


def _array_type(dtype: str, rank: int) -> ArrayType:
    return ArrayType(dtype=dtype, rank=rank, layout="C", is_aligned=True, is_writeable=True)


def _common(one: ScalarType, other: ScalarType) -> str | None:
    """Return the dtype that NumPy gives to a choice between two; None for none of ours."""
    stand_ins = [
        _PYTHON[each.kind] if isinstance(each, PythonScalar) else np.dtype(each.dtype)
        for each in (one, other)
    ]
    if all(isinstance(each, PythonScalar) for each in (one, other)):
        stand_ins = [np.asarray(each).dtype for each in stand_ins]
    found = np.result_type(*stand_ins).name
    return found if found in COMPILED_DTYPES and found not in COMPLEX_DTYPES else None


def _is_float(kind: ScalarType) -> bool:
    return isinstance(kind, NumpyScalar) and kind.dtype in FLOAT_DTYPES


def _fits(value: Expression, dtype: str) -> bool:
    """Return whether a number is one of a type, as it is written."""
    if not isinstance(value, Constant) or dtype in COMPLEX_DTYPES:
        return False
    kind = np.dtype(dtype).kind
    if isinstance(value.value, bool) or kind == "b":
        return value.value in (0, 1) and kind in "bf"
    if isinstance(value.value, int):
        return 0 <= value.value < 1 << 7  # of every type
    return isinstance(value.value, float) and kind == "f" and dtype == "float64"


def _is_fold(value: Expression) -> bool:
    """Return whether a value is an array that was made for it."""
    return isinstance(value, Call) and (
        value.function.startswith(FOLD) or value.function in REDUCTIONS | PIECES
    )
