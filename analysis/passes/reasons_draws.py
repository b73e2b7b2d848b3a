"""Reasons of the family AP2 that concern loops which draw random numbers."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFirst(Reason):
    """A loop draws random numbers; they are drawn first, in their order, and the rest is parallel.

    Why it blocks: the numbers of a generator have an order, which is part of the result, so the
        loop as it stands has one. Where every iteration draws as many, with arguments that stay
        the same, they are drawn before the loop: the same numbers, from the same generator,
        which ends in the same state. What is left of the loop is analysed with a list in their
        place. Where a kernel does not take that, the generator gets its state back, and the
        interpreter runs the loop as it is.

    Example:
        for r in range(n):
            x = rng.normal(mu, s)
            y = rng.random()
            out[r] = x * x + y

    Use instead: nothing; or one call that draws an array, and a loop over that.
        for r in range(n):
            out[r] = x[r] * x[r] + y[r]

    Right to refuse: it refuses nothing but another order of the draws, which would give other
        numbers for the same seed.

    References: L'Ecuyer, Random Numbers for Simulation, Communications of the ACM 33(10), 1990.
    """

    code: ClassVar[str] = "AP218"
    rest: str  # the verdict on what is left: "parallel"

    @property
    def message(self) -> str:
        return f"Random numbers are drawn first, in their order; the rest is {self.rest}."


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawsInBetween(Reason):
    """A loop draws random numbers, and they cannot be drawn before it.

    Why it blocks: the numbers of a generator have an order, which is part of the result. They
        can be drawn first only if it is known before the loop how many it draws, in which order
        and with which arguments: not under an `if`, not in a loop that may be left early, and
        not with arguments that the loop computes.

    Example:
        for r in range(n):
            if a[r] > 0.5:
                a[r] = rng.random()

    Use instead: a number for every iteration, drawn before the loop. The stream is another one
        then.
        x = rng.random(n)
        for r in range(n):
            if a[r] > 0.5:
                a[r] = x[r]

    Right to refuse: wherever the same seed is to give the same numbers: whether an earlier
        iteration draws decides which number comes next.

    References: L'Ecuyer, Random Numbers for Simulation, Communications of the ACM 33(10), 1990.
    """

    code: ClassVar[str] = "AP219"
    detail: str  # a clause: "they are drawn in several loops"

    @property
    def message(self) -> str:
        return f"The loop draws random numbers that cannot be drawn before it: {self.detail}."
