"""Nouns of the code generators, built by hand: expressions from Python text, programs from isl text."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from autopar.analysis.model import isl
from autopar.analysis.model.loop_ir import (
    Assign,
    Binary,
    BoolOp,
    Call,
    Compare,
    Constant,
    Element,
    Expression,
    Name,
    Unary,
)
from autopar.analysis.model.plan import Schedule, ScheduleDimension
from autopar.analysis.model.scop import Access, Array, Loop, Parameter, Scop, Statement
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    INTEGER_OVERFLOW,
    Cast,
    Index,
    Load,
    Number,
    Operation,
    ScalarVariable,
    SetVariable,
    Store,
    TypedExpression,
    TypedProgram,
    TypedStatement,
    Variable,
)
from autopar.analysis.model.types import FLOAT, INT, ArrayType, NumpyScalar, ScalarType
from autopar.codegen.kernel import Program
from autopar.codegen.lower import lower

SYMBOLS: dict[type, Any] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.USub: "-", ast.Not: "not", ast.And: "and", ast.Or: "or",
}  # fmt: skip


def span(line: int = 1) -> Span:
    """Return the span of line `line`."""
    return Span(line=line, column=0, end_line=line, end_column=1)


def expression(text: str) -> Expression:
    """Return the loop IR expression that `text` spells."""
    return _expression(ast.parse(text, mode="eval").body)


def _expression(node: Any) -> Expression:
    here = span()
    match node:
        case ast.Constant():
            number: Any = node.value
            return Constant(value=number, span=here)
        case ast.Name():
            return Name(name=node.id, span=here)
        case ast.Subscript(value=ast.Name(id=array), slice=ast.Tuple(elts=elements)):
            return Element(array=array, indices=tuple(map(_expression, elements)), span=here)
        case ast.Subscript(value=ast.Name(id=array), slice=index):
            return Element(array=array, indices=(_expression(index),), span=here)
        case ast.UnaryOp():
            symbol = SYMBOLS[type(node.op)]
            return Unary(operator=symbol, operand=_expression(node.operand), span=here)
        case ast.BinOp():
            left, right = _expression(node.left), _expression(node.right)
            return Binary(operator=SYMBOLS[type(node.op)], left=left, right=right, span=here)
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return Compare(
                operator=SYMBOLS[type(operator)],
                left=_expression(left),
                right=_expression(right),
                span=here,
            )
        case ast.BoolOp():
            values = tuple(map(_expression, node.values))
            return BoolOp(operator=SYMBOLS[type(node.op)], values=values, span=here)
        case ast.Call():
            arguments = tuple(map(_expression, node.args))
            return Call(function=ast.unparse(node.func), arguments=arguments, span=here)
    raise ValueError(ast.unparse(node))


class Region:
    """A region under construction: types first, then statements, then the schedule."""

    def __init__(
        self,
        *,
        arrays: Mapping[str, ArrayType],
        integers: Sequence[str] = ("n",),
        scalars: Mapping[str, ScalarType] | None = None,
        live_in: Mapping[str, ScalarType] | None = None,
        live_out: Sequence[str] = (),
        hazards: int = 0,
        context: str | None = None,
    ) -> None:
        self.arrays = dict(arrays)
        self.integers = tuple(integers)
        self.scalars = dict(scalars or {})
        self.live_in = dict(live_in or {})
        self.live_out = tuple(live_out)
        self.hazards = hazards
        self.context = context or f"[{', '.join(integers)}] -> {{ : }}"
        self.loops: list[Loop] = []
        self.statements: list[Statement] = []
        self.typed: list[tuple[str, TypedStatement]] = []

    def statement(self, domain: str, text: str, *, line: int = 1) -> Region:
        """Add the statement `text` with the isl domain `domain`; a float64 is what it computes in."""
        (target,) = ast.parse(text).body
        assert isinstance(target, ast.Assign)
        name = f"S{len(self.statements)}"
        parsed = isl.Set.parse(f"[{', '.join(self.integers)}] -> {{ {name}{domain} }}")
        typed = self._typed(target, parsed.dimensions, line)
        self.typed.append((name, typed))
        loops = tuple(
            self._loop(variable, depth) for depth, variable in enumerate(parsed.dimensions)
        )
        zero = Constant(value=0, span=span(line))
        names = {node.id for node in ast.walk(target.value) if isinstance(node, ast.Name)}
        assert isinstance(typed, Store | SetVariable)
        written = typed.array if isinstance(typed, Store) else typed.name
        accesses: list[tuple[Any, str]] = [
            ("read", each) for each in sorted(names) if each in self.arrays
        ]
        self.statements.append(
            Statement(
                name=name,
                domain=parsed,
                loops=loops,
                accesses=tuple(
                    Access(
                        kind=kind,
                        array=array,
                        relation=isl.Map.parse(f"{{ {name}[] -> {array}[] }}"),
                        indices=(),
                        span=span(line),
                    )
                    for kind, array in (*accesses, ("must_write", written))
                ),
                body=Assign(
                    target=Name(name=written, span=span(line)), value=zero, span=span(line)
                ),
                position=(0,) * (len(loops) + 1),
                span=span(line),
            )
        )
        return self

    def _loop(self, variable: str, depth: int) -> int:
        zero = Constant(value=0, span=span())
        loop = Loop(
            variable=variable,
            depth=depth,
            step=1,
            iterations=isl.Set.parse("{ [i] }"),
            start=zero,
            stop=zero,
            header=f"for {variable} in range(...)",
            span=span(10 + depth),
        )
        if loop not in self.loops:
            self.loops.append(loop)
        return self.loops.index(loop)

    def _typed(self, node: ast.Assign, iterators: Sequence[str], line: int) -> TypedStatement:
        value = self._value(node.value, iterators, line)
        target = node.targets[0]
        if isinstance(target, ast.Name):
            held = {**self.scalars, **self.live_in}[target.id]
            return SetVariable(name=target.id, value=_cast(value, held, line), span=span(line))
        assert isinstance(target, ast.Subscript)
        element = _expression(target)
        assert isinstance(element, Element)
        type_ = NumpyScalar(dtype=self.arrays[element.array].dtype)
        return Store(
            array=element.array,
            indices=element.indices,
            value=_cast(value, type_, line),
            span=span(line),
        )

    def _value(self, node: Any, iterators: Sequence[str], line: int) -> TypedExpression:
        here = span(line)
        match node:
            case ast.Constant():
                number: Any = node.value
                kind = FLOAT if isinstance(number, float) else INT
                return Number(value=number, type=kind, span=here)
            case ast.Name(id=name) if name in iterators or name in self.integers:
                return Index(expression=Name(name=name, span=here), type=INT, span=here)
            case ast.Name(id=name):
                return Variable(name=name, type={**self.live_in, **self.scalars}[name], span=here)
            case ast.Subscript():
                element = _expression(node)
                assert isinstance(element, Element)
                return Load(
                    array=element.array,
                    indices=element.indices,
                    type=NumpyScalar(dtype=self.arrays[element.array].dtype),
                    span=here,
                )
            case ast.BinOp():
                operands = (
                    self._value(node.left, iterators, line),
                    self._value(node.right, iterators, line),
                )
                type_ = _joined(operands)
                return Operation(
                    name=SYMBOLS[type(node.op)],
                    operands=tuple(_cast(each, type_, line) for each in operands),
                    type=type_,
                    hazards=self.hazards & INTEGER_OVERFLOW if type_ == INT else 0,
                    span=here,
                )
        raise ValueError(ast.unparse(node))

    def program(
        self, schedule: str, dimensions: Sequence[tuple[Mapping[str, str], str]], **names: str
    ) -> Program:
        """Return the lowered program.

        `dimensions`: for each schedule dimension {statement: iterator} (empty: textual) and the
        coincident statements, separated by blanks.
        """
        return lower(
            self.scop(),
            Schedule(
                relation=isl.UnionMap.parse(schedule).intersect_domain(
                    tuple(each.domain for each in self.statements)
                ),
                dimensions=tuple(
                    ScheduleDimension(
                        is_textual=not iterators,
                        iterators=tuple(iterators.items()),
                        coincident=frozenset(coincident.split()),
                    )
                    for iterators, coincident in dimensions
                ),
            ),
            TypedProgram(
                statements=tuple(self.typed), variables=self.variables(), hazards=self.hazards
            ),
            self.arrays,
            name=names.get("name", "region"),
            file=names.get("file", "user.py"),
        )

    def variables(self) -> tuple[ScalarVariable, ...]:
        return tuple(
            ScalarVariable(
                name=name,
                type=self.scalars.get(name, self.live_in.get(name, FLOAT)),
                is_live_in=name in self.live_in,
                live_in_type=self.live_in.get(name),
            )
            for name in dict.fromkeys((*self.live_in, *self.scalars))
        )

    def scop(self) -> Scop:
        arrays = [Array(name=name, rank=type_.rank) for name, type_ in self.arrays.items()]
        scalars = [Array(name=each.name, rank=0) for each in self.variables()]
        return Scop(
            parameters=tuple(
                Parameter(name=name, expression=Name(name=name, span=span()), text=name)
                for name in self.integers
            ),
            context=isl.Set.parse(self.context),
            arrays=(*arrays, *scalars),
            loops=tuple(self.loops),
            statements=tuple(self.statements),
            live_in=tuple(self.live_in),
            live_out=self.live_out,
            span=span(),
        )


def _joined(operands: Sequence[TypedExpression]) -> ScalarType:
    for each in operands:
        if isinstance(each.type, NumpyScalar):
            return each.type
    return FLOAT if any(each.type == FLOAT for each in operands) else INT


def _cast(value: TypedExpression, type_: ScalarType, line: int) -> TypedExpression:
    if value.type.dtype == type_.dtype:
        return value
    return Cast(operand=value, type=type_, hazards=0, span=span(line))


def array(
    rank: int,
    dtype: str = "float64",
    *,
    layout: Literal["C", "F", "A"] = "C",
    writeable: bool = True,
) -> ArrayType:
    """Return the type of an aligned array."""
    return ArrayType(dtype=dtype, rank=rank, layout=layout, is_aligned=True, is_writeable=writeable)
