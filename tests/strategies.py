"""Hypothesis strategies: small random affine loop nests as source text, with arguments for them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.arguments import Array
from tests.families import draw_program
from tests.program import Program

T = TypeVar("T")

__all__ = ["OVERLAPS", "DrawnChoices", "RandomChoices", "argument_lists", "programs", "values"]

# Two views of one array; those of the last form interleave without sharing an element.
OVERLAPS: tuple[Callable[[Array], tuple[Array, Array]], ...] = (
    lambda base: (base, base),
    lambda base: (base[1:], base),
    lambda base: (base, base[1:]),
    lambda base: (base[2:], base[:-2]),
    lambda base: (base, base[::-1]),
    lambda base: (base, base[::2]),
    lambda base: (base.T, base[..., ::-1]),
    lambda base: (base[::2], base[1::2]),
)


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


@st.composite
def argument_lists(draw: st.DrawFn, program: Program) -> list[Any]:
    """Return a strategy for arguments of `program`; in a third, two arrays overlap, of one dtype and rank."""
    arguments: list[Any] = program.arguments(draw(values()))
    pairs = [
        (first, second)
        for first, a in enumerate(program.arrays)
        for second, b in enumerate(program.arrays)
        if first != second and (a.rank, a.dtype) == (b.rank, b.dtype)
    ]
    if pairs and draw(st.integers(0, 2)) == 2:
        first, second = draw(st.sampled_from(pairs))
        overlap = draw(st.sampled_from(OVERLAPS))
        arguments[first], arguments[second] = overlap(arguments[first])
    return arguments
