"""The helpers of `scalars` as functions that CUDA kernels call.

Maps a helper's name to a device function: `from autopar.codegen.device_math import add_int64`.
All but the five here are the very functions that the CPU compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeAlias

import numpy as np

from .cudalib import device_function, dmul_rn, floor, floorf, math
from .scalars import ABOVE_2_TO_63, BELOW_2_TO_63, HELPERS

Value: TypeAlias = Any  # what Numba makes of it

_HELPERS = {function.__name__: function for function in HELPERS}


def __getattr__(name: str) -> Value:
    """Return the helper called `name` as a device function."""
    if name not in _HELPERS:
        raise AttributeError(name)
    function = _HELPERS[name]
    assert isinstance(function, FunctionType)
    # The same code, with the device's math.
    names = {**function.__globals__, "math": math}
    return device_function(FunctionType(function.__code__, names, name, None, function.__closure__))


def _remainders(number: Value, floor: Value) -> tuple[Callable[..., Value], Callable[..., Value]]:
    """Return `//` and `%` of one float type, as CPython and NumPy define both.

    Differs from the CPU's in what it calls: numba.cuda has no np.floor of a number.
    """

    def floordiv(x: Value, y: Value) -> Value:
        if y == number(0.0):
            return x / y
        rest = math.fmod(x, y)
        quotient = (x - rest) / y
        if rest != number(0.0) and (y < number(0.0)) != (rest < number(0.0)):
            quotient = quotient - number(1.0)
        if quotient == number(0.0):
            return math.copysign(number(0.0), x / y)
        whole = floor(quotient)
        return whole + number(1.0) if quotient - whole > number(0.5) else whole

    def mod(x: Value, y: Value) -> Value:
        rest = math.fmod(x, y)
        if y == number(0.0):
            return rest
        if rest == number(0.0):
            return math.copysign(number(0.0), y)
        return rest + y if (y < number(0.0)) != (rest < number(0.0)) else rest

    return device_function(floordiv), device_function(mod)


floordiv_float64, mod_float64 = _remainders(np.float64, floor)
floordiv_float32, mod_float32 = _remainders(np.float32, floorf)


@device_function
def mul_int64(x: Value, y: Value, status: Value) -> Value:
    """Return the wrapped product, and `status` where it wrapped; as on the CPU, never an FMA."""
    value = np.int64(np.uint64(np.int64(x)) * np.uint64(np.int64(y)))
    rounded = dmul_rn(np.float64(x), np.float64(y))
    has_turned = (abs(rounded) >= BELOW_2_TO_63) & ((value < 0) != (rounded < 0))
    return value, status if (abs(rounded) >= ABOVE_2_TO_63) | has_turned else 0
