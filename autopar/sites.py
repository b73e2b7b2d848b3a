"""Where guards stand in a text, and what is asked there.

Before:  line 12, column 4: a loop over `a` and `n` that leaves `s`
After:   for s, in GUARD.enter(a, n): ...        GUARD is an `Asker`

Nouns of `rewrite` and of all that answers guards.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Final, Protocol, TypeAlias, final

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.passes.bound_names import Position

from .counted_loops import Counts
from .split_loops import SplitSite
from .stretched_loops import StretchSite

Returned: TypeAlias = tuple[tuple[object, ...], ...]


@final
class Unbound:
    """The type of `UNBOUND`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNBOUND"

    def __reduce__(self) -> str:
        return "UNBOUND"


# Passed for a name that has no value; returned for a name that keeps what it has, or has not.
UNBOUND: Final = Unbound()
_AWAKE: Iterator[bool] = iter(())  # for all that do not sleep: it stays empty


@dataclass(slots=True, kw_only=True, eq=False)
class Asker:
    """What calls `enter` at a site: the rewritten code, or another check that stands before."""

    enter: Callable[..., Returned]
    is_off: bool = False  # asking was in vain; only where it is `is_light`, or for a value
    sleeps: Iterator[bool] = _AWAKE  # then: true for each time that it is not asked either
    is_deep: bool = False  # then: it is not asked at all before the function's next call
    # The builtin, whatever the name means in the user's module. (A partial call of it as `sleeps`
    # takes twice as long.)
    goes_by: Callable[[Iterator[bool], bool], bool] = next

    def wake(self) -> None:
        """Ask again, but once alone where it was known to be in vain."""
        self.is_off, self.is_deep, self.sleeps = self.is_deep, False, _AWAKE


class Tires(Protocol):
    """What is asked about a loop, and stops asking where that is of no use."""

    def enter(self, *values: object) -> Returned:
        """Return what the region answers."""

    def answers(self, asker: Asker) -> None:
        """Take note of who asks."""


def times(count: int) -> Iterator[bool]:
    """Return what makes an asker sleep for so many times."""
    return itertools.repeat(object=True, times=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a region's guard goes and what it exchanges with the function."""

    line: int  # of the `for` statement in the file
    column: int
    arguments: tuple[str, ...]  # names whose values are passed to `enter`, as in the source
    results: tuple[str, ...]  # names assigned from what `enter` returned
    enter: Callable[..., Returned]  # () : run the original loop; ((v1, v2),): done, assign
    # Told who asks `enter`: it may put a quicker way to the same answers in its place.
    answers: Callable[[Asker], None] | None = None
    is_value: bool = False  # a comprehension, not a statement: `enter` gives ((value,),)
    # Places of `return` statements: `enter` gives the number of the one to run first, from 1.
    exits: tuple[Position, ...] = ()
    is_light: bool = False  # so short that asking may have to stop
    is_loop: bool = True  # no statement on whole arrays
    # Asked in the place of all this where the loop stands in another one, and may be short.
    inside: Tires | None = None
    statements: int = 1  # how many it stands for, one after the other
    is_returned: bool = False  # the last of them is a `return`: `enter` gives what it returns
    end: Position | None = None  # where an expression ends that is no comprehension
    counting: Counts | None = None  # told how many turns the interpreter makes
    # Asked for what remains of a `for` loop after some turns, a range, as its first argument.
    enter_rest: Callable[..., Returned] | None = None
    # Told that what it leaves on the device is settled around it; None: it leaves nothing there.
    keep: Callable[[], None] | None = None


AnySite: TypeAlias = Site | SplitSite | StretchSite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoration:
    """Which function definitions of a text are decorated, beneath the decorators they have."""

    positions: frozenset[Position]  # of the `def` keywords
    decorate: Callable[[FunctionType], object]
