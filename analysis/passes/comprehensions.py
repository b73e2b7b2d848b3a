"""Read comprehensions: loops that append to a list of their own.

Before:  [x * y for x in xs if x > 0 for y in ys]
After:   for x in xs:
             if x > 0:
                 for y in ys: [].append(x * y)

Helper of the `parse` pass. The names that a comprehension binds are its own (Python language
reference, displays for lists, sets and dictionaries), so nothing of it is seen but its value, and
that is a list wherever a generator is taken to its end at once: `sum(x * x for x in xs)`. A list
of lists, `[[x + y for y in ys] for x in xs]`, grows by a row for each iteration of the outer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import gast

from ..model.loop_ir import (
    NEW_LIST,
    ROWS,
    Assign,
    Each,
    Element,
    Expression,
    For,
    Grid,
    If,
    Statement,
    append_to,
)
from ..model.source import Span
from . import names


class Reading(NamedTuple):
    """How the reader of the function reads parts of a comprehension."""

    # Statements that an expression needs before it, and the expression.
    folded: Callable[[Any], tuple[tuple[Statement, ...], Expression]]
    loop: Callable[[Any], For | Each]
    span_of: Callable[[Any], Span]


def values_in(statement: Any, canonical: Callable[[Any], str | None]) -> Iterator[Any]:
    """Yield the outermost comprehensions of a statement whose value may come from elsewhere."""
    if isinstance(statement, gast.FunctionDef | gast.AsyncFunctionDef | gast.ClassDef):
        return
    pending = names.children(statement)
    while pending:
        each = pending.pop()
        match each:
            case gast.stmt() | gast.Lambda() | gast.ExceptHandler() | gast.match_case():
                continue
            case gast.JoinedStr():
                continue  # what stands in a formatted string has no place of its own
            case gast.ListComp():
                yield each
            case gast.GeneratorExp() | gast.SetComp() | gast.DictComp():
                continue
            case gast.Call(args=[gast.GeneratorExp() as generator], keywords=[]) if (
                canonical(each.func) in names.TAKE_ALL
            ):
                yield generator
            case _:
                pending += names.children(each)


def read_comprehension(node: Any, reading: Reading) -> For | Each | None:
    """Return a comprehension as a loop; None where its elements have no order by its loops.

    What the reader cannot read, it raises.
    """
    at = reading.span_of(node)
    match node.elt:
        case gast.ListComp(generators=[inner]) as row:
            if len(node.generators) > 1 or node.generators[0].ifs or _is_collection(row.elt):
                return None
            columns = _loops([inner], _stores(row.elt, ROWS, reading), at, reading)
            if _is_grid(columns):
                return None
            body: tuple[Statement, ...] = (replace(columns, is_inner_axis=True),)
        case gast.ListComp() | gast.SetComp() | gast.DictComp() | gast.GeneratorExp():
            return None
        case _:
            body = _stores(node.elt, "", reading)
    loop = _loops(node.generators, body, at, reading)
    return replace(loop, is_value=True, is_inner_axis=False)


def _is_collection(node: Any) -> bool:
    return isinstance(node, gast.Tuple | gast.List | gast.ListComp | gast.SetComp | gast.DictComp)


def _is_grid(loop: For | Each) -> bool:
    return isinstance(loop, Each) and isinstance(loop.iterable, Grid)


def _stores(element: Any, part: str, reading: Reading) -> tuple[Statement, ...]:
    """Return what appends an element, or the parts of one."""
    parts: list[tuple[Any, str]] = [(element, part)]
    if isinstance(element, gast.Tuple | gast.List) and element.elts:
        ends = "()" if isinstance(element, gast.Tuple) else "[]"
        parts = [(each, f"{ends[0]}{n}{ends[1]}") for n, each in enumerate(element.elts)]
    at = reading.span_of(element)
    found: list[Statement] = []
    for each, word in parts:
        before, value = reading.folded(each)
        target = Element(array=append_to(NEW_LIST, word), indices=(), span=at)
        found += [*before, Assign(target=target, value=value, span=at)]
    return tuple(found)


def _loops(
    generators: list[Any], body: tuple[Statement, ...], at: Span, reading: Reading
) -> For | Each:
    """Return the loops of a comprehension around `body`."""
    found: For | Each | None = None
    for number, each in reversed(list(enumerate(generators))):
        for test in reversed(each.ifs):
            before, condition = reading.folded(test)
            chosen = If(test=condition, body=body, orelse=(), span=reading.span_of(test))
            body = (*before, chosen)
        found = replace(reading.loop(each), body=body, span=at)
        found = replace(found, is_inner_axis=number > 0)
        body = (found,)
    assert found is not None  # a comprehension has a generator
    return found
