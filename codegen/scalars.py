"""Scalar operations that Numba does differently from CPython and NumPy, as plain functions.

Maps an operation's name to a function that both targets compile: `cpu_helper("add_int64")` is
the function under `numba.njit`, a CUDA generator puts `cuda.jit(device=True)` around `HELPERS`.
None calls another one. Those that may fail take the status bits to report and return the value
together with the bits that happened: `value, failed = add_int64(x, y, 2)`.

Integer helpers compute in int64 or uint64; narrower dtypes are cast on the way in and out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from autopar.analysis.model.later import Later

from .float_status import FLOAT_STATUS
from .libm import FUNCTIONS, LIBM, define_libm
from .numpy_loops import (
    PREFIX,
    ROW,
    STRIP,
    TOLD,
    TOLD_ROW,
    TOLD_STRIP,
    scalar_function,
    strip_function,
)
from .numpy_rows import row_function

if TYPE_CHECKING:
    import numba
else:
    numba = Later("numba")

# A number of a dtype that Numba knows and mypy does not.
Value: TypeAlias = Any
Checked: TypeAlias = tuple[Value, int]

# A product of complex numbers: its text is in a module that loads Numba.
FUSED = "fused_product"
_INT64_MIN = -(2**63)
BELOW_2_TO_63 = 2.0**63 * (1 - 2.0**-49)
ABOVE_2_TO_63 = 2.0**63 * (1 + 2.0**-49)

# ---------------------------------------------------------------- integers that may overflow


def range_status(value: int, low: int, high: int, status: int) -> int:
    """Return `status` where `value` lies outside `low..high`, otherwise 0."""
    return status if value < low or value > high else 0


def index_in(position: int, extent: int, status: int) -> Checked:
    """Return a subscript counted from the start, and `status` where it is out of range.

    Out of range it is returned as 0, which may itself be out of range.
    """
    counted = position + extent if position < 0 else position
    has_left = (counted < 0) | (counted >= extent)
    return 0 if has_left else counted, status if has_left else 0


def wrapped_index(position: int, extent: int) -> int:
    """Return a subscript that is in range, counted from the start."""
    return position + extent if position < 0 else position


def add_int64(x: int, y: int, status: int) -> Checked:
    """Return the wrapped sum, and `status` where it wrapped."""
    # Signed ones are taken not to wrap. Numbers of Python's, which a simulator has, are signed.
    value = np.int64(np.uint64(np.int64(x)) + np.uint64(np.int64(y)))
    return value, status if ((x ^ value) & (y ^ value)) < 0 else 0


def sub_int64(x: int, y: int, status: int) -> Checked:
    """Return the wrapped difference, and `status` where it wrapped."""
    value = np.int64(np.uint64(np.int64(x)) - np.uint64(np.int64(y)))
    return value, status if ((x ^ y) & (x ^ value)) < 0 else 0


def mul_int64(x: int, y: int, status: int) -> Checked:
    """Return the wrapped product, and `status` where it wrapped.

    The rounded product, off by less than 3 parts in 2**53, tells how large it is. Close to
    2**63 a product that wraps changes its sign. Without branches, so that LLVM vectorises.
    """
    # Numba tells LLVM that signed products do not wrap, so they are taken of unsigned numbers.
    value = np.int64(np.uint64(np.int64(x)) * np.uint64(np.int64(y)))
    rounded = np.float64(x) * np.float64(y)
    has_turned = (abs(rounded) >= BELOW_2_TO_63) & ((value < 0) != (rounded < 0))
    return value, status if (abs(rounded) >= ABOVE_2_TO_63) | has_turned else 0


def abs_int64(x: int, status: int) -> Checked:
    """Return the absolute value, and `status` for the smallest int64, which has none."""
    return -x if x < 0 else x, status if x == _INT64_MIN else 0


def add_uint64(x: Value, y: Value, status: int) -> Checked:
    """Return the wrapped sum of uint64, and `status` where it wrapped."""
    value = x + y
    return value, status if value < x else 0


def sub_uint64(x: Value, y: Value, status: int) -> Checked:
    """Return the wrapped difference of uint64, and `status` where it wrapped."""
    return x - y, status if y > x else 0


def mul_uint64(x: Value, y: Value, status: int) -> Checked:
    """Return the wrapped product of uint64, and `status` where it wrapped."""
    value = x * y
    if x == np.uint64(0):
        return value, 0
    return value, status if value // x != y else 0


# ------------------------------------------------------------------------ integer division


def floordiv_int64(x: int, y: int, status: int) -> Checked:
    """Return the floor of x / y; 0 and `status` for a zero divisor; wraps for -1."""
    if y == 0:
        return 0, status
    if y == -1:
        return -x, status if x == _INT64_MIN else 0
    return x // y, 0


def mod_int64(x: int, y: int, status: int) -> Checked:
    """Return x modulo y with the sign of y; 0 and `status` for a zero divisor."""
    if y == 0:
        return 0, status
    if y == -1:
        return 0, 0
    return x % y, 0


def floordiv_uint64(x: Value, y: Value, status: int) -> Checked:
    """Return the floor of x / y of uint64; 0 and `status` for a zero divisor."""
    if y == np.uint64(0):
        return np.uint64(0), status
    return x // y, 0


def mod_uint64(x: Value, y: Value, status: int) -> Checked:
    """Return x modulo y of uint64; 0 and `status` for a zero divisor."""
    if y == np.uint64(0):
        return np.uint64(0), status
    return x % y, 0


# ---------------------------------------------------------------------------- bits, powers


def shl_int64(x: int, count: int, status: int) -> Checked:
    """Return x << count as Python has it, and `status` for a negative count or an overflow."""
    if count < 0:
        return 0, status
    if count > 63:
        return 0, 0 if x == 0 else status
    value = x << count
    return value, 0 if value >> count == x else status


def shift_left_int64(x: int, count: int, width: int) -> int:
    """Return x << count as NumPy has it: 0 for a negative count or one past the width."""
    return x << count if 0 <= count < width else 0


def shift_right_int64(x: int, count: int, width: int) -> int:
    """Return x >> count as NumPy has it: filled with the sign for any other count."""
    if 0 <= count < width:
        return x >> count
    return -1 if x < 0 else 0


def shift_left_uint64(x: Value, count: Value) -> Value:
    """Return x << count of uint64; 0 from 64 on."""
    return x << count if count < np.uint64(64) else np.uint64(0)


def shift_right_uint64(x: Value, count: Value) -> Value:
    """Return x >> count of uint64; 0 from 64 on."""
    return x >> count if count < np.uint64(64) else np.uint64(0)


def power_int64(x: int, exponent: int) -> Value:
    """Return x ** exponent, wrapped; 1 for a negative exponent, which is checked apart."""
    value, factor = np.uint64(1), np.uint64(x)
    while exponent > 0:
        if exponent & 1:
            value = value * factor
        factor = factor * factor
        exponent = exponent >> 1
    return np.int64(value)


def power_uint64(x: Value, exponent: Value) -> Value:
    """Return x ** exponent of uint64, wrapped."""
    value = np.uint64(1)
    while exponent > np.uint64(0):
        if exponent & np.uint64(1):
            value = value * x
        x = x * x
        exponent = exponent >> np.uint64(1)
    return value


# ------------------------------------------------------------ comparisons of int64 and uint64


def less_mixed(x: int, y: Value) -> bool:
    """Return x < y for an int64 and a uint64."""
    return x < 0 or bool(np.uint64(x) < y)


def less_equal_mixed(x: int, y: Value) -> bool:
    """Return x <= y for an int64 and a uint64."""
    return x < 0 or bool(np.uint64(x) <= y)


def equal_mixed(x: int, y: Value) -> bool:
    """Return x == y for an int64 and a uint64."""
    return x >= 0 and bool(np.uint64(x) == y)


# ---------------------------------------------------------------------------------- floats


def least(x: Value, y: Value) -> Value:
    """Return Python's `min(x, y)`: the first one unless the second is less."""
    return y if y < x else x  # noqa: FURB136  # says which of equals


def greatest(x: Value, y: Value) -> Value:
    """Return Python's `max(x, y)`: the first one unless the second is greater."""
    return y if y > x else x  # noqa: FURB136  # says which of equals


def minimum(x: Value, y: Value) -> Value:
    """Return NumPy's minimum of two floats: nan if either is, the second of equal ones."""
    if x != x:  # noqa: PLR0124  # true for nan only
        return x
    return x if x < y else y  # noqa: FURB136  # says what nan gives


def maximum(x: Value, y: Value) -> Value:
    """Return NumPy's maximum of two floats: nan if either is, the second of equal ones."""
    if x != x:  # noqa: PLR0124  # true for nan only
        return x
    return x if x > y else y  # noqa: FURB136  # says what nan gives


def clip(x: Value, low: Value, high: Value) -> Value:
    """Return NumPy's clip of floats: nan if any is, `high` where the bounds cross."""
    if low != low or high != high:  # noqa: PLR0124  # true for nan only
        return low + high
    value = low if x < low else x  # noqa: FURB136  # says what nan gives
    return high if value > high else value  # noqa: FURB136  # the same


def differing_zeros(x: Value, y: Value) -> bool:
    """Return whether one is 0.0 and the other -0.0."""
    are_zeros = (x == 0.0) & (y == 0.0)
    signs = math.copysign(1.0, np.float64(x)) * math.copysign(1.0, np.float64(y))
    return bool(are_zeros & (signs < 0.0))


def _float_helpers(dtype: str, number: Value, fmod: Value) -> tuple[Callable[..., Any], ...]:
    """Return floor division and modulo of one float type, as CPython and NumPy define both.

    `fmod` is C's function under the name that the target knows.
    """

    def floordiv(x: Value, y: Value) -> Value:
        if y == number(0.0):
            return x / y
        mod = fmod(x, y)
        quotient = (x - mod) / y
        if mod != number(0.0) and (y < number(0.0)) != (mod < number(0.0)):
            quotient = quotient - number(1.0)
        if quotient == number(0.0):
            return math.copysign(number(0.0), x / y)
        floor = np.floor(quotient)
        if quotient - floor > number(0.5):
            floor = floor + number(1.0)
        return floor

    def mod(x: Value, y: Value) -> Value:
        value = fmod(x, y)
        if y == number(0.0):
            return value
        if value == number(0.0):
            return math.copysign(number(0.0), y)
        if (y < number(0.0)) != (value < number(0.0)):
            return value + y
        return value

    floordiv.__name__, mod.__name__ = f"floordiv_{dtype}", f"mod_{dtype}"
    return floordiv, mod


# As CUDA knows them; Numba has no math.fmod on the CPU.
_FLOAT_HELPERS = (
    *_float_helpers("float64", np.float64, math.fmod),
    *_float_helpers("float32", np.float32, math.fmod),
)


def float_to_int64(x: float, low: float, high: float, status: int) -> Checked:
    """Return x without its fraction; 0 and `status` unless low <= x < high."""
    if x >= low and x < high:
        return np.int64(x), 0
    return np.int64(0), status


def float_to_uint64(x: float, status: int) -> Checked:
    """Return x without its fraction as a uint64; 0 and `status` where it is none."""
    if x > -1.0 and x < 18446744073709551616.0:
        if x < 9223372036854775808.0:
            return np.uint64(np.int64(x)), 0
        return np.uint64(x), 0
    return np.uint64(0), status


def domain_status(x: float, value: float, status: int) -> int:
    """Return `status` where CPython's math raises for f(x) == value: a new nan or infinity.

    Numba's `isfinite` subtracts, and infinity less infinity would be told as a warning.
    """
    if math.isnan(value):
        return 0 if math.isnan(x) else status
    if abs(value) != math.inf or abs(x) == math.inf or math.isnan(x):
        return 0
    return status


def domain_status_of_two(x: float, y: float, value: float, status: int) -> int:
    """Return `status` where CPython raises for f(x, y) == value: a new nan or infinity."""
    if math.isnan(x) or math.isnan(y):
        return 0
    if math.isnan(value):
        return status
    if abs(value) != math.inf or abs(x) == math.inf or abs(y) == math.inf:
        return 0
    return status


HELPERS: tuple[Callable[..., Any], ...] = (
    range_status,
    index_in,
    wrapped_index,
    add_int64,
    sub_int64,
    mul_int64,
    abs_int64,
    add_uint64,
    sub_uint64,
    mul_uint64,
    floordiv_int64,
    mod_int64,
    floordiv_uint64,
    mod_uint64,
    shl_int64,
    shift_left_int64,
    shift_right_int64,
    shift_left_uint64,
    shift_right_uint64,
    power_int64,
    power_uint64,
    less_mixed,
    less_equal_mixed,
    equal_mixed,
    least,
    greatest,
    minimum,
    maximum,
    clip,
    differing_zeros,
    *_FLOAT_HELPERS,
    float_to_int64,
    float_to_uint64,
    domain_status,
    domain_status_of_two,
)

# ---------------------------------------------------------------------------------- for Numba


@cache
def cpu_helper(name: str) -> Value:
    """Return the helper called `name`, callable from code under `numba.njit`."""
    if name.startswith(LIBM):
        return _libm_function(name.removeprefix(LIBM))
    if name.startswith((ROW, TOLD_ROW)):
        return row_function(name)
    if name.startswith((PREFIX, TOLD)):
        return scalar_function(name)
    if name.startswith((STRIP, TOLD_STRIP)):
        return strip_function(name)
    if name == FUSED:
        from .fused import fused_product

        return numba.njit(nogil=True, error_model="numpy")(fused_product)
    function = next(each for each in _of_cpu() if each.__name__ == name)
    return numba.njit(nogil=True, error_model="numpy")(function)


def _of_cpu() -> tuple[Callable[..., Any], ...]:
    return (*_cpu_float_helpers(), *HELPERS, *FLOAT_STATUS)


@cache
def _cpu_float_helpers() -> tuple[Callable[..., Any], ...]:
    return (
        *_float_helpers("float64", np.float64, _libm_function("fmod")),
        *_float_helpers("float32", np.float32, _libm_function("fmodf")),
    )


def _libm_function(name: str) -> Value:
    symbol = define_libm(name)
    dtype, count = FUNCTIONS[name]
    number = getattr(numba.types, dtype)
    return numba.types.ExternalFunction(symbol, number(*(number,) * count))
