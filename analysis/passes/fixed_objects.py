"""Does every attribute that a nest reads or assigns belong to one object for the whole nest?

Before:  for p in points: a[p.i] = 0      After:  AP314: the loop binds 'p'
         for i in range(g.n): a[i] = 0            nothing: what 'g.n' is can be read before the loop

An attribute that is read as a name of its own (`model.chains`) must be that of one object, and no
object on the way to it may be assigned in the nest.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.chains import dotted, is_chain, prefixes
from ..model.diagnostics import Reason
from ..model.loop_ir import (
    Assign,
    Each,
    Element,
    Expression,
    Extent,
    For,
    Name,
    Statement,
    Update,
    expressions_of,
    walk_expression,
    walk_statements,
)
from .instances import bound_names
from .reasons import ObjectChanges


def changing_objects(nest: For | Each) -> tuple[Reason, ...]:
    """Return why attributes in `nest` are not those of one object, one reason for each chain."""
    bound = bound_names((nest,))
    found: dict[str, Reason] = {}
    for expression in _expressions(nest):
        name = _name(expression)
        if name is None or not is_chain(name):
            continue
        changed = next((each for each in prefixes(name) if each in bound), None)
        if changed is not None:
            found[name] = ObjectChanges(
                span=expression.span, attribute=dotted(name), name=dotted(changed)
            )
    return tuple(found.values())


def _expressions(nest: For | Each) -> Iterator[Expression]:
    for statement in walk_statements((nest,)):
        for expression in (*expressions_of(statement), *_targets(statement)):
            yield from walk_expression(expression)


def _targets(statement: Statement) -> tuple[Expression, ...]:
    return (statement.target,) if isinstance(statement, Assign | Update) else ()


def _name(expression: Expression) -> str | None:
    match expression:
        case Name(name=name):
            return name
        case Element(array=name) | Extent(array=name):
            return name
    return None
