"""Lists of a call: copied to arrays for a kernel, and what it stored put back into them.

Before:  out, x: lists of floats       After:  arrays for the kernel; after it, out[k] = value
         out[i] = 2.0 * x[i]                   for every element that it stored

The kernel never touches the lists themselves. Where it fails, or where NumPy would have warned,
the interpreter runs the region from its start, as if there had been no kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autopar.analysis.facts.lists import ListView, changed, copied, put_back, share_rows, view_of
from autopar.analysis.facts.reasons import ArraysOverlap, UnsupportedArgument
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.loop_ir import Extent
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import ListElements
from autopar.codegen.reasons import NotProfitable

if TYPE_CHECKING:
    from numpy.typing import NDArray

# One element to an array, its type looked at, or back; a row of a list of lists. Nanoseconds.
_ELEMENT_NS = 50
_ROW_NS = 150
# The interpreter is so much faster with lists of Python's numbers than with arrays.
_LIST_SPEEDUP = 3
_MOST_SKIPPED = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredList:
    """A list that a variant stores to."""

    elements: ListElements
    note: str | None  # the array that says what was stored; None where its bits tell


@dataclass(slots=True, kw_only=True)
class Lists:
    """What a region does with lists, and how often it did not pay to look at them."""

    plan: RegionPlan
    ranks: Mapping[str, int]  # of the names that may be lists
    read: frozenset[str]
    written: frozenset[str]
    _failures: int = 0  # in a row
    _skips: int = 0
    _last: Reason | None = None

    def seen(self, names: tuple[str, ...], values: tuple[object, ...]) -> tuple[object, ...]:
        """Return the values with views for the lists among them, unless they are to be skipped."""
        if self._skips or not any(type(each) is list for each in values):
            return values
        found: list[object] = []
        for name, value in zip(names, values, strict=True):
            view = None
            if type(value) is list and name in self.ranks:
                view = view_of(value, self.ranks[name], is_read=name in self.read)
            found.append(value if view is None else view)
        return tuple(found)

    def skipped(self) -> Reason | None:
        """Return why lists are not looked at in this call; None where they were."""
        if not self._skips:
            return None
        self._skips -= 1
        return self._last

    def gain(self, interpreter_ns: int, views: Mapping[str, ListView]) -> int:
        """Return how much sooner a kernel may be done, in nanoseconds, its work left out."""
        copying = 0
        for name, view in views.items():
            ways = (name in self.read) + (name in self.written)
            copying += ways * (_ELEMENT_NS * view.size + _ROW_NS * (view.ndim - 1) * view.shape[0])
        return interpreter_ns // _LIST_SPEEDUP - copying

    def fares(self, reason: Reason | None) -> None:
        """Note why a call with lists went to the interpreter; None where it did not."""
        if reason is None:
            self._failures = 0
            return
        self._failures += 1
        self._skips = min(2**self._failures // 4, _MOST_SKIPPED)
        self._last = reason

    def overlap(self, views: Mapping[str, ListView]) -> Reason | None:
        """Return which two lists, one of them written, share a row."""
        names = list(views)
        for number, first in enumerate(names):
            for second in names[number + 1 :]:
                if self.written.isdisjoint((first, second)):
                    continue
                if share_rows(views[first], views[second]):
                    detail = "they are one list, or have one as a row"
                    span = self.plan.scop.span
                    return ArraysOverlap(span=span, first=first, second=second, detail=detail)
        return None


def lists_of(plan: RegionPlan) -> Lists:
    """Return what a region may do with lists."""
    scop = plan.scop
    ranks = {array.name: array.rank for array in scop.given_arrays}
    for parameter in scop.parameters:
        each = parameter.expression
        if isinstance(each, Extent) and each.array not in ranks:
            ranks[each.array] = each.axis + 1
    data = frozenset[str]().union(*(e.data.arrays for e in scop.loops if e.data is not None))
    rows = {row.part.array for row in scop.rows}
    unfit = scop.no_lists | data | rows
    return Lists(
        plan=plan,
        ranks={name: rank for name, rank in ranks.items() if name not in unfit},
        read=scop.arrays_read,
        written=scop.arrays_written,
    )


def views_in(named: Mapping[str, Any]) -> dict[str, ListView]:
    """Return the lists among the values of a call."""
    return {name: each for name, each in named.items() if isinstance(each, ListView)}


def does_not_pay(span: Span, interpreter_ns: int) -> Reason:
    """Return why lists are not copied."""
    took = interpreter_ns / _LIST_SPEEDUP / 1e6
    detail = f"it takes about {took:.3g} ms in the interpreter, copying its lists as long"
    return NotProfitable(span=span, detail=detail)


@dataclass(slots=True, kw_only=True)
class Copies:
    """The arrays that stand for the lists of one call."""

    views: Mapping[str, ListView]
    arrays: dict[str, NDArray[Any]]
    before: dict[str, NDArray[Any]]  # what was in those whose bits tell what was stored
    stored: tuple[StoredList, ...]

    def put_back(self) -> None:
        """Store in the lists what the kernel stored in their copies."""
        for each in self.stored:
            name = each.elements.name
            array = self.arrays[name]
            stored = (
                changed(array, self.before[name]) if each.note is None else self.arrays[each.note]
            )
            put_back(self.views[name], array, stored, each.elements.after)


def copies_of(
    views: Mapping[str, ListView],
    lists: tuple[ListElements, ...],
    stored: tuple[StoredList, ...],
    span: Span,
) -> Copies | Reason:
    """Return the lists of a call as arrays, or why one of them cannot be one."""
    arrays: dict[str, NDArray[Any]] = {}
    before: dict[str, NDArray[Any]] = {}
    for each in lists:
        found = copied(views[each.name], each.after)
        if isinstance(found, str):
            return UnsupportedArgument(span=span, name=each.name, kind=found)
        arrays[each.name] = found
    for store in stored:
        name = store.elements.name
        if store.note is None:
            before[name] = arrays[name].copy()
        else:
            arrays[store.note] = np.zeros(views[name].shape, np.bool_)
    return Copies(views=views, arrays=arrays, before=before, stored=stored)
