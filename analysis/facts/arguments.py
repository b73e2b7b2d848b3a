"""What a call shows of its arguments: their types, as kernels are specialised for them."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..model.diagnostics import Reason
from ..model.source import Span
from ..model.types import (
    BOOL,
    COMPILED_DTYPES,
    COMPLEX,
    FLOAT,
    INT,
    ArrayType,
    LiveInType,
    NumpyScalar,
)
from .device_arrays import DeviceArray
from .lists import ListView
from .reasons import UnsupportedArgument

AnyArray: TypeAlias = NDArray[Any] | DeviceArray
_SECOND = frozenset(
    each
    for each in np.typecodes["AllInteger"]
    if np.dtype(each).type is not np.dtype(np.dtype(each).name).type
)
_PYTHON = {bool: BOOL, int: INT, float: FLOAT, complex: COMPLEX}


def array_type(name: str, value: object, span: Span, *, is_written: bool) -> ArrayType | Reason:
    """Return the type of an array argument, or why no kernel may touch it."""
    if isinstance(value, ListView):
        return value.type
    if type(value) is not np.ndarray and not isinstance(value, DeviceArray):
        return UnsupportedArgument(span=span, name=name, kind=kind_of(value))
    problem = _array_problem(value, is_written=is_written)
    if problem is not None:
        return UnsupportedArgument(span=span, name=name, kind=problem)
    return ArrayType(
        dtype=value.dtype.name,
        rank=value.ndim,
        layout=layout(value),
        is_aligned=True,
        is_writeable=bool(value.flags.writeable),
    )


def is_second(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype is the second of two with one name, and equal: `np.longlong`, say.

    What is computed with it has that type, which a kernel does not know.
    """
    return dtype.char in _SECOND


def layout(value: AnyArray) -> Literal["C", "F", "A"]:
    """Return "C", "F" or "A" for the order in which the elements lie in memory."""
    if value.flags.c_contiguous:
        return "C"
    return "F" if value.flags.f_contiguous else "A"


def scalar_type(name: str, value: object, span: Span) -> LiveInType | Reason:
    """Return the type of a scalar argument, or why no kernel may take it."""
    python = _PYTHON.get(type(value))
    if python is not None:
        return python
    if isinstance(value, np.generic):
        name_of_dtype = value.dtype.name
        is_plain = type(value) is value.dtype.type and value.dtype.isnative
        if name_of_dtype in COMPILED_DTYPES and is_plain and not is_second(value.dtype):
            return NumpyScalar(dtype=name_of_dtype)
    return UnsupportedArgument(span=span, name=name, kind=kind_of(value))


def _array_problem(value: AnyArray, *, is_written: bool) -> str | None:
    if value.dtype.name not in COMPILED_DTYPES or not value.dtype.isnative:
        return f"an array of {value.dtype}"
    if is_second(value.dtype):
        return f"an array of {value.dtype.type.__name__}"
    if not value.flags.aligned:
        return "an array that is not aligned"
    if is_written and not value.flags.writeable:
        return "a read-only array"
    return None


def kind_of(value: object) -> str:
    """Return what `value` is, in the user's words: "a list", "a subclass of ndarray (matrix)"."""
    name = type(value).__name__
    if type(value) is np.ndarray:
        return "an array"
    if isinstance(value, np.ndarray):
        return f"a subclass of ndarray ({name})"
    article = "an" if name[:1].lower() in "aeiou" else "a"
    return f"{article} {name}"
