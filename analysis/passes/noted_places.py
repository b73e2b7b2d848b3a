"""Extrema of which only the place is noted: what stands there becomes a scalar.

Before:  for i in range(k + 1, n):              After:  best = abs(a[p, k])
             if abs(a[i, k]) > abs(a[p, k]):            for i in range(k + 1, n):
                 p = i                                      if abs(a[i, k]) > best:
                                                                best = abs(a[i, k]); p = i

So selection sort and the search for a pivot are spelled. `selections` finds the extremum and its
place then; without the scalar, which elements the test reads is data, and carried. As strength
reduction it is scalar replacement of a loop's running value (Callahan, Carr and Kennedy,
Improving register allocation for subscripted variables, PLDI 1990).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

from autopar.analysis.model.nouns import dataclass

from ..model.indirect import value_children
from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    BoolOp,
    Call,
    Compare,
    Constant,
    Element,
    Expression,
    For,
    If,
    Name,
    Statement,
    Unary,
    Update,
    walk_expression,
    walk_statements,
)
from ..model.unused import unused
from .drivers import once
from .instances import bound_names, mentions
from .substitution import rebuilt, substituted, value_names
from .updates import same_expression

_ORDERS = frozenset(("<", "<=", ">", ">="))
_CALLS = frozenset(("abs", "numpy.abs", "numpy.absolute", "numpy.fabs", "math.fabs"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """Two sides of a comparison: what stands at the noted place, and at a new one."""

    there: Expression
    here: Expression


def noted_places(nest: For, taken: frozenset[str]) -> For:
    """Return `nest` with a scalar for what stands at noted places; `taken` are names in use."""
    names = set(taken | mentions((nest,)) | bound_names((nest,)))
    body = _block(nest.body, names)
    begin, found = _begun(replace(nest, body=body) if body != nest.body else nest, names)
    return _after(begin, found, names) if begin else found


def _after(begin: tuple[Assign, ...], nest: For, names: set[str]) -> For:
    """Return statements and then a whole nest, as one that runs once."""
    inner = replace(nest, inlined=(), before=(), collects=(), exits=None, held=None)
    return replace(
        once((*begin, inner), nest, names),
        inlined=nest.inlined,
        before=nest.before,
        collects=nest.collects,
        exits=nest.exits,
        held=nest.held,
    )


def _block(body: tuple[Statement, ...], names: set[str]) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for statement in body:
        match statement:
            case For():
                begin, loop = _begun(replace(statement, body=_block(statement.body, names)), names)
                found += (*begin, loop)
            case If():
                inner, other = _block(statement.body, names), _block(statement.orelse, names)
                found.append(replace(statement, body=inner, orelse=other))
            case _:
                found.append(statement)
    return tuple(found)


def _begun(loop: For, names: set[str]) -> tuple[tuple[Assign, ...], For]:
    """Return what is to stand before a loop, and the loop with it."""
    is_other = loop.runs_once or loop.is_block or loop.is_value or loop.exchanged is not None
    if loop.leaves is not None or is_other or not _only_reads(loop):
        return (), loop
    begin: list[Assign] = []
    body = _with_scalars(loop.body, loop, names, begin)
    return tuple(begin), replace(loop, body=body) if begin else loop


def _with_scalars(
    body: tuple[Statement, ...], loop: For, names: set[str], begin: list[Assign]
) -> tuple[Statement, ...]:
    """Return a part of the body of `loop` with scalars; what they begin with goes to `begin`."""
    found: list[Statement] = []
    for statement in body:
        if not isinstance(statement, If):
            found.append(statement)
            continue
        choice = _choice(statement, loop)
        if choice is None:
            inner = _with_scalars(statement.body, loop, names, begin)
            other = _with_scalars(statement.orelse, loop, names, begin)
            found.append(replace(statement, body=inner, orelse=other))
            continue
        span = choice.there.span
        best = Name(name=unused(f"{TEMPORARY}best", names), span=span)
        names.add(best.name)
        begin.append(Assign(target=best, value=choice.there, span=span))
        kept = Assign(target=best, value=choice.here, span=span)
        test = _asking(statement.test, choice.there, best)
        found.append(replace(statement, test=test, body=(kept, *statement.body)))
    return tuple(found)


def _asking(test: Expression, there: Expression, best: Name) -> Expression:
    """Return a test with the scalar in the place of what it stands for."""
    return best if test is there else rebuilt(test, lambda each: _asking(each, there, best))


def _choice(statement: If, loop: For) -> _Choice | None:
    """Return what a test compares where all that it decides is the place of the better one."""
    match statement:
        case If(body=(Assign(target=Name(name=place), value=value),), orelse=()):
            pass
        case _:
            return None
    tests = statement.test.values if _is_conjunction(statement.test) else (statement.test,)
    if sum(place in _names(each) for each in tests) != 1:
        return None
    for test in tests:
        if not isinstance(test, Compare) or test.operator not in _ORDERS:
            continue
        for there, here in ((test.right, test.left), (test.left, test.right)):
            if (
                place in _names(there)
                and place not in _names(here)
                and same_expression(substituted(there, {place: value}), here)
                and _is_kept(there, place, statement, loop)
            ):
                return _Choice(there=there, here=here)
    return None


def _is_conjunction(test: Expression) -> TypeGuard[BoolOp]:
    return isinstance(test, BoolOp) and test.operator == "and"


def _is_kept(there: Expression, place: str, statement: If, loop: For) -> bool:
    """Return whether what stands at the place changes only where `statement` notes another.

    And whether nothing but reading it can happen before a loop that may be empty.
    """
    setters = [each for each in walk_statements(loop.body) if place in _bound_by(each)]
    return (
        _only_looks(there)
        and place not in value_names(there)
        and _names(there) & (bound_names(loop.body) | {loop.variable}) == {place}
        and setters == [statement.body[0]]
    )


def _only_looks(value: Expression) -> bool:
    """Return whether a value is an element, its amount or its negative."""
    is_plain = (
        isinstance(value, Element | Name | Constant)
        or (isinstance(value, Unary) and value.operator == "-")
        or (isinstance(value, Call) and value.function in _CALLS)
    )
    return is_plain and all(map(_only_looks, value_children(value)))


def _bound_by(statement: Statement) -> set[str]:
    """Return the name that a statement binds itself, those in its body left out."""
    match statement:
        case For(variable=name) | Assign(target=Name(name=name)) | Update(target=Name(name=name)):
            return {name}
    return set()


def _only_reads(loop: For) -> bool:
    """Return whether nothing in a loop stores in an array, by whatever name it goes."""
    return all(
        isinstance(each, For | If)
        or (isinstance(each, Assign | Update) and isinstance(each.target, Name))
        for each in walk_statements(loop.body)
    )


def _names(expression: Expression) -> set[str]:
    return {node.name for node in walk_expression(expression) if isinstance(node, Name)}
