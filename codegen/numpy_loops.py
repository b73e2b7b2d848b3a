"""NumPy's own inner loops, as functions that kernels call.

Maps "numpy_exp_float64" to a function of one number that calls the loop which `np.exp` itself
calls for a scalar: the same bits on any machine, since it is the same code. "told_exp_float64"
gives what NumPy would warn of instead: the processor's flags, cleared before and tested after.

A ufunc's loops are C functions, `loop(arguments, dimensions, strides, data)`, in the public
structure of the ufunc object (NumPy's C API, "Python types and C structures", PyUFuncObject).
The functions here are a few lines of LLVM code around them, made anew in each process: compiled
kernels know them by name, so no address is ever kept.

For a scalar NumPy gives strides of 0, and some loops look at them: `power` squares where the
exponent stands still at 2.0.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from autopar.analysis.model.later import Later
from autopar.analysis.model.typed import FLOAT_DIVIDE, FLOAT_INVALID, FLOAT_OVERFLOW

from .fpflags import FLOAT_FLAGS, MASKS, address_of
from .native import attributes, compiled

if TYPE_CHECKING:
    import llvmlite.binding as llvm
    from numba.core import types
else:
    llvm, types = Later("llvmlite.binding"), Later("numba.core.types")

PREFIX = "numpy_"
TOLD = "told_"
STRIP = "strip_"
TOLD_STRIP = "toldstrip_"
ROW = "numpyrow_"
TOLD_ROW = "toldrow_"
# Those whose bits do not depend on how many elements are computed at once, nor on where they lie,
# at every level of instructions that NumPy chooses from; told apart by experiment (see
# tests/codegen/test_numpy_loops.py). Not `fmax` and `fmin`, which differ for signalling NaNs.
STRIPPED = frozenset(
    f"numpy.{name}"
    for name in (
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin",
        "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "cbrt",
        "deg2rad", "rad2deg", "degrees", "radians", "power", "arctan2", "hypot", "logaddexp",
        "logaddexp2", "fmod", "float_power",
    )
)  # fmt: skip
# Of these the second operand has to stand still, as it does for a scalar.
SCALAR_SECOND = frozenset(("numpy.power", "numpy.float_power"))

# dtype: (NumPy's character for it, LLVM's type).
LLVM_DTYPES = {
    "int8": ("b", "i8"), "int16": ("h", "i16"), "int32": ("i", "i32"), "int64": ("l", "i64"),
    "uint8": ("B", "i8"), "uint16": ("H", "i16"), "uint32": ("I", "i32"), "uint64": ("L", "i64"),
    "float32": ("f", "float"), "float64": ("d", "double"),
}  # fmt: skip


class _UFunc(ctypes.Structure):
    """The start of a `PyUFuncObject`, which has not changed since NumPy 1."""

    _fields_ = (
        ("reference_count", ctypes.c_ssize_t),
        ("type", ctypes.c_void_p),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
    )


def loop_of(ufunc: np.ufunc, dtype: str) -> tuple[int, int]:
    """Return the addresses of the inner loop of `ufunc` for one dtype, and of its data.

    Raises NotImplementedError where there is none, or the structure is not what it was.
    """
    seen = _UFunc.from_address(id(ufunc))
    shape = (seen.nin, seen.nout, seen.nargs, seen.ntypes)
    is_known = shape == (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes)
    if not is_known or seen.name.decode() != ufunc.__name__:
        raise NotImplementedError(f"the structure of {ufunc.__name__}")
    wanted = np.dtype(dtype)
    for position, signature in enumerate(ufunc.types):
        kinds = signature.replace("->", "")
        if all(each in "bBhHiIlLqQfd" and np.dtype(each) == wanted for each in kinds):
            return seen.functions[position] or 0, seen.data[position] or 0
    raise NotImplementedError(f"{ufunc.__name__} of {dtype}")


def scalar_function(name: str) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return the function called `name`, callable from code under `numba.njit`."""
    prefix, ufunc, dtype = _parts(name)
    number = getattr(types, dtype)
    result = types.int64 if prefix == TOLD else number
    return types.ExternalFunction(define(name), result(*(number,) * ufunc.nin))


def strip_function(name: str) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return the function that applies a loop to a strip: the count, then where operands lie.

    It returns a status: what NumPy would warn of for "toldstrip_exp_float64", 0 for
    "strip_exp_float64".
    """
    _, ufunc, dtype = _parts(name)
    number = getattr(types, dtype)
    row = types.CPointer(number)  # type: ignore[no-untyped-call]  # Numba is untyped
    second = (number if _stands_still(ufunc) else row,) * (ufunc.nin - 1)
    return types.ExternalFunction(define(name), types.int64(types.int64, row, *second, row))


@cache
def define(name: str) -> str:
    """Return the symbol by which kernels call the function `name` from here on.

    Raises NotImplementedError or AttributeError where NumPy has no such loop, ValueError for
    what is no name of one.
    """
    prefix, ufunc, dtype = _parts(name)
    symbol = f"autopar_{name}"
    if prefix in (PREFIX, TOLD):
        text = _scalar_text(symbol, ufunc, dtype, is_told=prefix == TOLD)
    else:
        kind = (prefix == TOLD_STRIP, _stands_still(ufunc))
        text = _strip_text(symbol, ufunc, dtype, kind)
    return placed(symbol, text)


def placed(symbol: str, text: str) -> str:
    """Return `symbol` once kernels find the function there that `text` defines."""
    engine = compiled(text)
    _ENGINES.append(engine)
    llvm.add_symbol(symbol, engine.get_function_address(symbol))
    return symbol


_ENGINES: list[Any] = []  # they keep the code


def _parts(name: str) -> tuple[str, np.ufunc, str]:
    """Return the prefix of a name, and the ufunc and the dtype that it stands for."""
    for prefix in (PREFIX, TOLD, STRIP, TOLD_STRIP):
        if name.startswith(prefix):
            function, _, dtype = name.removeprefix(prefix).rpartition("_")
            ufunc = getattr(np, function)
            if isinstance(ufunc, np.ufunc):
                return prefix, ufunc, dtype
    raise ValueError(name)


def _stands_still(ufunc: np.ufunc) -> bool:
    """Return whether the second operand of a strip is one number."""
    return f"numpy.{ufunc.__name__}" in SCALAR_SECOND


def _strip_text(symbol: str, ufunc: np.ufunc, dtype: str, kind: tuple[bool, bool]) -> str:
    """Return the LLVM code that calls the loop of `ufunc` for elements side by side."""
    is_told, is_scalar = kind
    if is_scalar:
        return _standing_text(symbol, ufunc, dtype, is_told=is_told)
    loop, data = loop_of(ufunc, dtype)
    size, count = np.dtype(dtype).itemsize, ufunc.nin
    rows = ["%x0", *["%x1"][: count - 1], "%out"]
    stored = "\n".join(
        f"""  %slot{k} = getelementptr ptr, ptr %arguments, i64 {k}
  store ptr {row}, ptr %slot{k}
  %stride{k} = getelementptr i64, ptr %strides, i64 {k}
  store i64 {size}, ptr %stride{k}"""
        for k, row in enumerate(rows)
    )
    call = f"""  %loop = inttoptr i64 {loop} to ptr
  %data = inttoptr i64 {data} to ptr
  call void %loop(ptr %arguments, ptr %count, ptr %strides, ptr %data)"""
    call = told(call) if is_told else added(call)
    return f"""
define i64 @{symbol}(i64 %n, ptr %x0{", ptr %x1" if count > 1 else ""}, ptr %out) {{
  %arguments = alloca [{count + 1} x ptr]
  %strides = alloca [{count + 1} x i64]
  %count = alloca i64
  %is_empty = icmp sle i64 %n, 0
  br i1 %is_empty, label %nothing, label %begin
nothing:
  ret i64 0
begin:
  store i64 %n, ptr %count
{stored}
{call}
  ret i64 {"%status" if is_told else 0}
}}
"""


# A second operand that stands still is written side by side so often, and read again and again:
# NumPy's vectors of it are gathered where its stride is 0, which takes a sixth of the time of
# `power` on an AMD EPYC, and more on processors whose gathers are slow.
_REPEATED = 1024
_WIDE = 16  # elements that are written at once
# Numbers for which a loop may have a way of its own if they stand still, as `power` has for 2:
# these keep their stride of 0.
_WAYS_OF_THEIR_OWN = (-1.0, 0.0, 0.5, 1.0, 2.0)


def _standing_text(symbol: str, ufunc: np.ufunc, dtype: str, *, is_told: bool) -> str:
    """Return the LLVM code that calls a loop for elements whose second operand is one number."""
    loop, data = loop_of(ufunc, dtype)
    number, size = LLVM_DTYPES[dtype][1], np.dtype(dtype).itemsize
    wide = f"<{_WIDE} x {number}>"
    tests = "\n".join(
        f"""  %is_{k} = fcmp ueq {number} %y, {each}
  %may_{k + 1} = or i1 %may_{k}, %is_{k}"""
        for k, each in enumerate(_WAYS_OF_THEIR_OWN)
    )
    call = f"""  br i1 %stands, label %ready, label %repeat
repeat:
  %first = insertelement {wide} poison, {number} %y, i64 0
  %all = shufflevector {wide} %first, {wide} poison, <{_WIDE} x i32> zeroinitializer
  %is_less = icmp slt i64 %n, {_REPEATED}
  %wanted = select i1 %is_less, i64 %n, i64 {_REPEATED}
  br label %write
write:
  %place = phi i64 [ 0, %repeat ], [ %next_place, %write ]
  %where = getelementptr {number}, ptr %row, i64 %place
  store {wide} %all, ptr %where, align 64
  %next_place = add i64 %place, {_WIDE}
  %is_written = icmp sge i64 %next_place, %wanted
  br i1 %is_written, label %ready, label %write
ready:
  %loop = inttoptr i64 {loop} to ptr
  %data = inttoptr i64 {data} to ptr
  %part = select i1 %stands, i64 %n, i64 {_REPEATED}
  %step = select i1 %stands, i64 0, i64 {size}
  store i64 {size}, ptr %strides
  %stride1 = getelementptr i64, ptr %strides, i64 1
  store i64 %step, ptr %stride1
  %stride2 = getelementptr i64, ptr %strides, i64 2
  store i64 {size}, ptr %stride2
  %slot1 = getelementptr ptr, ptr %arguments, i64 1
  %slot2 = getelementptr ptr, ptr %arguments, i64 2
  br label %go
go:
  %from = phi i64 [ 0, %ready ], [ %later, %go ]
  %left = sub i64 %n, %from
  %is_last = icmp sle i64 %left, %part
  %now = select i1 %is_last, i64 %left, i64 %part
  store i64 %now, ptr %count
  %x = getelementptr {number}, ptr %x0, i64 %from
  %to = getelementptr {number}, ptr %out, i64 %from
  store ptr %x, ptr %arguments
  store ptr %row, ptr %slot1
  store ptr %to, ptr %slot2
  call void %loop(ptr %arguments, ptr %count, ptr %strides, ptr %data)
  %later = add i64 %from, %now
  br i1 %is_last, label %called, label %go
called:"""
    call = told(call) if is_told else added(call)
    return f"""
define i64 @{symbol}(i64 %n, ptr %x0, {number} %y, ptr %out) {attributes()} {{
  %arguments = alloca [3 x ptr]
  %strides = alloca [3 x i64]
  %count = alloca i64
  %row = alloca [{_REPEATED} x {number}], align 64
  %is_empty = icmp sle i64 %n, 0
  br i1 %is_empty, label %nothing, label %begin
nothing:
  ret i64 0
begin:
  store {number} %y, ptr %row
  %may_0 = icmp slt i64 %n, {_WIDE}
{tests}
  %stands = or i1 %may_{len(_WAYS_OF_THEIR_OWN)}, false
{call}
  ret i64 {"%status" if is_told else 0}
}}
"""


def _scalar_text(symbol: str, ufunc: np.ufunc, dtype: str, *, is_told: bool) -> str:
    """Return the LLVM code that calls the loop of `ufunc` for one element."""
    loop, data = loop_of(ufunc, dtype)
    kind, count = LLVM_DTYPES[dtype][1], ufunc.nin
    parameters = ", ".join(f"{kind} %x{k}" for k in range(count))
    stored = "\n".join(
        f"""  %at{k} = alloca {kind}
  store {kind} %x{k}, ptr %at{k}
  %slot{k} = getelementptr ptr, ptr %arguments, i64 {k}
  store ptr %at{k}, ptr %slot{k}"""
        for k in range(count)
    )
    call = f"""  %loop = inttoptr i64 {loop} to ptr
  %data = inttoptr i64 {data} to ptr
  call void %loop(ptr %arguments, ptr %one, ptr %strides, ptr %data)"""
    call = told(call) if is_told else added(call)
    result = (
        "ret i64 %status" if is_told else f"%value = load {kind}, ptr %out\n  ret {kind} %value"
    )
    return f"""
define {"i64" if is_told else kind} @{symbol}({parameters}) {{
  %arguments = alloca [{count + 1} x ptr]
  %strides = alloca [{count + 1} x i64]
  %one = alloca i64
  %out = alloca {kind}
  store i64 1, ptr %one
  store [{count + 1} x i64] zeroinitializer, ptr %strides
{stored}
  %last = getelementptr ptr, ptr %arguments, i64 {count}
  store ptr %out, ptr %last
{call}
  {result}
}}
"""


def added(call: str) -> str:
    """Return `call`, after which the processor's flags of before are raised too.

    Some loops (`sign`, `fmax`, `tanh`) clear them, since they compare with instructions that
    raise one for NaN: what was raised before would be forgotten.
    """
    test, again = address_of("fetestexcept"), address_of("feraiseexcept")
    if not test or not again:
        return call
    return f"""  %test = inttoptr i64 {test} to ptr
  %before = call i32 %test(i32 {FLOAT_FLAGS})
{call}
  %is_calm = icmp eq i32 %before, 0
  br i1 %is_calm, label %end, label %again
again:
  %raise = inttoptr i64 {again} to ptr
  %ignored = call i32 %raise(i32 %before)
  br label %end
end:"""


def told(call: str) -> str:
    """Return `call` between a clearing and a test of the processor's flags.

    What they held is lost: nobody else reads them in a program that tells warnings this way.
    """
    clear, test = address_of("feclearexcept"), address_of("fetestexcept")
    every = FLOAT_INVALID | FLOAT_DIVIDE | FLOAT_OVERFLOW
    if not clear or not test:  # whatever happened may have raised any
        return f"{call}\n  %status = add i64 {every}, 0"
    invalid, divide, overflow = MASKS[platform.machine().lower()]
    return f"""  %clear = inttoptr i64 {clear} to ptr
  %test = inttoptr i64 {test} to ptr
  %ignored = call i32 %clear(i32 {FLOAT_FLAGS})
{call}
  %raised = call i32 %test(i32 {FLOAT_FLAGS})
  %invalid = and i32 %raised, {invalid}
  %is_invalid = icmp ne i32 %invalid, 0
  %invalid_status = select i1 %is_invalid, i64 {FLOAT_INVALID}, i64 0
  %divide = and i32 %raised, {divide}
  %is_divide = icmp ne i32 %divide, 0
  %divide_status = select i1 %is_divide, i64 {FLOAT_DIVIDE}, i64 0
  %overflow = and i32 %raised, {overflow}
  %is_overflow = icmp ne i32 %overflow, 0
  %overflow_status = select i1 %is_overflow, i64 {FLOAT_OVERFLOW}, i64 0
  %some = or i64 %invalid_status, %divide_status
  %status = or i64 %some, %overflow_status"""
