"""The guard of a region in which names of arrays change places: rebinds them after it.

Before:  a region that leaves behind the number of its turns      After:  one that leaves u and v

The region itself never moves an array: it counts turns (`analysis.passes.exchanges`). What the
names stand for then is found among the values that the guard was given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from autopar.analysis.model.loop_ir import Exchanged
from autopar.analysis.model.nouns import dataclass

from .rewrite import UNBOUND

Returned: TypeAlias = tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExchangeGuard:
    """What stands before a region that counts the turns in which names change places."""

    arguments: tuple[str, ...]  # those of the region, then names that only change places
    results: tuple[str, ...]
    orders: tuple[tuple[int, ...], ...]  # which arguments the last results are, by turns
    counted: int  # the number of turns, among what the region leaves behind
    taken: int  # how many arguments the region takes
    ask: Callable[..., Returned]

    def enter(self, *values: object) -> Returned:
        """Return what the region leaves behind if it was run, else ()."""
        if any(value is UNBOUND for value in values[self.taken :]):
            return ()
        returned = self.ask(*values[: self.taken])
        if not returned:
            return returned
        (left,) = returned
        turns = left[self.counted]
        assert isinstance(turns, int)  # our own count
        order = self.orders[turns % len(self.orders)]
        kept = (*left[: self.counted], *left[self.counted + 1 :])
        return ((*kept, *(values[place] for place in order)),)


def guard_exchanged(
    names: tuple[tuple[str, ...], tuple[str, ...]],
    exchanged: Exchanged,
    ask: Callable[..., Returned],
) -> ExchangeGuard:
    """Return what stands before a region; `names` are those it takes and those it leaves behind."""
    taken, left = names
    # What a name stands for may be an array that no name stands for at the end.
    wanted = (each for order in exchanged.orders for each in order)
    arguments = tuple(dict.fromkeys((*taken, *wanted)))
    places = {name: number for number, name in enumerate(arguments)}
    return ExchangeGuard(
        arguments=arguments,
        results=(*(name for name in left if name != exchanged.turns), *exchanged.names),
        orders=tuple(tuple(places[name] for name in order) for order in exchanged.orders),
        counted=left.index(exchanged.turns),
        taken=len(taken),
        ask=ask,
    )
