"""The kernels as plain loops: what a user would write, and what autopar is given.

Each function works in place and returns nothing.  Every subscript is in range for the
arguments that `kernels` makes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
Array = NDArray[Any]
Form = Callable[..., object]  # a kernel: works in place on the arrays it is given


def saxpy(alpha: float, x: Floats, y: Floats) -> None:
    """Scaled vector added to a vector in place."""
    for i in range(x.shape[0]):
        y[i] = alpha * x[i] + y[i]


def jacobi(u: Floats, v: Floats) -> None:
    """One five-point Jacobi sweep from `u` to `v`."""
    for i in range(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


def gauss_seidel(u: Floats) -> None:
    """One sweep in place: every element waits for its neighbours above and to the left."""
    for i in range(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


def matmul_ikj(a: Floats, b: Floats, c: Floats) -> None:
    """Matrix product in the order that runs along rows."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            c[i, j] = 0.0
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                c[i, j] = c[i, j] + a[i, k] * b[k, j]


def matmul_scalar(a: Floats, b: Floats, c: Floats) -> None:
    """Matrix product as in the textbook, with a scalar accumulator."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            total = 0.0
            for k in range(a.shape[1]):
                total = total + a[i, k] * b[k, j]
            c[i, j] = total


def matmul_element(a: Floats, b: Floats, c: Floats) -> None:
    """Matrix product as in the textbook, accumulated in the element."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            c[i, j] = 0.0
            for k in range(a.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


def polynomial(x: Floats, y: Floats) -> None:
    """Polynomial of degree five by Horner's rule."""
    for i in range(x.shape[0]):
        z = x[i]
        y[i] = ((((0.5 * z - 1.25) * z + 3.0) * z - 0.75) * z + 2.0) * z - 1.0


def roots(x: Floats, y: Floats, z: Floats) -> None:
    """Square roots and absolute values."""
    for i in range(x.shape[0]):
        z[i] = np.sqrt(abs(x[i])) - abs(y[i] - np.sqrt(x[i] * x[i] + y[i] * y[i]))


def functions(x: Floats, y: Floats, z: Floats) -> None:
    """NumPy's own exponential, sine and logarithm of single elements."""
    for i in range(x.shape[0]):
        z[i] = np.exp(-0.5 * x[i]) * np.sin(y[i]) + np.log(1.0 + x[i] * x[i])


def hyperbolic(x: Floats, y: Floats) -> None:
    """One of NumPy's functions and nothing else."""
    for i in range(x.shape[0]):
        y[i] = np.tanh(x[i])


def single_precision(x: Singles, y: Singles) -> None:
    """An expression that stays float32 under NumPy's rules, Python constants included."""
    for i in range(x.shape[0]):
        y[i] = (x[i] * x[i] * 0.5 + x[i] - 1.25) / (x[i] + 3.0)


def integers(x: Integers, y: Integers, z: Integers) -> None:
    """Integer arithmetic that cannot overflow for the arguments given."""
    for i in range(x.shape[0]):
        z[i] = x[i] * y[i] + 3 * (x[i] - y[i]) + 7


def triangular_update(x: Floats, y: Floats, a: Floats) -> None:
    """Rank-one update of a lower triangle."""
    for i in range(a.shape[0]):
        for j in range(i + 1):
            a[i, j] = a[i, j] - x[i] * y[j]


def symmetric_rank_k(a: Floats, c: Floats) -> None:
    """Lower triangle of `c` plus `a` times its transpose."""
    for i in range(a.shape[0]):
        for j in range(i + 1):
            total = c[i, j]
            for k in range(a.shape[1]):
                total = total + a[i, k] * a[j, k]
            c[i, j] = total


def stencil_3d(u: Floats, v: Floats) -> None:
    """One seven-point sweep from `u` to `v`."""
    for i in range(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            for k in range(1, u.shape[2] - 1):
                across = u[i - 1, j, k] + u[i + 1, j, k] + u[i, j - 1, k] + u[i, j + 1, k]
                v[i, j, k] = 0.4 * u[i, j, k] + 0.1 * (across + u[i, j, k - 1] + u[i, j, k + 1])


def transpose_add(a: Floats, b: Floats, c: Floats) -> None:
    """One matrix plus the transpose of another."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            c[i, j] = a[i, j] + b[j, i]


def filtered(u: Floats, v: Floats) -> None:
    """The mean of the nine points around each one."""
    for i in range(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            total = 0.0
            for p in range(3):
                for q in range(3):
                    total += u[i + p - 1, j + q - 1]
            v[i, j] = total / 9.0


def every_third(x: Floats, y: Floats) -> None:
    """Every third element updated."""
    for i in range(0, x.shape[0], 3):
        y[i] = 0.5 * y[i] + 2.0 * x[i]


def odd_from_even(x: Floats) -> None:
    """Odd elements set from their even neighbours: in place, and yet parallel."""
    for i in range(1, x.shape[0] - 1, 2):
        x[i] = 0.5 * (x[i - 1] + x[i + 1])
