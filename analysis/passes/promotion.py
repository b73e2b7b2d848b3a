"""NEP 50 as a table: operator and operand types to compute dtypes and result type.

The table is filled by running NumPy and Python themselves, one cell at a time, on first use:
`np.int8(1) + np.float32(1)` says that the result is a `np.float32`, and NumPy's own resolver
that both operands are cast to float32 before they are added.

NEP 50, Promotion rules for Python scalars, NumPy 2.0, 2024. What NumPy computes in float16 or
object, and what compiled code could not repeat bit for bit, has no cell.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import numpy as np

from autopar.analysis.model.nouns import dataclass

from ..model.types import (
    BOOL,
    COMPILED_DTYPES,
    COMPLEX,
    COMPLEX_DTYPES,
    FLOAT,
    FLOAT_DTYPES,
    INT,
    INTEGER_LIMITS,
    NumpyScalar,
    PythonScalar,
    ScalarType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One entry of the table."""

    operands: tuple[str, ...]  # the dtype that each operand is cast to
    result: ScalarType


_ARITHMETIC: Mapping[str, tuple[Callable[..., object], np.ufunc]] = MappingProxyType(
    {
        "+": (operator.add, np.add),
        "-": (operator.sub, np.subtract),
        "*": (operator.mul, np.multiply),
        "/": (operator.truediv, np.true_divide),
        "//": (operator.floordiv, np.floor_divide),
        "%": (operator.mod, np.remainder),
        "**": (operator.pow, np.power),
        "<<": (operator.lshift, np.left_shift),
        ">>": (operator.rshift, np.right_shift),
        "&": (operator.and_, np.bitwise_and),
        "|": (operator.or_, np.bitwise_or),
        "^": (operator.xor, np.bitwise_xor),
    }
)
_COMPARISONS: Mapping[str, tuple[Callable[..., object], np.ufunc]] = MappingProxyType(
    {
        "<": (operator.lt, np.less),
        "<=": (operator.le, np.less_equal),
        ">": (operator.gt, np.greater),
        ">=": (operator.ge, np.greater_equal),
        "==": (operator.eq, np.equal),
        "!=": (operator.ne, np.not_equal),
    }
)
_UNARY: Mapping[str, Callable[..., object]] = MappingProxyType(
    {"-": operator.neg, "+": operator.pos, "~": operator.invert, "abs": abs}
)
# Complex multiplication has no cell where a processor may fuse it; division is Smith's method,
# which NumPy, Python and Numba write in three ways.
_COMPLEX_OPERATORS = ("+", "-", "*", "==", "!=")

# Functions of `math` that CPython takes from libm unchanged. Not hypot, gamma, lgamma, fsum,
# dist, erf and erfc: CPython has its own for some versions of them.
LIBM = (
    "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cos", "cosh", "exp", "exp2",
    "expm1", "log", "log10", "log1p", "log2", "sin", "sinh", "tan", "tanh",
)  # fmt: skip
LIBM_OF_TWO = ("atan2", "copysign", "fmod", "pow")
_MATH = ("fabs", "sqrt", *LIBM, *LIBM_OF_TWO)
_MATH_TESTS = ("isfinite", "isinf", "isnan")
_MATH_ROUNDING = ("ceil", "floor", "trunc")

_SAMPLES: Mapping[str, bool | int | float | complex] = MappingProxyType(
    {"bool": True, "int": 1, "float": 1.0, "complex": 1j}
)
_KINDS = ("bool", "int", "float", "complex")


@cache
def binary_cell(name: str, left: ScalarType, right: ScalarType) -> Cell | None:
    """Return the cell of `left name right`, arithmetic or comparison; None where it has none."""
    function, ufunc = {**_ARITHMETIC, **_COMPARISONS}[name]
    if is_complex(left, right) and (name not in _COMPLEX_OPERATORS or _is_mixed(left, right)):
        return None
    result = result_of(function, left, right)
    if result is None or (name == "**" and not _is_libm_power(left, right, result)):
        return None
    operands = _binary_operands(name, ufunc, left, right)
    return Cell(operands=operands, result=result) if are_compiled(operands) else None


@cache
def unary_cell(name: str, operand: ScalarType) -> Cell | None:
    """Return the cell of `-x`, `+x`, `~x`, `not x` or `abs(x)`."""
    if name == "not":
        return None if is_complex(operand) else Cell(operands=(operand.dtype,), result=BOOL)
    if (name == "~" and operand == BOOL) or (name == "abs" and is_complex(operand)):
        return None  # ~True is deprecated; complex abs is hypot, written in many ways
    result = result_of(_UNARY[name], operand)
    dtype = result.dtype if operand == BOOL and result is not None else operand.dtype
    return None if result is None else Cell(operands=(dtype,), result=result)


@cache
def call_cell(function: str, operands: tuple[ScalarType, ...]) -> Cell | None:
    """Return the cell of a call of `math`."""
    module, _, name = function.partition(".")
    is_known = module == "math" and hasattr(math, name)
    if not is_known or is_complex(*operands) or len(operands) != 1 + (name in LIBM_OF_TWO):
        return None
    dtypes = ("float64",) * len(operands)
    if name in _MATH:
        return Cell(operands=dtypes, result=FLOAT)
    if name in _MATH_TESTS:
        return Cell(operands=dtypes, result=BOOL)
    # An integer is its own floor under __floor__, which only Python's own integers have.
    # A np.float32 has no __trunc__.
    if name in _MATH_ROUNDING and operands[0].dtype in (
        ("float64",) if name == "trunc" else FLOAT_DTYPES
    ):
        return Cell(operands=dtypes, result=FLOAT)  # the conversion to int comes after
    return None


def result_of(function: Callable[..., object], *operands: ScalarType) -> ScalarType | None:
    """Return the type of what `function` makes of operands of these types."""
    try:
        with np.errstate(all="ignore"):
            value = function(*(_sample(operand) for operand in operands))
    except TypeError:
        return None
    if isinstance(value, np.generic):  # before float: np.float64 is one
        name = value.dtype.name
        return NumpyScalar(dtype=name) if name in COMPILED_DTYPES else None
    for kind in (BOOL, INT, FLOAT, COMPLEX):
        if type(value).__name__ == kind.kind:
            return kind
    return None


def _sample(operand: ScalarType) -> object:
    match operand:
        case PythonScalar():
            return _SAMPLES[operand.kind]
        case NumpyScalar():
            return np.dtype(operand.dtype).type(1)


def _binary_operands(
    name: str, ufunc: np.ufunc, left: ScalarType, right: ScalarType
) -> tuple[str, ...]:
    both = (left, right)
    if name in _COMPARISONS and all(operand.dtype in INTEGER_LIMITS for operand in both):
        return compared_integers(left.dtype, right.dtype)
    if isinstance(left, PythonScalar) and isinstance(right, PythonScalar):
        return (_python_operand(name, left, right),) * 2
    return resolved(ufunc, both)


def compared_integers(left: str, right: str) -> tuple[str, str]:
    """Return how integers are compared exactly: only uint64 needs more than int64."""
    if "uint64" not in (left, right):
        return "int64", "int64"
    signed = ("int8", "int16", "int32", "int64")
    return ("int64" if left in signed else "uint64", "int64" if right in signed else "uint64")


def _is_libm_power(left: ScalarType, right: ScalarType, result: ScalarType) -> bool:
    """Return whether a power is computed by libm, if at all in floating point.

    NumPy's scalars call it where one of them has the type of the result already; everything
    else goes through the ufunc, which has vectorised loops of its own.
    """
    is_float = isinstance(result, NumpyScalar) and result.dtype in FLOAT_DTYPES
    return not is_float or result in (left, right)


def _python_operand(name: str, left: PythonScalar, right: PythonScalar) -> str:
    kind = max(left.kind, right.kind, key=_KINDS.index)
    if kind == "bool" and name not in ("&", "|", "^"):
        kind = "int"
    if kind == "int" and name == "/":
        kind = "float"
    return PythonScalar(kind=kind).dtype


def resolved(ufunc: np.ufunc, operands: tuple[ScalarType, ...]) -> tuple[str, ...]:
    """Return the dtypes in which NumPy computes; a Python scalar alone is not weak."""
    is_weak = any(isinstance(operand, NumpyScalar) for operand in operands)
    asked = [
        {"int": int, "float": float, "complex": complex}[operand.kind]
        if is_weak and isinstance(operand, PythonScalar) and operand.kind != "bool"
        else np.dtype(operand.dtype)
        for operand in operands
    ]
    resolved = ufunc.resolve_dtypes((*asked, None))
    dtypes = tuple(dtype.name for dtype in resolved[: len(operands)])
    # Integers that are divided are converted first: (double)a / (double)b.
    if ufunc is np.true_divide and dtypes[0] in INTEGER_LIMITS:
        return (resolved[-1].name,) * 2
    return dtypes


def is_complex(*operands: ScalarType) -> bool:
    """Return whether any of the operands is complex."""
    return any(operand.dtype in COMPLEX_DTYPES for operand in operands)


def _is_mixed(left: ScalarType, right: ScalarType) -> bool:
    """Return whether Python may compute with a real and a complex number, as 3.14 does."""
    both = (left, right)
    return (
        all(isinstance(operand, PythonScalar) for operand in both)
        and left != right
        and sys.version_info >= (3, 14)
    )


def are_compiled(dtypes: tuple[str, ...]) -> bool:
    """Return whether kernels hold all of the dtypes."""
    return all(dtype in COMPILED_DTYPES for dtype in dtypes)
