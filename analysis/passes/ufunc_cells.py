"""The types of NumPy's functions of scalars, asked of NumPy itself.

Maps `numpy.exp` of a Python int to: computed in float64, a np.float64. Of np.int8 it would be a
np.float16, which kernels do not hold: no cell. Results are NumPy's scalars, whatever goes in.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..model.types import FLOAT_DTYPES, INTEGER_LIMITS, NumpyScalar, ScalarType
from ..model.ufuncs import COMPARISONS, OWN_LOOPS
from .promotion import Cell, are_compiled, compared_integers, is_complex, resolved, result_of

# Constant for integers; of integers that became floats they are the same.
_TESTS = ("numpy.isfinite", "numpy.isinf", "numpy.isnan")
_ROUNDING = ("numpy.ceil", "numpy.floor", "numpy.rint", "numpy.trunc")
# Of complex numbers, part by part; products may be fused: see `type_ufuncs`.
_OF_COMPLEX = frozenset(("numpy.add", "numpy.subtract", "numpy.multiply", "numpy.negative"))
_OWN_LOOPS_OF_INTEGERS = ("numpy.sign", "numpy.fmax", "numpy.fmin", "numpy.power")


@cache
def ufunc_cell(function: str, operands: tuple[ScalarType, ...]) -> Cell | None:
    """Return the cell of a call of NumPy's `function`; None where it has none."""
    ufunc = getattr(np, function.removeprefix("numpy."), None)
    if not isinstance(ufunc, np.ufunc) or ufunc.nin != len(operands):
        return None
    if is_complex(*operands) and function not in _OF_COMPLEX:
        return None
    result = result_of(ufunc, *operands)
    if not isinstance(result, NumpyScalar):
        return None
    dtypes = _operands(function, ufunc, operands)
    return Cell(operands=dtypes, result=result) if _is_held(function, ufunc, dtypes) else None


def _operands(function: str, ufunc: np.ufunc, operands: tuple[ScalarType, ...]) -> tuple[str, ...]:
    """Return the dtypes in which `function` computes."""
    are_integers = all(each.dtype in INTEGER_LIMITS for each in operands)
    if function in COMPARISONS and are_integers:
        return compared_integers(operands[0].dtype, operands[1].dtype)
    dtypes = resolved(ufunc, operands)
    return ("float64",) if function in _TESTS and dtypes[0] in INTEGER_LIMITS else dtypes


def _is_held(function: str, ufunc: np.ufunc, dtypes: tuple[str, ...]) -> bool:
    """Return whether kernels compute `function` of these dtypes as NumPy does."""
    if not are_compiled(dtypes):
        return False
    is_float = dtypes[0] in FLOAT_DTYPES
    if function in _ROUNDING:
        return is_float
    if function in OWN_LOOPS:
        is_integer = function in _OWN_LOOPS_OF_INTEGERS and dtypes[0] != "bool"
        return len(set(dtypes)) == 1 and (is_float or is_integer)
    is_extremum = function in {"numpy.minimum", "numpy.maximum"}
    return not (is_extremum and is_float) or _takes_second_of_equals(ufunc, dtypes)


def _takes_second_of_equals(ufunc: np.ufunc, dtypes: tuple[str, ...]) -> bool:
    """Return whether minimum or maximum of 0.0 and -0.0 is the second one on this machine."""
    zeros = np.array((0.0, -0.0), dtype=dtypes[0])
    return all(
        bool(np.signbit(ufunc(first, second)) == np.signbit(second))
        for first in zeros
        for second in zeros
    )
