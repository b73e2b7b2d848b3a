"""Accesses of a loop as integer forms, read from the text: source, loop -> `Nest`, or None where they are not affine.

Before:  for i in range(1, n): a[i + k] = a[2 * i]
After:   { [i] : 1 <= i < n }, writes a at (i + k), reads a at (2 * i)          as text in isl's notation

Written against the Python language and isl's manual alone, without a look at the analysis that it checks. Subscripts
are taken to be in range; a negative constant counts from the end.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.instrument import find_function
from tests.recording import Loop

RELATIONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=", ast.NotEq: "!="}
ARITHMETIC = {ast.Add: "+", ast.Sub: "-"}


class NotAffine(Exception):
    """The text is outside what isl can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One read or write, for all instances of its statement."""

    name: str
    is_write: bool
    indices: tuple[str, ...]  # empty for a scalar
    dimensions: tuple[str, ...]  # loop variables around it, outermost first, each with a number
    constraints: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nest:
    """What happens inside one loop."""

    around: tuple[
        str, ...
    ]  # variables of the loops around the one in question, which are held fixed
    parameters: tuple[str, ...]
    accesses: tuple[Access, ...]


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the walk is: the loops and tests around a statement."""

    dimensions: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)  # Python's name -> dimension

    def under(self, *constraints: str) -> _Place:
        return replace(self, constraints=(*self.constraints, *constraints))


def nest_of(source: str, loop: Loop) -> Nest | None:
    """Return the accesses inside `loop`; None where a bound, a test or a subscript is not affine."""
    function = find_function(ast.parse(source))
    try:
        return _Reader(function).nest(loop)
    except NotAffine:
        return None


class _Reader:
    def __init__(self, function: ast.FunctionDef) -> None:
        self._function = function
        self._variables = {
            node.target.id
            for node in ast.walk(function)
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name)
        }
        # Names that are given a value in a loop hold different values at different times.
        self._changing = {
            name.id
            for node in ast.walk(function)
            if isinstance(node, ast.For)
            for name in ast.walk(node)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
        }
        self._parameters: dict[str, None] = {}
        self._numbers = 0

    def nest(self, loop: Loop) -> Nest:
        chain = _chain(self._function, loop)
        if chain is None:
            raise NotAffine
        place = _Place()
        for node in chain:
            place = self._entered(node, place)
        accesses = tuple(self._block(chain[-1].body, place))
        around = tuple(ast.unparse(each.target) for each in chain[:-1])
        return Nest(around=around, parameters=tuple(self._parameters), accesses=accesses)

    def _entered(self, node: ast.stmt, place: _Place) -> _Place:
        """Return the place inside a loop."""
        match node:
            case ast.For(
                target=ast.Name(id=name),
                iter=ast.Call(func=ast.Name(id="range"), args=arguments, keywords=[]),
                orelse=[],
            ):
                self._numbers += 1
                dimension = f"{name}_{self._numbers}"
                bounds = self._bounds(dimension, arguments, place)
                return _Place(
                    dimensions=(*place.dimensions, dimension),
                    constraints=(*place.constraints, *bounds),
                    variables={**place.variables, name: dimension},
                )
        raise NotAffine

    def _bounds(
        self, dimension: str, arguments: Sequence[ast.expr], place: _Place
    ) -> Iterator[str]:
        start, stop, step = ast.Constant(0), arguments[0], 1
        if len(arguments) > 1:
            start, stop = arguments[:2]  # type: ignore[assignment] # an expression
        if len(arguments) > 2:
            step = _constant(arguments[2])
        low, high = (">=", "<") if step > 0 else ("<=", ">")
        first = self._sides(start, place, "max" if step > 0 else "min")
        yield from (f"{dimension} {low} {each}" for each in first)
        last = self._sides(stop, place, "min" if step > 0 else "max")
        yield from (f"{dimension} {high} {each}" for each in last)
        if abs(step) > 1:
            if len(first) > 1:
                raise NotAffine
            yield f"({dimension} - ({first[0]})) mod {abs(step)} = 0"

    def _sides(self, bound: ast.expr, place: _Place, joining: str) -> list[str]:
        """Return the forms that bound a variable together: `min(n, m)` above, `max(0, k)` below."""
        match bound:
            case ast.Call(func=ast.Name(id=name), args=[_, _, *_] as arguments) if name == joining:
                return [form for each in arguments for form in self._sides(each, place, joining)]
        return [self._form(bound, place)]

    def _form(self, node: ast.expr, place: _Place) -> str:
        """Return an integer expression in isl's notation."""
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool):
                return str(value)
            case ast.Name(id=name):
                return self._named(name, place)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(-{self._form(operand, place)})"
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                sign = ARITHMETIC[type(op)]
                return f"({self._form(left, place)} {sign} {self._form(right, place)})"
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                if isinstance(left, ast.Constant) or _is_constant(left):
                    left, right = right, left
                return f"({_constant(right)} * {self._form(left, place)})"
            case ast.BinOp(left=left, op=ast.FloorDiv(), right=right) if _constant(right) > 0:
                return f"(floor(({self._form(left, place)}) / {_constant(right)}))"
            case ast.BinOp(left=left, op=ast.Mod(), right=right) if _constant(right) > 0:
                return f"(({self._form(left, place)}) mod {_constant(right)})"
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id=name), attr="shape"),
                slice=ast.Constant(value=int(axis)),
            ):
                return self._extent(name, axis)
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]):
                return self._extent(name, 0)
        raise NotAffine

    def _named(self, name: str, place: _Place) -> str:
        if name in place.variables:
            return place.variables[name]
        if name in self._changing:
            raise NotAffine
        self._parameters[name] = None
        return name

    def _extent(self, name: str, axis: int) -> str:
        if name in self._changing:
            raise NotAffine
        text = extent_name(name, axis)
        self._parameters[text] = None
        return text

    def _test(self, node: ast.expr, place: _Place) -> str:
        """Return a condition in isl's notation."""
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                forms = [self._form(each, place) for each in (left, *others)]
                parts = []
                for one, op, two in zip(forms, ops, forms[1:], strict=False):
                    if type(op) not in RELATIONS:
                        raise NotAffine
                    parts.append(f"{one} {RELATIONS[type(op)]} {two}")
                return f"({' and '.join(parts)})"
            case ast.BoolOp(op=op, values=values):
                word = " and " if isinstance(op, ast.And) else " or "
                return f"({word.join(self._test(each, place) for each in values)})"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"(not {self._test(operand, place)})"
        raise NotAffine

    def _block(self, body: Sequence[ast.stmt], place: _Place) -> Iterator[Access]:
        for statement in body:
            match statement:
                case ast.If(test=test, body=[ast.Continue()], orelse=[]):
                    place = place.under(f"not {self._test(test, place)}")
                case ast.If(test=test, body=inner, orelse=other):
                    holds = self._test(test, place)
                    yield from self._block(inner, place.under(holds))
                    yield from self._block(other, place.under(f"not {holds}"))
                    if any(isinstance(node, ast.Continue) for node in ast.walk(statement)):
                        raise NotAffine
                case ast.For():
                    yield from self._block(statement.body, self._entered(statement, place))
                case ast.Assign(targets=[target], value=value):
                    yield from self._reads(value, place)
                    yield from self._writes(target, place)
                case ast.AugAssign(target=target, value=value):
                    yield from self._reads(target, place)
                    yield from self._reads(value, place)
                    yield from self._writes(target, place)
                case ast.Pass():
                    pass
                case _:
                    raise NotAffine

    def _writes(self, target: ast.expr, place: _Place) -> Iterator[Access]:
        match target:
            case ast.Tuple(elts=elements):
                for each in elements:
                    yield from self._writes(each, place)
            case ast.Name(id=name):
                if name in self._variables:
                    raise NotAffine
                yield self._access(name, (), place, is_write=True)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                yield self._access(name, self._indices(name, index, place), place, is_write=True)
            case _:
                raise NotAffine

    def _reads(self, value: ast.expr, place: _Place) -> Iterator[Access]:
        match value:
            case ast.IfExp(test=test, body=body, orelse=orelse):
                holds = self._test(test, place)
                yield from self._reads(body, place.under(holds))
                yield from self._reads(orelse, place.under(f"not {holds}"))
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                yield self._access(name, self._indices(name, index, place), place, is_write=False)
            case ast.Name(id=name):
                if name in self._changing and name not in place.variables:
                    yield self._access(name, (), place, is_write=False)
            case (
                ast.BoolOp() | ast.Lambda() | ast.NamedExpr() | ast.ListComp() | ast.GeneratorExp()
            ):
                raise NotAffine
            case ast.Call(func=ast.Attribute(attr=name)) if name in {"zeros", "empty", "ones"}:
                raise NotAffine  # a new array for each iteration
            case ast.Attribute():
                return
            case _:
                for child in ast.iter_child_nodes(value):
                    if isinstance(child, ast.expr):
                        yield from self._reads(child, place)

    def _indices(self, name: str, index: ast.expr, place: _Place) -> tuple[str, ...]:
        if name in self._changing:
            raise NotAffine  # the name itself is given another array
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        return tuple(self._index(name, axis, part, place) for axis, part in enumerate(parts))

    def _index(self, name: str, axis: int, part: ast.expr, place: _Place) -> str:
        form = self._form(part, place)
        if _is_constant(part) and _constant(part) < 0:
            return f"({self._extent(name, axis)} + {form})"
        return form

    def _access(
        self, name: str, indices: tuple[str, ...], place: _Place, *, is_write: bool
    ) -> Access:
        return Access(
            name=name,
            is_write=is_write,
            indices=indices,
            dimensions=place.dimensions,
            constraints=place.constraints,
        )


def condition_in_isl(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a Python condition over integers and shapes in isl's notation, with its parameters."""
    reader = _Reader(ast.FunctionDef(name="none", body=[]))  # type: ignore[call-arg] # nothing in it
    tree = ast.parse(text, mode="eval").body
    if isinstance(tree, ast.Constant):
        return ("true" if tree.value else "false"), ()
    found = reader._test(tree, _Place())
    return found, tuple(reader._parameters)


def extent_name(name: str, axis: int) -> str:
    """Return the parameter that stands for `name.shape[axis]`."""
    return f"{name}_shape_{axis}"


def _chain(node: ast.AST, loop: Loop) -> list[ast.For] | None:
    """Return the loops from the outermost to `loop`; None where a test stands between them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.For):
            if Loop(child.lineno, child.col_offset) == loop:
                return [child]
            inner = _chain(child, loop)
            if inner is not None:
                return [child, *inner]
    return None


def _is_constant(node: ast.expr) -> bool:
    try:
        _constant(node)
    except NotAffine:
        return False
    return True


def _constant(node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_constant(operand)
    raise NotAffine
