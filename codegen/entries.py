"""The way from a job of the pool into a compiled kernel.

Maps a kernel that Numba compiled for one signature to an `Entry`: a native function
`entry(arguments, lower, upper, outcome)` that unpacks the arguments, calls the kernel and
leaves its outcome, all without Python:

    Before:  launch0(lower, upper, a, n, s)                     Numba's calling convention
    After:   entry(&{a, n, s}, lower, upper, &{code, flags, status, s})

What it consists of is written in `codegen.wrappers`.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autopar.analysis.model.later import Later
from autopar.analysis.model.nouns import dataclass

from .fpflags import address_of, dispatcher_of, float_status, is_watched
from .native import compiled
from .wrappers import HEADER, Callee, entry_lines, form_of

if TYPE_CHECKING:
    import llvmlite.binding as llvm
    from llvmlite import ir
    from numba.core import types
else:
    llvm, ir, types = Later("llvmlite.binding"), Later("llvmlite.ir"), Later("numba.core.types")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """How to call one compiled kernel from native code."""

    address: int
    form: struct.Struct  # packs the arguments
    arrays: int  # how many of the arguments, the first ones, are arrays
    has_complex: bool
    is_cut: bool  # the kernel takes bounds before its arguments
    outcome: np.dtype[Any]  # code, flags, status, values ...
    engine: Any  # keeps the code

    def packed(self, arguments: tuple[object, ...]) -> tuple[Any, ...]:
        """Return what `form` packs."""
        if not self.has_complex:
            return (*map(id, arguments[: self.arrays]), *arguments[self.arrays :])
        rest: list[Any] = []
        for value in arguments[self.arrays :]:
            if isinstance(value, complex):
                rest += [value.real, value.imag]
            else:
                rest.append(value)
        return (*map(id, arguments[: self.arrays]), *rest)

    def outcomes(self, memory: bytearray, offset: int) -> list[tuple[Any, ...]]:
        """Return (status, values ...) of each chunk, from a job that is done."""
        found = []
        for code, flags, *values in np.frombuffer(memory, self.outcome, offset=offset).tolist():
            if code:  # the only thing that a kernel can fail at
                raise MemoryError("a kernel could not allocate memory")
            status = values[0] | (float_status(flags) if flags else 0)
            found.append((status, *values[1:]))
        return found


def entry_of(kernel: Callable[..., Any]) -> Entry | None:
    """Return the entry into `kernel`; None for what is not compiled for just one signature."""
    found = getattr(kernel, "__self__", None)
    if type(found) is Entry:
        return found
    try:
        known: Entry | None = kernel.autopar_entry  # type: ignore[attr-defined]
    except AttributeError:
        pass
    else:
        return known
    dispatcher = dispatcher_of(kernel)
    # A kernel that may still be compiled for other types cannot be told by itself which of
    # its forms is meant.
    if getattr(dispatcher, "_can_compile", True) or len(dispatcher.overloads) != 1:
        return None
    (form,) = dispatcher.overloads.values()
    is_cut = dispatcher.py_func.__code__.co_varnames[:2] == ("lower", "upper")
    made: Entry = _make(form, watches=is_watched(kernel), is_cut=is_cut)
    kernel.autopar_entry = made  # type: ignore[attr-defined]
    return made


class _Definition(ctypes.Structure):
    """CPython's `PyMethodDef`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("text", ctypes.c_char_p),
    )


_METH_FASTCALL = 0x80
_definitions: list[_Definition] = []  # never freed: built-in functions refer to them


def as_built_in(entry: Entry, name: str, address: int) -> Callable[..., Any]:
    """Return the function at `address` as Python calls it, a METH_FASTCALL; `entry` leads into it.

    Its `__self__` is the entry, so that `entry_of` finds it again.
    """
    definition = _Definition(name.encode(), address, _METH_FASTCALL, None)
    _definitions.append(definition)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    made: Callable[..., Any] = make(("PyCFunction_NewEx", ctypes.pythonapi))(
        ctypes.addressof(definition), entry, None
    )
    return made


def _make(form: Any, *, watches: bool, is_cut: bool) -> Entry:  # noqa: ANN401 - Numba is untyped
    native = form.fndesc
    address = form.library.get_pointer_to_function(native.llvm_func_name)
    clear, test = address_of("feclearexcept"), address_of("fetestexcept")
    target = Target(
        kernel=_absolute(address),
        clear=_absolute(clear) if clear else None,
        test=_absolute(test) if test else None,
    )
    callee = callee_of(form, target, watches=watches, has_bounds=is_cut)
    engine = compiled("\n".join(entry_lines(callee, "entry")), level=0)
    return Entry(
        address=engine.get_function_address("entry"),
        form=struct.Struct(form_of(callee)),
        is_cut=is_cut,
        has_complex=any(isinstance(each, types.Complex) for each in native.argtypes),
        arrays=sum(isinstance(each, types.Array) for each in native.argtypes),
        outcome=outcome_of(form),
        engine=engine,
    )


class Target(NamedTuple):
    """What native code calls, as LLVM has it."""

    kernel: str
    clear: str | None
    test: str | None


def _absolute(address: int) -> str:
    return f"inttoptr (i64 {address} to ptr)"


def callee_of(form: Any, target: Target, *, watches: bool, has_bounds: bool) -> Callee:  # noqa: ANN401 - as above
    """Return a kernel that Numba compiled as native code calls it."""
    native = form.fndesc
    convention = form.target_context.call_conv.get_function_type(native.restype, native.argtypes)
    bounds = 2 if has_bounds else 0
    return Callee(
        target=target.kernel,
        clear=target.clear,
        test=target.test,
        watches=watches,
        has_bounds=has_bounds,
        argtypes=tuple(native.argtypes[bounds:]),
        native=tuple(map(str, convention.args[2 + bounds :])),
    )


def outcome_of(form: Any) -> np.dtype[Any]:  # noqa: ANN401 - as above
    """Return the layout of what a kernel leaves, its error code and its flags ahead of it."""
    return _outcome(form.target_context, form.fndesc.restype)


def _outcome(context: Any, result: Any) -> np.dtype[Any]:  # noqa: ANN401 - as above
    """Return the layout of {code, flags, {status, values ...}} in memory."""
    data = llvm.create_target_data(str(context.target_data))
    native = context.get_return_type(result)
    assert isinstance(native, ir.LiteralStructType | ir.ArrayType)
    kinds = [_dtype(each) for each in result.types]
    if isinstance(native, ir.ArrayType):
        offsets = [kinds[0].itemsize * number for number in range(len(kinds))]
    else:
        offsets = [native.get_element_offset(data, number) for number in range(len(kinds))]
    size = -(-native.get_abi_size(data) // 8) * 8
    return np.dtype(
        {
            "names": ["code", "flags", *(f"value{number}" for number in range(len(kinds)))],
            "formats": [np.dtype(np.int64)] * 2 + kinds,
            "offsets": [0, 8, *(HEADER + offset for offset in offsets)],
            "itemsize": HEADER + size,
        }
    )


def _dtype(kind: Any) -> np.dtype[Any]:  # noqa: ANN401 - as above
    plain = types.unliteral(kind)  # type: ignore[no-untyped-call]
    return np.dtype("bool" if plain is types.boolean else str(plain))
