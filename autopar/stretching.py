"""At a call: a loop of which kernels run the turns between statements of the interpreter's.

Before:  for t in range(T): <sweeps>; if t % 100 == 0: print(t)
After:   kernel: turns 0 to 0; interpreter: print(0)
         kernel: turns 1 to 100; interpreter: print(100), ...

Each question runs as many turns as follow one another without the interpreter. How many that are
is known of the last one, so a loop that prints in each turn soon does without.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from itertools import islice

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import StretchRegion
from autopar.codegen.reasons import NotProfitable

from .dispatch import Region
from .sites import Asker, Returned, Site, times
from .stretched_loops import StretchSite

# Turns that go by before a loop asks again that was refused: as many as one question is taken to
# be for, and more where it was in vain this often.
_SLEPT, _SLEPT_LONG, _MOST_MISSES = 15, 255, 64


@dataclass(slots=True, kw_only=True, eq=False)
class _Run:
    """A `for` loop that is running."""

    over: range
    iterator: Iterator[int]
    turn: int = 0  # the value of its variable


def short_sums(region: Region) -> Callable[..., Returned]:
    """Return what asks `region`, unless it would add so much that the loops inside go first.

    These add in an order of their own then, whoever runs the turns between.
    """

    def ask(*values: object) -> Returned:
        try:
            is_long = region.sums.may_be_long(values)
        except (AttributeError, IndexError, TypeError):  # not what the guard takes, or a list
            is_long = region.sums.bound is not None
        if is_long:
            detail = "it has sums so long that loops inside it run in parallel"
            return region.leave(NotProfitable(span=region.span, detail=detail))
        return region.enter(*values)

    return ask


def stretch_site(plan: StretchRegion, region: Region, site: Site) -> StretchSite:
    """Return where a loop runs in stretches; `site` is where its region would be asked."""
    stretching = Stretching(plan=plan, region=region, site=site)
    return StretchSite(
        line=site.line,
        column=site.column,
        arguments=stretching.arguments,
        results=site.results,
        exits=site.exits,
        stretcher=stretching,
    )


@dataclass(slots=True, kw_only=True, eq=False)
class Stretching:
    """One loop of one function that runs in stretches."""

    plan: StretchRegion
    region: Region
    site: Site
    asker: Asker | None = None  # what the function asks
    misses: int = 0  # in a row
    _runs: dict[int, _Run] = field(default_factory=dict)  # by frame
    _left: dict[int, tuple[object, ...]] = field(default_factory=dict)  # the same

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names whose values `enter` takes."""
        own = {self.plan.first, self.plan.last}
        return tuple(name for name in self.site.arguments if name not in own)

    # ------------------------------------------------------------ asked by the function

    def turns(self, iterable: Iterable[object]) -> Iterable[object]:
        """Return what the loop runs over: the same, but turns that were run are left out."""
        if type(iterable) is not range or iterable.step != self.plan.step:
            return iterable
        if self.region.counting is not None:
            self.region.counting.factor = 1.0  # nothing is known of this one
        run = _Run(over=iterable, iterator=iter(iterable))
        return self._iterations(id(sys._getframe(1)), run)  # noqa: SLF001  # the loop that asks

    def _iterations(self, key: int, run: _Run) -> Iterator[int]:
        self._runs[key] = run
        try:
            for turn in run.iterator:
                run.turn = turn
                yield turn
        finally:
            if self._runs.get(key) is run:
                del self._runs[key]

    def enter(self, *values: object) -> int:
        """Return where the interpreter goes on: 0 after the loop, -1 where nothing was run."""
        key = id(sys._getframe(1))  # noqa: SLF001  # as in turns
        run = self._runs.get(key)
        if run is None and self.plan.variable is not None:
            return self._missed()
        before = self.region.interpreted_ns
        for number, *left in self.site.enter(*self._shown(values, run)):
            assert isinstance(number, int)  # our own count
            if run is not None:
                self._go_on(run, left)
            self._left[key] = tuple(left)
            self.misses = 0
            if self.asker is not None:
                self.asker.is_off = False
            return number
        if self.region.interpreted_ns > before:
            self.misses = 0  # it only waits for its compilation
        return self._missed()

    def left(self) -> tuple[object, ...]:
        """Return what the turns left behind that `enter` ran."""
        return self._left.pop(id(sys._getframe(2)))  # noqa: SLF001  # of who asks our guard

    # ------------------------------------------------------------------------- decided

    def _shown(self, values: tuple[object, ...], run: _Run | None) -> tuple[object, ...]:
        """Return the arguments of the region."""
        if run is None:
            return values
        given = iter(values)
        limits = {self.plan.first: run.turn, self.plan.last: run.over.stop}
        names = self.site.arguments
        return tuple([limits[name] if name in limits else next(given) for name in names])

    def _go_on(self, run: _Run, left: list[object]) -> None:
        """Let a loop go on with the turn after those that were run."""
        variable = self.plan.variable
        assert variable is not None  # it is a `for` loop
        last = left[self.site.results.index(variable)]
        assert isinstance(last, int)  # our own count
        made = (last - run.turn) // self.plan.step
        run.turn = last
        next(islice(run.iterator, made, made), None)
        if self.region.counting is not None:
            self.region.counting.note(made + 1)

    def _missed(self) -> int:
        """Take note that a turn was refused."""
        self.misses += 1
        if self.asker is not None:
            slept = _SLEPT if self.misses < _MOST_MISSES else _SLEPT_LONG
            self.asker.sleeps = times(slept)
            self.asker.is_off = True
        return -1
