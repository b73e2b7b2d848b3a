"""The guard of a region that takes attribute chains: reads them, and asks the region.

Before:  a region of the names `selfꞏu`, `selfꞏn`      After:  the same of `self`, which reads
         and `k`                                               self.u and self.n, then asks it

The chains are read once, when the region is entered. Whatever may run code, or reach an attribute
that the region assigns in two ways, leaves the loop to the interpreter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from autopar.analysis.facts.reasons_objects import AttributeNotPlain, AttributesAreOne
from autopar.analysis.model.chains import KEY, base_of, chain, dotted, is_chain, parts_of
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import Span
from autopar.analysis.passes.scopes import mangle

from .attributes import (
    NotPlainError,
    check_assignable,
    dictionary_of,
    item_of,
    place_of,
    value_of,
)
from .sites import Asker

Returned: TypeAlias = tuple[tuple[object, ...], ...]


class _Step(NamedTuple):
    """One attribute on the way along some chain."""

    name: str  # of the chain as far as here
    holder: int  # the place of what has it, among the values known before
    attribute: str  # as the compiler stores it, or the key
    is_assigned: bool
    is_key: bool  # of a dict


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChainGuard:
    """What stands before a region that takes chains: takes variables, in their place."""

    arguments: tuple[str, ...]  # the variables
    steps: tuple[_Step, ...]  # in an order in which they can be read
    taken: tuple[int, ...]  # which values the region takes: variables first, then steps
    span: Span
    is_watchful: bool  # the region assigns what may be reached as an attribute too
    asker: Asker
    leave: Callable[[Reason], Returned]  # records why the interpreter runs the loop
    # Whether what the region takes is so little that it is left to the interpreter at once.
    is_left: Callable[[tuple[object, ...]], bool] | None = None

    def enter(self, *values: object) -> Returned:
        """Return what the region leaves behind if it was run, else ()."""
        known = list(values)
        try:
            for step in self.steps:
                read = item_of if step.is_key else value_of
                known.append(read(known[step.holder], step.attribute))  # one reads another
            taken = tuple([known[each] for each in self.taken])
            if self.is_watchful:
                if self.is_left is not None and self.is_left(taken):
                    return ()
                reason = self._reached_twice(known)
                if reason is not None:
                    return self.leave(reason)
        except NotPlainError as error:
            failed = self.steps[min(len(known) - len(values), len(self.steps) - 1)]
            return self.leave(self._not_plain(failed, error))
        return self.asker.enter(*taken)

    def _not_plain(self, step: _Step, error: NotPlainError) -> Reason:
        return AttributeNotPlain(
            span=self.span, attribute=dotted(step.name), detail=str(error.args[0])
        )

    def _reached_twice(self, known: list[Any]) -> Reason | None:
        """Return why what the region assigns may be read in another way too."""
        variables = _users_globals()
        places: dict[tuple[int, str], _Step] = {}
        for step in self.steps:
            holder = known[step.holder]
            if (holder if step.is_key else dictionary_of(holder)) is variables:
                detail = "it is a variable of the module too"
                return self._not_plain(step, NotPlainError(detail))
            if step.is_assigned:
                try:
                    check_assignable(holder, step.attribute)
                except NotPlainError as error:
                    return self._not_plain(step, error)
            name = step.attribute
            place = (id(holder), name) if step.is_key else place_of(holder, name)
            other = places.setdefault(place, step)
            if other is not step and (other.is_assigned or step.is_assigned):
                first, second = dotted(other.name), dotted(step.name)
                return AttributesAreOne(span=self.span, first=first, second=second)
        return None


def _users_globals() -> dict[str, Any]:
    """Return the global variables of the function that asks."""
    frame = sys._getframe(1)  # noqa: SLF001 -- the caller's variables are its business
    while str(frame.f_globals.get("__name__")).partition(".")[0] == "autopar" and frame.f_back:
        frame = frame.f_back
    return frame.f_globals


def has_chains(names: tuple[str, ...]) -> bool:
    """Return whether some of `names` are chains."""
    return any(map(is_chain, names))


def guard_chains(
    names: tuple[tuple[str, ...], tuple[str, ...]],
    class_name: str | None,
    span: Span,
    asker: Asker,
    leave: Callable[[Reason], Returned],
    is_left: Callable[[tuple[object, ...]], bool] | None = None,
) -> ChainGuard:
    """Return what stands before a region; `names` are those it takes and those it leaves behind.

    `class_name` is that of the class around the function, for private names.
    """
    taken, left = names
    assigned = frozenset(filter(is_chain, left))
    wanted = tuple(dict.fromkeys((*taken, *assigned)))
    variables = tuple(dict.fromkeys(map(base_of, wanted)))
    places = {name: number for number, name in enumerate(variables)}
    steps: list[_Step] = []
    for name in filter(is_chain, wanted):
        base, *attributes = parts_of(name)
        for length in range(1, len(attributes) + 1):
            here = chain(base, tuple(attributes[:length]))
            if here not in places:
                holder = places[chain(base, tuple(attributes[: length - 1]))]
                word = attributes[length - 1]
                is_key = word.startswith(KEY)
                attribute = word.removeprefix(KEY) if is_key else mangle(word, class_name)
                steps.append(_Step(here, holder, attribute, here in assigned, is_key))
                places[here] = len(places)
    return ChainGuard(
        arguments=variables,
        steps=tuple(steps),
        taken=tuple(places[name] for name in taken),
        span=span,
        is_watchful=bool(left),
        asker=asker,
        leave=leave,
        is_left=is_left,
    )


def class_around(qualified_name: str) -> str | None:
    """Return the innermost class around a function: `C` of `C.f.<locals>.g`."""
    *around, _ = qualified_name.split(".")
    after = [*around, ""][1:]
    classes = [
        name
        for name, following in zip(around, after, strict=True)
        if "<locals>" not in {name, following}
    ]
    return classes[-1] if classes else None
