"""The helpers of `scalars` as functions that CUDA kernels call.

Maps a helper's name to a device function: `from autopar.codegen.device_math import add_int64`.
All but two are the very functions that the CPU compiles.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np

from .cudalib import device_function, floor, floorf, math
from .scalars import HELPERS

_HELPERS = {function.__name__: function for function in HELPERS}


def __getattr__(name: str) -> Any:
    """Return the helper called `name` as a device function."""
    if name not in _HELPERS:
        raise AttributeError(name)
    function = _HELPERS[name]
    assert isinstance(function, FunctionType)
    # The same code, with the device's math.
    names = {**function.__globals__, "math": math}
    return device_function(
        FunctionType(function.__code__, names, name, None, function.__closure__)
    )


# numba.cuda has no np.floor for numbers.


@device_function
def floordiv_float64(x: Any, y: Any) -> Any:
    """Return `x // y` as CPython and NumPy define it; `x / y` for a zero divisor."""
    if y == 0.0:
        return x / y
    rest = math.fmod(x, y)
    quotient = (x - rest) / y
    if rest != 0.0 and (y < 0.0) != (rest < 0.0):
        quotient = quotient - 1.0
    if quotient == 0.0:
        return math.copysign(0.0, x / y)
    whole = floor(quotient)
    return whole + 1.0 if quotient - whole > 0.5 else whole


@device_function
def floordiv_float32(x: Any, y: Any) -> Any:
    """Return `x // y` of float32 as NumPy defines it; `x / y` for a zero divisor."""
    if y == np.float32(0.0):
        return x / y
    rest = math.fmod(x, y)
    quotient = (x - rest) / y
    if rest != np.float32(0.0) and (y < np.float32(0.0)) != (rest < np.float32(0.0)):
        quotient = quotient - np.float32(1.0)
    if quotient == np.float32(0.0):
        return math.copysign(np.float32(0.0), x / y)
    whole = floorf(quotient)
    return whole + np.float32(1.0) if quotient - whole > np.float32(0.5) else whole
