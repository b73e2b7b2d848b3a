"""The processor's floating-point flags, read from inside compiled kernels.

NumPy learns from these flags whether to warn. A kernel clears them before its body runs and
tests them after it:

    clear_flags(FLOAT_FLAGS)
    outcome = body(...)            # a function of its own, kept out of line
    status |= float_status(test_flags(FLOAT_FLAGS))

LLVM takes floating-point operations to have no side effect and moves them across the calls;
`stay_out_of_line` forbids that the body is inlined between them. Flags belong to a thread.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, cast

import llvmlite.binding as llvm
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from autopar.analysis.model.typed import FLOAT_DIVIDE, FLOAT_INVALID, FLOAT_OVERFLOW

# (FE_INVALID, FE_DIVBYZERO, FE_OVERFLOW) of <fenv.h>: what NumPy warns of by default.
# Underflow and inexact results are not worth a warning to it.
MASKS = MappingProxyType(
    {
        "x86_64": (0x01, 0x04, 0x08),
        "amd64": (0x01, 0x04, 0x08),
        "aarch64": (0x01, 0x02, 0x04),
        "arm64": (0x01, 0x02, 0x04),
        "riscv64": (0x10, 0x08, 0x04),
    }
)


def _masks() -> tuple[int, int, int] | None:
    return MASKS.get(platform.machine().lower())


def _publish(name: str) -> str | None:
    """Make the C library's function `name` known to LLVM; return the name it has there."""
    for library in (None, ctypes.util.find_library("m")):
        try:
            function = getattr(ctypes.CDLL(library), name)
        except (OSError, AttributeError):
            continue
        address = ctypes.cast(function, ctypes.c_void_p).value
        if address is not None:
            # A name of our own: object code from the disk cache is linked by it.
            llvm.add_symbol(f"autopar_{name}", address)
            return f"autopar_{name}"
    return None


def _function(name: str) -> Callable[[int], int]:
    if (symbol := _publish(name)) is None or _masks() is None:
        return _unknown
    function: Any = types.ExternalFunction(symbol, types.int32(types.int32))
    return cast("Callable[[int], int]", function)


@njit(nogil=True)
def _unknown(_mask: int) -> int:
    """Stand in where the flags cannot be read: whatever happened may have raised any."""
    return 7


# Where the flags cannot be read, `_unknown` raises bits 1, 2 and 4.
_INVALID, _DIVIDE, _OVERFLOW = _masks() or (1, 2, 4)
FLOAT_FLAGS = _INVALID | _DIVIDE | _OVERFLOW
clear_flags = _function("feclearexcept")
test_flags = _function("fetestexcept")


@njit(nogil=True)
def float_status(raised: int) -> int:
    """Return the bits of the status word for the processor flags in `raised`."""
    status = 0
    if raised & _INVALID:
        status |= FLOAT_INVALID
    if raised & _DIVIDE:
        status |= FLOAT_DIVIDE
    if raised & _OVERFLOW:
        status |= FLOAT_OVERFLOW
    return status


@intrinsic
def stay_out_of_line(_typing: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    """Keep LLVM from inlining the function that calls this, and from moving calls of it."""

    def generate(context: Any, builder: Any, *_: object) -> Any:  # noqa: ANN401 - the same
        builder.function.attributes.add("noinline")
        # An empty instruction that claims to touch all memory: a call of a function that has
        # one is not moved across other calls, even if the rest of it is pure arithmetic.
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], side_effect=True)
        return context.get_dummy_value()

    return types.none(), generate
