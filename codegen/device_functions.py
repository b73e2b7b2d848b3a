"""NumPy's functions as CUDA has them: libdevice's, within 4 units in the last place.

Before:  numpy.arcsin of "x"        After:  math.asin(x)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from autopar.analysis.model.typed import Operation
from autopar.analysis.model.types import FLOAT_DTYPES

from .printing import bare, number_text, operand

_MATH: Mapping[str, str] = MappingProxyType(
    {
        "numpy.exp": "exp", "numpy.expm1": "expm1", "numpy.log": "log", "numpy.log2": "log2",
        "numpy.log10": "log10", "numpy.log1p": "log1p", "numpy.sin": "sin", "numpy.cos": "cos",
        "numpy.tan": "tan", "numpy.sinh": "sinh", "numpy.cosh": "cosh", "numpy.tanh": "tanh",
        "numpy.fmod": "fmod",
        "numpy.arcsin": "asin", "numpy.arccos": "acos", "numpy.arctan": "atan",
        "numpy.arcsinh": "asinh", "numpy.arccosh": "acosh", "numpy.arctanh": "atanh",
        "numpy.arctan2": "atan2", "numpy.hypot": "hypot", "numpy.power": "pow",
        "numpy.float_power": "pow", "numpy.copysign": "copysign",
    }
)  # fmt: skip
_DEGREES = frozenset(("numpy.rad2deg", "numpy.degrees"))
_RADIANS = frozenset(("numpy.deg2rad", "numpy.radians"))
_PI = 3.141592653589793


def is_on_device(operation: Operation) -> bool:
    """Return whether CUDA has what NumPy's own loop computes."""
    is_float = operation.type.dtype in FLOAT_DTYPES
    others = {"numpy.reciprocal", *_DEGREES, *_RADIANS}
    return is_float and (operation.name in _MATH or operation.name in others)


def device_text(operation: Operation, sources: tuple[str, ...]) -> str:
    """Return the text of a function of NumPy that `is_on_device`."""
    name, dtype = operation.name, operation.type.dtype
    source = operand(sources[0])
    if name == "numpy.reciprocal":
        return f"({number_text(1.0, dtype)} / {source})"
    if name in _DEGREES:
        return f"({source} * {number_text(180.0 / _PI, dtype)})"
    if name in _RADIANS:
        return f"({source} * {number_text(_PI / 180.0, dtype)})"
    return f"math.{_MATH[name]}({', '.join(bare(each) for each in sources)})"
