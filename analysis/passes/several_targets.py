"""Assignments to several targets, as assignments to one each.

Before:  x, y = y, x + y               After:  autopar_value_2_0 = y
                                               autopar_value_2_1 = x + y
                                               x = autopar_value_2_0
                                               y = autopar_value_2_1
Before:  p[i] = q = 2 * t              After:  autopar_value_3_0 = 2 * t; p[i] = ...; q = ...

All values are computed before anything is assigned, targets from left to right (Python language
reference, "Assignment statements"). A value that no target before its own can change needs no
name. Helper of the `parse` pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    walk_expression,
)
from ..model.source import Span

Target = Name | Element


def assigned_in_turn(
    targets: Sequence[Target], values: Sequence[Expression], span: Span
) -> tuple[Assign, ...]:
    """Return what `targets = values`, as many of these as of those, does one by one."""
    names = [
        None if _is_untouched(value, targets[:position]) else temporary(span, position)
        for position, value in enumerate(values)
    ]
    first = tuple(
        Assign(target=name, value=value, span=span)
        for name, value in zip(names, values, strict=True)
        if name is not None
    )
    then = (
        Assign(target=target, value=value if name is None else name, span=span)
        for target, name, value in zip(targets, names, values, strict=True)
    )
    return (*first, *then)


def assigned_alike(targets: Sequence[Target], value: Expression, span: Span) -> tuple[Assign, ...]:
    """Return what `first = second = value` does one by one."""
    if isinstance(value, Constant):
        return tuple(Assign(target=target, value=value, span=span) for target in targets)
    name = temporary(span, 0)
    return (
        Assign(target=name, value=value, span=span),
        *(Assign(target=target, value=name, span=span) for target in targets),
    )


def temporary(span: Span, position: int) -> Name:
    """Return the name of one of the values on their way, of the statement at `span`."""
    return Name(name=f"{TEMPORARY}{span.line}_{span.column}_{position}", span=span)


def _is_untouched(value: Expression, before: Sequence[Target]) -> bool:
    """Return whether assigning the targets `before` changes nothing that `value` reads."""
    assigned = {each.name for each in before if isinstance(each, Name)}
    # Two arrays may share memory.
    is_stored = any(isinstance(each, Element) for each in before)
    return not any(
        (isinstance(node, Element) and is_stored) or name in assigned for node, name in _read(value)
    )


def _read(value: Expression) -> Iterator[tuple[Expression, str]]:
    for node in walk_expression(value):
        match node:
            case Name(name=name):
                yield node, name
            case Element(array=name) | Extent(array=name):
                yield node, name
            case _:
                pass
