"""A drawn program: source text of a small loop nest, and the arguments it can be called with."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from tests.arguments import Array

T = TypeVar("T")

DTYPES = ("float64", "float32", "int64", "int32", "uint8", "bool", "complex128")
MIXABLE = ("float64", "float32", "int64", "int32")  # each can be stored in each

# Values of n, m, k at which a program is classified: loops over n have several iterations, offsets lie
# inside, at and beyond the range, on both sides.
BOX: tuple[Mapping[str, int], ...] = tuple(
    {"n": n, "m": m, "k": k}
    for n, m, k in [
        (8, 8, 1),
        (9, 2, 0),
        (8, 14, 12),
        (10, 7, 2),
        (9, 0, -2),
        (8, 9, -12),
        (9, 3, 3),
        (8, 1, 6),
        (10, 12, -1),
        (8, 4, 4),
    ]
)


class Choices(Protocol):
    """Where a generator takes its decisions from: a random number generator, or Hypothesis."""

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""

    def one_of(self, options: Sequence[T]) -> T:
        """Return one of the options; the first is the simplest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySpec:
    """One array parameter."""

    name: str
    rank: int
    dtype: str
    listed: str = ""  # "python", "numpy": a list, or a list of lists, of such numbers

    def build(self, extent: int) -> Array | list[Any]:
        """Return a new array of `rank` equal extents, its elements distinct as far as the dtype allows."""
        array = self._array(extent)
        if not self.listed:
            return array
        if self.listed == "python":
            found: list[Any] = array.tolist()
            return found
        return [list(row) for row in array] if self.rank > 1 else list(array)

    def _array(self, extent: int) -> Array:
        size = extent**self.rank
        # zlib: the builtin hash of a string differs from process to process
        mixed = np.random.default_rng(zlib.crc32(self.name.encode())).permutation(size)
        match self.dtype:
            case "bool":
                values = mixed % 3 == 0
            case "uint8":
                values = mixed % 251 + 1
            case "complex128":
                values = mixed * 0.375 + 1j * (mixed % 11)
            case "float64" | "float32":
                values = mixed * 0.375 + 0.5
            case _:
                values = mixed + 1
        return values.astype(self.dtype).reshape((extent,) * self.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A function `kernel` over loops, and how to call it."""

    source: str
    family: str  # the name of the family of the first nest
    arrays: tuple[ArraySpec, ...]
    numbers: tuple[str, ...]  # parameters after the arrays, all integers
    is_roomy: bool  # False: arrays may be too small, so that IndexError happens

    def arguments(self, values: Mapping[str, int]) -> list[object]:
        """Return fresh arguments: arrays that fit `values` (unless not roomy), then the numbers themselves."""
        extents = {rank: self._extent(rank, values) for rank in (1, 2)}
        arrays = [spec.build(extents[spec.rank]) for spec in self.arrays]
        return [*arrays, *(values[name] for name in self.numbers)]

    def _extent(self, rank: int, values: Mapping[str, int]) -> int:
        largest = max(1, values["n"], values["m"], abs(values["k"]))
        if not self.is_roomy:
            return largest + 1
        return 10 * largest + 24 if rank == 1 else 2 * largest + 18
