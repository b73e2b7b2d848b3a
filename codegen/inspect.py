"""Inspect a loop: do two of its iterations touch one element that one of them writes?

Before:  parallel for i: y[idx[i]] = x[i]
After:   parallel for i: turn = first + i; y_marks[idx[i]] = turn
         parallel for i: turn = first + i; y_marks[idx[i]] == turn, or REPEATED

Every iteration writes its number over the elements that it will write; afterwards each looks
whether the elements that it will read or write bear another number of the same execution of the
loop. Iterations may do so at the same time: if two write over one element, one of the two will
find the other's number. That is the LRPD test of Rauchwerger and Padua (PLDI 1995) with one
shadow array, without its reductions and without running the loop itself.

What is left of the loop is the slice that its subscripts are computed from, as in
`codegen.checks`; subscripts out of range are found on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

from autopar.analysis.model.loop_ir import Binary, Call, Constant, Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    FAILURES,
    Computed,
    Index,
    Load,
    Number,
    Operation,
    ScalarVariable,
    SetVariable,
    Store,
    Trace,
    TypedExpression,
    Variable,
    places_of,
)
from autopar.analysis.model.types import INT, ArrayType
from autopar.analysis.model.unused import unused

from .checks import arrays_needed, place_of
from .integers import simplify
from .kernel import ArrayArgument, Branch, Decision, Instance, Loop, Node, Program, walk_nodes
from .liveness import arrays
from .slices import is_free, own_arrays, sliced


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectorProgram:
    """What inspects one loop of a region."""

    program: Program
    # The arrays that are followed, and the argument that holds the marks of each: zeros of
    # int64, one for each element, in C order.
    marks: tuple[tuple[str, str], ...]


def inspector_of(program: Program, loop: Span) -> InspectorProgram | None:
    """Return the program that inspects the user's loop at `loop`; None where that cannot be.

    `program` runs the region with that loop parallel.
    """
    loops = [
        node for node in walk_nodes(program.body) if isinstance(node, Loop) and node.span == loop
    ]
    followed = tuple(dict.fromkeys(name for node in loops for name in _followed(node)))
    if not followed or not all(node.is_parallel for node in loops):
        return None
    if not own_arrays(program).isdisjoint(followed):
        return None
    names = _Names(program)
    inspection = _Inspection(
        program=program,
        loop=loop,
        marks=tuple((array, names.fresh(f"{array}_marks")) for array in followed),
        turn=names.fresh("turn"),
        first=names.fresh("first") if len(loops) > 1 or loops[0] not in program.body else None,
    )
    found = inspection.inspector()
    return None if found is None else InspectorProgram(program=found, marks=inspection.marks)


def _followed(loop: Loop) -> Iterator[str]:
    """Yield the arrays that the loop writes, some element at a place that is data."""
    private = {each.name for each in loop.private_arrays}
    statements = [n.statement for n in walk_nodes(loop.body) if isinstance(n, Instance)]
    written = {each.array for each in statements if isinstance(each, Store)} - private
    for statement in statements:
        for place in places_of(statement):
            if place.array in written and _is_data(place):
                yield place.array


def _is_data(place: Load | Store) -> bool:
    return any(isinstance(each, Computed) for each in place.indices)


class _Names:
    """Names that nothing in a program has."""

    def __init__(self, program: Program) -> None:
        self._taken = {each.name for each in program.arrays}
        self._taken |= {each.name for each in program.integers}
        self._taken |= {each.name for each in program.variables}
        for node in walk_nodes(program.body):
            match node:
                case Loop():
                    self._taken.add(node.iterator)
                case Instance():
                    self._taken |= {name for name, _ in node.iterators}
                case _:
                    pass

    def fresh(self, wanted: str) -> str:
        """Return `wanted`, with as many underscores as it takes."""
        name = unused(wanted, self._taken)
        self._taken.add(name)
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inspection:
    program: Program
    loop: Span
    marks: tuple[tuple[str, str], ...]
    turn: str
    # Holds the turn of the first iteration; None where the loop runs once: then that is 1.
    first: str | None

    def inspector(self) -> Program | None:
        """Return the program; None where it would have to run the loop itself."""
        program = self.program
        own = own_arrays(program)
        slice_ = replace(program, body=sliced(program.body, self.question, own))
        body = slice_.body
        stored = {each.name for each in program.given_arrays if each.is_written}
        if stored & arrays_needed(slice_):
            return None
        loops = [each for each in walk_nodes(body) if self.is_inspected(each)]
        if not all(is_free(each) and not arrays(each.body) & own for each in loops):
            return None
        counters = (self.turn,) if self.first is None else (self.turn, self.first)
        begin = () if self.first is None else (self.set(self.first, self.one()),)
        return replace(
            program,
            name=f"{program.name}_inspector_{self.loop.line}",
            body=(*begin, *self.nodes(body)),
            arrays=(
                *(
                    replace(each, is_written=each.is_written and each.name in own)
                    for each in program.arrays
                ),
                *(_marks_argument(name) for _, name in self.marks),
            ),
            variables=(*program.variables, *map(_integer, counters)),
            results=(),
            hazards=program.hazards & FAILURES,
        )

    def is_inspected(self, node: Node) -> TypeGuard[Loop]:
        return isinstance(node, Loop) and node.span == self.loop

    def question(self, instance: Instance) -> Trace | None:
        """Return which elements of the arrays that are followed a statement touches."""
        statement, followed = instance.statement, dict(self.marks)
        places = [each for each in places_of(statement) if each.array in followed]
        written = [place_of(each) for each in places if isinstance(each, Store)]
        # `y[k] += 1` reads where it writes.
        same = {(each.array, each.indices) for each in written}
        read = [
            each
            for each in places
            if isinstance(each, Load) and (each.array, each.indices) not in same
        ]
        if not written and not read:
            return None
        return Trace(
            written=tuple(written),
            read=tuple(read),
            marks=self.marks,
            turn=self.variable(self.turn),
            first=self.first_turn(),
            is_noting=False,
            span=statement.span,
        )

    def nodes(self, body: tuple[Node, ...]) -> tuple[Node, ...]:
        """Return what surrounds the loop, with the loop inspected."""
        kept: list[Node] = []
        for node in body:
            match node:
                case Loop() if self.is_inspected(node):
                    kept += self.inspected(node)
                case Loop():
                    inner = self.nodes(node.body)
                    if inner:
                        # One execution of the loop after the other: `first` counts on.
                        kept.append(
                            replace(node, body=inner, is_parallel=False, reductions=(), cells=())
                        )
                case Branch():
                    inner = self.nodes(node.body)
                    if inner:
                        kept.append(replace(node, body=inner))
                case Decision():
                    inner, other = self.nodes(node.body), self.nodes(node.orelse)
                    if inner or other:
                        kept.append(replace(node, body=inner, orelse=other))
                case Instance(statement=SetVariable()):
                    kept.append(node)
                case Instance():
                    pass
        return tuple(kept)

    def inspected(self, loop: Loop) -> Iterator[Node]:
        """Yield the loop that notes, the loop that compares, and the step of `first`."""
        first = self.first_turn()
        passed = self.index(_minus(Name(name=loop.iterator, span=loop.span), loop.lower))
        turn = self.set(self.turn, self.sum(first, passed))
        loop = replace(loop, reductions=(), cells=(), private_arrays=())
        yield replace(loop, body=(turn, *_noting(loop.body)))
        yield replace(loop, body=(turn, *loop.body))
        if self.first is not None:
            turns = _not_negative(_minus(loop.upper, loop.lower))
            yield self.set(self.first, self.sum(first, self.index(turns)))

    # ------------------------------------------------------------------ expressions

    def first_turn(self) -> TypedExpression:
        return self.one() if self.first is None else self.variable(self.first)

    def one(self) -> Number:
        return Number(value=1, type=INT, span=self.loop)

    def variable(self, name: str) -> Variable:
        return Variable(name=name, type=INT, span=self.loop)

    def index(self, expression: Expression) -> Index:
        return Index(expression=simplify(expression, self.loop), type=INT, span=self.loop)

    def sum(self, left: TypedExpression, right: TypedExpression) -> Operation:
        # Turns count the iterations of one call: they stay within 64 bits.
        return Operation(name="+", operands=(left, right), type=INT, hazards=0, span=self.loop)

    def set(self, name: str, value: TypedExpression) -> Instance:
        statement = SetVariable(name=name, value=value, span=self.loop)
        return Instance(name="turns", statement=statement, iterators=(), span=self.loop)


def _noting(body: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return `body` with its traces turned into notes; those of nothing but reads are left out."""
    kept: list[Node] = []
    for node in body:
        match node:
            case Instance(statement=Trace() as trace):
                if trace.written:
                    kept.append(replace(node, statement=replace(trace, is_noting=True)))
            case Instance():
                kept.append(node)
            case Loop() | Branch():
                inner = _noting(node.body)
                if inner:
                    kept.append(replace(node, body=inner))
            case Decision():
                inner, other = _noting(node.body), _noting(node.orelse)
                if inner or other:
                    kept.append(replace(node, body=inner, orelse=other))
    return tuple(kept)


def _marks_argument(name: str) -> ArrayArgument:
    type_ = ArrayType(dtype="int64", rank=1, layout="C", is_aligned=True, is_writeable=True)
    # What is noted stays on the device.
    return ArrayArgument(name=name, type=type_, is_read=True, is_written=False)


def _integer(name: str) -> ScalarVariable:
    return ScalarVariable(name=name, type=INT, is_live_in=False, live_in_type=None)


def _minus(left: Expression, right: Expression) -> Expression:
    return Binary(operator="-", left=left, right=right, span=left.span)


def _not_negative(expression: Expression) -> Expression:
    zero = Constant(value=0, span=expression.span)
    return Call(function="max", arguments=(zero, expression), span=expression.span)
