"""Hand-written `numba.cuda` kernels and their launches, as an experienced user writes them.

Each launch takes device arrays and returns before the device is done.  NVVM contracts `a * b + c`
here, so the last bit may differ from NumPy's; autopar's kernels may not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import cuda as typed_cuda

cuda: Any = typed_cuda  # half of numba.cuda has types
BLOCK = 256
TILE = (32, 8)  # x runs along rows, so that neighbouring threads read neighbouring elements


def kernel(function: Callable[..., None]) -> Any:
    """`function` as a CUDA kernel, compiled at its first launch."""
    return cuda.jit(function)


@kernel
def saxpy_kernel(alpha: Any, x: Any, y: Any) -> None:
    i = cuda.grid(1)
    if i < x.shape[0]:
        y[i] = alpha * x[i] + y[i]


@kernel
def jacobi_kernel(u: Any, v: Any) -> None:
    j, i = cuda.grid(2)
    if 1 <= i < u.shape[0] - 1 and 1 <= j < u.shape[1] - 1:
        v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


@kernel
def diagonal_kernel(u: Any, diagonal: Any, first: Any, count: Any) -> None:
    k = cuda.grid(1)
    if k < count:
        i = first + k
        j = diagonal - i
        u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


@kernel
def matmul_kernel(a: Any, b: Any, c: Any) -> None:
    j, i = cuda.grid(2)
    if i < c.shape[0] and j < c.shape[1]:
        total = 0.0
        for k in range(a.shape[1]):
            total += a[i, k] * b[k, j]
        c[i, j] = total


def blocks(extent: int, block: int) -> int:
    """Blocks that cover `extent` threads."""
    return (extent + block - 1) // block


def plane(shape: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Grid and block for an array of two dimensions."""
    return (blocks(shape[1], TILE[0]), blocks(shape[0], TILE[1])), TILE


def gauss_seidel(u: Any) -> None:
    """Launch a sweep in place, one launch for each diagonal."""
    rows, columns = u.shape
    for diagonal in range(2, rows + columns - 3):
        first = max(1, diagonal - (columns - 2))
        count = min(rows - 2, diagonal - 1) - first + 1
        diagonal_kernel[blocks(count, BLOCK), BLOCK](u, diagonal, first, count)


def saxpy(alpha: float, x: Any, y: Any) -> None:
    """Launch the scaled vector addition."""
    saxpy_kernel[blocks(x.shape[0], BLOCK), BLOCK](alpha, x, y)


def jacobi(u: Any, v: Any) -> None:
    """Launch one five-point sweep."""
    grid, block = plane(u.shape)
    jacobi_kernel[grid, block](u, v)


def matmul(a: Any, b: Any, c: Any) -> None:
    """Launch the matrix product, one thread for each element."""
    grid, block = plane(c.shape)
    matmul_kernel[grid, block](a, b, c)
