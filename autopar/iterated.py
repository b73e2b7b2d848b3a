"""What a loop runs over, as the interpreter would, and how many iterations that makes.

Before:  for i, x in enumerate(xs)      After:  enumerate(xs), len(xs) iterations
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autopar.analysis.model.loop_ir import (
    Counts,
    Each,
    Elements,
    Enumerated,
    Expression,
    Extent,
    For,
    Grid,
    Listed,
    Name,
    Zipped,
    expressions_of,
    walk_expression,
)
from autopar.analysis.model.loop_ir import Iterable as IterableNode
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.text import python_text

from .guard import INTEGERS, LIMIT, evaluated

_SEQUENCES = frozenset((list, tuple, range, np.ndarray))


@dataclass(frozen=True, slots=True, kw_only=True)
class Iterated:
    """What a loop runs over."""

    count: int
    make: Callable[[], Iterable[object]]
    given: tuple[Any, ...]  # the sequences among it

    @staticmethod
    def first(start: Expression, named: Mapping[str, Any]) -> int:
        """Return the value of the expression that the kernel's loop begins with."""
        return _integer(start, named)


class _NotCountedError(Exception):
    """A header is not what the analysis takes it for."""


def header_names(loop: For | Each) -> tuple[str, ...]:
    """Return the names that the header of a loop reads."""
    found: list[str] = []
    for expression in expressions_of(loop):
        for node in walk_expression(expression):
            match node:
                case Name(name=name) | Extent(array=name):
                    found.append(name)
                case _:
                    pass
    return tuple(dict.fromkeys(found))


def iterated(loop: For | Each, named: Mapping[str, Any]) -> Iterated | None:
    """Return what `loop` runs over with these values; None where that is something else."""
    try:
        if isinstance(loop, Each):
            return _values(loop.iterable, named)
        limits = [_integer(each, named) for each in (loop.start, loop.stop, loop.step)]
        numbers = range(*limits)
    except (_NotCountedError, ValueError):
        return None
    return Iterated(count=len(numbers), make=lambda: numbers, given=())


def _values(node: IterableNode, named: Mapping[str, Any]) -> Iterated:
    match node:
        case Counts():
            numbers = range(_integer(node.start, named), _integer(node.stop, named))
            return Iterated(count=len(numbers), make=lambda: numbers, given=())
        case Elements():
            given = named[node.array]
            if type(given) not in _SEQUENCES or (type(given) is np.ndarray and not given.ndim):
                raise _NotCountedError
            make = (lambda: reversed(given)) if node.is_reversed else (lambda: given)
            return Iterated(count=len(given), make=make, given=(given,))
        case Enumerated():
            inner, start = _values(node.inner, named), _integer(node.start, named)
            return Iterated(
                count=inner.count, make=lambda: enumerate(inner.make(), start), given=inner.given
            )
        case Zipped():
            parts = [_values(each, named) for each in node.parts]
            return Iterated(
                count=min(each.count for each in parts),
                make=lambda: zip(*(each.make() for each in parts), strict=False),
                given=tuple(value for each in parts for value in each.given),
            )
        case Grid() | Listed():
            raise _NotCountedError


@dataclass(frozen=True, slots=True)
class _Shaped:
    """A list, as far as a header asks."""

    shape: tuple[int, ...]


def _integer(node: Expression, named: Mapping[str, Any]) -> int:
    """Return the value of an expression over integers and extents."""
    known: dict[str, Any] = {}
    for each in walk_expression(node):
        match each:
            case Name(name=name):
                known[name] = named[name]
                if type(named[name]) not in INTEGERS:
                    raise _NotCountedError
            case Extent(array=name):
                value = named[name]
                if type(value) not in _SEQUENCES:
                    raise _NotCountedError
                is_array = type(value) is np.ndarray
                if not is_array and (each.is_attribute or each.axis != 0):
                    raise _NotCountedError
                known[name] = value if is_array else _Shaped((len(value),))
            case _:
                pass
    try:
        value = operator.index(evaluated(python_text(node), known))
    except (TypeError, ArithmeticError, NameError, IndexError) as error:
        raise _NotCountedError from error
    if not -LIMIT <= value <= LIMIT:
        raise _NotCountedError
    return value
