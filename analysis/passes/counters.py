"""Counters that go up by the same amount in every iteration become what they amount to.

Before:  for i in range(n):             After:  for i in range(n):
             for j in range(m):                     for j in range(m):
                 out[k] = a[i, j]                       out[k_before + i * m + j] = a[i, j]
                 k += 1                                 k = k_before + i * m + j + 1

Gerlek, Stoltz and Wolfe, Beyond induction variables: detecting and classifying sequences using a
demand-driven SSA form, TOPLAS 1995; here the structured loops tell. Only for a scalar of which
every value in the nest is known so, counted by constants, under no condition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    Allocate,
    Assign,
    Binary,
    Call,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Statement,
    Unary,
    Update,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.source import Span
from ..model.unused import unused
from .instances import bound_names, mentions
from .substitution import rebuilt
from .updates import same_expression


def counters(nest: For, taken: frozenset[str]) -> For:
    """Return `nest` with its counters in closed form; `taken` are names that it must not bind."""
    names = set(taken | mentions((nest,)) | bound_names((nest,)))
    for counter in _candidates(nest):
        before = unused(f"{counter}_before", names)
        walk = _Walk(counter=counter, before=before, changing=bound_names((nest,)))
        try:
            (found,) = walk.statement(nest)
        except _UnknownError:
            continue
        assert isinstance(found, For)  # a loop becomes a loop
        nest = found
        if walk.is_read_before:
            names.add(before)
            nest = replace(nest, before=(*nest.before, (before, counter)))
    return nest


def _candidates(nest: For) -> tuple[str, ...]:
    """Return the scalars that the nest counts up, and uses in no bound and no test."""
    counted: dict[str, None] = {}
    refused: set[str] = set()
    subscripts: set[str] = set()
    for statement in walk_statements((nest,)):
        match statement:
            case Assign() | Update():
                if isinstance(statement.target, Name) and step_of(statement) is not None:
                    counted[statement.target.name] = None
                for expression in expressions_of(statement):
                    subscripts |= _in_subscripts(expression)
            case For():
                refused.add(statement.variable)
                refused |= _names((*expressions_of(statement), *(p for _, p in statement.rows)))
            case If() | Allocate():
                refused |= _names(expressions_of(statement))
            case _:
                pass
    return tuple(name for name in counted if name in subscripts and name not in refused)


def _in_subscripts(expression: Expression) -> set[str]:
    return {
        name
        for node in walk_expression(expression)
        if isinstance(node, Element)
        for name in _names(node.indices)
    }


def _names(expressions: tuple[Expression, ...]) -> set[str]:
    return {
        node.name
        for expression in expressions
        for node in walk_expression(expression)
        if isinstance(node, Name)
    }


def step_of(statement: Assign | Update) -> int | None:
    """Return what a statement adds to its scalar, if that is all that it does."""
    match statement:
        case Update(target=Name(), operator="+" | "-" as sign, value=Constant(value=int() as step)):
            pass
        case Assign(
            target=Name(name=name),
            value=Binary(
                operator="+" | "-" as sign,
                left=Name(name=left),
                right=Constant(value=int() as step),
            ),
        ) if left == name:
            pass
        case Assign(
            target=Name(name=name),
            value=Binary(
                operator="+" as sign, left=Constant(value=int() as step), right=Name(name=right)
            ),
        ) if right == name:
            pass
        case _:
            return None
    if isinstance(step, bool):
        return None
    return step if sign == "+" else -step


class _UnknownError(Exception):
    """Some value of the counter is no expression over what stays."""


@dataclass(slots=True)
class _Walk:
    """Walks the nest in textual order; `value` is that of the counter, None where unknown."""

    counter: str
    before: str
    changing: frozenset[str]  # names that the nest binds
    is_read_before: bool = False
    value: Expression | None = None
    loops: list[str] = field(default_factory=list)  # the variables of the loops around

    def block(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return tuple(each for statement in body for each in self.statement(statement))

    def statement(self, node: Statement) -> tuple[Statement, ...]:
        match node:
            case For():
                return (self.loop(node),)
            case If():
                return (self.branch(node),)
            case Assign() | Update() if (
                isinstance(node.target, Name) and node.target.name == self.counter
            ):
                return (self.assignment(node),)
            case Assign() | Update():
                target = self.read(node.target)
                assert isinstance(target, Name | Element)  # an element stays one
                return (replace(node, value=self.read(node.value), target=target),)
            case _:
                return (node,)

    def branch(self, node: If) -> If:
        if self.counter in bound_names((node,)):
            raise _UnknownError
        return replace(node, body=self.block(node.body), orelse=self.block(node.orelse))

    def assignment(self, node: Assign | Update) -> Assign:
        step = step_of(node)
        if step is None:
            # A name alone might be True, which is no number as a subscript.
            is_number = not isinstance(node.value, Name) or node.value.name in self.loops
            if isinstance(node, Update) or not (is_number and self.stays(node.value)):
                raise _UnknownError
            self.value = node.value
        else:
            self.value = _sum(self.known(node.span), _constant(step, node.span))
        return Assign(target=node.target, value=self.value, span=node.span)

    def loop(self, node: For) -> For:
        start = self.value
        if not self.loops:
            start = Name(name=self.before, span=node.span)
        if self.counter not in bound_names(node.body):
            self.value = start
            self.loops.append(node.variable)
            found = replace(node, body=self.block(node.body))
            self.loops.pop()
            self.value = start
            return found
        if node.leaves is not None or node.variable in bound_names(node.body):
            raise _UnknownError
        step = self.amount(node.body)
        inside = None
        if step is not None and start is not None:
            inside = _sum(_without_empty(start, node), _product(step, _turns(node)))
        self.value = inside
        self.loops.append(node.variable)
        body = self.block(node.body)
        self.loops.pop()
        trips = self.trips(node)
        self.value = None
        if step is not None and start is not None and trips is not None:
            self.value = _sum(start, _product(step, trips))
        return replace(node, body=body)

    def amount(self, body: tuple[Statement, ...]) -> Expression | None:
        """Return what one run of `body` adds to the counter; None where it sets it."""
        total: Expression = _constant(0, body[0].span)
        for statement in body:
            if self.counter not in bound_names((statement,)):
                continue
            match statement:
                case Assign() | Update():
                    step = step_of(statement)
                    if step is None:
                        return None
                    total = _sum(total, _constant(step, statement.span))
                case For():
                    inner, trips = self.amount(statement.body), self.trips(statement)
                    if inner is None or trips is None:
                        return None
                    total = _sum(total, _product(inner, trips))
                case _:
                    raise _UnknownError
        return total

    def trips(self, node: For) -> Expression | None:
        """Return how often a loop runs, over what stays; None where that is not known."""
        if not (self.stays_everywhere(node.start) and self.stays_everywhere(node.stop)):
            return None
        match node.step:
            case Constant(value=1):
                extent = _difference(node.stop, node.start)
            case Constant(value=-1):
                extent = _difference(node.start, node.stop)
            case _:
                return None
        return _not_negative(extent)

    def stays_everywhere(self, expression: Expression) -> bool:
        return self.stays(expression) and not _names((expression,)) & self.changing

    def stays(self, expression: Expression) -> bool:
        """Return whether an expression is an integer over loop variables and what stays."""
        return all(
            (isinstance(node, Constant) and type(node.value) is int)
            or (
                isinstance(node, Name)
                and (node.name not in self.changing or node.name in self.loops)
            )
            or isinstance(node, Extent)
            or (isinstance(node, Binary) and node.operator in {"+", "-", "*"})
            or (isinstance(node, Unary) and node.operator == "-")
            for node in walk_expression(expression)
        )

    def read(self, expression: Expression) -> Expression:
        """Return `expression` with the value of the counter in its place."""
        if isinstance(expression, Name) and expression.name == self.counter:
            return self.known(expression.span)
        return rebuilt(expression, self.read)

    def known(self, span: Span) -> Expression:
        if self.value is None:
            raise _UnknownError
        if self.before in _names((self.value,)):
            self.is_read_before = True
        return replace(self.value, span=span)


# -------------------------------------------------------------------------- arithmetic


def _turns(node: For) -> Expression:
    """Return how many iterations of a loop came before the current one."""
    variable = Name(name=node.variable, span=node.span)
    match node.step:
        case Constant(value=1):
            return _difference(variable, node.start)
        case Constant(value=-1):
            return _difference(node.start, variable)
        case Constant(value=int() as step) if step > 0:
            part = _difference(variable, node.start)
            return Binary(operator="//", left=part, right=node.step, span=node.span)
    raise _UnknownError


def _not_negative(extent: Expression) -> Expression:
    match extent:
        case Constant(value=int() as value):
            return _constant(max(0, value), extent.span)
        case Extent():
            return extent
    zero = _constant(0, extent.span)
    return Call(function="max", arguments=(zero, extent), span=extent.span)


def _without_empty(value: Expression, node: For) -> Expression:
    """Return `value` inside a loop, which is known not to be empty there."""
    up = isinstance(node.step, Constant) and node.step.value == 1
    extent = _difference(node.stop, node.start) if up else _difference(node.start, node.stop)
    clamped = _not_negative(extent)

    def visit(part: Expression) -> Expression:
        return extent if same_expression(part, clamped) else rebuilt(part, visit)

    return visit(value)


def _constant(value: int, span: Span) -> Constant:
    return Constant(value=value, span=span)


def _sum(left: Expression, right: Expression) -> Expression:
    return _joined("+", left, right, lambda x, y: x + y)


def _difference(left: Expression, right: Expression) -> Expression:
    return _joined("-", left, right, lambda x, y: x - y)


def _joined(
    operator: str, left: Expression, right: Expression, work: Callable[[int, int], int]
) -> Expression:
    match left, right:
        case Constant(value=int() as x), Constant(value=int() as y):
            return _constant(work(x, y), left.span)
        case _, Constant(value=0):
            return left
        case Constant(value=0), _ if operator == "+":
            return right
    # mypy: one of two operators.
    return Binary(operator=operator, left=left, right=right, span=left.span)  # type: ignore[arg-type]  # see above


def _product(left: Expression, right: Expression) -> Expression:
    match left, right:
        case Constant(value=int() as x), Constant(value=int() as y):
            return _constant(x * y, left.span)
        case (Constant(value=1), other) | (other, Constant(value=1)):
            return other
    return Binary(operator="*", left=left, right=right, span=left.span)
