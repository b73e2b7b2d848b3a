"""Find runs of statements that may be about whole arrays, whatever else the function does.

Before:  t = np.exp(-x)                After:  one run of two statements, which reads x, a, b
         y = a * t + b                         and leaves y behind (t, if anyone reads it)

What is an array the code does not say: a call finds out, and plans the run with that. So only
the shape of statements counts here: assignments of one block without calls but those of NumPy's
functions of elements, in which some operand is not known to be a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import gast

from ..model.array_run import (
    COPIED,
    NEW_AXIS,
    OTHER_AXES,
    REDUCTIONS,
    TRANSPOSE,
    WHERE,
    ArrayRun,
)
from ..model.loop_ir import (
    Assign,
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
    Update,
    expressions_of,
    walk_expression,
)
from ..model.source import SourceFunction, Span
from ..model.ufuncs import FUNCTIONS, own_name
from . import names
from .definitions import MODULE, file_of, span_of
from .expression_reader import ExpressionReader, Unmodelled
from .liveness import reads

# What a model of more statements would take to find is not known.
_MOST_STATEMENTS = 40
_DEEPEST = 100
_SCALAR_CALLS = frozenset(("int", "float", "bool", "len", "round"))
_METHODS = {name.removeprefix("numpy."): name for name in REDUCTIONS}
_ALIASES = {"numpy.amax": "numpy.max", "numpy.amin": "numpy.min"}


def find_array_runs(
    source: SourceFunction,
    live_after: Callable[[], Mapping[Span, frozenset[str]]],
    covered: tuple[Span, ...] = (),
) -> tuple[ArrayRun, ...]:
    """Return the runs of a function, or of module level, in source order.

    `live_after` returns the names that may be read after each statement. Nobody asks what lies
    inside a statement that one of the spans `covered` contains.
    """
    file = file_of(source.text.text)
    found = file.definitions.get((source.qualified_name, source.line))
    is_module = source.qualified_name == MODULE
    if found is None and not is_module:
        return ()
    node = file.tree if found is None else found.node
    around = () if found is None else found.around
    known = dict(source.known_names) if source.known_names is not None else None
    known = names.seen_inside(file.known, around) if known is None else known
    if not is_module:
        hidden = names.scope_of(node.body).bound | set(names.argument_names(node.args))
        known = {k: v for k, v in known.items() if k.partition(".")[0] not in hidden}
    search = _Search(_RunReader(source, known, {}), node, live_after, covered)
    return tuple(sorted(search.block(node.body), key=lambda each: each.span))


def has_array_runs(body: list[Any]) -> bool:
    """Return whether a function may have a run: it computes with something of its own."""
    return any(
        isinstance(each, gast.Assign | gast.AugAssign)
        and any(isinstance(part, gast.BinOp | gast.Compare) for part in names.walk(each))
        for each in names.own_nodes(body)
    )


class _Search:
    """Goes through the blocks of one function."""

    def __init__(
        self,
        reader: _RunReader,
        function: Any,
        live: Callable[[], Mapping[Span, frozenset[str]]],
        covered: tuple[Span, ...],
    ) -> None:
        self.reader = reader
        self.function = function
        self.live = live
        self.covered = covered

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The names of the function that are surely numbers."""
        return _numbers(self.function)

    @cached_property
    def live_after(self) -> Mapping[Span, frozenset[str]]:
        """The names that may be read after each statement."""
        return self.live()

    def block(self, body: list[Any]) -> Iterator[ArrayRun]:
        waiting: list[Assign | Update] = []
        for node in body:
            statement = self.reader.statement(node)
            if statement is not None and len(waiting) < _MOST_STATEMENTS:
                waiting.append(statement)
                continue
            yield from self.run(waiting)
            waiting = [] if statement is None else [statement]
            if statement is None and not isinstance(
                node, gast.FunctionDef | gast.AsyncFunctionDef | gast.ClassDef
            ):
                inside = () if self.is_covered(node) else names.blocks(node)
                for inner in inside:
                    yield from self.block(inner)
        yield from self.run(waiting)

    def is_covered(self, node: Any) -> bool:
        return bool(self.covered) and any(each.contains(span_of(node)) for each in self.covered)

    def run(self, waiting: list[Assign | Update]) -> Iterator[ArrayRun]:
        """Yield the run that is left of statements without the numbers at its ends."""
        computing = [n for n, each in enumerate(waiting) if self.may_compute(each)]
        if not computing:
            return
        statements = tuple(waiting[computing[0] : computing[-1] + 1])
        live = self.live_after.get(statements[-1].span)
        if live is None:  # nothing is known of what comes after
            return
        exposed: set[str] = set()
        assigned: set[str] = set()
        for each in statements:
            read = frozenset[str]().union(*map(reads, expressions_of(each)))
            exposed |= read - assigned
            if isinstance(each.target, Name):
                assigned.add(each.target.name)
        yield ArrayRun(
            statements=statements,
            arguments=tuple(sorted(exposed - {NEW_AXIS, OTHER_AXES})),
            results=tuple(sorted(assigned & live)),
            text=self.reader.source.text,
            span=statements[0].span,
        )

    def may_compute(self, statement: Assign | Update) -> bool:
        """Return whether a statement may compute a whole array, and not only name one."""
        if isinstance(statement.target, Element) and any(
            isinstance(each, Slice) for each in statement.target.indices
        ):
            return True
        if isinstance(statement, Update):
            if isinstance(statement.value, Constant):  # it counts, more often than not
                return False
            wholes = isinstance(statement.target, Name) and self.may_be_array(statement.target)
            return wholes or self.computes(statement.value)
        return self.computes(statement.value)

    def computes(self, value: Expression) -> bool:
        return any(
            self.may_be_array(each)
            for node in _operations(value)
            for each in _operands(node)
            if not isinstance(each, Constant)
        )

    def may_be_array(self, node: Expression) -> bool:
        match node:
            case Name(name=name):
                return name not in self.numbers
            case Element():
                return any(isinstance(each, Slice) for each in node.indices)
        return False


def _operations(value: Expression) -> Iterator[Expression]:
    """Yield what computes in a value, subscripts left out."""
    if isinstance(value, Binary | Unary | Compare | Call):
        yield value
        for each in _operands(value):
            yield from _operations(each)


def _operands(node: Expression) -> tuple[Expression, ...]:
    match node:
        case Binary() | Compare():
            return (node.left, node.right)
        case Unary():
            return (node.operand,)
        case Call():
            return node.arguments
    return ()


def _numbers(function: Any) -> frozenset[str]:
    """Return the names of a function that are surely numbers wherever they are bound."""
    values: dict[str, list[Any]] = {}
    others: set[str] = set()
    counters: set[str] = set()
    for node in names.own_nodes(function.body):
        match node:
            case gast.Assign(targets=[gast.Name(id=name)], value=value):
                values.setdefault(name, []).append(value)
            case gast.AugAssign(target=gast.Name(id=name), value=value):
                values.setdefault(name, []).append(value)
            case gast.For(target=gast.Name(id=name), iter=gast.Call(func=gast.Name(id="range"))):
                counters.add(name)
    bound_elsewhere: dict[str, int] = {}
    for node in names.own_nodes(function.body):
        for name in names.bindings(node):
            bound_elsewhere[name] = bound_elsewhere.get(name, 0) + 1
    if not isinstance(function, gast.Module):
        others |= set(names.argument_names(function.args))
    found = set(values) | counters
    found -= others
    found = {
        name
        for name in found
        if bound_elsewhere.get(name, 0) <= len(values.get(name, ())) + (name in counters)
        or name in counters
    }
    while True:
        kept = {n for n in found if all(_is_number(each, found) for each in values.get(n, ()))}
        if kept == found:
            return frozenset(found)
        found = kept


def _is_number(node: Any, numbers: set[str]) -> bool:
    match node:
        case gast.Constant(value=int() | float() | complex()):
            return True
        case gast.Name(id=name):
            return name in numbers
        case gast.BinOp():
            return _is_number(node.left, numbers) and _is_number(node.right, numbers)
        case gast.UnaryOp():
            return _is_number(node.operand, numbers)
        case gast.Subscript(value=gast.Attribute(attr="shape")):
            return True
        case gast.Attribute(attr="size" | "ndim" | "pi"):
            return True
        case gast.Call(func=gast.Name(id=name)):
            return name in _SCALAR_CALLS
        case gast.Call(func=gast.Attribute(value=gast.Name(id="math"))):
            return True
    return False


class _RunReader(ExpressionReader):
    """Reads statements on whole arrays as if each name could be one."""

    def __init__(self, source: SourceFunction, known: dict[str, str], callees: Any) -> None:
        super().__init__(source, known, callees)
        self.takes_slices = True

    def statement(self, node: Any) -> Assign | Update | None:
        """Return an assignment; None for every other statement, and for unknown expressions."""
        if not isinstance(node, gast.Assign | gast.AugAssign) or names.is_deeper(node, _DEEPEST):
            return None
        try:
            match node:
                case gast.Assign(targets=[gast.Name() | gast.Subscript() as target]):
                    value = self.expression(node.value)
                    return Assign(target=self.place_of(target), value=value, span=span_of(node))
                case gast.AugAssign(target=gast.Name() | gast.Subscript() as target):
                    return Update(
                        operator=self.operator(node),
                        target=self.place_of(target),
                        value=self.expression(node.value),
                        span=span_of(node),
                    )
        except Unmodelled:
            pass
        return None

    def place_of(self, target: Any) -> Name | Element:
        if isinstance(target, gast.Name):
            return Name(name=target.id, span=span_of(target))
        return self.element(target)

    def expression(self, node: Any) -> Expression:
        match node:
            case gast.Constant(value=None):
                return Name(name=NEW_AXIS, span=span_of(node))
            case gast.Constant(value=value) if value is Ellipsis:
                return Name(name=OTHER_AXES, span=span_of(node))
            case gast.IfExp() | gast.BoolOp():  # asks for a truth value, which arrays have not
                raise self.unsupported(node, names.expression_kind(node))
        return super().expression(node)

    def is_whole(self, index: Any) -> bool:
        is_axis = isinstance(index, gast.Constant) and index.value in (None, Ellipsis)
        return not is_axis and super().is_whole(index)

    def subscript(self, node: Any) -> Expression:
        if self.canonical(node) == "numpy.newaxis":
            return Name(name=NEW_AXIS, span=span_of(node))
        return super().subscript(node)

    def read_attribute(self, node: Any) -> Expression | None:
        at = span_of(node)
        if node.attr == "T" and not self.is_module(node.value):
            return Call(function=TRANSPOSE, arguments=(self.expression(node.value),), span=at)
        if node.attr in ("real", "imag"):
            raise self.unsupported(node, names.expression_kind(node))
        constant = self.math_constant(node)
        if constant is not None:
            return constant
        raise self.unsupported(node, names.expression_kind(node))

    def call(self, node: Any) -> Expression:
        function = self.canonical(node.func)
        function = None if function is None else _ALIASES.get(function, function)
        at = span_of(node)
        if function == WHERE and len(node.args) == 3 and not node.keywords:
            arguments = tuple(map(self.expression, node.args))
            return Call(function=WHERE, arguments=arguments, span=at)
        if function == "numpy.copy" and len(node.args) == 1 and not node.keywords:
            return Call(function=COPIED, arguments=(self.expression(node.args[0]),), span=at)
        if function in REDUCTIONS and len(node.args) == 1 and not node.keywords:
            return Call(function=function, arguments=(self.expression(node.args[0]),), span=at)
        match node:
            case gast.Call(func=gast.Attribute(value=array, attr=method), args=[], keywords=[]) if (
                not self.is_module(array)
            ):
                if method == "copy":
                    return Call(function=COPIED, arguments=(self.expression(array),), span=at)
                if method in _METHODS:
                    read = (self.expression(array),)
                    return Call(function=_METHODS[method], arguments=read, span=at)
        plain = not node.keywords and not any(isinstance(e, gast.Starred) for e in node.args)
        if plain and function is not None:
            own = own_name(function)
            if own in FUNCTIONS or own in names.MODELLED_FUNCTIONS or function == "len":
                return super().call(node)
        raise Unmodelled(self.unknown_call(node))


def is_axis_word(node: Expression) -> bool:
    """Return whether a subscript is a new axis, or stands for the axes that are not named."""
    return isinstance(node, Name) and node.name in {NEW_AXIS, OTHER_AXES}


def names_of(run: ArrayRun) -> frozenset[str]:
    """Return every name that a run mentions."""
    found = {
        node.name if isinstance(node, Name) else node.array
        for each in run.statements
        for expression in (*expressions_of(each), each.target)
        for node in walk_expression(expression)
        if isinstance(node, Name | Element | Extent)
    }
    return frozenset(found - {NEW_AXIS, OTHER_AXES})
