"""The C library's mathematical functions under names of our own.

Maps "exp" to `autopar_libm_exp`, so that LLVM neither turns pow(x, 2.0) into x * x, which differs
in the last bit for one value in a thousand, nor takes a vector library's version.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from autopar.analysis.model.later import Later

if TYPE_CHECKING:
    import llvmlite.binding as llvm
else:
    llvm = Later("llvmlite.binding")

LIBM = "libm_"
# name: (dtype, number of arguments)
FUNCTIONS = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cos", "cosh", "exp",
                "exp2", "expm1", "log", "log10", "log1p", "log2", "sin", "sinh", "tan", "tanh",
            ),
            ("float64", 1),
        ),
        **dict.fromkeys(("atan2", "fmod", "hypot", "pow"), ("float64", 2)),
        **dict.fromkeys(("fmodf", "hypotf", "powf"), ("float32", 2)),
    }
)  # fmt: skip


@cache
def define_libm(name: str) -> str:
    """Return the symbol by which kernels call the function `name` from here on.

    Raises KeyError for one that is not in the table, AttributeError where the library lacks it.
    """
    assert FUNCTIONS[name]
    symbol = f"autopar_{LIBM}{name}"
    llvm.add_symbol(symbol, ctypes.cast(_function(name), ctypes.c_void_p).value)
    return symbol


def _function(name: str) -> Any:  # noqa: ANN401 - ctypes makes it
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, TypeError):  # TypeError: Windows knows no library of the process
        return getattr(_library(), name)


@cache
def _library() -> ctypes.CDLL:
    # Looking for a library asks other programs, which takes 10 ms.
    return ctypes.CDLL(ctypes.util.find_library("m"))
