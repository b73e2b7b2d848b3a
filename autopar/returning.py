"""The guard of a region that `return` statements may leave: the interpreter runs them after it.

Before:  a region that leaves behind which `return` was reached, among what lives on
After:   an answer that begins with that number, 0 where there was none:

    match GUARD.enter(a, x):
        case ((0, i),):
            pass
        case ((1, i),):
            return i, a[i]        # the statement of the source
        case _:
            for i in range(n): ...

A pattern binds its names once all of it fits, and makes no new one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from autopar.analysis.model.chains import is_chain
from autopar.analysis.model.nouns import dataclass

Returned: TypeAlias = tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReturningGuard:
    """What stands before a region that may end in a `return` of the function."""

    results: tuple[str, ...]  # without what says which `return` it was
    counted: int  # where that is, among what the region leaves behind
    ask: Callable[..., Returned]

    def enter(self, *values: object) -> Returned:
        """Return what the region leaves behind if it was run, the number first, else ()."""
        returned = self.ask(*values)
        if not returned:
            return returned
        (left,) = returned
        return ((left[self.counted], *left[: self.counted], *left[self.counted + 1 :]),)


def guard_returning(
    results: tuple[str, ...], name: str, ask: Callable[..., Returned]
) -> ReturningGuard:
    """Return what stands before a region that leaves `results` behind, `name` among them."""
    return ReturningGuard(
        results=tuple(each for each in results if each != name),
        counted=results.index(name),
        ask=ask,
    )


def can_return(results: tuple[str, ...]) -> bool:
    """Return whether patterns can bind what a region leaves behind: names, and not `_`."""
    return not any(is_chain(each) or each == "_" for each in results)
