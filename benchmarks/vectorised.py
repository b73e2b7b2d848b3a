"""The kernels as whole-array NumPy statements, where such a form exists.

Elementwise forms keep the order of the arithmetic of `loops`, so the results are the same bits;
the matrix products are BLAS and add up in another order.
"""

from __future__ import annotations

import numpy as np

from .loops import Floats, Integers, Singles


def saxpy(alpha: float, x: Floats, y: Floats) -> None:
    """Scaled vector added to a vector in place."""
    y[:] = alpha * x + y


def jacobi(u: Floats, v: Floats) -> None:
    """One five-point Jacobi sweep from `u` to `v`."""
    v[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])


def matmul(a: Floats, b: Floats, c: Floats) -> None:
    """Matrix product by BLAS."""
    np.matmul(a, b, out=c)


def polynomial(x: Floats, y: Floats) -> None:
    """Polynomial of degree five by Horner's rule."""
    y[:] = ((((0.5 * x - 1.25) * x + 3.0) * x - 0.75) * x + 2.0) * x - 1.0


def roots(x: Floats, y: Floats, z: Floats) -> None:
    """Square roots and absolute values."""
    z[:] = np.sqrt(np.abs(x)) - np.abs(y - np.sqrt(x * x + y * y))


def functions(x: Floats, y: Floats, z: Floats) -> None:
    """Exponential, sine and logarithm."""
    z[:] = np.exp(-0.5 * x) * np.sin(y) + np.log(1.0 + x * x)


def hyperbolic(x: Floats, y: Floats) -> None:
    """One function and nothing else."""
    np.tanh(x, out=y)


def single_precision(x: Singles, y: Singles) -> None:
    """float32 throughout."""
    y[:] = (x * x * 0.5 + x - 1.25) / (x + 3.0)


def integers(x: Integers, y: Integers, z: Integers) -> None:
    """Integer arithmetic."""
    z[:] = x * y + 3 * (x - y) + 7


def symmetric_rank_k(a: Floats, c: Floats) -> None:
    """Lower triangle of `c` plus `a` times its transpose, by BLAS on the whole square."""
    c += np.tril(a @ a.T)


def triangular_update(x: Floats, y: Floats, a: Floats) -> None:
    """Rank-one update of a lower triangle, computed on the whole square."""
    a -= np.tril(np.outer(x, y))


def stencil_3d(u: Floats, v: Floats) -> None:
    """One seven-point sweep from `u` to `v`."""
    across = u[:-2, 1:-1, 1:-1] + u[2:, 1:-1, 1:-1] + u[1:-1, :-2, 1:-1] + u[1:-1, 2:, 1:-1]
    along = across + u[1:-1, 1:-1, :-2] + u[1:-1, 1:-1, 2:]
    v[1:-1, 1:-1, 1:-1] = 0.4 * u[1:-1, 1:-1, 1:-1] + 0.1 * along


def transpose_add(a: Floats, b: Floats, c: Floats) -> None:
    """One matrix plus the transpose of another."""
    c[:] = a + b.T


def every_third(x: Floats, y: Floats) -> None:
    """Every third element updated."""
    y[::3] = 0.5 * y[::3] + 2.0 * x[::3]


def odd_from_even(x: Floats) -> None:
    """Odd elements set from their even neighbours."""
    last = x.shape[0] - 1
    x[1:last:2] = 0.5 * (x[0 : last - 1 : 2] + x[2 : last + 1 : 2])
