"""Lists of a call: copied to arrays for a kernel, and what it stored put back into them.

Before:  out, x: lists of floats       After:  arrays for the kernel; after it, out[k] = value
         out[i] = 2.0 * x[i]                   for every element that it stored

The kernel never touches the lists themselves. Where it fails, or where NumPy would have warned,
the interpreter runs the region from its start, as if there had been no kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from autopar.analysis.facts.lists import (
    LISTS,
    ListView,
    changed,
    copied,
    grow,
    objects,
    objects_in_rows,
    put_back,
    share_rows,
    view_of,
)
from autopar.analysis.facts.reasons import ArraysOverlap, NoRoom, UnsupportedArgument
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.loop_ir import Collected, Extent, Site
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import ListElements
from autopar.codegen.reasons import NotProfitable

from .durations import describe_seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from autopar.analysis.facts.lists import Stored

# One element to an array, its type looked at, or back; a row of a list of lists. Nanoseconds.
_ELEMENT_NS = 50
_ROW_NS = 150
# The interpreter is so much faster with Python's numbers than with elements of arrays.
_LIST_SPEEDUP = 3
# What lists may grow by in one call, in bytes of the arrays that hold it.
_MOST_BYTES = 1 << 28
_MOST_SKIPPED = 256

# For each list that grows, how often the loops around run at most, outermost first.
Extents: TypeAlias = tuple[tuple[int, ...], ...]


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
    growing: tuple[Collected, ...]
    has_arrays: bool
    _failures: int = 0  # in a row
    _skips: int = 0
    _last: Reason | None = None

    def seen(self, names: tuple[str, ...], values: tuple[object, ...]) -> tuple[object, ...]:
        """Return the values with views for the lists among them, unless they are to be skipped."""
        if self._skips or not any(type(each) in LISTS for each in values):
            return values
        found: list[object] = []
        for name, value in zip(names, values, strict=True):
            view = None
            if type(value) in LISTS and name in self.ranks:
                is_written = name in self.written
                view = view_of(
                    value, self.ranks[name], is_read=name in self.read, is_written=is_written
                )
            found.append(value if view is None else view)
        return tuple(found)

    @property
    def skips(self) -> bool:
        """Whether lists are not looked at in the next call."""
        return self._skips > 0

    def skipped(self) -> Reason | None:
        """Return why lists are not looked at in this call; None where they were."""
        if not self._skips:
            return None
        self._skips -= 1
        return self._last

    def gain(self, interpreter_ns: int, all_extents: Extents, views: Mapping[str, ListView]) -> int:
        """Return how much sooner a kernel may be done, in nanoseconds, its work left out."""
        copying = 0
        for each, extents in zip(self.growing, all_extents, strict=True):
            copying += _ELEMENT_NS * len(each.arrays) * prod(extents)
        for name, view in views.items():
            ways = (name in self.read) + (name in self.written)
            copying += ways * (_ELEMENT_NS * view.size + _ROW_NS * (view.ndim - 1) * view.shape[0])
        is_fast = views or not self.has_arrays
        return interpreter_ns // (_LIST_SPEEDUP if is_fast else 1) - copying

    def fares(self, reason: Reason | None) -> None:
        """Note why a call with lists went to the interpreter; None where it did not."""
        if reason is None:
            self._failures = 0
            return
        self._failures += 1
        self._skips = min(2**self._failures // 4, _MOST_SKIPPED)
        self._last = reason

    def overlap(self, views: Mapping[str, ListView], named: Mapping[str, Any]) -> Reason | None:
        """Return which two lists, one of them written, share a row."""
        grown = {each.list: named[each.list] for each in self.growing if not each.is_new}
        rows = {name: each.rows for name, each in views.items()}
        # A row that grows is no row of a matrix any more.
        rows |= {name: (each,) for name, each in grown.items()}
        names = list(rows)
        for number, first in enumerate(names):
            for second in names[number + 1 :]:
                if self.written.union(grown).isdisjoint((first, second)):
                    continue
                if share_rows(rows[first], rows[second]):
                    detail = "they are one list, or have one as a row"
                    span = self.plan.scop.span
                    return ArraysOverlap(span=span, first=first, second=second, detail=detail)
        return None

    def made(
        self, elements: tuple[ListElements, ...], all_extents: Extents
    ) -> dict[str, NDArray[Any]] | Reason:
        """Return the arrays for what the lists grow by."""
        types = {each.name: each.after for each in elements}
        arrays: dict[str, NDArray[Any]] = {}
        for each, extents in zip(self.growing, all_extents, strict=True):
            for name in each.arrays:
                size = prod(extents) * np.dtype(types[name].dtype).itemsize
                if size > _MOST_BYTES:
                    detail = f"'{each.list}' may grow by {prod(extents)} elements"
                    return NoRoom(span=self.plan.scop.span, detail=detail)
                arrays[name] = np.empty(extents, types[name].dtype)
        return arrays


def lists_of(plan: RegionPlan) -> Lists:
    """Return what a region may do with lists."""
    scop = plan.scop
    ranks = {array.name: array.rank for array in scop.given_arrays}
    for parameter in scop.parameters:
        each = parameter.expression
        if isinstance(each, Extent):
            ranks[each.array] = max(ranks.get(each.array, 0), each.axis + 1)
    data = frozenset[str]().union(*(e.data.arrays for e in scop.loops if e.data is not None))
    rows = {row.part.array for row in scop.rows}
    unfit = scop.no_lists | data | rows
    if scop.exchanged is not None:  # names would change places with copies
        unfit |= ranks.keys()
    return Lists(
        plan=plan,
        ranks={name: rank for name, rank in ranks.items() if name not in unfit},
        read=scop.arrays_read,
        written=scop.arrays_written,
        growing=scop.collects,
        has_arrays=bool(scop.given_arrays),
    )


def views_in(named: Mapping[str, Any]) -> dict[str, ListView]:
    """Return the lists among the values of a call."""
    return {name: each for name, each in named.items() if isinstance(each, ListView)}


def does_not_pay(span: Span, interpreter_ns: int) -> Reason:
    """Return why lists are not copied."""
    took = describe_seconds(interpreter_ns / _LIST_SPEEDUP / 1e9)
    detail = f"it takes about {took} in the interpreter, copying its lists as long"
    return NotProfitable(span=span, detail=detail)


@dataclass(slots=True, kw_only=True)
class Copies:
    """The arrays that stand for the lists of one call."""

    views: Mapping[str, ListView]
    growing: tuple[tuple[Collected, list[Any]], ...]
    arrays: dict[str, NDArray[Any]]
    before: dict[str, NDArray[Any]]  # what was in those whose bits tell what was stored
    stored: tuple[StoredList, ...]

    def put_back(self) -> None:
        """Store in the lists what the kernel stored in their copies."""
        notes = {each.elements.name: each for each in self.stored}
        for each in self.stored:
            name = each.elements.name
            if name not in self.views:
                continue
            array = self.arrays[name]
            stored = (
                changed(array, self.before[name]) if each.note is None else self.arrays[each.note]
            )
            put_back(self.views[name], array, stored, each.elements.after)
        for grown, given in self.growing:
            grow(given, tuple(self._site(site, notes) for site in grown.sites))

    @property
    def values(self) -> tuple[list[Any], ...]:
        """The lists that the region makes."""
        return tuple(given for grown, given in self.growing if grown.is_new)

    def _site(
        self, site: Site, notes: Mapping[str, StoredList]
    ) -> tuple[str, tuple[list[Any], ...], Stored]:
        """Return what one site appended."""
        note = notes[site.parts[0]].note
        assert note is not None  # nothing was there before
        stored: Stored = self.arrays[note]
        if site.kind == "rows":
            (name,) = site.parts
            rows = objects_in_rows(self.arrays[name], stored, notes[name].elements.after)
            return "value", (rows,), np.ones(len(rows), np.bool_)
        is_full = bool(stored.all())
        parts = []
        for name in site.parts:
            values = self.arrays[name].ravel() if is_full else self.arrays[name][stored]
            parts.append(objects(values, notes[name].elements.after))
        return site.kind, tuple(parts), stored


def copies_of(
    lists: Lists,
    kinds: tuple[tuple[ListElements, ...], tuple[StoredList, ...]],
    extents: Extents,
    named: Mapping[str, Any],
) -> Copies | Reason:
    """Return the lists of a call as arrays, or why one of them cannot be one.

    `kinds` are what a variant takes lists for, and what it stores in them.
    """
    elements, stored = kinds
    span, views = lists.plan.scop.span, views_in(named)
    made = lists.made(elements, extents)
    if isinstance(made, Reason):
        return made
    arrays, before = made, dict[str, "NDArray[Any]"]()
    for each in elements:
        if each.name in arrays:
            continue
        copy = copied(views[each.name], each.after)
        if isinstance(copy, str):
            return UnsupportedArgument(span=span, name=each.name, kind=copy)
        arrays[each.name] = copy
    for store in stored:
        name = store.elements.name
        if store.note is None and name in views:
            before[name] = arrays[name].copy()
        elif store.note is not None:
            arrays[store.note] = np.zeros(arrays[name].shape, np.bool_)
    growing = tuple((each, [] if each.is_new else named[each.list]) for each in lists.growing)
    return Copies(views=views, growing=growing, arrays=arrays, before=before, stored=stored)
