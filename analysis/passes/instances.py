"""One call of a function of the user, with names of its own for what the function calls its own.

Before:  f(a[i], k) of def f(x, n): t = x * x; return t + x ** n
After:   x_of_f = a[i]; t_of_f = x_of_f * x_of_f; f_value = t_of_f + x_of_f ** k

Helper of the `inline_calls` pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import field, fields, is_dataclass, replace
from keyword import iskeyword
from typing import TypeVar

from autopar.analysis.model.nouns import dataclass

from ..model.chains import base_of, is_chain, with_base
from ..model.loop_ir import (
    FIRST_TURN,
    RESULT,
    Allocate,
    Assign,
    BoolOp,
    Break,
    Call,
    Compare,
    Conditional,
    Constant,
    Each,
    Element,
    Elements,
    Exchange,
    Expression,
    Extent,
    For,
    Helper,
    If,
    Iterable,
    Name,
    Opaque,
    Pattern,
    Statement,
    Update,
    While,
    children,
    expressions_of,
    names_in,
    result_name,
    walk_expression,
    walk_statements,
)
from ..model.source import Span
from ..model.unused import unused
from .substitution import rebuilt

T = TypeVar("T")
_OURS = {RESULT, FIRST_TURN}  # no names of the user


def bound_names(body: tuple[Statement, ...]) -> frozenset[str]:
    """Return the names that `body` binds."""
    return frozenset(names_bound(body))


def names_bound(body: tuple[Statement, ...]) -> Iterator[str]:
    """Yield a name for each place where `body` binds it."""
    for statement in walk_statements(body):
        match statement:
            case Assign(target=Name(name=name)) | Update(target=Name(name=name)):
                yield name
            case Allocate():
                yield statement.name
            case Exchange():
                yield from statement.targets
            case For():
                yield statement.variable
            case Each():
                yield from names_in(statement.target)
            case _:
                pass


def mentions(body: tuple[Statement, ...]) -> frozenset[str]:
    """Return the names that `body` reads, arrays among them."""
    return frozenset(name for name, _ in _read(body))


def read_names(body: tuple[Statement, ...]) -> Iterator[str]:
    """Yield a name for each place where `body` reads it."""
    yield from (name for name, _ in _read(body))


def _read(body: tuple[Statement, ...]) -> Iterator[tuple[str, bool]]:
    """Yield each name that is read, and whether as an array."""
    for statement in walk_statements(body):
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                if isinstance(node, Name):
                    yield node.name, False
                elif isinstance(node, Element | Extent):
                    yield node.array, True


def free_names(helper: Helper) -> frozenset[str]:
    """Return the names that a function reads and does not bind."""
    return frozenset(map(base_of, mentions(helper.body))) - helper.local_names - _OURS


@dataclass(slots=True)
class Instance:
    """A function in place of one call of it."""

    helper: Helper
    call: Call
    taken: set[str]
    # What stands for each parameter and local name.
    values: dict[str, Expression] = field(default_factory=dict)

    def bindings(self) -> tuple[Assign, ...]:
        """Return the arguments that have to be computed first, and take all names."""
        bound = bound_names(self.helper.body)
        as_array = frozenset(name for name, is_array in _read(self.helper.body) if is_array)
        sure = Counter(_surely_read(self.helper.body))
        uses = Counter(name for name, _ in _read(self.helper.body))
        found: list[Assign] = []
        pairs = zip(self.helper.parameters, self.call.arguments, strict=True)
        for parameter, argument in pairs:
            is_once = uses[parameter] == sure[parameter] == 1
            is_atom = isinstance(argument, Name | Constant)
            is_place = parameter in as_array and isinstance(argument, Name | Element)
            if parameter not in bound and (is_atom or is_place or is_once):
                self.values[parameter] = argument
                continue
            name = self.fresh(f"{parameter}_of_{self.helper.name}")
            self.values[parameter] = name
            found.append(Assign(target=name, value=argument, span=self.call.span))
        for local in sorted(self.helper.local_names - set(self.helper.parameters)):
            shown = local if local.isidentifier() and not iskeyword(local) else "returned"
            self.values[local] = self.fresh(f"{shown}_of_{self.helper.name}")
        return tuple(found)

    def obstacle(self) -> str | None:
        """Return what keeps an argument from standing where the function has its parameter."""
        as_array = frozenset(name for name, is_array in _read(self.helper.body) if is_array)
        whole = frozenset(_wanted_whole(self.helper.body))
        chains = {name for name, _ in _read(self.helper.body) if is_chain(name)}
        objects = set(map(base_of, chains))
        private = next((name for name in sorted(chains) if "__" in name), None)
        if private is not None:
            return f"'{private}' has another name in the class where it is called"
        stores = any(
            isinstance(each, Assign | Update) and isinstance(each.target, Element)
            for each in walk_statements(self.helper.body)
        )
        for name, argument in zip(self.helper.parameters, self.call.arguments, strict=True):
            is_part = isinstance(argument, Element) and name in whole
            if name in as_array and (is_part or not isinstance(argument, Name | Element)):
                return f"its '{name}' is an array, the argument is more than a name"
            if name in objects and not isinstance(argument, Name):
                return f"its '{name}' is an object, the argument is more than a name"
            if stores and name in as_array and not _stays(argument):
                return f"it stores, which may change what it is given as '{name}'"
        return None

    def fresh(self, wanted: str) -> Name:
        name = unused(wanted, self.taken)
        self.taken.add(name)
        return Name(name=name, span=self.call.span)

    def results(self) -> tuple[Name, ...]:
        """Return the names that hold the values once the statements have run."""
        return tuple(self.fixed(name) for name in _results(self.helper.values))

    def fixed(self, name: str) -> Name:
        found = self.values[name]
        assert isinstance(found, Name)  # `statements` gave it
        return found

    def statements(self) -> tuple[Statement, ...]:
        """Return the statements of the function."""
        for name in _results(self.helper.values):
            shown = name.replace(RESULT, "value").replace(" ", "_")
            self.values[name] = self.fresh(f"{self.helper.name}_{shown}")
        return tuple(moved(self.statement(each), self.call.span) for each in self.helper.body)

    def expression(self, expression: Expression) -> Expression:
        """Return an expression of the function, where it is called."""
        return self.renamed(moved(expression, self.call.span))

    def renamed(self, expression: Expression) -> Expression:
        match expression:
            case Name(name=name) if name in self.values:
                return self.values[name]
            case Name(name=name) if is_chain(name):
                return replace(expression, name=self.name(name))
            case Element(array=name) | Extent(array=name) if is_chain(name):
                inner = rebuilt(expression, self.renamed)
                assert isinstance(inner, Element | Extent)  # it stays one
                return replace(inner, array=self.name(name))
            case Element(array=name) if name in self.values:
                indices = tuple(map(self.renamed, expression.indices))
                match self.values[name]:
                    case Name(name=array):
                        return replace(expression, array=array, indices=indices)
                    case Element(array=array, indices=first):
                        return replace(expression, array=array, indices=(*first, *indices))
            case Extent(array=name) if name in self.values:
                match self.values[name]:
                    case Name(name=array):
                        return replace(expression, array=array)
                    case Element(array=array, indices=first) if expression.axis >= 0:
                        axis = expression.axis + len(first)
                        of = None if expression.of is None else expression.of + len(first)
                        return replace(expression, array=array, axis=axis, of=of)
        return rebuilt(expression, self.renamed)

    def name(self, name: str) -> str:
        found = self.values.get(base_of(name))
        return with_base(name, found.name) if isinstance(found, Name) else name

    def statement(self, node: Statement) -> Statement:
        match node:
            case Assign() | Update():
                target = self.renamed(node.target)
                assert isinstance(target, Name | Element)  # what is bound has a name
                return replace(node, target=target, value=self.renamed(node.value))
            case If():
                body, orelse = map(self.block, (node.body, node.orelse))
                return replace(node, test=self.renamed(node.test), body=body, orelse=orelse)
            case For():
                start, stop, step = map(self.renamed, (node.start, node.stop, node.step))
                body, variable = self.block(node.body), self.name(node.variable)
                return replace(
                    node, variable=variable, start=start, stop=stop, step=step, body=body,
                    is_inlined=True, requires=self.required(node),
                )  # fmt: skip
            case Each():
                return replace(
                    node,
                    target=self.pattern(node.target),
                    iterable=self.iterable(node.iterable),
                    body=self.block(node.body),
                    is_inlined=True,
                    requires=self.required(node),
                )
            case While():
                return replace(node, test=self.renamed(node.test), body=self.block(node.body))
            case Break():
                return node
            case Allocate():
                shape = tuple(map(self.renamed, node.shape))
                like = None if node.like is None else self.name(node.like)
                return replace(node, name=self.name(node.name), shape=shape, like=like)
            case Exchange() | Opaque():
                raise AssertionError("a function with these is not put in place")

    def block(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return tuple(map(self.statement, body))

    def required(self, loop: For | Each) -> tuple[Compare, ...]:
        return tuple(
            replace(each, left=self.renamed(each.left), right=self.renamed(each.right))
            for each in loop.requires
        )

    def pattern(self, pattern: Pattern) -> Pattern:
        if isinstance(pattern, Name):
            return replace(pattern, name=self.name(pattern.name))
        return tuple(map(self.pattern, pattern))

    def iterable(self, iterable: Iterable) -> Iterable:
        """Return an iterable with names of this call: expressions and arrays at any depth."""
        changes: dict[str, object] = {}
        for each in fields(iterable):
            value = getattr(iterable, each.name)
            if isinstance(iterable, Elements) and each.name == "array":
                changes[each.name] = self.name(value)
            elif each.name in {"start", "stop"}:
                changes[each.name] = self.renamed(value)
            elif each.name == "inner":
                changes[each.name] = self.iterable(value)
            elif each.name in {"parts", "axes"}:
                changes[each.name] = tuple(map(self.iterable, value))
            elif each.name == "array" and value is not None:
                changes[each.name] = self.name(value)
        return replace(iterable, **changes)  # type: ignore[arg-type]  # fields of their types


def _results(values: int) -> tuple[str, ...]:
    """Return what stands for the values of a function in its body."""
    if values == 1:
        return (RESULT,)
    return tuple(map(result_name, range(values)))


def _stays(place: Expression) -> bool:
    """Return whether no store changes which part of an array `place` is."""
    below = (walk_expression(each) for each in children(place))
    return not any(isinstance(node, Element | Call) for nodes in below for node in nodes)


def _wanted_whole(body: tuple[Statement, ...]) -> Iterator[str]:
    """Yield the arrays of which a function wants more than elements and first extents."""
    for statement in walk_statements(body):
        if isinstance(statement, Each):
            yield from (
                node.array for node in expressions_of(statement) if isinstance(node, Extent)
            )
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                if isinstance(node, Extent) and node.axis < 0:
                    yield node.array


def _surely_read(body: tuple[Statement, ...]) -> Iterator[str]:
    """Yield the names that the one expression of a function evaluates in any case."""
    match body:
        case (Assign(target=Name(name=name), value=value),) if name == RESULT:
            yield from _evaluated(value)


def _evaluated(expression: Expression) -> Iterator[str]:
    match expression:
        case Name():
            yield expression.name
        case BoolOp(values=(first, *_)):
            yield from _evaluated(first)
        case Conditional():
            yield from _evaluated(expression.test)
        case _:
            for each in children(expression):
                yield from _evaluated(each)


def moved(node: T, span: Span) -> T:
    """Return a node of the loop IR with all that is in it at another place."""
    if isinstance(node, tuple):
        return tuple(moved(each, span) for each in node)  # type: ignore[return-value]  # of its kind
    if not is_dataclass(node) or isinstance(node, type):
        return node
    changes = {
        each.name: span if each.name == "span" else moved(getattr(node, each.name), span)
        for each in fields(node)
    }
    return replace(node, **changes)
