"""A nest that waits for the functions in some variables: what a call passes for it, and takes.

Before:  for i in range(n): s += f(a[i])     After:  asks for a, f, n, s; may leave s behind

Which of them the region wants, once it is planned, is known then; what stands before the loop
passes all that it may. Helper of the `regions` pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..model.chains import base_of
from ..model.loop_ir import (
    DISCARDED,
    Each,
    Element,
    Expression,
    Extent,
    For,
    Name,
    Opaque,
    appended_list,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.plan import UnrankedRegion, WaitingRegion
from .instances import bound_names


def waiting_region(
    nest: For | Each | Opaque, functions: frozenset[str], live_out: frozenset[str]
) -> WaitingRegion:
    """Return what stands before `nest` until it is known what the variables `functions` hold."""
    found = _asked(nest, functions)
    return WaitingRegion(
        functions=tuple(sorted(functions)),
        arguments=found.arguments,
        results=() if nest.is_value else tuple(sorted(found.bound & live_out)),
        is_value=nest.is_value,
        span=nest.span,
    )


def unranked_region(nest: For | Each, live_out: frozenset[str]) -> UnrankedRegion:
    """Return what stands before `nest` until it is known how many axes its arrays have."""
    found = _asked(nest, frozenset())
    results = tuple(sorted(found.bound & live_out))
    return UnrankedRegion(arguments=found.arguments, results=results, span=nest.span)


class _Asked(NamedTuple):
    """What may be asked of a call, and what may be left behind."""

    arguments: tuple[str, ...]
    bound: frozenset[str]


def _asked(nest: For | Each | Opaque, functions: frozenset[str]) -> _Asked:
    read: set[str] = set()
    bound = set(bound_names((nest,)))
    for each in walk_statements((nest,)):
        if isinstance(each, Opaque):
            read |= each.reads
            bound |= each.writes
        read |= {name for expression in expressions_of(each) for name in _names(expression)}
    wanted = {*read, *bound, *functions} - {DISCARDED}
    arguments = tuple(sorted({base_of(name) for name in wanted if name.isidentifier()}))
    return _Asked(arguments=arguments, bound=frozenset(bound))


def _names(expression: Expression) -> Iterator[str]:
    for node in walk_expression(expression):
        match node:
            case Name(name=name) | Extent(array=name):
                yield name
            case Element(array=name):
                yield appended_list(name) or name
            case _:
                pass
