"""Functions of whole rows become loops before the statements that ask for their values.

Before:  b[i] = np.sum(a[i]) / n        After:  t = <numpy.sum.first>(a.shape[1])
                                                for k in range(a.shape[1]):
                                                    t = <numpy.sum.next>(t, a[i, k])
                                                b[i] = t / n

What a row is computed from (`np.sum(f * np.exp(x[i]))`) is an array of its own first, as NumPy
has it. A step is no update that may be reordered: NumPy adds floats pairwise, which
`codegen.row_loops` leaves to NumPy's own loop.

Aho, Lam, Sethi and Ullman, Compilers, 2006, section 9.2 calls such a summary a loop idiom; we go
the other way, from the idiom to the loop, so that every other pass has only loops to look at.
Helper of the `array_statements` pass.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import field, replace
from typing import NoReturn, Protocol

from ..model.loop_ir import (
    OF_ROW,
    TEMPORARY,
    Assign,
    Binary,
    BoolOp,
    Call,
    Compare,
    Conditional,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Statement,
    Update,
    expressions_of,
    walk_expression,
)
from ..model.nouns import dataclass
from ..model.row_functions import (
    BUILTIN_ROWS,
    FIRST,
    LAST,
    NEXT,
    NORM,
    PLACES,
    ROWS,
    WANT_ONE,
    rows_wanted,
)
from ..model.source import Span
from .array_axes import View, equal, not_empty
from .substitution import rebuilt


class Expanding(Protocol):
    """What the expansion of array statements does for rows."""

    def fresh(self, wanted: str) -> str:
        """Return a name that nothing has yet."""
        ...

    def row(self, node: Expression, span: Span) -> tuple[tuple[Statement, ...], View]:
        """Return the statements that make a row of `node`, and the row."""
        ...

    def text_at(self, span: Span) -> str:
        """Return the source at `span`."""
        ...


def is_on_rows(expression: Expression) -> bool:
    """Return whether a value is that of a function of rows; `max(a, b)` is none."""
    match expression:
        case Call(function=name, arguments=arguments):
            return name in ROWS and len(arguments) == rows_wanted(name)
    return False


def has_rows(expression: Expression) -> bool:
    """Return whether a function of rows is called in `expression`."""
    return any(map(is_on_rows, walk_expression(expression)))


def _is_calm(expression: Expression) -> bool:
    """Return whether a function of a row that is there can be called where nobody asks for it."""
    match expression:
        case Call(function=name, arguments=(Name() | Element(),)):
            return name.removeprefix("numpy.") in {"any", "all"}
    return False


@dataclass(slots=True)
class Taken:
    """Takes functions of rows out of the expressions of one statement."""

    expanding: Expanding
    refuse: Callable[[Span, str], NoReturn]
    before: list[Statement] = field(default_factory=list)

    def statement(self, node: Statement) -> Statement:
        """Return a statement without calls of functions of rows in its own expressions."""
        match node:
            case Assign() | Update():
                value, target = self.placed(node.value), self.placed(node.target)
                assert isinstance(target, Name | Element)  # an element stays one
                return replace(node, target=target, value=value)
            case If():
                return replace(node, test=self.placed(node.test))
            case For():
                start, stop, step = map(self.placed, (node.start, node.stop, node.step))
                return replace(node, start=start, stop=stop, step=step)
        for expression in expressions_of(node):
            for each in walk_expression(expression):
                if is_on_rows(each):
                    self.refuse(each.span, "its value decides how often something runs")
        return node

    def placed(self, node: Expression, *, is_sure: bool = True) -> Expression:
        """Return `node` with names for the values of functions of rows."""
        if not has_rows(node):
            return node
        match node:
            case BoolOp(values=(first, *others)):
                rest = (self.placed(each, is_sure=False) for each in others)
                return replace(node, values=(self.placed(first, is_sure=is_sure), *rest))
            case Conditional():
                return replace(
                    node,
                    test=self.placed(node.test, is_sure=is_sure),
                    body=self.placed(node.body, is_sure=False),
                    orelse=self.placed(node.orelse, is_sure=False),
                )
        inner = rebuilt(node, lambda each: self.placed(each, is_sure=is_sure))
        if not is_on_rows(inner):
            return inner
        if not is_sure and not _is_calm(inner):
            self.refuse(node.span, "a row is reduced only where a condition holds")
        assert isinstance(inner, Call)  # it is on rows
        return self.value(inner)

    def value(self, call: Call) -> Expression:
        """Return what holds the value of a call, after the loops that compute it."""
        match call:
            case Call(function="numpy.std", arguments=arguments, span=at):
                variance = self.value(Call(function="numpy.var", arguments=arguments, span=at))
                return self.named(Call(function="numpy.sqrt", arguments=(variance,), span=at))
            case Call(function="numpy.var", arguments=(row,), span=at):
                mean = self.value(Call(function="numpy.mean", arguments=(row,), span=at))
                apart = Call(function="numpy.subtract", arguments=(row, mean), span=at)
                square = Call(function="numpy.square", arguments=(apart,), span=at)
                return self.value(Call(function="numpy.mean", arguments=(square,), span=at))
            case Call(function=name, arguments=(row,)) if name == NORM:
                return self.norm(row, call.span)
        rows: list[View] = []
        for argument in call.arguments:
            made, found = self.expanding.row(argument, call.span)
            self.before += made
            rows.append(found)
        if call.function in PLACES:
            return self.place_of_best(call, rows[0])
        return self.reduced(call, tuple(rows))

    def norm(self, row: Expression, at: Span) -> Expression:
        """Return the name of the norm of a row: NumPy has it in one piece, and as floats, first."""
        one = Constant(value=1.0, span=at)
        made, floats = self.expanding.row(Binary(operator="*", left=row, right=one, span=at), at)
        self.before += made
        product = Call(function="numpy.dot", arguments=(row, row), span=at)
        square = self.reduced(product, (floats, floats))
        return self.named(Call(function="numpy.sqrt", arguments=(square,), span=at))

    def place_of_best(self, call: Call, row: View) -> Expression:
        """Return the name of where a row is largest or smallest; any nan is both."""
        at, extent = call.span, row.axes[0].extent
        best, turn = self.named(row.first()), self.expanding.fresh("row_turn")
        zero = Constant(value=0, span=at)
        found = self.named(Call(function="numpy.int64", arguments=(zero,), span=at))
        element, place = row.element((turn,)), Name(name=turn, span=at)
        number = Compare(operator="==", left=best, right=best, span=at)
        better = Compare(operator=PLACES[call.function], left=element, right=best, span=at)
        nan = Compare(operator="!=", left=element, right=element, span=at)
        either = BoolOp(operator="or", values=(better, nan), span=at)
        chosen = Call(function="numpy.int64", arguments=(place,), span=at)
        keep = If(
            test=BoolOp(operator="and", values=(number, either), span=at),
            body=(
                Assign(target=best, value=element, span=at),
                Assign(target=found, value=chosen, span=at),
            ),
            orelse=(),
            span=at,
        )
        self.before.append(
            For(
                variable=turn,
                start=Constant(value=1, span=at),
                stop=extent,
                step=Constant(value=1, span=at),
                body=(keep,),
                header=self.expanding.text_at(at),
                span=at,
                is_inlined=True,
                requires=tuple(dict.fromkeys([*row.requires(), *not_empty(extent)])),
            )
        )
        return found

    def reduced(self, call: Call, rows: tuple[View, ...]) -> Expression:
        """Return the name of what a call makes of rows of one length."""
        at, first_axis = call.span, rows[0].axes[0]
        requires = [test for row in rows for test in row.requires()]
        for row in rows[1:]:
            requires += equal(first_axis.extent, row.axes[0].extent)
        if call.function in WANT_ONE:
            requires += not_empty(first_axis.extent)
        steps = _python_steps(call, rows) if call.function in BUILTIN_ROWS else _steps(call, rows)
        is_python = call.function in BUILTIN_ROWS
        found = self.named(steps.first, f"{TEMPORARY}of_elements" if is_python else OF_ROW)
        turn = self.expanding.fresh("row_turn")
        self.before.append(
            For(
                variable=turn,
                start=Constant(value=steps.skipped, span=at),
                stop=steps.extent,
                step=Constant(value=1, span=at),
                body=(Assign(target=found, value=steps.next_one(found, turn), span=at),),
                header=self.expanding.text_at(at),
                span=at,
                is_inlined=True,
                requires=tuple(dict.fromkeys(requires)),
            )
        )
        if call.function != "numpy.mean":
            return found
        last = Call(function=f"{call.function}{LAST}", arguments=(found, steps.extent), span=at)
        return self.named(last)

    def named(self, value: Expression, word: str = OF_ROW) -> Name:
        """Return a name for `value`."""
        name = Name(name=self.expanding.fresh(word), span=value.span)
        self.before.append(Assign(target=name, value=value, span=value.span))
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """What a loop over a row does."""

    first: Expression
    skipped: int  # elements that are in `first` already
    extent: Expression
    next_one: Callable[[Name, str], Expression]  # of what holds the value, and of the loop variable


def _steps(call: Call, rows: tuple[View, ...]) -> _Steps:
    """Return the steps of one of NumPy's functions."""
    name = "numpy.sum" if call.function == "numpy.mean" else call.function
    at, takes_one = call.span, name in {"numpy.max", "numpy.min"}
    given = tuple(row.first() for row in rows)  # read by extrema, else only for its type

    def next_one(found: Name, turn: str) -> Expression:
        elements = tuple(row.element((turn,)) for row in rows)
        return Call(function=f"{name}{NEXT}", arguments=(found, *elements), span=at)

    return _Steps(
        first=Call(function=f"{name}{FIRST}", arguments=given, span=at),
        skipped=int(takes_one),
        extent=rows[0].axes[0].extent,
        next_one=next_one,
    )


def _python_steps(call: Call, rows: tuple[View, ...]) -> _Steps:
    """Return the steps of a builtin, which takes one element after the other."""
    (row,), name, at = rows, call.function, call.span
    # A sum of Python's floats, which lists hold, is compensated from 3.12 on.
    may_be_list = name != "sum" or sys.version_info < (3, 12)

    def next_one(found: Name, turn: str) -> Expression:
        element = replace(row.element((turn,)), has_tuple=not may_be_list)
        match name:
            case "sum":
                return Binary(operator="+", left=found, right=element, span=at)
            case "max" | "min":
                return Call(function=name, arguments=(found, element), span=at)
        truth = Call(function="bool", arguments=(element,), span=at)
        return BoolOp(operator="or" if name == "any" else "and", values=(found, truth), span=at)

    start = {"sum": 0, "any": False, "all": True}
    takes_one = name not in start
    first = replace(row.first(), has_tuple=not may_be_list)
    return _Steps(
        first=first if takes_one else Constant(value=start[name], span=at),
        skipped=int(takes_one),
        extent=_plain(row.axes[0].extent) if may_be_list else row.axes[0].extent,
        next_one=next_one,
    )


def _plain(extent: Expression) -> Expression:
    """Return an extent as `len` gives it, which lists have too."""
    if isinstance(extent, Extent):
        return replace(extent, is_attribute=False)
    return rebuilt(extent, _plain)
