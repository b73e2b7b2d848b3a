"""Hypothesis strategies: small random affine loop nests as source text, with arguments for them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

from hypothesis import strategies as st

from tests.families import draw_program
from tests.program import Program

T = TypeVar("T")

__all__ = ["DrawnChoices", "RandomChoices", "programs", "values"]


class DrawnChoices:
    """Choices that Hypothesis takes, records and shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return self._draw(st.integers(low, high))

    def one_of(self, options: Sequence[T]) -> T:
        """Return one of the options, the first as the simplest."""
        return options[self._draw(st.integers(0, len(options) - 1))]


class RandomChoices:
    """Choices of a seeded random number generator."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return self._generator.randint(low, high)

    def one_of(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return self._generator.choice(options)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Return a strategy for small loop nests."""
    return draw_program(DrawnChoices(draw))


def values() -> st.SearchStrategy[Mapping[str, int]]:
    """Return a strategy for values of n, m and k, with empty loops and offsets beyond the range."""
    return st.fixed_dictionaries(
        {"n": st.integers(-1, 8), "m": st.integers(-1, 8), "k": st.integers(-9, 9)}
    )
