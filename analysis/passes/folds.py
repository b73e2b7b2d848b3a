"""What a call makes of all that a comprehension gives, as a loop before the statement that calls.

Before:  x[i] = 2 * sum(a[j] for j in range(n) if a[j] > c)
After:   t = 0
         for j in range(n):
             if a[j] > c: t = t + a[j]
         x[i] = 2 * t
Before:  if any(a[j] > c for j in range(n)): ...
After:   t = False
         for j in range(n):
             if a[j] > c: t = True; break
         if t: ...

`sum`, `math.prod`, `min`, `max`, `any`, `all` and `len` take the elements in their order, and the
names that a comprehension binds are its own (Python language reference, displays for lists, sets
and dictionaries): here they have names of ours. Only what a statement evaluates in any case has a
place before it; it stores nothing, so of the order only failures and draws could tell, and those
are left to the interpreter. Helper of the `parse` pass.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import Any, NamedTuple

import gast

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    FIRST_TURN,
    SUMMED,
    TEMPORARY,
    Assign,
    Binary,
    BinaryOperator,
    Break,
    Call,
    Compare,
    Constant,
    Counts,
    Each,
    Element,
    Enumerated,
    Expression,
    For,
    Grid,
    If,
    Iterable,
    Name,
    Statement,
    Zipped,
    iterated,
)
from ..model.row_functions import row_function
from ..model.source import Span
from .instances import bound_names, mentions
from .listed import TAKERS, filled, list_made
from .names import children, walk
from .substitution import rebuilt
from .syntax_nodes import name_of

# How these go on, and what they begin with.
_STEPS: dict[str, tuple[BinaryOperator, int]] = {"sum": ("+", 0), "math.prod": ("*", 1)}
_TRUTHS = frozenset(("any", "all"))
_BEST = frozenset(("min", "max"))
FOLDS = frozenset((*_STEPS, *_TRUTHS, *_BEST, "len"))


class Reading(NamedTuple):
    """How the reader of the function reads parts of a comprehension."""

    expression: Callable[[Any], Expression]
    loop: Callable[[Any, Any], For | Each]  # one `for` of a comprehension, and this
    span_of: Callable[[Any], Span]
    canonical: Callable[[Any], str | None]
    unknown: Callable[[Any], Exception]  # that nothing is known of a comprehension


def with_own_branches(node: Any, canonical: Callable[[Any], str | None]) -> Any:
    """Return a statement of which the parts that may fold are evaluated in any case.

    Before:  y = sum(...) if c else 0       After:  if c: y = sum(...)
                                                    else: y = 0
             if c and any(...): ...                 if c:
                                                        if any(...): ...
    """

    def folds(part: Any) -> bool:
        return any(_is_fold(each, canonical) or _is_listed(each, canonical) for each in walk(part))

    match node:
        case gast.Assign(value=gast.IfExp() as choice) if folds(choice.body) or folds(
            choice.orelse
        ):
            sides = []
            for value in (choice.body, choice.orelse):
                side = copy.copy(node)
                side.value = value
                sides.append([with_own_branches(side, canonical)])
            return gast.copy_location(gast.If(choice.test, *sides), node)
        case gast.If(test=gast.BoolOp(op=gast.And(), values=[first, *rest]), orelse=[]) if any(
            map(folds, rest)
        ):
            inner = copy.copy(node)
            inner.test = rest[0]
            if len(rest) > 1:
                inner.test = gast.copy_location(gast.BoolOp(gast.And(), rest), node.test)
            body = [with_own_branches(inner, canonical)]
            return gast.copy_location(gast.If(first, body, []), node)
    return node


def without_folds(node: Any, reading: Reading) -> tuple[list[Statement], Any]:
    """Return the loops for what an expression, or a simple statement, folds, and the rest of it.

    What the reader cannot read, it raises.
    """
    folding = _Folding(reading)
    return folding.before, folding.placed(node)


@dataclass(slots=True)
class _Folding:
    """The folds of one statement: `before` are the loops that compute them."""

    reading: Reading
    before: list[Statement] = field(default_factory=list)

    def placed(self, node: Any) -> Any:
        """Return a node with names for what is folded in parts that are surely evaluated."""
        if _is_fold(node, self.reading.canonical):
            return self.folded(node)
        if _is_listed(node, self.reading.canonical):
            name = _own_name("list", node.args[0])
            self.listed(node.args[0], name, as_numpy=True)
            return self.changed(node, args=[name_of(name, gast.Load(), node.args[0])])
        match node:
            case gast.Lambda() | gast.ListComp() | gast.SetComp() | gast.DictComp():
                return node
            case gast.GeneratorExp() | gast.JoinedStr():
                return node
            case gast.BoolOp():
                return self.changed(node, values=[self.placed(node.values[0]), *node.values[1:]])
            case gast.IfExp():
                return self.changed(node, test=self.placed(node.test))
            case gast.Compare():
                left, first = self.placed(node.left), self.placed(node.comparators[0])
                return self.changed(node, left=left, comparators=[first, *node.comparators[1:]])
            case gast.If():
                return self.changed(node, test=self.placed(node.test))
            case gast.For() | gast.While():
                return node
        changes: dict[str, Any] = {}
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                changes[name] = [self.placed(e) if isinstance(e, gast.AST) else e for e in value]
            elif isinstance(value, gast.AST) and name not in {"ctx", "op"}:
                changes[name] = self.placed(value)
        return self.changed(node, **changes)

    def changed(self, node: Any, **parts: Any) -> Any:
        if all(_is_same(getattr(node, name), value) for name, value in parts.items()):
            return node
        found = copy.copy(node)
        for name, value in parts.items():
            setattr(found, name, value)
        return found

    def folded(self, call: Any) -> Any:
        """Return the name of what a call makes of a comprehension, after the loops for it."""
        function = self.reading.canonical(call.func)
        assert function is not None  # it is one of those that fold
        source = call.args[0]
        inner = with_own_names(source)
        at = self.reading.span_of(source)
        name = Name(name=_own_name(function.replace(".", "_"), source), span=at)
        fold = _Fold(function=function, name=name, span=at, is_list=_is_list(source))
        start = self.start(call, function)
        before, value = without_folds(inner.elt, self.reading)
        read = self.reading.expression(value)
        if function == "len" and not isinstance(read, Name | Constant):
            before = [*before, Assign(target=fold.unused(), value=read, span=at)]
        loops = self.loops(inner, (*before, *fold.step(read)), fold)
        self.before += [*fold.before(start), *loops]
        return name_of(name.name, gast.Load(), source)

    def listed(self, source: Any, name: str, *, as_numpy: bool) -> None:
        """Put before the statement what fills the array `name` with what a comprehension gives."""
        inner = with_own_names(source)
        before, value = without_folds(inner.elt, self.reading)
        (generator,) = inner.generators
        loop = replace(self.reading.loop(generator, inner), span=self.reading.span_of(source))
        read = self.reading.expression(value)
        found = filled(loop, name, read, tuple(before), as_numpy=as_numpy)
        if found is None:
            raise self.reading.unknown(source)
        self.before += found

    def start(self, call: Any, function: str) -> Expression | None:
        """Return what a fold begins with; None where its first element is that."""
        at = self.reading.span_of(call.args[0])
        given = [*call.args[1:], *(each.value for each in call.keywords)]
        if given:
            return self.reading.expression(self.placed(given[0]))
        first = {"any": False, "all": True, "len": 0, "sum": 0, "math.prod": 1}.get(function)
        return None if first is None else Constant(value=first, span=at)

    def loops(self, node: Any, body: tuple[Statement, ...], fold: _Fold) -> tuple[Statement, ...]:
        """Return the loops of a comprehension around `body`."""
        if fold.function in _BEST:
            return self.loop_with_first(node, body, fold)
        for number, each in reversed(list(enumerate(node.generators))):
            for test in reversed(each.ifs):
                before, asked = without_folds(test, self.reading)
                condition = self.reading.expression(asked)
                chosen = If(test=condition, body=body, orelse=(), span=fold.span)
                body = (*before, chosen)
            loop = replace(self.reading.loop(each, node), body=body, span=fold.span)
            if (
                fold.function in _TRUTHS
                and isinstance(loop, Each)
                and isinstance(loop.iterable, Grid)
            ):
                raise self.reading.unknown(node)
            body = (replace(loop, is_inner_axis=number > 0),)
        return body

    def loop_with_first(
        self, node: Any, body: tuple[Statement, ...], fold: _Fold
    ) -> tuple[Statement, ...]:
        """Return the loop of `max` or `min`, which begins with the first element.

        The interpreter raises where there is none.
        """
        (generator,) = node.generators
        loop = self.reading.loop(generator, node)
        if _is_grid(loop):
            raise self.reading.unknown(node)
        *before, first, step = body
        asked = Name(name=FIRST_TURN, span=fold.span)
        choice = If(test=asked, body=(first,), orelse=(step,), span=fold.span)
        requires = (*loop.requires, *_not_empty(loop))
        return (replace(loop, body=(*before, choice), span=fold.span, requires=requires),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fold:
    """What one call makes of a comprehension, in a scalar of ours."""

    function: str
    name: Name
    span: Span
    is_list: bool  # all elements are computed before any is taken

    def unused(self) -> Name:
        """Return what takes an element that is only counted."""
        return replace(self.name, name=f"{self.name.name}_unused")

    def before(self, start: Expression | None) -> tuple[Statement, ...]:
        """Return the statement that gives the scalar what it begins with."""
        if start is None:
            return ()
        return (Assign(target=self.name, value=start, span=self.span),)

    def step(self, value: Expression) -> tuple[Statement, ...]:
        """Return what is done with an element."""
        at = self.span
        if self.function in _STEPS:
            operator, _ = _STEPS[self.function]
            item = Call(function=SUMMED, arguments=(value,), span=at)
            taken = item if self.function == "sum" else value
            more: Expression = Binary(operator=operator, left=self.name, right=taken, span=at)
            return (Assign(target=self.name, value=more, span=at),)
        if self.function == "len":
            one = Constant(value=1, span=at)
            more = Binary(operator="+", left=self.name, right=one, span=at)
            return (Assign(target=self.name, value=more, span=at),)
        if self.function in _TRUTHS:
            return (self.decided(value),)
        best = Call(function=self.function, arguments=(self.name, value), span=at)
        return tuple(Assign(target=self.name, value=e, span=at) for e in (value, best))

    def decided(self, value: Expression) -> If:
        """Return what settles `any` or `all` at an element; a generator is asked for no more."""
        at = self.span
        settled = self.function == "any"
        found = Assign(target=self.name, value=Constant(value=settled, span=at), span=at)
        body: tuple[Statement, ...] = (found,) if self.is_list else (found, Break(span=at))
        return If(test=value, body=body if settled else (), orelse=() if settled else body, span=at)


def with_own_names(node: Any) -> Any:
    """Return a comprehension in which the names that it binds are ours.

    The first iterable belongs to what stands around it.
    """
    bound = {
        each.id
        for generator in node.generators
        for each in walk(generator.target)
        if isinstance(each, gast.Name)
    }
    own = {name: _own_name(name, node) for name in bound}
    found = copy.deepcopy(node)
    first = found.generators[0].iter
    found.generators[0].iter = gast.copy_location(gast.Constant(None, None), first)
    for each in walk(found):
        if isinstance(each, gast.Name) and each.id in own:
            each.id = own[each.id]
    found.generators[0].iter = first
    return found


def _own_name(name: str, at: Any) -> str:
    return f"{TEMPORARY}{name}_{at.lineno}_{at.col_offset}"


def _is_fold(node: Any, canonical: Callable[[Any], str | None]) -> bool:
    """Return whether a node is a call that folds what a comprehension gives."""
    match node:
        case gast.Call(
            args=[gast.GeneratorExp() | gast.ListComp() as source, *rest], keywords=keywords
        ):
            pass
        case _:
            return False
    function = canonical(node.func)
    if function not in FOLDS or any(isinstance(each, gast.NamedExpr) for each in walk(source)):
        return False
    words = [each.arg for each in keywords]
    is_start = function == "sum" and (len(rest), words) in ((1, []), (0, ["start"]))
    if (rest or words) and (not is_start or any(isinstance(e, gast.Starred) for e in rest)):
        return False
    if any(each.is_async for each in source.generators):
        return False
    is_single = len(source.generators) == 1
    match function:
        case "any" | "all":
            return is_single or _is_list(source)
        case "min" | "max":
            return is_single and not source.generators[0].ifs
        case "len":
            return _is_list(source)
    return True


def _is_listed(node: Any, canonical: Callable[[Any], str | None]) -> bool:
    """Return whether a node is a call of NumPy's that makes one number of a comprehension."""
    match node:
        case gast.Call(args=[gast.ListComp() as source], keywords=[]):
            return row_function(canonical(node.func)) in TAKERS and _is_simple(source)
    return False


def _is_simple(source: Any) -> bool:
    """Return whether a comprehension has an element, a number, for each turn of one loop."""
    is_plain = len(source.generators) == 1 and not source.generators[0].ifs
    is_number = not isinstance(source.elt, gast.Tuple | gast.List | gast.ListComp | gast.Dict)
    inner = any(isinstance(each, gast.NamedExpr) for each in walk(source))
    return is_plain and is_number and not inner and not source.generators[0].is_async


def named_fold(
    before: tuple[Statement, ...], statements: tuple[Statement, ...]
) -> tuple[Statement, ...]:
    """Return the statements of a fold, by the name of the user's that gets its value, if it can.

    Before:  t = 0; for j: t = t + a[j]; s = t        After:  s = 0; for j: s = s + a[j]
    """
    match statements:
        case (Assign(target=Name(name=name), value=Name(name=own)),):
            pass
        case _:
            return (*before, *statements)
    if not own.startswith(TEMPORARY) or name in mentions(before) | bound_names(before):
        return (*before, *statements)
    return tuple(_renamed(each, own, name) for each in before)


def _renamed(node: Statement, own: str, name: str) -> Statement:
    """Return a statement of a fold with `name` for the scalar of ours."""

    def visit(expression: Expression) -> Expression:
        if isinstance(expression, Name) and expression.name == own:
            return replace(expression, name=name)
        return rebuilt(expression, visit)

    match node:
        case Assign():
            target = visit(node.target)
            assert isinstance(target, Name | Element)  # it stays one
            return replace(node, target=target, value=visit(node.value))
        case If():
            body, orelse = (
                tuple(_renamed(each, own, name) for each in part)
                for part in (node.body, node.orelse)
            )
            return replace(node, test=visit(node.test), body=body, orelse=orelse)
        case For() | Each():
            return replace(node, body=tuple(_renamed(each, own, name) for each in node.body))
    return node


def named_list(node: Any, reading: Reading, names: frozenset[str]) -> tuple[Statement, ...] | None:
    """Return a statement that makes one of the lists `names` as one that fills an array."""
    made = list_made(node, reading.canonical)
    if made is None or node.targets[0].id not in names or not _is_simple(made[0]):
        return None
    folding = _Folding(reading)
    folding.listed(made[0], node.targets[0].id, as_numpy=made[1])
    return tuple(folding.before)


def _is_grid(loop: For | Each) -> bool:
    return isinstance(loop, Each) and isinstance(loop.iterable, Grid)


def _is_list(source: Any) -> bool:
    return isinstance(source, gast.ListComp)


def _not_empty(loop: For | Each) -> Iterator[Compare]:
    """Yield what must hold for a loop to have a turn."""
    if isinstance(loop, For):
        step = loop.step.value if isinstance(loop.step, Constant) else 0
        ends = (loop.start, loop.stop) if isinstance(step, int) and step > 0 else None
        ends = ends or (loop.stop, loop.start)
        yield Compare(operator="<", left=ends[0], right=ends[1], span=loop.span)
        return
    yield from _counted(loop.iterable)


def _counted(iterable: Iterable) -> Iterator[Compare]:
    match iterable:
        case Counts():
            at = iterable.span
            yield Compare(operator="<", left=iterable.start, right=iterable.stop, span=at)
        case Enumerated():
            yield from _counted(iterable.inner)
        case Zipped():
            for part in iterable.parts:
                yield from _counted(part)
        case _:
            zero = Constant(value=0, span=iterable.span)
            for extent in iterated(iterable):
                yield Compare(operator="<", left=zero, right=extent, span=iterable.span)


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return all(a is b for a, b in zip(old, new, strict=True))
    return old is new


def folds_in(node: Any, canonical: Callable[[Any], str | None]) -> bool:
    """Return whether something in a statement itself folds a comprehension."""
    if list_made(node, canonical) is not None:
        return True
    pending = [each for each in children(node) if not isinstance(each, gast.stmt)]
    while pending:
        each = pending.pop()
        if _is_fold(each, canonical) or _is_listed(each, canonical):
            return True
        if not isinstance(each, gast.Lambda | gast.stmt):
            pending += children(each)
    return False
