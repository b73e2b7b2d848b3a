"""The helpers of `scalars` as functions that CUDA kernels call.

Maps a helper's name to a device function: `from autopar.codegen.device_math import add_int64`.
All but the four here are the very functions that the CPU compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeAlias

import numpy as np

from .cudalib import device_function, floor, floorf, math
from .scalars import HELPERS

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
