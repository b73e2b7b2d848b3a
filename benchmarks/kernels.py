"""The kernels that are measured: each a name, its forms, its arguments and its sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from . import by_hand, loops, vectorised
from .loops import Array, Form

Arguments = tuple[float | Array, ...]
Maker = Callable[[int, np.random.Generator], Arguments]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large a kernel is run."""

    full: int  # of the measurement
    quick: int  # of the measurement under --quick
    part: int  # of the part that CPython is timed on
    rank: int  # the work grows with this power of the size


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One kernel in all its forms."""

    name: str
    plain: Form  # loops: run by CPython, and given to autopar
    by_hand: Form  # njit(parallel=True)
    vectorised: Form | None  # None: no whole-array form
    arguments: Maker  # size -> arguments, the same for every form
    outputs: tuple[int, ...]  # positions of the arrays it writes
    sizes: Sizes
    tolerance: float = 0.0  # relative to the largest value; 0: the same bits


def vectors(count: int, dtype: str = "float64") -> Maker:
    """Maker of `count` vectors with entries in [-1, 1)."""

    def make(size: int, random: np.random.Generator) -> Arguments:
        return tuple(random.uniform(-1.0, 1.0, size).astype(dtype) for _ in range(count))

    return make


def cubes(count: int, rank: int) -> Maker:
    """Maker of `count` arrays of shape (size,) * rank with entries in [-1, 1)."""

    def make(size: int, random: np.random.Generator) -> Arguments:
        return tuple(random.uniform(-1.0, 1.0, (size,) * rank) for _ in range(count))

    return make


def scalar_and_vectors(size: int, random: np.random.Generator) -> Arguments:
    """A Python float and two vectors."""
    return (1.0e-3, *vectors(2)(size, random))


def integer_vectors(size: int, random: np.random.Generator) -> Arguments:
    """Three int64 vectors with entries of at most a thousand."""
    return tuple(random.integers(-1000, 1000, size) for _ in range(3))


def vectors_and_square(size: int, random: np.random.Generator) -> Arguments:
    """Two vectors and a square matrix."""
    return (*vectors(2)(size, random), *cubes(1, 2)(size, random))


VECTOR = Sizes(full=4_000_000, quick=1_000_000, part=20_000, rank=1)
PLANE = Sizes(full=2000, quick=800, part=120, rank=2)
PRODUCT = Sizes(full=500, quick=200, part=28, rank=3)
SPACE = Sizes(full=200, quick=100, part=24, rank=3)
REORDERED = 1e-12


def elementwise(name: str, make: Maker, output: int, sizes: Sizes) -> Kernel:
    """The kernel `name` of the three modules, the same bits in every form."""
    return Kernel(
        name=name,
        plain=getattr(loops, name),
        by_hand=getattr(by_hand, name),
        vectorised=getattr(vectorised, name),
        arguments=make,
        outputs=(output,),
        sizes=sizes,
    )


def product(name: str, hand: Form, whole: Form, count: int) -> Kernel:
    """A kernel of `count` square matrices that sums into the last of them."""
    return Kernel(
        name=name,
        plain=getattr(loops, name),
        by_hand=hand,
        vectorised=whole,
        arguments=cubes(count, 2),
        outputs=(count - 1,),
        sizes=PRODUCT,
        tolerance=REORDERED,
    )


KERNELS = (
    elementwise("saxpy", scalar_and_vectors, 2, VECTOR),
    elementwise("jacobi", cubes(2, 2), 1, PLANE),
    product("matmul_ikj", by_hand.matmul_ikj, vectorised.matmul, 3),
    product("matmul_scalar", by_hand.matmul_ijk, vectorised.matmul, 3),
    product("matmul_element", by_hand.matmul_ijk, vectorised.matmul, 3),
    elementwise("polynomial", vectors(2), 1, VECTOR),
    elementwise("roots", vectors(3), 2, VECTOR),
    replace(elementwise("functions", vectors(3), 2, VECTOR), tolerance=REORDERED),
    replace(elementwise("hyperbolic", vectors(2), 1, VECTOR), tolerance=REORDERED),
    elementwise("single_precision", vectors(2, "float32"), 1, VECTOR),
    elementwise("integers", integer_vectors, 2, VECTOR),
    elementwise("triangular_update", vectors_and_square, 2, PLANE),
    product("symmetric_rank_k", by_hand.symmetric_rank_k, vectorised.symmetric_rank_k, 2),
    elementwise("stencil_3d", cubes(2, 3), 1, SPACE),
    elementwise("transpose_add", cubes(3, 2), 2, PLANE),
    elementwise("every_third", vectors(2), 1, VECTOR),
    elementwise("odd_from_even", vectors(1), 0, VECTOR),
)
