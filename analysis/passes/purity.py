"""Whether functions of the user compute values and do nothing else.

Before:  def f(p):                     After:  {"scale"}, the names outside that it reads;
             best = []                         None for a function that prints, draws numbers,
             for q in p: best.append(g(q))     changes what it is given, or calls what may
             return max(best) * scale

A function is pure if nothing in its text has an effect and all that it calls is pure; so the pure
functions are those from which none that has an effect can be reached, and functions that call
each other need no order (the greatest fixed point, as in Lucassen and Gifford, Polymorphic Effect
Systems, POPL 1988). What it made itself it may change (`freshness`). What text of other files does
where values are added, compared, subscripted or asked for an attribute is taken to be no effect.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import gast

from . import names
from .effects import Called, Expressions, HasEffectError
from .pure_text import Text, scope_of

_MOST_FUNCTIONS = 200


class Summary(NamedTuple):
    """What one function does by itself."""

    calls: tuple[Called, ...]
    reads: frozenset[str]  # names that it finds outside itself


def reads_of(calls: tuple[Called, ...], text: Text) -> frozenset[str] | None:
    """Return the outside names that functions read, with all that they call.

    None where one of them may have an effect.
    """
    known: dict[Any, Summary | None] = text.summaries
    waiting = [*calls, *(Called(each, ()) for each in text.specials)]
    seen: set[int] = set()
    found: frozenset[str] = frozenset()
    while waiting:
        called = waiting.pop()
        if id(called.node) in seen:
            continue
        seen.add(id(called.node))
        if called.node not in known:
            known[called.node] = _summary(called, text)
        summary = known[called.node]
        if summary is None or len(seen) > _MOST_FUNCTIONS:
            return None
        found |= summary.reads
        waiting += summary.calls
    return found


def _summary(called: Called, text: Text) -> Summary | None:
    """Return what a function does by itself; None where that may be an effect."""
    node = called.node
    chain = (*called.chain, scope_of(node, text))
    body = [node.body] if isinstance(node, gast.Lambda) else node.body
    checked = Checked(text, chain, chain[-1].bound, body)
    if called.makes_object and node.args.args:
        checked.made = names.argument_names(node.args)[0]
    try:
        if isinstance(node, gast.Lambda):
            checked.expression(node.body)
        else:
            checked.block(node.body)
    except HasEffectError:
        return None
    return Summary(tuple(checked.calls), frozenset(checked.reads))


class Checked(Expressions):
    """Walks a block; raises where something has an effect."""

    made: str | None = None  # the object that is being made, in `__init__`

    # ------------------------------------------------------------------ statements

    def block(self, body: list[Any]) -> bool:
        """Check statements; return whether what comes after them may run."""
        return all(self.statement(each) for each in body)

    def statement(self, node: Any) -> bool:
        """Check a statement; return whether what comes after it may run."""
        match node:
            case gast.Pass():
                pass
            case gast.Expr():
                self.expression(node.value)
            case gast.Assign() | gast.AnnAssign() | gast.AugAssign():
                self.assignment(node)
            case gast.If():
                self.expression(node.test)
                return self.either(node.body, node.orelse)
            case gast.For():
                self.expression(node.iter, is_eager=True)
                self.loop(node)
            case gast.While():
                self.expression(node.test)
                self.loop(node)
            case gast.Try():
                self.attempt(node)
            case gast.Assert():
                self.expression(node.test)
                self.optional(node.msg)
            case gast.FunctionDef(decorator_list=[]):
                self.definition(node)
            case _:
                return self.leave(node)
        return True

    def assignment(self, node: Any) -> None:
        if node.value is not None:
            self.expression(node.value)
        match node:
            case gast.Assign():
                for target in node.targets:
                    self.bind(target)
            case gast.AnnAssign() if node.value is not None:
                self.bind(node.target)
            case gast.AugAssign():
                self.change(node.target)

    def leave(self, node: Any) -> bool:
        """Check a statement that may be the last one to run; return whether it is not."""
        match node:
            case gast.Return():
                self.optional(node.value)
            case gast.Raise():
                self.optional(node.exc)
                self.optional(node.cause)
            case gast.Delete() if all(isinstance(each, gast.Name) for each in node.targets):
                return True
            case gast.Break() | gast.Continue():
                pass
            case _:
                self.refuse(type(node).__name__)
        return False

    def either(self, body: list[Any], orelse: list[Any]) -> bool:
        first, second = self.block(body), self.block(orelse)
        return first or second

    def loop(self, node: Any) -> None:
        if isinstance(node, gast.For):
            self.bind(node.target)
        self.block(node.body)
        self.block(node.orelse)

    def attempt(self, node: Any) -> None:
        self.block(node.body)
        for each in node.handlers:
            self.optional(each.type)
            self.block(each.body)
        self.block(node.orelse)
        self.block(node.finalbody)

    def definition(self, node: Any) -> None:
        for each in (*node.args.defaults, *node.args.kw_defaults):
            self.optional(each)

    def optional(self, node: Any) -> None:
        if node is not None:
            self.expression(node)

    def bind(self, target: Any) -> None:
        match target:
            case gast.Name():
                pass
            case gast.Tuple() | gast.List():
                for each in target.elts:
                    self.bind(each)
            case gast.Starred():
                self.bind(target.value)
            case gast.Subscript():
                self.store(target)
            case gast.Attribute(value=gast.Name(id=name)) if name == self.made:
                pass
            case _:
                self.refuse("a store")

    def store(self, target: Any) -> None:
        """Check a store into an element."""
        base, depth = target, 0
        while isinstance(base, gast.Subscript):
            self.expression(base.slice)
            base, depth = base.value, depth + 1
        if not isinstance(base, gast.Name) or self.level(base) < min(depth, 2):
            self.refuse("a store into what may be somebody else's")

    def change(self, target: Any) -> None:
        """Check an augmented assignment."""
        match target:
            case gast.Name():
                if self.level(target) < 1:
                    self.refuse("a change of what may be somebody else's")
            case gast.Subscript():
                base = target
                while isinstance(base, gast.Subscript):
                    self.expression(base.slice)
                    base = base.value
                if not isinstance(base, gast.Name) or self.level(base) < 2:
                    self.refuse("a change of what may be somebody else's")
            case _:
                self.refuse("a change of an attribute")
