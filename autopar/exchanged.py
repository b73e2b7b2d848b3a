"""The guard of a region in which names move from array to array: rebinds them after it.

Before:  a region that leaves behind the number of its turns      After:  one that leaves u and v

The region itself never moves an array: it counts turns (`analysis.passes.exchanges`). What the
names stand for then is found among the values that the guard was given, and the arrays that it
made itself: a region in which each turn makes a new array is given some that last for all turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from autopar.analysis.model.loop_ir import Exchanged, Extent, Fresh, Name, walk_expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.text import python_text

from .own_builtins import defined
from .sites import UNBOUND

Returned: TypeAlias = tuple[tuple[object, ...], ...]
# The types of a shape that is one for every function of NumPy's.
_INTEGERS = frozenset({int, *(np.dtype(each).type for each in "bhilqBHILQ")})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExchangeGuard:
    """What stands before a region that counts the turns in which names move."""

    arguments: tuple[str, ...]  # those of the region that are given, then others that are needed
    results: tuple[str, ...]
    needed: tuple[int, ...]  # arguments that the region does not ask of, but that must be bound
    makers: tuple[Callable[..., object], ...]  # of the arrays it is given besides, in order
    taken: tuple[int, ...]  # what the region is given: arguments, then what was made
    # What the last results are after 0, 1, ... turns, as `taken`; None: what they were.
    orders: tuple[tuple[int | None, ...], ...]
    again: int  # the number of turns with which the orders begin again
    counted: int  # the number of turns, among what the region leaves behind
    ask: Callable[..., Returned]

    def enter(self, *values: object) -> Returned:
        """Return what the region leaves behind if it was run, else ()."""
        if any(values[place] is UNBOUND for place in self.needed):
            return ()
        known = list(values)
        for maker in self.makers:
            made = maker(*values)
            if made is None:
                return ()
            known.append(made)
        returned = self.ask(*(known[place] for place in self.taken))
        if not returned:
            return returned
        (left,) = returned
        turns = left[self.counted]
        assert isinstance(turns, int)  # our own count
        if turns >= len(self.orders):
            turns = self.again + (turns - self.again) % (len(self.orders) - self.again)
        kept = (*left[: self.counted], *left[self.counted + 1 :])
        now = (UNBOUND if place is None else known[place] for place in self.orders[turns])
        return ((*kept, *now),)


def guard_exchanged(
    names: tuple[tuple[str, ...], tuple[str, ...]],
    exchanged: Exchanged,
    ask: Callable[..., Returned],
) -> ExchangeGuard:
    """Return what stands before a region; `names` are those it takes and those it leaves behind."""
    taken, left = names
    fresh = tuple(each.name for each in exchanged.fresh)
    given = tuple(name for name in taken if name not in fresh)
    # What a name stands for may be an array that no name stood for in the beginning.
    stood = {
        (turn, place): name if name and (turn or not exchanged.fresh) else None
        for turn, order in enumerate(exchanged.orders)
        for place, name in enumerate(order)
    }
    makes = tuple(name for each in exchanged.fresh for name in _names(each))
    arguments = tuple(dict.fromkeys((*given, *makes, *exchanged.needed)))
    others = tuple(name for name in arguments if name not in given)
    places = {name: number for number, name in enumerate((*arguments, *fresh))}
    return ExchangeGuard(
        arguments=arguments,
        results=(*(name for name in left if name != exchanged.turns), *exchanged.names),
        needed=tuple(places[name] for name in others),
        makers=tuple(_maker(each, places) for each in exchanged.fresh),
        taken=tuple(places[name] for name in taken),
        orders=tuple(
            tuple(
                None if (name := stood[turn, place]) is None else places[name]
                for place in range(len(exchanged.names))
            )
            for turn in range(len(exchanged.orders))
        ),
        again=exchanged.again,
        counted=left.index(exchanged.turns),
        ask=ask,
    )


def _names(fresh: Fresh) -> Iterator[str]:
    """Yield the names that say what an array looks like."""
    if fresh.like is not None:
        yield fresh.like
    for extent in fresh.shape:
        for leaf in walk_expression(extent):
            match leaf:
                case Name(name=name) | Extent(array=name):
                    yield name
                case _:
                    pass


def _maker(fresh: Fresh, places: dict[str, int]) -> Callable[..., object]:
    """Return what makes an array from the arguments of a guard; None where it may not.

    What is wrong with its shape, the interpreter finds out itself, if it ever gets there.
    """
    names = tuple(dict.fromkeys(_names(fresh)))
    arrays = {fresh.like} | {
        leaf.array for e in fresh.shape for leaf in walk_expression(e) if isinstance(leaf, Extent)
    }
    order: Any = fresh.order
    dtype = None if fresh.dtype is None else np.dtype(fresh.dtype)
    shape = "".join(f"{python_text(each)}, " for each in fresh.shape)
    extents = defined(f"def shape({', '.join(names)}): return ({shape})", "shape", {})["shape"]

    def make(*values: object) -> object:
        given: dict[str, Any] = {name: values[places[name]] for name in names}
        for name, value in given.items():
            if name not in arrays and type(value) not in _INTEGERS:
                return None
            if name in arrays and type(value) is not np.ndarray:
                return None
        try:
            if fresh.like is not None:
                return np.empty_like(given[fresh.like], dtype, order)
            return np.empty(extents(**given), dtype, order)
        except (ArithmeticError, IndexError, MemoryError, TypeError, ValueError):
            return None

    return make
