"""The way from a job of the pool into a compiled kernel.

Maps a kernel that Numba compiled for one signature to an `Entry`: a native function
`entry(arguments, lower, upper, outcome)` that unpacks the arguments, calls the kernel and
leaves its outcome, all without Python:

    Before:  launch0(lower, upper, a, n, s)                     Numba's calling convention
    After:   entry(&{a, n, s}, lower, upper, &{code, flags, status, s})

An array travels as the address of its NumPy object, whose first fields (data, number of axes,
extents, strides) are part of NumPy's C interface (`PyArrayObject_fields`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autopar.analysis.model.later import Later

from .fpflags import FLOAT_FLAGS, address_of, dispatcher_of, float_status, is_watched
from .native import compiled

if TYPE_CHECKING:
    import llvmlite.binding as llvm
    from llvmlite import ir
    from numba.core import types
else:
    llvm, ir, types = Later("llvmlite.binding"), Later("llvmlite.ir"), Later("numba.core.types")

# Offsets in a NumPy array object, in bytes: data, number of axes, extents, strides lie behind
# what every Python object begins with.
_DATA, _EXTENTS, _STRIDES = (object.__basicsize__ + offset for offset in (0, 16, 24))
_HEADER = 16  # bytes of an outcome before the kernel's own: its error code, the flags raised


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """How to call one compiled kernel from native code."""

    address: int
    form: struct.Struct  # packs the arguments
    arrays: int  # how many of the arguments, the first ones, are arrays
    has_complex: bool
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
    made: Entry = _make(form, is_watched(kernel))
    kernel.autopar_entry = made  # type: ignore[attr-defined]
    return made


def _make(form: Any, watches: bool) -> Entry:  # noqa: ANN401, FBT001 - Numba is untyped
    context, native = form.target_context, form.fndesc
    convention = context.call_conv.get_function_type(native.restype, native.argtypes)
    address = form.library.get_pointer_to_function(native.llvm_func_name)
    words = _Words(argtypes=native.argtypes[2:], native=tuple(map(str, convention.args[4:])))
    lines = "\n".join(_lines(words, address, watches=watches))
    engine = compiled(lines)
    return Entry(
        address=engine.get_function_address("entry"),
        form=struct.Struct("=" + "".join(map(_format, native.argtypes[2:]))),
        has_complex=any(isinstance(each, types.Complex) for each in native.argtypes),
        arrays=sum(isinstance(each, types.Array) for each in native.argtypes),
        outcome=_outcome(context, native.restype),
        engine=engine,
    )


@dataclass(frozen=True, slots=True)
class _Words:
    """The arguments of a kernel behind its bounds: Numba's types, and LLVM's once flattened."""

    argtypes: tuple[Any, ...]
    native: tuple[str, ...]


def _format(kind: Any) -> str:  # noqa: ANN401 - as above
    """Return how an argument is packed: 64 bits, or twice that."""
    match kind:
        case types.Complex():
            return "dd"
        case types.Float():
            return "d"
        case _:
            return "q"


def _lines(words: _Words, address: int, *, watches: bool) -> Iterator[str]:
    clear, test = address_of("feclearexcept"), address_of("fetestexcept")
    yield "define void @entry(ptr %arguments, i64 %lower, i64 %upper, ptr %outcome) {"
    yield "  %error = alloca ptr"
    yield f"  %values = getelementptr i8, ptr %outcome, i64 {_HEADER}"
    passed: list[str] = []
    natives = iter(words.native)
    slot = 0
    for number, kind in enumerate(words.argtypes):
        place = f"%a{number}"
        yield f"  {place} = getelementptr i64, ptr %arguments, i64 {slot}"
        if isinstance(kind, types.Array):
            lines, values = _array(place, kind)
            for _ in values:
                next(natives)
        else:
            lines, values = _scalar(place, kind, [next(natives) for _ in _format(kind)])
        yield from lines
        passed += values
        slot += len(_format(kind))
    if watches and clear:
        yield f"  %c = call i32 inttoptr (i64 {clear} to ptr)(i32 {FLOAT_FLAGS})"
    arguments = ", ".join(["ptr %values", "ptr %error", "i64 %lower", "i64 %upper", *passed])
    yield f"  %code = call i32 inttoptr (i64 {address} to ptr)({arguments})"
    yield "  %wide_code = sext i32 %code to i64"
    yield "  store i64 %wide_code, ptr %outcome"
    raised = str(FLOAT_FLAGS) if watches else "0"
    if watches and test:
        yield f"  %f = call i32 inttoptr (i64 {test} to ptr)(i32 {FLOAT_FLAGS})"
        yield "  %flags = sext i32 %f to i64"
        raised = "%flags"
    yield "  %flags_at = getelementptr i64, ptr %outcome, i64 1"
    yield f"  store i64 {raised}, ptr %flags_at"
    yield "  ret void"
    yield "}"


def _array(place: str, kind: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401 - as above
    """Return the lines that unpack an array, and its values as Numba passes them."""
    name = place[1:]
    size = kind.dtype.bitwidth // 8 if kind.dtype is not types.boolean else 1
    lines = [f"  %{name}_object = load ptr, ptr {place}"]
    for field, offset in (("data", _DATA), ("extents", _EXTENTS), ("strides", _STRIDES)):
        lines += [
            f"  %{name}_{field}_at = getelementptr i8, ptr %{name}_object, i64 {offset}",
            f"  %{name}_{field} = load ptr, ptr %{name}_{field}_at",
        ]
    count = "1"
    for field in ("extents", "strides"):
        for axis in range(kind.ndim):
            value = f"%{name}_{field}_{axis}"
            lines += [
                f"  {value}_at = getelementptr i64, ptr %{name}_{field}, i64 {axis}",
                f"  {value} = load i64, ptr {value}_at",
            ]
            if field == "extents":
                lines.append(f"  %{name}_count_{axis} = mul i64 {count}, {value}")
                count = f"%{name}_count_{axis}"
    shape = [f"i64 %{name}_{field}_{axis}" for field in ("extents", "strides")
             for axis in range(kind.ndim)]  # fmt: skip
    # No memory info and no owner: the kernel only borrows the array.
    return lines, [
        "ptr null",
        "ptr null",
        f"i64 {count}",
        f"i64 {size}",
        f"ptr %{name}_data",
        *shape,
    ]


def _scalar(place: str, kind: Any, native: list[str]) -> tuple[list[str], list[str]]:  # noqa: ANN401 - as above
    name = place[1:]
    if isinstance(kind, types.Complex):
        return [
            f"  %{name}_imag_at = getelementptr i64, ptr {place}, i64 1",
            f"  %{name}_real = load double, ptr {place}",
            f"  %{name}_imag = load double, ptr %{name}_imag_at",
        ], [f"double %{name}_real", f"double %{name}_imag"]
    (word,) = native
    if word.startswith("i") and word != "i64":
        return [
            f"  %{name}_wide = load i64, ptr {place}",
            f"  %{name}_value = trunc i64 %{name}_wide to {word}",
        ], [f"{word} %{name}_value"]
    return [f"  %{name}_value = load {word}, ptr {place}"], [f"{word} %{name}_value"]


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
            "offsets": [0, 8, *(_HEADER + offset for offset in offsets)],
            "itemsize": _HEADER + size,
        }
    )


def _dtype(kind: Any) -> np.dtype[Any]:  # noqa: ANN401 - as above
    plain = types.unliteral(kind)  # type: ignore[no-untyped-call]
    return np.dtype("bool" if plain is types.boolean else str(plain))
