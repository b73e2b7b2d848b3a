"""Do two arrays share an element? Decided from byte ranges first, exactly where that is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .device_arrays import DeviceArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Candidate solutions that NumPy's exact search may try; about a millisecond.
_MAX_WORK = 10_000


def overlap(a: NDArray[Any], b: NDArray[Any]) -> bool | None:
    """Return whether two arrays share an element; None where finding out would take too long.

    The bounds of the memory that the arrays span are compared first; inside common bounds the
    question is a bounded Diophantine equation (NP-hard in general), whose search is limited.
    """
    if not np.may_share_memory(a, b):
        return False
    try:
        return bool(np.shares_memory(a, b, max_work=_MAX_WORK))  # type: ignore[arg-type]  # the stubs know 0 and -1 only
    except np.exceptions.TooHardError:
        return None


def overlaps_itself(a: NDArray[Any] | DeviceArray) -> bool:
    """Return whether two subscripts of `a` may name the same byte; may err towards True."""
    if a.flags.c_contiguous or a.flags.f_contiguous or a.size == 0:
        return False
    axes = sorted(
        (abs(stride), extent)
        for stride, extent in zip(a.strides, a.shape, strict=True)
        if extent > 1
    )
    reach = a.itemsize  # bytes spanned by the axes seen so far
    for stride, extent in axes:
        if stride < reach:
            return True
        reach += stride * (extent - 1)
    return False
