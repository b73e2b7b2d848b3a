"""NumPy's own inner loops over a whole row, as functions that kernels call.

Maps "numpyrow_add_float64" to a function of the value before the row, the number of elements,
where the first lies and by how many bytes they are apart: the call that `np.add.reduce` makes for
an axis. "toldrow_add_float64" gives what NumPy would warn of instead.

`vecdot` takes two rows, and is the function of BLAS that `np.dot` calls for vectors.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from autopar.analysis.model.later import Later

from .numpy_loops import LLVM_DTYPES, ROW, TOLD_ROW, added, loop_of, placed, told

if TYPE_CHECKING:
    from numba.core import types
else:
    types = Later("numba.core.types")


def row_function(name: str) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return the function called `name`, callable from code under `numba.njit`."""
    prefix, ufunc, dtype = _parts(name)
    number = getattr(types, dtype)
    row = (types.CPointer(number), types.int64)  # type: ignore[no-untyped-call]  # Numba is untyped
    result = types.int64 if prefix == TOLD_ROW else number
    signature = result(number, types.int64, *row * _rows(ufunc))
    return types.ExternalFunction(define_row(name), signature)


@cache
def define_row(name: str) -> str:
    """Return the symbol by which kernels call the function `name` from here on.

    Raises NotImplementedError or AttributeError where NumPy has no such loop, ValueError for
    what is no name of one.
    """
    prefix, ufunc, dtype = _parts(name)
    symbol = f"autopar_{name}"
    is_told = prefix == TOLD_ROW
    return placed(symbol, _text(symbol, ufunc, dtype, rows=_rows(ufunc), is_told=is_told))


def _parts(name: str) -> tuple[str, np.ufunc, str]:
    """Return the prefix of a name, and the ufunc and the dtype that it stands for."""
    for prefix in (ROW, TOLD_ROW):
        if name.startswith(prefix):
            function, _, dtype = name.removeprefix(prefix).rpartition("_")
            ufunc = getattr(np, function)
            if isinstance(ufunc, np.ufunc):
                return prefix, ufunc, dtype
    raise ValueError(name)


def _rows(ufunc: np.ufunc) -> int:
    """Return how many rows a loop is given: `vecdot` multiplies two."""
    return 2 if ufunc.signature is not None else 1


def _text(symbol: str, ufunc: np.ufunc, dtype: str, *, rows: int, is_told: bool) -> str:
    """Return the LLVM code that calls the loop of `ufunc` for a row, or two."""
    loop, data = loop_of(ufunc, dtype)
    number = LLVM_DTYPES[dtype][1]
    row = ", ".join(f"ptr %x{k}, i64 %apart{k}" for k in range(rows))
    if rows == 1:  # the value is an operand, and the result
        places, apart, counts = ["%out", "%x0", "%out"], ["0", "%apart0", "0"], ["%n"]
    else:  # one pair of rows, apart by nothing; then what lies between their elements
        places, counts = ["%x0", "%x1", "%out"], ["1", "%n"]
        apart = ["0", "0", "0", "%apart0", "%apart1"]
    stored = "\n".join(
        (
            *_filled("arguments", "ptr", places),
            *_filled("strides", "i64", apart),
            *_filled("counts", "i64", counts),
        )
    )
    call = f"""  %loop = inttoptr i64 {loop} to ptr
  %data = inttoptr i64 {data} to ptr
  call void %loop(ptr %arguments, ptr %counts, ptr %strides, ptr %data)"""
    call = told(call) if is_told else added(call)
    nothing = "ret i64 0" if is_told else f"ret {number} %before_row"
    value = f"%value = load {number}, ptr %out\n  ret {number} %value"
    return f"""
define {"i64" if is_told else number} @{symbol}({number} %before_row, i64 %n, {row}) {{
  %arguments = alloca [3 x ptr]
  %strides = alloca [5 x i64]
  %counts = alloca [2 x i64]
  %out = alloca {number}
  %is_empty = icmp sle i64 %n, 0
  br i1 %is_empty, label %nothing, label %begin
nothing:
  {nothing}
begin:
  store {number} {_start(ufunc, dtype)}, ptr %out
{stored}
{call}
  {"ret i64 %status" if is_told else value}
}}
"""


def _filled(name: str, kind: str, values: list[str]) -> list[str]:
    """Return the lines that store `values` side by side."""
    return [
        line
        for k, value in enumerate(values)
        for line in (
            f"  %{name}{k} = getelementptr {kind}, ptr %{name}, i64 {k}",
            f"  store {kind} {value}, ptr %{name}{k}",
        )
    ]


def _start(ufunc: np.ufunc, dtype: str) -> str:
    """Return what NumPy begins with: versions differ in the sign of the zero of sums."""
    if ufunc is np.add:
        found = np.add.reduce(np.array([-0.0], dtype=dtype))
        return "-0.0" if np.signbit(found) else "0.0"
    return "%before_row"
