"""Arrays that lie on a CUDA device, seen as what a guard asks of an array.

Maps any object with `__cuda_array_interface__` (CuPy, PyTorch, Numba) to a `DeviceArray` with
NumPy's attributes. Nothing is copied, and CUDA itself is not needed for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autopar.analysis.model.nouns import dataclass

# Array flags of NumPy's C-API: C order, Fortran order, aligned, writeable.
C_CONTIGUOUS, F_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x2, 0x100, 0x400


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """NumPy's `ndarray.flags`, as far as a guard reads them."""

    num: int

    @property
    def c_contiguous(self) -> bool:
        """Whether the elements lie in C order without gaps."""
        return bool(self.num & C_CONTIGUOUS)

    @property
    def f_contiguous(self) -> bool:
        """Whether the elements lie in Fortran order without gaps."""
        return bool(self.num & F_CONTIGUOUS)

    @property
    def aligned(self) -> bool:
        """Whether every element lies at a multiple of its size."""
        return bool(self.num & ALIGNED)

    @property
    def writeable(self) -> bool:
        """Whether the elements may be changed."""
        return bool(self.num & WRITEABLE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeviceArray:
    """One array on the device; `original` is what the user passed."""

    original: Any
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # bytes
    address: int  # on the device
    flags: Flags

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def bounds(self) -> tuple[int, int]:
        """The first byte of the array and the one behind its last; equal where it is empty."""
        if self.size == 0:
            return self.address, self.address
        spans = [s * (n - 1) for s, n in zip(self.strides, self.shape, strict=True)]
        low = sum(span for span in spans if span < 0)
        high = sum(span for span in spans if span > 0)
        return self.address + low, self.address + high + self.itemsize


def device_array(value: object) -> DeviceArray | None:
    """Return `value` as an array on the device, or None where it is none."""
    interface = getattr(value, "__cuda_array_interface__", None)
    if not isinstance(interface, dict) or interface.get("mask") is not None:
        return None
    dtype = np.dtype(interface["typestr"])
    shape = tuple(interface["shape"])
    address, is_read_only = interface["data"]
    strides = interface.get("strides") or _c_strides(shape, dtype.itemsize)
    flags = ALIGNED if address % max(dtype.alignment, 1) == 0 else 0
    flags |= 0 if is_read_only else WRITEABLE
    if _is_packed(shape, strides, dtype.itemsize):
        flags |= C_CONTIGUOUS
    if _is_packed(shape[::-1], strides[::-1], dtype.itemsize):
        flags |= F_CONTIGUOUS
    return DeviceArray(
        original=value,
        dtype=dtype,
        shape=shape,
        strides=tuple(strides),
        address=address,
        flags=Flags(num=flags),
    )


def _c_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    strides = []
    for extent in reversed(shape):
        strides.append(itemsize)
        itemsize *= extent
    return tuple(reversed(strides))


def _is_packed(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    """Return whether the last axis is packed, the one before it packed around that, and so on."""
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent > 1 and stride != itemsize:
            return False
        itemsize *= extent
    return True


def may_overlap(a: Any, b: Any) -> bool:  # noqa: ANN401  # arrays of either kind
    """Return whether two arrays, on the host or on the device, span a common byte."""
    if isinstance(a, DeviceArray) and isinstance(b, DeviceArray):
        (first, past), (other, other_past) = a.bounds, b.bounds
        return first < other_past and other < past and a.size > 0 and b.size > 0
    if isinstance(a, DeviceArray) or isinstance(b, DeviceArray):
        return False  # one on the host, one on the device
    return bool(np.may_share_memory(a, b))
