"""Loops that accumulate, for the GPU check: as users write them, by hand, and how to check them.

Their values are compared with those of autopar's CPU backend: a sum has one order everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda as typed_cuda

import autopar

from .gpu_by_hand import kernel
from .kernels import Arguments

cuda: Any = typed_cuda  # half of numba.cuda has types
THREADS = 256
BLOCKS = 1024  # each thread takes many elements
BINS = 256


def dot(x: Any, y: Any, out: Any) -> None:
    """The inner product, kept in an element."""
    for i in range(x.shape[0]):
        out[0] += x[i] * y[i]


def place_of_largest(x: Any, out: Any) -> None:
    """Where the first largest element is."""
    largest = -1.0
    place = -1
    for i in range(x.shape[0]):
        if x[i] > largest:
            largest = x[i]
            place = i
    out[0] = place


def histogram(k: Any, h: Any) -> None:
    """How often each number occurs."""
    for i in range(k.shape[0]):
        h[k[i]] += 1


def image_histogram(image: Any, h: Any) -> None:
    """How often each level occurs in an image."""
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            h[image[i, j]] += 1


def on_the_cpu(plain: Any) -> Any:
    """Return `plain` as autopar's CPU backend runs it."""
    return autopar.parallel(plain, backend="cpu")


@kernel
def dot_kernel(x: Any, y: Any, out: Any) -> None:
    lane = cuda.threadIdx.x
    sums = cuda.shared.array(THREADS, np.float64)
    total = 0.0
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        total += x[i] * y[i]
    sums[lane] = total
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if lane < half:
            sums[lane] += sums[lane + half]
        cuda.syncthreads()
        half //= 2
    if lane == 0:
        cuda.atomic.add(out, 0, sums[0])


@kernel
def largest_kernel(x: Any, largest: Any) -> None:
    found = -1.0
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        found = max(found, x[i])
    cuda.atomic.max(largest, 0, found)


@kernel
def place_kernel(x: Any, largest: Any, out: Any) -> None:
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        if x[i] == largest[0]:
            cuda.atomic.min(out, 0, i)


@kernel
def histogram_kernel(k: Any, h: Any) -> None:
    bins = cuda.shared.array(BINS, np.int32)  # atomics of 32 bits are those of the hardware
    lane = cuda.threadIdx.x
    bins[lane] = 0
    cuda.syncthreads()
    for i in range(cuda.grid(1), k.shape[0], cuda.gridsize(1)):
        cuda.atomic.add(bins, k[i], 1)
    cuda.syncthreads()
    cuda.atomic.add(h, lane, bins[lane])


def grid_for(size: int) -> int:
    """Blocks for `size` elements: no more than keep a device busy."""
    return max(1, min(BLOCKS, (size + THREADS - 1) // THREADS))


def launch_dot(x: Any, y: Any, out: Any) -> None:
    """Launch the inner product."""
    dot_kernel[grid_for(x.shape[0]), THREADS](x, y, out)


def launch_place(x: Any, out: Any) -> None:
    """Launch the search for the largest element, then for the first of them."""
    largest = cuda.to_device(np.array([-1.0]))
    out.copy_to_device(np.array([np.iinfo(np.int64).max]))
    largest_kernel[grid_for(x.shape[0]), THREADS](x, largest)
    place_kernel[grid_for(x.shape[0]), THREADS](x, largest, out)


def launch_histogram(k: Any, h: Any) -> None:
    """Launch the histogram, with bins in shared memory."""
    histogram_kernel[grid_for(k.shape[0]), THREADS](k, h)


def launch_image_histogram(image: Any, h: Any) -> None:
    """Launch the histogram of an image, whose rows lie one behind the other."""
    histogram_kernel[grid_for(image.size), THREADS](image.reshape(image.size), h)


def two_vectors(size: int, random: np.random.Generator) -> Arguments:
    """Two vectors without cancellation, and a sum."""
    return random.random(size), random.random(size), np.zeros(1)


def one_vector(size: int, random: np.random.Generator) -> Arguments:
    """A vector, and a place."""
    return random.random(size), np.zeros(1, np.int64)


def places(size: int, random: np.random.Generator) -> Arguments:
    """Numbers of bins, and the bins."""
    return random.integers(0, BINS, size), np.zeros(BINS, np.int64)


def levels(size: int, random: np.random.Generator) -> Arguments:
    """A square image of bytes, and the bins."""
    image = random.integers(0, BINS, (size, size)).astype(np.uint8)
    return image, np.zeros(BINS, np.int64)
