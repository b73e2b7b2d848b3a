"""The order of a region's instances as a tree of loops, whoever found it.

for i: for j: S0      for i: S1
Turn(i, [Turn(j, [Run(S0)])]), Turn(i, [Run(S1)])
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from autopar.analysis.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The instances of some statements that have one iteration, in textual order."""

    atom: str  # stands for these statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A loop of an order."""

    # The time at which it runs an instance of each atom inside: affine, over the loop variables
    # of the source and parameters, in isl's notation.
    times: tuple[tuple[str, str], ...]
    is_coincident: bool  # carries nothing
    body: tuple[Tree, ...]
    # It counts these many values of the times as one; loops further inside tell them apart.
    block: int = 1
    # It may change places with the one directly around it.
    is_permutable: bool = False

    def time(self, atom: str) -> str:
        """Return the time of an instance of `atom`."""
        return dict(self.times)[atom]


Tree: TypeAlias = Turn | Run


def runs_of(body: tuple[Tree, ...]) -> Iterator[Run]:
    """Yield the leaves of `body`, in their order."""
    for each in body:
        match each:
            case Run():
                yield each
            case Turn():
                yield from runs_of(each.body)
