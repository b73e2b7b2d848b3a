"""Calls of the user's own functions become their statements, with names of their own.

Before:  def f(x): t = x * x; return t + 1      After:  t_of_f = a[i] * a[i]
         for i: b[i] = 2 * f(a[i])                      b[i] = 2 * (t_of_f + 1)

An argument is computed once and first, as in the interpreter: where it stands in more than one
place, or in none that is surely reached, it gets a name. What a call computes is put before the
statement that calls: it reads what that statement reads and stores nothing, so nothing is seen of
the order but which of two failures comes first, and those are left to the interpreter.

Allen and Johnson, Compiling C for Vectorization, Parallelization, and Inline Expansion, PLDI 1988.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.chains import base_of, is_chain, is_keyed, with_base
from ..model.diagnostics import Reason, Refusal
from ..model.loop_ir import (
    DISCARDED,
    RESULT,
    Allocate,
    Assign,
    BoolOp,
    Break,
    Call,
    Conditional,
    Constant,
    Each,
    Element,
    Exchange,
    Expression,
    For,
    Function,
    Helper,
    If,
    Name,
    Opaque,
    Statement,
    Update,
    While,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.source import Span
from ..model.unused import unused
from .instances import Instance, bound_names, free_names, mentions
from .reasons import CannotInline, FunctionNotKnown
from .substitution import rebuilt

# Of one nest: more is no longer read by anybody, and takes too long to analyse.
_MOST_CALLS = 60


def inline_calls(nest: For | Each, function: Function) -> For | Each | Refusal:
    """Return `nest` without calls of the user's functions, or why some call has to stay."""
    helpers = {each.key: each for each in function.helpers}
    if not any(True for _ in _calls((nest,), helpers)):
        return nest
    inlining = _Inlining(
        function=function,
        line=nest.span.line,
        helpers=helpers,
        taken=set(function.local_names | bound_names((nest,)) | mentions((nest,))),
    )
    found = inlining.statement(nest, ())
    if inlining.reasons:
        return Refusal(reasons=tuple(dict.fromkeys(inlining.reasons)))
    (*before, loop) = found
    if before:  # a bound of the nest itself calls
        key, at = next(_calls((nest,), helpers))
        name = helpers[key].name
        detail = "its value is asked for before the loop begins"
        return Refusal(reasons=(CannotInline(span=at, function=name, detail=detail),))
    assert isinstance(loop, For | Each)  # a loop stays one
    return replace(loop, inlined=tuple(dict.fromkeys(inlining.inlined)))


def _calls(body: tuple[Statement, ...], keys: Collection[str]) -> Iterator[tuple[str, Span]]:
    """Yield the keys and the places of the calls in `body`."""
    for statement in walk_statements(body):
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                if isinstance(node, Call) and node.function in keys:
                    yield node.function, node.span


@dataclass(slots=True)
class _Inlining:
    """Walks a nest; `inside` are the functions that are being put in place, outermost first."""

    function: Function
    line: int  # of the nest
    helpers: Mapping[str, Helper]
    taken: set[str]
    reasons: list[Reason] = field(default_factory=list)
    inlined: list[str] = field(default_factory=list)
    # The values of the last call of a function that returns several, by that call.
    parts: dict[Call, tuple[Expression, ...]] = field(default_factory=dict)

    def block(self, body: tuple[Statement, ...], inside: tuple[str, ...]) -> tuple[Statement, ...]:
        return tuple(each for statement in body for each in self.statement(statement, inside))

    def statement(self, node: Statement, inside: tuple[str, ...]) -> tuple[Statement, ...]:
        calls = _Calls(self, inside)
        match node:
            case Assign(value=Conditional() as choice) | Update(value=Conditional() as choice) if (
                self.has_calls((choice.body, choice.orelse))
            ):
                # Each side has a place of its own to compute in.
                return self.statement(
                    If(
                        test=choice.test,
                        body=(replace(node, value=choice.body),),
                        orelse=(replace(node, value=choice.orelse),),
                        span=node.span,
                    ),
                    inside,
                )
            case Assign(target=Name(name=name), value=Call() as call) if name == DISCARDED:
                return self.alone(node, call, calls)
            case Assign() | Update():
                if isinstance(node, Assign):
                    calls.whole = node.value
                value = calls.placed(node.value)
                target = calls.placed(node.target)
                assert isinstance(target, Name | Element)  # an element stays one
                return (*calls.before, replace(node, target=target, value=value))
            case If():
                test = calls.placed(node.test)
                body, orelse = self.block(node.body, inside), self.block(node.orelse, inside)
                return (*calls.before, replace(node, test=test, body=body, orelse=orelse))
            case For():
                start, stop, step = map(calls.placed, (node.start, node.stop, node.step))
                body = self.block(node.body, inside)
                loop = replace(node, start=start, stop=stop, step=step, body=body)
                return (*calls.before, loop)
            case Each() | Allocate():
                if self.has_calls(expressions_of(node)):
                    self.refuse(next(_calls((node,), self.helpers)), "it counts iterations")
                if isinstance(node, Each):
                    return (replace(node, body=self.block(node.body, inside)),)
                return (node,)
            case While():
                # It is asked again and again: only what needs no statements may stand there.
                test = calls.placed(node.test, is_sure=False)
                return (replace(node, test=test, body=self.block(node.body, inside)),)
            case Break() | Exchange() | Opaque():
                return (node,)

    def alone(self, node: Assign, call: Call, calls: _Calls) -> tuple[Statement, ...]:
        """Return what a call does that nobody asks for a value."""
        helper = self.helpers.get(call.function)
        calls.whole = call
        if helper is not None and helper.values > 1:
            call = replace(call, part=0)
            calls.whole = call
        value = calls.placed(call)
        if helper is None or helper.values == 0 or self.reasons:
            return tuple(calls.before)
        # What it computes may fail, or warn.
        name = unused(f"{helper.name}_unused", self.taken)
        self.taken.add(name)
        target = Name(name=name, span=node.span)
        return (*calls.before, Assign(target=target, value=value, span=node.span))

    def has_calls(self, expressions: tuple[Expression, ...]) -> bool:
        return any(
            isinstance(node, Call) and node.function in self.helpers
            for expression in expressions
            for node in walk_expression(expression)
        )

    def refuse(self, call: tuple[str, Span], detail: str) -> None:
        key, at = call
        name = self.helpers[key].name
        self.reasons.append(CannotInline(span=at, function=name, detail=detail))

    def body_of(self, call: Call, inside: tuple[str, ...], *, may_store: bool) -> Helper | None:
        """Return the function that is called, if it may stand in place of the call."""
        helper = self.helpers[call.function]
        unknown = _unknown_function(helper, call)
        if unknown is not None:
            self.reasons.append(unknown)
            return None
        detail = self.obstacle(helper, inside)
        if detail is None and not may_store:
            detail = _stored(helper)
        if detail is None:
            self.inlined.append(helper.name)
            return helper
        self.refuse((call.function, call.span), detail)
        return None

    def obstacle(self, helper: Helper, inside: tuple[str, ...]) -> str | None:
        if helper.key in inside:
            return "it calls itself"
        is_here = helper.place == "here"
        if self.function.is_module and is_here and helper.span.line > self.line:
            return "it is defined after the loop"
        if helper.place == "far" and free_names(helper):
            return f"it reads '{min(free_names(helper))}', which is no number of its own module"
        if len(self.inlined) >= _MOST_CALLS:
            return f"more than {_MOST_CALLS} calls would be"
        if isinstance(helper.refusal, CannotInline):
            return helper.refusal.detail
        detail = _more_than_a_value(helper)
        if detail is not None:
            return detail
        misused = mentions(helper.body) & helper.functions
        if misused:
            return f"it does more with '{min(misused)}' than call it"
        if not self.function.is_module and helper.place in {"here", "near"}:
            here = self.function.local_names & free_names(helper)
            if here:
                return f"'{min(here)}' is another variable where it is called"
        return None


def _unknown_function(helper: Helper, call: Call) -> Reason | None:
    """Return that a function calls what it is given, where that is a variable of the caller's."""
    given = dict(zip(helper.parameters, call.arguments, strict=True))
    for statement in walk_statements(helper.body):
        match statement:
            case Opaque(reason=FunctionNotKnown() as reason):
                match given.get(base_of(reason.function)):
                    case Name(name=name):
                        function = with_base(reason.function, name)
                        return replace(reason, function=function, span=call.span)
            case _:
                pass
    return None


def _more_than_a_value(helper: Helper) -> str | None:
    """Return what a function does besides computing a value."""
    for statement in walk_statements(helper.body):
        match statement:
            case Opaque(reason=CannotInline() as inner) if inner.function == helper.name:
                return inner.detail
            case Opaque(reason=CannotInline() as inner):
                return f"it calls '{inner.function}', and {inner.detail}"
            case Opaque():
                line = statement.span.line
                return f"line {line} has what is not modelled ({statement.reason.code})"
            case Assign(target=Element(indices=())):
                return "it appends to a list"
            case Assign(target=Element(array=name)) | Update(target=Element(array=name)) if (
                is_chain(name) and (is_keyed(name) or base_of(name) not in helper.parameters)
            ):
                return f"it stores into '{name}'"
            case Assign(target=Name(name=name)) | Update(target=Name(name=name)) if is_chain(name):
                return f"it assigns '{name}'"
            case Exchange():
                return "it exchanges arrays"
            case _:
                pass
    return None


@dataclass(slots=True)
class _Calls:
    """The calls of one statement: `before` are the statements that compute them."""

    inlining: _Inlining
    inside: tuple[str, ...]
    # What is evaluated last of the statement, and by itself: it may store.
    whole: Expression | None = None
    before: list[Statement] = field(default_factory=list)

    def placed(self, expression: Expression, *, is_sure: bool = True) -> Expression:
        """Return `expression` with values for calls; `is_sure`: it is evaluated in any case."""
        match expression:
            case Call(function=key, part=int() as part) if (
                part > 0 and key in self.inlining.helpers
            ):
                found = self.inlining.parts.get(replace(expression, part=None))
                return expression if found is None else found[part]
            case Call(function=key) if key in self.inlining.helpers:
                is_whole = expression is self.whole
                arguments = tuple(self.placed(e, is_sure=is_sure) for e in expression.arguments)
                call = replace(expression, arguments=arguments)
                value = self.value(call, is_sure=is_sure, is_whole=is_whole)
                if isinstance(value, tuple):
                    self.inlining.parts[replace(expression, part=None)] = value
                    return value[0]
                return value
            case BoolOp(values=(first, *others)):
                rest = (self.placed(each, is_sure=False) for each in others)
                return replace(expression, values=(self.placed(first, is_sure=is_sure), *rest))
            case Conditional():
                return replace(
                    expression,
                    test=self.placed(expression.test, is_sure=is_sure),
                    body=self.placed(expression.body, is_sure=False),
                    orelse=self.placed(expression.orelse, is_sure=False),
                )
        return rebuilt(expression, lambda each: self.placed(each, is_sure=is_sure))

    def value(
        self, call: Call, *, is_sure: bool, is_whole: bool
    ) -> Expression | tuple[Expression, ...]:
        """Return the value of a call, or its values, after the statements that compute them."""
        helper = self.inlining.body_of(call, self.inside, may_store=is_whole and is_sure)
        if helper is None:
            return call
        instance = Instance(helper=helper, call=call, taken=self.inlining.taken)
        detail = instance.obstacle()
        if detail is not None:
            self.inlining.refuse((call.function, call.span), detail)
            return call
        bindings = instance.bindings()
        match helper.body:
            case (Assign(target=Name(name=name), value=value),) if name == RESULT:
                body: tuple[Statement, ...] = ()
                result: Expression | None = instance.expression(value)
            case _:
                body, result = instance.statements(), None
        if not is_sure and (bindings or body):
            self.inlining.refuse((call.function, call.span), "it is called under a condition")
            return call
        inside = (*self.inside, call.function)
        self.before += bindings
        self.before += self.inlining.block(body, inside)
        if result is None:
            return _given(instance.results(), call)
        inner = _Calls(self.inlining, inside, whole=result if is_whole else None)
        value = inner.placed(result, is_sure=is_sure)
        self.before += inner.before
        return value


def _given(values: tuple[Name, ...], call: Call) -> Expression | tuple[Expression, ...]:
    """Return the values of a function as its call has them."""
    match values:
        case ():
            return Constant(value=0, span=call.span)  # nobody asks for it
        case (value,):
            return value
    return values


def _stored(helper: Helper) -> str | None:
    """Return what a function stores into, as a reason not to call it in an expression."""
    for statement in walk_statements(helper.body):
        match statement:
            case Assign(target=Element() as target) | Update(target=Element() as target):
                return f"it stores into '{target.array}', and is called within an expression"
            case _:
                pass
    return None
