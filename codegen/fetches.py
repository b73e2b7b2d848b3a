"""What an innermost loop whose stores pass the caches asks for before it is read.

Before:  for j: v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
After:   once a row of some iterations: u[i + 1, j] of two rows later is asked for

A processor finds out by itself what is read next, but not across the pages of 4 kB, and only so
far ahead. (Software prefetching: Mowry, Lam, Gupta, Design and evaluation of a compiler algorithm
for prefetching, ASPLOS 1992; we take one place for those that follow each other, the *leader*, as
they take the leading reference of a group, but ask once a row instead of unrolling the loop, and
as far ahead as was measured, `codegen.ahead`.) Places that differ in the last two subscripts
follow each other within two rows of the array, which the caches hold; others have a leader of
their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Load, Store

from .integers import linear, rename
from .kernel import Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A place that a loop walks along first of all that follow each other."""

    instance: Instance
    place: Load | Store


def leaders(walked: Iterable[tuple[Load | Store, Instance]]) -> tuple[Fetched, ...]:
    """Return the first of places that follow each other, in the order of the text."""
    found: dict[object, tuple[tuple[int, ...], Fetched]] = {}
    for place, instance in walked:
        forms = [_form(each, instance) for each in place.indices]  # type: ignore[arg-type]  # the caller looked: none is computed
        constants = tuple(constant for _, constant in forms)
        group = (place.array, tuple(terms for terms, _ in forms), constants[:-2])
        known = found.get(group)
        if known is None or constants > known[0]:
            found[group] = (constants, Fetched(instance=instance, place=place))
    return tuple(fetched for _, fetched in found.values())


def _form(index: Expression, instance: Instance) -> tuple[frozenset[tuple[Expression, int]], int]:
    """Return the terms of a subscript and its constant."""
    terms, constant = linear(rename(index, dict(instance.iterators)))
    return frozenset(terms.items()), constant
