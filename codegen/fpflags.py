"""The processor's floating-point flags, read around compiled kernels.

NumPy learns from these flags whether to warn. A watched kernel clears them before it runs and
tests them after it:

    launch0 = watched(launch0)
    launch0(lower, upper, ...)     # (status with FLOAT_DIVIDE set where a division by zero was)

The flags belong to a thread, and the calls happen in the thread that runs the kernel. Inside
the kernel they would be of no use: LLVM takes floating-point operations to have no side effect
and moves them across calls that read the flags.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, cast

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
# Where the flags cannot be read, `_unknown` raises bits 1, 2 and 4.
INVALID, DIVIDE, OVERFLOW = MASKS.get(platform.machine().lower(), (1, 2, 4))
FLOAT_FLAGS = INVALID | DIVIDE | OVERFLOW

Flags = Callable[[int], int]


def _unknown(_mask: int) -> int:
    """Stand in where the flags cannot be read: whatever happened may have raised any."""
    return FLOAT_FLAGS


def _function(name: str) -> Flags:
    """Return the C library's function `name`, called with the GIL held: it takes nanoseconds."""
    if platform.machine().lower() not in MASKS:
        return _unknown
    for has_it in (True, False):
        # Looking for a library asks other programs, which takes 10 ms.
        library = None if has_it else ctypes.util.find_library("m")
        try:
            return cast("Flags", getattr(ctypes.PyDLL(library), name))
        except (OSError, AttributeError):
            continue
    return _unknown


clear_flags = _function("feclearexcept")
test_flags = _function("fetestexcept")
raise_flags = _function("feraiseexcept")


def float_status(raised: int) -> int:
    """Return the bits of the status word for the processor flags in `raised`."""
    return (
        (FLOAT_INVALID if raised & INVALID else 0)
        | (FLOAT_DIVIDE if raised & DIVIDE else 0)
        | (FLOAT_OVERFLOW if raised & OVERFLOW else 0)
    )


def watched(kernel: Any) -> Callable[..., tuple[Any, ...]]:  # noqa: ANN401 - Numba is untyped
    """Return `kernel` with the flags that it raises added to its status word."""

    def run(*arguments: object) -> tuple[Any, ...]:
        clear_flags(FLOAT_FLAGS)
        outcome: tuple[Any, ...] = kernel(*arguments)
        raised = test_flags(FLOAT_FLAGS)
        if raised:
            return (outcome[0] | float_status(raised), *outcome[1:])
        return outcome

    run.dispatcher = kernel  # type: ignore[attr-defined]  # what Numba compiles and caches
    return run


def is_watched(kernel: object) -> bool:
    """Return whether `kernel` came from `watched`."""
    return hasattr(kernel, "dispatcher")


def address_of(name: str) -> int:
    """Return the address of a function of the C library's <fenv.h>; 0 where there is none."""
    function = {
        "feclearexcept": clear_flags,
        "fetestexcept": test_flags,
        "feraiseexcept": raise_flags,
    }[name]
    if function is _unknown:
        return 0
    return ctypes.cast(cast("Any", function), ctypes.c_void_p).value or 0


def dispatcher_of(kernel: Any) -> Any:  # noqa: ANN401 - the same
    """Return Numba's dispatcher of a kernel, watched or not."""
    return getattr(kernel, "dispatcher", kernel)
