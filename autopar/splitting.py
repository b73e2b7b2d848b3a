"""At a call: a loop of which parts are computed ahead, block by block.

Before:  for k in range(n): ...; print(k, s)      After:  kernel: s for k = 0 ... 4095
                                                          interpreter: print for k = 0 ... 4095
                                                          kernel: s for k = 4096 ... 8191, ...

Nothing that a kernel computes here is seen before the interpreter takes it, in its iteration. So
an exception, a `break` or a `return` leaves everything as if nothing had been computed ahead.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from dataclasses import field
from types import FrameType
from typing import Any, NamedTuple

from autopar.analysis.facts.reasons_fission import MayChange
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import SplitRegion
from autopar.codegen.reasons import NotProfitable

from .chains import has_chains
from .dispatch import Region
from .durations import describe_seconds
from .guard import Admission
from .iterated import Iterated, header_names, iterated
from .split_loops import SplitSite
from .split_watch import Watch, is_tame

LOG = logging.getLogger("autopar")

# Nanoseconds: the next iteration, the value of a part, and each of the scalars in it.
_ITEM_NS, _TAKE_NS, _VALUE_NS = 80, 200, 50
# The least that a loop takes in the interpreter for it to be looked at.
_LEAST_NS = 50_000
# What a block takes in the interpreter; the first one of a loop that may be left early.
_BLOCK_NS, _FIRST_NS = 250_000_000, 5_000_000
_LARGEST_BLOCK = 1 << 16
_MOST_SKIPPED = 256


class _Entry(NamedTuple):
    """A loop that is about to begin."""

    named: dict[str, Any]
    over: Iterated
    start: int  # of the iterator of the kernel's loop
    watch: Watch | None  # what is looked at before a value is taken; None: nothing can change
    interpreter_ns: int  # what the whole loop is predicted to take in the interpreter


@dataclass(slots=True, kw_only=True, eq=False)
class _Run:
    """A split loop that is running."""

    split: Splitting
    entry: _Entry
    size: int  # iterations of the next block
    number: int = 0  # of the iteration that runs
    first: int = 0  # of the block
    end: int = 0
    rows: list[Any] | None = None  # None: the interpreter computes the block

    def row(self) -> list[Any] | None:
        """Return the block that the iteration lies in; None where nothing was computed."""
        if self.number >= self.entry.over.count:
            return None  # a list has grown meanwhile
        if self.number >= self.end:
            self.next_block()
        watch = self.entry.watch
        if self.rows is not None and watch is not None and not watch.holds():
            self.rows, self.end = None, self.entry.over.count
        return self.rows

    def next_block(self) -> bool:
        """Compute what begins with this iteration; return whether there is something to take."""
        size = min(self.size, self.entry.over.count - self.number)
        self.first, self.end = self.number, self.number + size
        self.size = min(2 * self.size, _LARGEST_BLOCK)
        watch = self.entry.watch
        if watch is not None:
            watch.begin()
        self.rows = self.split.computed(self.entry, self.first, self.end)
        return self.rows is not None


def can_split(plan: SplitRegion) -> bool:
    """Return whether a loop can be split that is planned so."""
    names = (*plan.region.scop.live_in, *(each.name for each in plan.region.scop.arrays))
    return not has_chains((*names, *(each.text for each in plan.region.scop.parameters)))


def split_site(plan: SplitRegion, region: Region) -> SplitSite:
    """Return where a loop is split whose kernel is that of `region`."""
    splitting = Splitting(plan=plan, region=region)
    return SplitSite(
        line=plan.span.line,
        column=plan.span.column,
        arguments=splitting.arguments,
        parts=plan.parts,
        splitter=splitting,
    )


@dataclass(slots=True, kw_only=True, eq=False)
class Splitting:
    """One loop of one function that is split."""

    plan: SplitRegion
    region: Region
    arguments: tuple[str, ...] = ()
    _cuts: tuple[slice | int | None, ...] = ()
    _runs: dict[int, _Run] = field(default_factory=dict)  # by frame
    _failures: int = 0  # in a row
    _skips: int = 0

    def __post_init__(self) -> None:
        inner = [
            name for name in self.region.arguments if name not in {self.plan.first, self.plan.last}
        ]
        tame = self.plan.tame
        asked = () if tame is None else (*tame.plain, *tame.arrays, *tame.stores)
        names = (*inner, *header_names(self.plan.loop), *sorted(asked))
        self.arguments = tuple(dict.fromkeys(names))
        self._cuts = _cuts(self.plan)

    # ------------------------------------------------------------ asked by the function

    def ask(self, *values: object) -> bool:
        """Return whether parts of the loop are computed ahead."""
        if self._skips:
            self._skips -= 1
            return False
        frame = sys._getframe(1)  # noqa: SLF001  # the loop that asks
        try:
            entry = self._entered(frame, values)
        except Exception:  # a fault of ours must not become the user's
            LOG.exception("the loop %s could not be split", self.region.name)
            entry = None
        if isinstance(entry, Reason):
            self.region.leave(entry)
            entry = None
        if entry is None or not self._begun(frame, entry):
            self._failures += 1
            self._skips = min(2**self._failures // 4, _MOST_SKIPPED)
            return False
        self._failures = 0
        return True

    def items(self) -> Iterator[object]:
        """Return what the loop runs over."""
        key = id(sys._getframe(1))  # noqa: SLF001  # as in ask
        return self._iterations(key, self._runs[key])

    def _iterations(self, key: int, run: _Run) -> Iterator[object]:
        try:
            for number, item in enumerate(run.entry.over.make()):
                run.number = number
                yield item
        finally:
            self._runs.pop(key, None)

    def take(self, number: int) -> tuple[object, ...]:
        """Return the value of a part in this iteration alone in a tuple, () where there is none."""
        run = self._runs[id(sys._getframe(1))]  # noqa: SLF001  # as in ask
        rows = run.row()
        if rows is None:
            return ()
        row = rows[run.number - run.first]
        cut = self._cuts[number]
        return (row,) if cut is None else (row[cut],)

    # ------------------------------------------------------------------------- decided

    def _begun(self, frame: FrameType, entry: _Entry) -> bool:
        """Return whether the first block of a loop is there to be taken."""
        run = _Run(split=self, entry=entry, size=self._first_size(entry))
        if not run.next_block():
            return False
        self._runs[id(frame)] = run
        return True

    def _entered(self, frame: FrameType, values: tuple[object, ...]) -> _Entry | Reason | None:
        """Return the loop that is about to begin; why it is not split; None where that is clear."""
        named: dict[str, Any] = dict(zip(self.arguments, values, strict=True))
        over = iterated(self.plan.loop, named)
        if over is None or not over.count:
            return None
        entry = _Entry(named, over, over.first(self.plan.start, named), None, 0)
        found = self._foreseen(entry)
        if isinstance(found, Reason):
            return found
        tame = self.plan.tame
        if tame is None or not is_tame(tame, frame, (named, self._used(named), over)):
            watch = Watch.of(frame, self._used(named), self.region.bindings_hold)
            if isinstance(watch, str):
                return MayChange(span=self.region.span, name=watch)
            entry = entry._replace(watch=watch)
        entry = entry._replace(interpreter_ns=found.interpreter_ns)
        return self._unprofitable(entry) or entry

    def _used(self, named: dict[str, Any]) -> dict[str, Any]:
        """Return what the kernel reads, by name."""
        own = {self.plan.first, self.plan.last}
        return {name: named[name] for name in self.region.arguments if name not in own}

    def _values(self, entry: _Entry, first: int, end: int) -> tuple[object, ...]:
        """Return the arguments of the kernel's guard for a block of iterations."""
        step = self.plan.step
        limits = {
            self.plan.first: entry.start + first * step,
            self.plan.last: entry.start + end * step,
        }
        known = entry.named | limits
        return tuple(known[name] for name in self.region.arguments)

    def _foreseen(self, entry: _Entry) -> Admission | Reason:
        """Return what the guard says of the whole loop."""
        values = self._values(entry, 0, entry.over.count)
        found = self.region.foresee(values)
        if isinstance(found, Admission) and self._may_sum_long((*values, *found.data.values())):
            detail = "it has sums so long that loops inside it run in parallel"
            return NotProfitable(span=self.region.span, detail=detail)
        return found

    def _may_sum_long(self, values: tuple[object, ...]) -> bool:
        """Return whether a sum inside may be long; of lists, lengths are all that tells."""
        try:
            return self.region.sums.may_be_long(tuple(map(_with_shape, values)))
        except (AttributeError, IndexError):  # a list of rows
            return True

    def _unprofitable(self, entry: _Entry) -> Reason | None:
        """Return why it does not pay to split a loop; None where it may."""
        if self.region.options.backend != "auto":
            return None
        watched = 0 if entry.watch is None else entry.watch.nanoseconds
        scalars = sum(max(1, len(each.names)) for each in self.plan.parts)
        each = _ITEM_NS + (_TAKE_NS + watched) * len(self.plan.parts) + _VALUE_NS * scalars
        taken, spent = entry.interpreter_ns, each * entry.over.count
        if taken >= _LEAST_NS and taken > 2 * spent:
            return None
        detail = (
            f"it takes about {describe_seconds(taken / 1e9)} in the interpreter, "
            f"handing on what is computed ahead about {describe_seconds(spent / 1e9)}"
        )
        return NotProfitable(span=self.region.span, detail=detail)

    def _first_size(self, entry: _Entry) -> int:
        """Return how many iterations are computed at once, at first."""
        wanted = _FIRST_NS if self.plan.may_end else _BLOCK_NS
        each = max(1, entry.interpreter_ns // entry.over.count)
        return max(1, min(wanted // each, _LARGEST_BLOCK))

    # ------------------------------------------------------------------------ computed

    def computed(self, entry: _Entry, first: int, end: int) -> list[Any] | None:
        """Return what the parts come to in some iterations; None where nothing computes them."""
        for (rows,) in self.region.enter(*self._values(entry, first, end)):
            if isinstance(rows, list) and len(rows) == end - first:
                return rows
        return None


class _Listed(NamedTuple):
    """A list, as far as its length goes."""

    shape: tuple[int, ...]


def _with_shape(value: object) -> object:
    return _Listed((len(value),)) if isinstance(value, list | tuple) else value


def _cuts(plan: SplitRegion) -> tuple[slice | int | None, ...]:
    """Return where in a row the value of each part is; None: it is the row."""
    counts = [max(1, len(each.names)) for each in plan.parts]
    if sum(counts) == 1:
        return (None,)
    found: list[slice | int | None] = []
    position = 0
    for count in counts:
        found.append(position if count == 1 else slice(position, position + count))
        position += count
    return tuple(found)
