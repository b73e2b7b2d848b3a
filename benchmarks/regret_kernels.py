"""Kernels of the regret grid: none of them is calibrated on, tested or tuned for.

Each is plain loops over the arguments that its maker gives for about so many iterations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .kernels import Arguments
from .loops import Array, Floats, Form, Integers, Singles


def damped(x: Floats, y: Floats) -> None:
    """A weighted difference of two vectors."""
    for i in range(x.shape[0]):
        y[i] = 0.75 * y[i] - 0.25 * x[i]


def lengths(x: Floats, y: Floats, out: Floats) -> None:
    """Lengths of vectors of two components."""
    for i in range(x.shape[0]):
        out[i] = math.sqrt(x[i] * x[i] + y[i] * y[i])


def blurred(u: Floats, v: Floats) -> None:
    """A stencil of nine points."""
    for i in range(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            v[i, j] = 0.5 * u[i, j] + 0.0625 * (
                u[i - 1, j - 1] + u[i - 1, j] + u[i - 1, j + 1] + u[i, j - 1]
                + u[i, j + 1] + u[i + 1, j - 1] + u[i + 1, j] + u[i + 1, j + 1]
            )  # fmt: skip


def applied(a: Floats, x: Floats, y: Floats) -> None:
    """A matrix applied to a vector."""
    for i in range(a.shape[0]):
        y[i] = 0.0
        for j in range(a.shape[1]):
            y[i] = y[i] + a[i, j] * x[j]


def lower_outer(x: Floats, y: Floats, a: Floats) -> None:
    """The lower triangle of an outer product."""
    for i in range(a.shape[0]):
        for j in range(i + 1):
            a[i, j] = a[i, j] + x[i] * y[j]


def relaxed(b: Floats, a: Floats) -> None:
    """A recurrence: each element waits for the one before."""
    for i in range(1, a.shape[0]):
        a[i] = 0.5 * a[i - 1] + b[i]


def decayed(x: Floats, out: Floats) -> None:
    """A function of NumPy's for each element."""
    for i in range(x.shape[0]):
        out[i] = 2.0 * np.exp(-x[i])


def rectified(x: Singles, out: Singles) -> None:
    """A choice for each element, in single precision."""
    for i in range(x.shape[0]):
        if x[i] > 0.25:
            out[i] = x[i] - x[i] * x[i]
        else:
            out[i] = 0.0


def gathered(k: Integers, x: Floats, out: Floats) -> None:
    """Elements at places that are data."""
    for i in range(k.shape[0]):
        out[i] = x[k[i]] + 1.0


def across(a: Floats, b: Floats) -> None:
    """A matrix read along its columns."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            b[i, j] = a[j, i] - b[i, j]


def weighted(x: Floats, y: Floats, out: Floats) -> None:
    """A sum over two vectors, kept in an element."""
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * y[i]
    out[0] = s


def contracted(a: Floats, b: Floats, c: Floats) -> None:
    """A product of three loops over a cube."""
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            for k in range(a.shape[1]):
                c[i, j] = c[i, j] + a[i, k] * b[j, k]


def stepped(u: Floats, v: Floats) -> None:
    """Six steps of diffusion between two vectors."""
    for _ in range(3):
        for i in range(1, u.shape[0] - 1):
            v[i] = 0.5 * u[i] + 0.25 * (u[i - 1] + u[i + 1])
        for i in range(1, u.shape[0] - 1):
            u[i] = 0.5 * v[i] + 0.25 * (v[i - 1] + v[i + 1])


def folded(k: Integers, m: Integers) -> None:
    """Integer arithmetic with a remainder."""
    for i in range(k.shape[0]):
        m[i] = (7 * k[i] + 3) % 101 + m[i]


def apart(p: Floats, d: Floats) -> None:
    """Squared distances between all pairs of points of three coordinates."""
    for i in range(p.shape[0]):
        for j in range(p.shape[0]):
            s = 0.0
            for k in range(3):
                s += (p[i, k] - p[j, k]) * (p[i, k] - p[j, k])
            d[i, j] = s


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One kernel of the grid."""

    function: Form
    make: Callable[[int, np.random.Generator], Arguments]  # for about so many iterations
    outputs: tuple[int, ...]  # positions of the arrays it writes
    # Its sums are long in the larger cells: then they are added in another order.
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return self.function.__name__


def _uniform(random: np.random.Generator, *shape: int) -> Array:
    return random.uniform(0.0, 1.0, shape)


def _root(work: int, rank: int) -> int:
    return max(1, round(math.pow(work, 1 / rank)))


def _lines(count: int) -> Callable[[int, np.random.Generator], Arguments]:
    return lambda work, random: tuple(_uniform(random, work) for _ in range(count))


def _bordered(work: int, random: np.random.Generator) -> Arguments:
    side = _root(work, 2) + 2
    return _uniform(random, side, side), np.zeros((side, side))


def _squares(work: int, random: np.random.Generator) -> Arguments:
    side = _root(work, 2)
    return _uniform(random, side, side), _uniform(random, side, side)


def _matrix_and_lines(work: int, random: np.random.Generator) -> Arguments:
    side = _root(work, 2)
    return _uniform(random, side, side), _uniform(random, side), np.zeros(side)


def _triangle(work: int, random: np.random.Generator) -> Arguments:
    side = _root(2 * work, 2)
    return _uniform(random, side), _uniform(random, side), np.zeros((side, side))


def _singles(work: int, random: np.random.Generator) -> Arguments:
    return _uniform(random, work).astype(np.float32), np.zeros(work, np.float32)


def _places(work: int, random: np.random.Generator) -> Arguments:
    return random.permutation(work), _uniform(random, work), np.zeros(work)


def _line_and_one(work: int, random: np.random.Generator) -> Arguments:
    return _uniform(random, work), _uniform(random, work), np.zeros(1)


def _cube(work: int, random: np.random.Generator) -> Arguments:
    side = _root(work, 3)
    return _uniform(random, side, side), _uniform(random, side, side), np.zeros((side, side))


def _steps(work: int, random: np.random.Generator) -> Arguments:
    length = 2 + max(1, work // 6)
    return _uniform(random, length), np.zeros(length)


def _integers(work: int, random: np.random.Generator) -> Arguments:
    return random.integers(0, 1000, work), random.integers(0, 1000, work)


def _points(work: int, random: np.random.Generator) -> Arguments:
    count = _root(max(1, work // 3), 2)
    return _uniform(random, count, 3), np.zeros((count, count))


HELD = (
    Held(function=damped, make=_lines(2), outputs=(1,)),
    Held(function=lengths, make=_lines(3), outputs=(2,)),
    Held(function=blurred, make=_bordered, outputs=(1,)),
    Held(function=applied, make=_matrix_and_lines, outputs=(2,)),
    Held(function=lower_outer, make=_triangle, outputs=(2,)),
    Held(function=relaxed, make=_lines(2), outputs=(1,)),
    Held(function=decayed, make=_lines(2), outputs=(1,)),
    Held(function=rectified, make=_singles, outputs=(1,)),
    Held(function=gathered, make=_places, outputs=(2,)),
    Held(function=across, make=_squares, outputs=(1,)),
    Held(function=weighted, make=_line_and_one, outputs=(2,), tolerance=1e-11),
    Held(function=contracted, make=_cube, outputs=(2,)),
    Held(function=stepped, make=_steps, outputs=(0, 1)),
    Held(function=folded, make=_integers, outputs=(1,)),
    Held(function=apart, make=_points, outputs=(1,)),
)
