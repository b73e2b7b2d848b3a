"""Calls like one before: the same arrays and integers, so the same answer of every check.

A region in a loop of the user's is entered a thousand times with the same arguments. All that
its guard finds out depends on their types, on the headers of the arrays and on the values of
integers; where these are as they were, the kernel of last time may run at once.

Floats may differ: no check reads them. What the arrays contain may differ as well, so regions
that look at the contents are not remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from math import inf
from operator import itemgetter
from typing import Any

import numpy as np

from autopar.analysis.model.nouns import dataclass
from autopar.codegen.headers import Headers, are_known

from .guard import Admission
from .variant import Variant

_MOST_REPEATS = 8  # of one region: two for arrays that are swapped, some for several callers
INTEGERS = (int, np.integer, np.bool_)
FLOATS = (float, complex, np.inexact)


@dataclass(slots=True, kw_only=True)
class Repeat:
    """A call that ran, and what it ran with; `runs` counts those that were like it."""

    headers: Headers
    integers: Callable[[tuple[object, ...]], object]  # picks the values that must be the same
    values: object  # of the integers
    variant: Variant
    found: Admission
    arguments: Callable[[tuple[object, ...]], tuple[Any, ...]]  # picks arrays, or scalars
    scalars: Callable[[tuple[object, ...]], tuple[Any, ...]]
    runs: int = 0
    least_ns: float = inf  # that a run of it took, with all that is around its kernels
    leaves: bool = False  # the interpreter takes less: calls like it are left to it

    def is_of(self, values: tuple[object, ...]) -> bool:
        """Return whether a call with `values` is like this one."""
        return self.headers.are_those_of(values) and self.integers(values) == self.values

    def passed(self, values: tuple[object, ...]) -> tuple[Any, ...]:
        """Return the arguments of the kernel's host code for a call with `values`."""
        return (*self.arguments(values), *self.found.integers, *self.scalars(values))


@dataclass(slots=True)
class Repeats:
    """The last calls of one region that ran in a kernel, by their first argument."""

    _found: dict[int, Repeat] = field(default_factory=dict)
    _seen: tuple[int, ...] = ()  # the first arguments of the last calls that are not among them
    is_off: bool = False  # calls are never like one before
    _misses: int = 0

    def find(self, values: tuple[object, ...]) -> Repeat | None:
        """Return the call that one with `values` is like."""
        repeat = self._found.get(id(values[0])) if self._found else None
        if repeat is None:
            return None
        if repeat.is_of(values):
            self._misses = 0
            return repeat
        self._misses += 1
        return None

    def note(
        self, names: tuple[str, ...], values: tuple[object, ...], variant: Variant, found: Admission
    ) -> None:
        """Remember a call that is run, if its first argument came not long ago too."""
        if self.is_off or not values:
            return
        first = id(values[0])
        if first not in self._seen and first not in self._found:
            self._seen = (*self._seen[-3:], first)
            return
        if self._misses > _MOST_REPEATS or not may_repeat(values):
            self._found, self.is_off = {}, True
            return
        if len(self._found) >= _MOST_REPEATS:
            self._found = {}
        place = {name: position for position, name in enumerate(names)}
        integers = _picker([n for n, each in enumerate(values) if isinstance(each, INTEGERS)])
        self._found[first] = Repeat(
            headers=Headers(values),
            integers=integers,
            values=integers(values),
            variant=variant,
            found=found,
            arguments=_picker([place[name] for name in variant.arrays]),
            scalars=_picker([place[name] for name in variant.scalars]),
        )

    def may_come_again(self, values: tuple[object, ...]) -> bool:
        """Return whether a call is like none before, but may be one that repeats."""
        if self.is_off or not values:
            return False
        first = id(values[0])
        if first in self._seen or first in self._found:
            return True
        self._seen = (*self._seen[-3:], first)
        return False

    def forget(self) -> None:
        """Forget all calls: what ran then may not run any more."""
        self._found = {}


def may_repeat(values: tuple[object, ...]) -> bool:
    """Return whether calls can be known again by their headers and integers."""
    return are_known() and all(
        type(each) is np.ndarray or isinstance(each, INTEGERS + FLOATS) for each in values
    )


def _picker(positions: list[int]) -> Callable[[tuple[object, ...]], tuple[Any, ...]]:
    """Return what picks the values at `positions` as a tuple."""
    if not positions:
        return _nothing
    if len(positions) == 1:
        return itemgetter(slice(positions[0], positions[0] + 1))
    return itemgetter(*positions)


def _nothing(_: tuple[object, ...]) -> tuple[Any, ...]:
    return ()
