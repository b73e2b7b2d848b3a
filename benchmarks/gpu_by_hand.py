"""Hand-written `numba.cuda` kernels and their launches, as an experienced user writes them.

Each launch takes device arrays and returns before the device is done.  NVVM contracts `a * b + c`
here, so the last bit may differ from NumPy's; autopar's kernels may not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda as typed_cuda

cuda: Any = typed_cuda  # half of numba.cuda has types
BLOCK = 256
SIDE = 16  # of a square tile in shared memory
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
    """Tiles of both matrices in shared memory, as in the CUDA programming guide."""
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    i, j = cuda.blockIdx.y * SIDE + y, cuda.blockIdx.x * SIDE + x
    of_a = cuda.shared.array((SIDE, SIDE), np.float64)
    of_b = cuda.shared.array((SIDE, SIDE), np.float64)
    total = 0.0
    for first in range(0, a.shape[1], SIDE):
        of_a[y, x] = a[i, first + x] if i < a.shape[0] and first + x < a.shape[1] else 0.0
        of_b[y, x] = b[first + y, j] if first + y < b.shape[0] and j < b.shape[1] else 0.0
        cuda.syncthreads()
        for k in range(SIDE):
            total += of_a[y, k] * of_b[k, x]
        cuda.syncthreads()
    if i < c.shape[0] and j < c.shape[1]:
        c[i, j] = total


@kernel
def transpose_add_kernel(a: Any, b: Any, c: Any) -> None:
    """A padded tile of the transposed matrix in shared memory."""
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    i, j = cuda.blockIdx.y * SIDE + y, cuda.blockIdx.x * SIDE + x
    tile = cuda.shared.array((SIDE, SIDE + 1), np.float64)
    row, column = cuda.blockIdx.x * SIDE + y, cuda.blockIdx.y * SIDE + x
    if row < b.shape[0] and column < b.shape[1]:
        tile[y, x] = b[row, column]
    cuda.syncthreads()
    if i < c.shape[0] and j < c.shape[1]:
        c[i, j] = a[i, j] + tile[x, y]


@kernel
def filter_kernel(u: Any, v: Any) -> None:
    """Nine points around each one, read through the first cache."""
    j, i = cuda.grid(2)
    if 1 <= i < u.shape[0] - 1 and 1 <= j < u.shape[1] - 1:
        total = 0.0
        for p in range(3):
            for q in range(3):
                total += u[i + p - 1, j + q - 1]
        v[i, j] = total / 9.0


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


def squares(shape: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Grid and block of square tiles that cover an array of two dimensions."""
    return (blocks(shape[1], SIDE), blocks(shape[0], SIDE)), (SIDE, SIDE)


def matmul(a: Any, b: Any, c: Any) -> None:
    """Launch the matrix product, one thread for each element."""
    grid, block = squares(c.shape)
    matmul_kernel[grid, block](a, b, c)


def transpose_add(a: Any, b: Any, c: Any) -> None:
    """Launch the sum of a matrix and a transposed one."""
    grid, block = squares(c.shape)
    transpose_add_kernel[grid, block](a, b, c)


def filtered(u: Any, v: Any) -> None:
    """Launch the mean of nine points."""
    grid, block = plane(u.shape)
    filter_kernel[grid, block](u, v)
