"""The kernels as an experienced Numba user writes them: `njit(parallel=True)` and `prange`.

The same arithmetic in the same order as `loops`, so the results are the same bits.  Loops are
interchanged or blocked only where `loops` has a form that a user would change by hand.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numba import njit, prange

from .loops import Floats, Form, Integers, Singles


def parallel(function: Form) -> Form:
    """`function` as compiled, at its first call, by Numba's parallel target."""
    return cast("Form", njit(parallel=True)(function))


@parallel
def saxpy(alpha: float, x: Floats, y: Floats) -> None:
    """Scaled vector added to a vector in place."""
    for i in prange(x.shape[0]):
        y[i] = alpha * x[i] + y[i]


@parallel
def jacobi(u: Floats, v: Floats) -> None:
    """One five-point Jacobi sweep from `u` to `v`."""
    for i in prange(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


@parallel
def matmul_ikj(a: Floats, b: Floats, c: Floats) -> None:
    """Matrix product in the order that runs along rows."""
    for i in prange(a.shape[0]):
        for j in range(b.shape[1]):
            c[i, j] = 0.0
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


@parallel
def matmul_ijk(a: Floats, b: Floats, c: Floats) -> None:
    """Matrix product as in the textbook, with a scalar accumulator."""
    for i in prange(a.shape[0]):
        for j in range(b.shape[1]):
            total = 0.0
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            c[i, j] = total


@parallel
def polynomial(x: Floats, y: Floats) -> None:
    """Polynomial of degree five by Horner's rule."""
    for i in prange(x.shape[0]):
        z = x[i]
        y[i] = ((((0.5 * z - 1.25) * z + 3.0) * z - 0.75) * z + 2.0) * z - 1.0


@parallel
def roots(x: Floats, y: Floats, z: Floats) -> None:
    """Square roots and absolute values."""
    for i in prange(x.shape[0]):
        z[i] = np.sqrt(abs(x[i])) - abs(y[i] - np.sqrt(x[i] * x[i] + y[i] * y[i]))


@parallel
def functions(x: Floats, y: Floats, z: Floats) -> None:
    """Exponential, sine and logarithm: those of libm, whose last bits are others."""
    for i in prange(x.shape[0]):
        z[i] = np.exp(-0.5 * x[i]) * np.sin(y[i]) + np.log(1.0 + x[i] * x[i])


@parallel
def hyperbolic(x: Floats, y: Floats) -> None:
    """One function of libm."""
    for i in prange(x.shape[0]):
        y[i] = np.tanh(x[i])


@parallel
def single_precision(x: Singles, y: Singles) -> None:
    """float32 throughout: the constants must be said to be float32, or Numba widens."""
    half, offset, shift = np.float32(0.5), np.float32(1.25), np.float32(3.0)
    for i in prange(x.shape[0]):
        y[i] = (x[i] * x[i] * half + x[i] - offset) / (x[i] + shift)


@parallel
def integers(x: Integers, y: Integers, z: Integers) -> None:
    """Integer arithmetic."""
    for i in prange(x.shape[0]):
        z[i] = x[i] * y[i] + 3 * (x[i] - y[i]) + 7


@parallel
def triangular_update(x: Floats, y: Floats, a: Floats) -> None:
    """Rank-one update of a lower triangle."""
    for i in prange(a.shape[0]):
        for j in range(i + 1):
            a[i, j] = a[i, j] - x[i] * y[j]


@parallel
def symmetric_rank_k(a: Floats, c: Floats) -> None:
    """Lower triangle of `c` plus `a` times its transpose."""
    for i in prange(a.shape[0]):
        for j in range(i + 1):
            total = c[i, j]
            for k in range(a.shape[1]):
                total += a[i, k] * a[j, k]
            c[i, j] = total


@parallel
def stencil_3d(u: Floats, v: Floats) -> None:
    """One seven-point sweep from `u` to `v`."""
    for i in prange(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            for k in range(1, u.shape[2] - 1):
                across = u[i - 1, j, k] + u[i + 1, j, k] + u[i, j - 1, k] + u[i, j + 1, k]
                v[i, j, k] = 0.4 * u[i, j, k] + 0.1 * (across + u[i, j, k - 1] + u[i, j, k + 1])


@parallel
def transpose_add(a: Floats, b: Floats, c: Floats) -> None:
    """One matrix plus the transpose of another."""
    for i in prange(a.shape[0]):
        for j in range(a.shape[1]):
            c[i, j] = a[i, j] + b[j, i]


@parallel
def every_third(x: Floats, y: Floats) -> None:
    """Every third element updated; `prange` knows no other step than one."""
    for third in prange((x.shape[0] + 2) // 3):
        i = 3 * third
        y[i] = 0.5 * y[i] + 2.0 * x[i]


@parallel
def odd_from_even(x: Floats) -> None:
    """Odd elements set from their even neighbours."""
    for half in prange((x.shape[0] - 1) // 2):
        i = 2 * half + 1
        x[i] = 0.5 * (x[i - 1] + x[i + 1])
