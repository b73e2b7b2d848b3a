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

import math
from collections.abc import Callable, Mapping
from dataclasses import field
from itertools import count
from typing import NoReturn

import numpy as np

from autopar.analysis.model.nouns import dataclass

from ..model.array_run import (
    TRANSPOSE,
    ArrayRun,
    FusedRun,
    GivenArray,
    GivenScalar,
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
from .array_nests import Block, Member
from .array_runs import names_of
from .array_values import (
    Part,
    Reading,
    UnfusedError,
    Whole,
    at_places,
    is_one,
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


def fuse(run: ArrayRun, given: Given) -> FusedRun | Refusal:
    """Return the loops of a run for what a call gives it, or why it has none."""
    fusing = _Fusing.of(run, given)
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
    made: dict[str, Whole] = field(default_factory=dict)  # new arrays, by their names in the loops
    requires: list[Compare] = field(default_factory=list)  # of extents, for all that is read

    def __post_init__(self) -> None:
        self.block = Block(fresh=self.fresh)

    @staticmethod
    def of(run: ArrayRun, given: Given) -> _Fusing:
        arrays = {n: each for n, each in given.items() if isinstance(each, GivenArray)}
        extents: dict[int, Expression] = {}
        one = Constant(value=1, span=run.span)
        wholes = {}
        for name, each in arrays.items():
            axes: list[Expression] = []
            for axis, number in enumerate(each.extents):
                extent = Extent(array=name, axis=axis, span=run.span, is_attribute=True)
                axes.append(one if number is None else extents.setdefault(number, extent))
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
        is_view = isinstance(value, Element) or (
            isinstance(value, Call) and value.function == TRANSPOSE
        )
        if is_view:
            self.refuse("it gives a part of an array another name")
        if name in self.scalars:
            self.refuse(f"'{name}' is a number before, and an array then")
        if len(part.axes) > 1 and not self.is_in_order(part):
            self.refuse("what it makes does not lie in memory as in C")
        self.arrays[name] = self.make(name, part)

    def update_whole(self, name: str, node: Update) -> None:
        """Let an operator store into an array, or make it anew where that is the same."""
        whole = self.arrays[name]
        value = Binary(operator=node.operator, left=node.target, right=node.value, span=node.span)
        part = self.reading().value(value)
        own = self.types[whole.name].dtype
        is_same = part.axes == whole.axes and self.type_of(part) == NumpyScalar(dtype=own)
        if whole.name in self.made and is_same:
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

    def keep_part(self, part: Part) -> Part:
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

    def reduce(self, function: str, part: Part) -> Expression:
        """Return the scalar that holds what all values of a part come to."""
        kind = self.type_of(part)
        if not isinstance(kind, NumpyScalar):
            self.refuse("its values are of no type of NumPy's")
        is_float = kind.dtype in FLOAT_DTYPES
        if function in {"numpy.max", "numpy.min"} and is_float and not self.is_positive(part):
            self.refuse("which of 0.0 and -0.0 NumPy takes depends on where they stand")
        found = _reduction(function, kind, self.span)
        if found is None:
            self.refuse("NumPy adds floats in an order of its own")
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
        return target

    # --------------------------------------------------------------------------- types

    def type_of(self, part: Part) -> ScalarType:
        names = tuple(f"?{axis}" for axis in range(len(part.axes)))
        places = tuple(Name(name=each, span=self.span) for each in names)
        return self.typed(part.at(places), dict.fromkeys(names, INT))

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
        results = tuple(
            (name, self.arrays[name].name if name in self.arrays else name)
            for name in self.run.results
        )
        kept = frozenset(each for _, each in results)
        wholes = {each.name: each for each in (*self.given.values(), *self.made.values())}
        self.block.contract({name for name in self.made if name not in kept})
        left = self.block.arrays
        if not left or not self.block.has_loops:
            self.refuse("it computes with numbers alone")
        return FusedRun(
            nest=self.block.loops(self.run.span, tuple(dict.fromkeys(self.requires))),
            arrays=tuple(
                NewArray(name=name, dtype=self.types[name].dtype, extents=whole.axes)
                for name, whole in self.made.items()
                if name in left
            ),
            extents=tuple((name, each.axes) for name, each in wholes.items()),
            results=results,
            scalars=frozenset(self.run.results) - self.arrays.keys(),
            span=self.run.whole,
        )

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


@dataclass(frozen=True, slots=True)
class _Reduction:
    """How values are reduced to one."""

    start: Constant
    result: NumpyScalar
    combine: Callable[[Expression, Expression], Expression]


def _reduction(function: str, kind: NumpyScalar, at: Span) -> _Reduction | None:
    """Return how a function reduces values of a type; None where NumPy has an order of its own."""

    def started(value: float, result: str, word: str) -> _Reduction:
        def combine(target: Expression, element: Expression) -> Expression:
            if word in ("+", "|", "&"):
                return Binary(operator=word, left=target, right=element, span=at)  # type: ignore[arg-type]  # one of three operators
            return Call(function=word, arguments=(target, element), span=at)

        return _Reduction(Constant(value=value, span=at), NumpyScalar(dtype=result), combine)

    dtype = np.dtype(kind.dtype)
    match function, dtype.kind:
        case "numpy.any", "b" | "i" | "u" | "f":
            return started(False, "bool", "|")
        case "numpy.all", "b" | "i" | "u" | "f":
            return started(True, "bool", "&")
        case "numpy.sum", "b" | "i":
            return started(0, "int64", "+")
        case "numpy.max", "i" | "u":
            return started(int(np.iinfo(dtype).min), kind.dtype, "numpy.maximum")
        case "numpy.min", "i" | "u":
            return started(int(np.iinfo(dtype).max), kind.dtype, "numpy.minimum")
        case "numpy.max", "f":
            return started(-math.inf, kind.dtype, "numpy.maximum")
        case "numpy.min", "f":
            return started(math.inf, kind.dtype, "numpy.minimum")
    return None
