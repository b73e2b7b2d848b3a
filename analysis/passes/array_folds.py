"""What arrays are reduced to: by loops where any order gives the same, by NumPy where not.

Before:  np.sum(k > 3), x.mean(axis=0)   After:  an update of an int64; of axes (n, m), (m,) floats

Helper of the `array_fusion` pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from autopar.analysis.model.nouns import dataclass

from ..model.array_run import RUNNING
from ..model.loop_ir import Binary, Call, Compare, Constant, Expression
from ..model.source import Span
from ..model.types import (
    FLOAT_DTYPES,
    INT,
    NumpyScalar,
    ScalarType,
)
from .array_axes import equal

Axes = tuple[Expression, ...]
# Versions of NumPy count in Python's integers, or in their own.
COUNTS_AS_PYTHON = isinstance(np.count_nonzero(np.ones(1)), int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What a function of NumPy's gives."""

    axes: Axes | None  # None: a number
    type: ScalarType
    requires: tuple[Compare, ...]  # of extents, for it not to raise


def folded(
    function: str,
    axes: tuple[Axes, ...],
    types: tuple[ScalarType, ...],
    axis: int | None,
    *,
    keeps: bool,
) -> Folded | None:
    """Return what a function makes of arrays of these axes and types; None where nobody knows."""
    kinds = tuple(each.dtype for each in types if isinstance(each, NumpyScalar))
    if len(kinds) != len(types):
        return None
    if function in ("numpy.matmul", "numpy.dot"):
        return _product(axes, kinds)
    (shape,) = axes
    result = _result(function, kinds[0])
    if result is None or (axis is not None and not -len(shape) <= axis < len(shape)):
        return None
    if function in RUNNING:
        is_plain = not keeps and (axis is not None or len(shape) == 1)
        return Folded(axes=shape, type=result, requires=()) if is_plain else None
    if axis is None and not keeps:
        is_python = function == "numpy.count_nonzero" and COUNTS_AS_PYTHON
        return Folded(axes=None, type=INT if is_python else result, requires=())
    gone = range(len(shape)) if axis is None else (axis % len(shape),)
    one = Constant(value=1, span=shape[0].span)
    kept = (one if n in gone else each for n, each in enumerate(shape) if keeps or n not in gone)
    found = tuple(kept)
    return Folded(axes=found or None, type=result, requires=())


def _product(axes: tuple[Axes, ...], kinds: tuple[str, ...]) -> Folded | None:
    one, other = axes
    if kinds[0] != kinds[1] or kinds[0] not in FLOAT_DTYPES or max(len(one), len(other)) > 2:
        return None
    inner = other[0]
    left = (*one[:-1], *other[1:])
    same = tuple(equal(one[-1], inner))
    return Folded(axes=left or None, type=NumpyScalar(dtype=kinds[0]), requires=same)


def _result(function: str, dtype: str) -> NumpyScalar | None:
    """Return the type of what NumPy makes of values of a type."""
    is_float, is_int = dtype in FLOAT_DTYPES, np.dtype(dtype).kind in "iu"
    if not (is_float or is_int or dtype == "bool") or dtype == "float16":
        return None
    match function:
        case "numpy.sum" | "numpy.prod" | "numpy.cumsum" | "numpy.cumprod":
            word = "uint64" if dtype.startswith("u") else "int64"
            return NumpyScalar(dtype=dtype if is_float else word)
        case "numpy.mean" | "numpy.var" | "numpy.std":
            return NumpyScalar(dtype=dtype if is_float else "float64")
        case "numpy.max" | "numpy.min":
            return NumpyScalar(dtype=dtype)
        case "numpy.ptp" | "numpy.median" | "numpy.linalg.norm" if is_float:
            return NumpyScalar(dtype=dtype)
        case "numpy.any" | "numpy.all":
            return NumpyScalar(dtype="bool")
        case "numpy.argmax" | "numpy.argmin" | "numpy.count_nonzero":
            return NumpyScalar(dtype="int64")
    return None


@dataclass(frozen=True, slots=True)
class Reduction:
    """How values are reduced to one."""

    start: Constant
    result: NumpyScalar
    combine: Callable[[Expression, Expression], Expression]


def reduction(function: str, kind: NumpyScalar, at: Span) -> Reduction | None:
    """Return how a function reduces values of a type; None where NumPy has an order of its own."""

    def started(value: float, result: str, word: str) -> Reduction:
        def combine(target: Expression, element: Expression) -> Expression:
            if word in ("+", "|", "&"):
                return Binary(operator=word, left=target, right=element, span=at)  # type: ignore[arg-type]  # one of three operators
            return Call(function=word, arguments=(target, element), span=at)

        return Reduction(Constant(value=value, span=at), NumpyScalar(dtype=result), combine)

    dtype = np.dtype(kind.dtype)
    match function, dtype.kind:
        case "numpy.any", "b" | "i" | "u" | "f":
            return started(False, "bool", "|")
        case "numpy.all", "b" | "i" | "u" | "f":
            return started(True, "bool", "&")
        case "numpy.sum", "b" | "i":
            return started(0, "int64", "+")
        case "numpy.max", "i" | "u":
            return started(int(np.iinfo(dtype).min), kind.dtype, "numpy.maximum")
        case "numpy.min", "i" | "u":
            return started(int(np.iinfo(dtype).max), kind.dtype, "numpy.minimum")
        case "numpy.max", "f":
            return started(-math.inf, kind.dtype, "numpy.maximum")
        case "numpy.min", "f":
            return started(math.inf, kind.dtype, "numpy.minimum")
    return None
