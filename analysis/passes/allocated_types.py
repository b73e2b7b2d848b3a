"""The types of arrays that a region allocates: scop, types of what it is given -> types.

Before:  row = np.zeros_like(x), x: float32[:]        After:  row: float32[:]
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model.scop import Scop
from ..model.types import OPEN, ArrayType, LiveInType


def allocated_types(scop: Scop, given: Mapping[str, LiveInType]) -> dict[str, LiveInType]:
    """Return `given` with the types of the allocated arrays added; in C order, all of them.

    How the interpreter's array lies in memory makes no difference: nobody else sees it.
    """
    types = dict(given)
    for array in scop.arrays:
        if array.is_collected:  # what is stored in it decides about the rest
            types[array.name] = ArrayType(
                dtype=OPEN, rank=array.rank, layout="C", is_aligned=True, is_writeable=True,
                is_list=True,
            )  # fmt: skip
        if array.allocation is None:
            continue
        like = types.get(array.allocation.like or "")
        dtype = array.allocation.dtype or (like.dtype if isinstance(like, ArrayType) else None)
        assert dtype is not None  # the array it is like is one of the region
        types[array.name] = ArrayType(
            dtype=dtype, rank=array.rank, layout="C", is_aligned=True, is_writeable=True
        )
    return types
