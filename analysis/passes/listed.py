"""A list that a comprehension makes, as an array of its own that a loop fills.

Before:  k = np.argmin([f(c[j]) for j in range(m)])
After:   t = <new array of m values>
         for j in range(m): t[j] = f(c[j])
         k = np.argmin(t)

The array has the type of the values, so these have to be NumPy's numbers where elements are taken
out again; what NumPy is given whole it makes an array of in any case. Helper of the `folds` of a
statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gast

from ..model.loop_ir import (
    AS_NUMPY,
    Allocate,
    Assign,
    Binary,
    Call,
    Compare,
    Constant,
    Counts,
    Each,
    Element,
    Elements,
    Enumerated,
    Expression,
    Extent,
    For,
    Name,
    Statement,
)
from ..model.row_functions import BUILTIN_ROWS, NUMPY_ROWS, row_function
from ..model.source import Span
from .names import children, own_nodes

# What is given a list and makes one number of it.
TAKERS = NUMPY_ROWS


def filled(
    loop: For | Each, name: str, value: Expression, before: tuple[Statement, ...], *, as_numpy: bool
) -> tuple[Statement, ...] | None:
    """Return the statements that make the array `name` of one value for each turn of `loop`.

    `before` are those that a value needs. None where the number of turns has no simple form.
    """
    at = value.span
    counted = _numbered(loop, at)
    if counted is None:
        return None
    numbered, position, count = counted
    item = Call(function=AS_NUMPY, arguments=(value,), span=at) if as_numpy else value
    place = Element(array=name, indices=(position,), span=at, has_tuple=True)
    store = Assign(target=place, value=item, span=at)
    zero = Constant(value=0, span=at)
    requires = (*loop.requires, Compare(operator="<", left=zero, right=count, span=at))
    return (
        Allocate(
            name=name,
            shape=(count,),
            like=None,
            dtype=None,
            fill=None,
            span=at,
            is_of_values=True,
        ),
        replace(numbered, body=(*before, store), requires=requires),
    )


def _numbered(loop: For | Each, at: Span) -> tuple[For | Each, Expression, Expression] | None:
    """Return a loop with the number of its turn, from 0, and how many there are."""
    if isinstance(loop, For):
        if not (isinstance(loop.step, Constant) and loop.step.value == 1):
            return None
        variable = Name(name=loop.variable, span=at)
        return loop, _less(variable, loop.start), _less(loop.stop, loop.start)
    turn = Name(name=f"autopar_value_turn_{loop.span.line}_{loop.span.column}", span=at)
    match loop.iterable:
        case Elements(array=array):
            count: Expression = Extent(array=array, axis=0, span=at)
        case Enumerated(inner=Elements(array=array)):
            count = Extent(array=array, axis=0, span=at)
        case Enumerated(inner=Counts(start=start, stop=stop)):
            count = _less(stop, start)
        case _:
            return None
    zero = Constant(value=0, span=at)
    numbered = Enumerated(start=zero, inner=loop.iterable, span=at)
    return replace(loop, target=(turn, loop.target), iterable=numbered), turn, count


def _less(left: Expression, right: Expression) -> Expression:
    if isinstance(right, Constant) and right.value == 0:
        return left
    return Binary(operator="-", left=left, right=right, span=left.span)


def names_of_lists(body: list[Any], canonical: Callable[[Any], str | None]) -> frozenset[str]:
    """Return the names of a function that hold lists of comprehensions and are used as arrays are.

    Elements are taken out, their number, or what a function of rows makes of them; `x + x` and
    `x * 2` would mean other things. Names of arrays of them may be used as those are.
    """
    made: dict[str, bool] = {}  # whether all that a name holds are arrays
    for name, is_array in _made(body, canonical):
        made[name] = is_array and made.get(name, True)
    uses = Counter(
        each.id for each in own_nodes(body) if isinstance(each, gast.Name) and each.id in made
    )
    fine = Counter(
        name for node in own_nodes(body) for name in _fine(node, canonical) if name in made
    )
    return frozenset(name for name in made if made[name] or uses[name] == fine[name])


def _made(body: list[Any], canonical: Callable[[Any], str | None]) -> Iterator[tuple[str, bool]]:
    """Yield the names that hold what comprehensions give, and whether in arrays of NumPy's."""
    for node in own_nodes(body):
        made = list_made(node, canonical)
        if made is not None:
            yield node.targets[0].id, made[1]


def list_made(node: Any, canonical: Callable[[Any], str | None]) -> tuple[Any, bool] | None:
    """Return the comprehension of a statement that makes a list of it, and whether an array."""
    match node:
        case gast.Assign(targets=[gast.Name()], value=gast.ListComp() as source):
            return source, False
        case gast.Assign(
            targets=[gast.Name()],
            value=gast.Call(args=[gast.ListComp() as source], keywords=[]) as call,
        ) if canonical(call.func) == "numpy.array":
            return source, True
    return None


def _fine(node: Any, canonical: Callable[[Any], str | None]) -> Iterator[str]:
    """Yield the names that a node uses as an array and a list may both be used."""
    match node:
        case gast.Assign(targets=[gast.Name(id=name)]) if list_made(node, canonical):
            yield name
        case gast.Subscript(value=gast.Name(id=name), slice=index, ctx=gast.Load()) if not any(
            isinstance(each, gast.Slice | gast.Tuple) for each in (index, *children(index))
        ):
            yield name
        case gast.Call(args=[gast.Name(id=name)], keywords=[]):
            function = canonical(node.func)
            if function == "len" or row_function(function) in NUMPY_ROWS | BUILTIN_ROWS:
                yield name
