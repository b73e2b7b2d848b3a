"""Arithmetic that libdevice lacks, as functions that CUDA kernels call.

Maps an operator and a dtype to a function that gives NumPy's bits on the device. Products are
libdevice's `_rn` ones, so that nothing is contracted to a fused multiply-add. `%` is not left to
Numba: on the device it becomes `x - y * trunc(x / y)`, which is not exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .cudalib import (
    copysign,
    copysignf,
    dadd_rn,
    ddiv_rn,
    device_function,
    dmul_rn,
    fabs,
    fabsf,
    fadd_rn,
    fdiv_rn,
    floor,
    floorf,
    fmod,
    fmodf,
    fmul_rn,
    fsub_rn,
)


@device_function
def dsub_rn(x: Any, y: Any) -> Any:
    """Return `x - y`, which libdevice has for float32 only."""
    return dadd_rn(x, -y)


@device_function
def modulo_f64(x: Any, y: Any) -> Any:
    """Return `x % y` as NumPy and Python have it: exact, with the sign of `y`."""
    rest = fmod(x, y)
    if y == 0.0 or rest != rest:
        return rest
    if rest == 0.0:
        return copysign(0.0, y)
    if (y < 0.0) != (rest < 0.0):
        return rest + y
    return rest


@device_function
def floor_divide_f64(x: Any, y: Any) -> Any:
    """Return `x // y` as NumPy has it; Python's differs only where it raises."""
    if y == 0.0:
        return ddiv_rn(x, y)
    rest = fmod(x, y)
    quotient = ddiv_rn(x - rest, y)
    if rest != 0.0 and (y < 0.0) != (rest < 0.0):
        quotient -= 1.0
    if quotient == 0.0:
        return copysign(0.0, ddiv_rn(x, y))
    whole = floor(quotient)
    if quotient - whole > 0.5:
        whole += 1.0
    return whole


@device_function
def modulo_f32(x: Any, y: Any) -> Any:
    """Return `x % y` as NumPy and Python have it: exact, with the sign of `y`."""
    rest = fmodf(x, y)
    if y == np.float32(0.0) or rest != rest:
        return rest
    if rest == np.float32(0.0):
        return copysignf(np.float32(0.0), y)
    if (y < np.float32(0.0)) != (rest < np.float32(0.0)):
        return rest + y
    return rest


@device_function
def floor_divide_f32(x: Any, y: Any) -> Any:
    """Return `x // y` as NumPy has it; Python's differs only where it raises."""
    if y == np.float32(0.0):
        return fdiv_rn(x, y)
    rest = fmodf(x, y)
    quotient = fdiv_rn(x - rest, y)
    if rest != np.float32(0.0) and (y < np.float32(0.0)) != (rest < np.float32(0.0)):
        quotient -= np.float32(1.0)
    if quotient == np.float32(0.0):
        return copysignf(np.float32(0.0), fdiv_rn(x, y))
    whole = floorf(quotient)
    if quotient - whole > np.float32(0.5):
        whole += np.float32(1.0)
    return whole


@device_function
def multiply_c128(x: Any, y: Any) -> Any:
    """Return `x * y`, each product and sum rounded on its own."""
    real = dsub_rn(dmul_rn(x.real, y.real), dmul_rn(x.imag, y.imag))
    imaginary = dadd_rn(dmul_rn(x.real, y.imag), dmul_rn(x.imag, y.real))
    return complex(real, imaginary)


@device_function
def divide_c128(x: Any, y: Any) -> Any:
    """Return `x / y` by Smith's method, as NumPy does (Python's own division rounds otherwise)."""
    if fabs(y.real) >= fabs(y.imag):
        if y.real == 0.0 and y.imag == 0.0:
            size = fabs(y.real)
            return complex(ddiv_rn(x.real, size), ddiv_rn(x.imag, size))
        ratio = ddiv_rn(y.imag, y.real)
        scale = ddiv_rn(1.0, dadd_rn(y.real, dmul_rn(y.imag, ratio)))
        real = dmul_rn(dadd_rn(x.real, dmul_rn(x.imag, ratio)), scale)
        imaginary = dmul_rn(dsub_rn(x.imag, dmul_rn(x.real, ratio)), scale)
    else:
        ratio = ddiv_rn(y.real, y.imag)
        scale = ddiv_rn(1.0, dadd_rn(y.imag, dmul_rn(y.real, ratio)))
        real = dmul_rn(dadd_rn(dmul_rn(x.real, ratio), x.imag), scale)
        imaginary = dmul_rn(dsub_rn(dmul_rn(x.imag, ratio), x.real), scale)
    return complex(real, imaginary)


@device_function
def multiply_c64(x: Any, y: Any) -> Any:
    """Return `x * y`, each product and sum rounded on its own."""
    real = fsub_rn(fmul_rn(x.real, y.real), fmul_rn(x.imag, y.imag))
    imaginary = fadd_rn(fmul_rn(x.real, y.imag), fmul_rn(x.imag, y.real))
    return np.complex64(complex(real, imaginary))


@device_function
def divide_c64(x: Any, y: Any) -> Any:
    """Return `x / y` by Smith's method, as NumPy does (Python's own division rounds otherwise)."""
    if fabsf(y.real) >= fabsf(y.imag):
        if y.real == 0.0 and y.imag == 0.0:
            size = fabsf(y.real)
            return np.complex64(complex(fdiv_rn(x.real, size), fdiv_rn(x.imag, size)))
        ratio = fdiv_rn(y.imag, y.real)
        scale = fdiv_rn(np.float32(1.0), fadd_rn(y.real, fmul_rn(y.imag, ratio)))
        real = fmul_rn(fadd_rn(x.real, fmul_rn(x.imag, ratio)), scale)
        imaginary = fmul_rn(fsub_rn(x.imag, fmul_rn(x.real, ratio)), scale)
    else:
        ratio = fdiv_rn(y.real, y.imag)
        scale = fdiv_rn(np.float32(1.0), fadd_rn(y.imag, fmul_rn(y.real, ratio)))
        real = fmul_rn(fadd_rn(fmul_rn(x.real, ratio), x.imag), scale)
        imaginary = fmul_rn(fsub_rn(fmul_rn(x.imag, ratio), x.real), scale)
    return np.complex64(complex(real, imaginary))
