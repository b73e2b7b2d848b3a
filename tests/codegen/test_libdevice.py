"""NVIDIA's functions of doubles, which kernels on a device call: within 4 ulp of the true value."""

from __future__ import annotations

import numpy as np
import pytest

from tests.codegen.libdevice_twin import DeviceFunctions, bitcode
from tests.effort import share

# Between which values of the operand; NumPy's name where it is another one.
FUNCTIONS = {
    "exp": (-745.0, 709.0), "expm1": (-40.0, 709.0), "log": (1e-300, 1e300), "log2": (1e-300, 1e300),
    "log10": (1e-300, 1e300), "log1p": (-0.999, 1e6), "sin": (-1e15, 1e15), "cos": (-1e15, 1e15),
    "tan": (-1e15, 1e15), "sinh": (-709.0, 709.0), "cosh": (-709.0, 709.0), "tanh": (-20.0, 20.0),
    "asin": (-1.0, 1.0), "acos": (-1.0, 1.0), "atan": (-1e6, 1e6), "asinh": (-1e6, 1e6),
    "acosh": (1.0, 1e6), "atanh": (-0.9999, 0.9999), "atan2": (-1e3, 1e3), "hypot": (-1e6, 1e6),
    "pow": (1e-20, 1e20),
}  # fmt: skip
INVERSE = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "atan2": "arctan2", "pow": "power",
}  # fmt: skip
TWO = {"atan2", "hypot", "pow"}
FILE = bitcode()
pytestmark = [
    pytest.mark.skipif(FILE is None, reason="NVVM is not installed"),
    pytest.mark.skipif(
        np.finfo(np.longdouble).nmant < 60, reason="no wider numbers to compare with"
    ),
]


@pytest.fixture(scope="module")
def library():
    assert FILE is not None  # else all is skipped
    return DeviceFunctions(FILE, tuple(FUNCTIONS))


def operands(name):
    low, high = FUNCTIONS[name]
    draw, count = np.random.default_rng(7), share(6000)
    if low > 0.0 and high > 1e19:
        first = 10.0 ** draw.uniform(np.log10(low), np.log10(high), count)
    else:
        small = draw.choice([-1.0, 1.0], count) * 10.0 ** draw.uniform(-8, 2, count)
        first = np.concatenate([draw.uniform(low, high, count), small.clip(low, high)])
    if name not in TWO:
        return (first,)
    return first, draw.uniform(-15.0, 15.0, first.size)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_a_device_are_within_four_ulp(name, library):
    values = operands(name)
    function = library.function(name, len(values))
    found = np.array([function(*map(float, each)) for each in zip(*values, strict=True)])
    with np.errstate(all="ignore"):
        exact = getattr(np, INVERSE.get(name, name))(
            *(each.astype(np.longdouble) for each in values)
        )
    near = np.abs(exact).astype(float)
    ulp = np.spacing(np.maximum(near, np.finfo(float).tiny)).astype(np.longdouble)
    is_finite = np.isfinite(near) & (near < 1e308)
    assert is_finite.sum() > 0.9 * found.size
    assert 4.0 >= np.max(np.abs(found.astype(np.longdouble) - exact)[is_finite] / ulp[is_finite])
