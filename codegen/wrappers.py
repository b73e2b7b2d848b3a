"""Native code around a kernel: the way in for the pool, and the way in for Python.

Maps what Numba passes to a kernel to two functions of LLVM code:

    entry(&{a, n, s}, lower, upper, &{code, flags, status, s})       for a job of the pool
    call(self, &{lower, upper, a, n, s}, 5) -> (status, s)           METH_FASTCALL of CPython

Both unpack the arguments, call the kernel and read the processor's flags; the second one is a
built-in function in all but name, so that a kernel can be called where Numba was never loaded.

An array travels as the address of its NumPy object, whose first fields (data, number of axes,
extents, strides) are part of NumPy's C interface (`PyArrayObject_fields`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autopar.analysis.model.later import Later
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import FLOAT_DIVIDE, FLOAT_INVALID, FLOAT_OVERFLOW

from .fpflags import DIVIDE, FLOAT_FLAGS, INVALID, OVERFLOW

if TYPE_CHECKING:
    import numpy as np
    from numba.core import types
else:
    types = Later("numba.core.types")

# Offsets in a NumPy array object, in bytes: data, number of axes, extents, strides lie behind
# what every Python object begins with.
_DATA, _EXTENTS, _STRIDES = (object.__basicsize__ + offset for offset in (0, 16, 24))
HEADER = 16  # bytes of an outcome before the kernel's own: its error code, the flags raised


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """A kernel as native code calls it."""

    target: str  # as LLVM has it: a name, or an address
    clear: str | None  # feclearexcept; None where nobody watches the flags, or nobody can
    test: str | None  # fetestexcept
    watches: bool
    has_bounds: bool  # its first two arguments are `lower` and `upper`
    argtypes: tuple[Any, ...]  # Numba's types of the others
    native: tuple[str, ...]  # LLVM's of these, flattened


def form_of(callee: Callee) -> str:
    """Return how the arguments are packed, as `struct` has it."""
    return "=" + "".join(map(_format, callee.argtypes))


def _format(kind: Any) -> str:  # noqa: ANN401 - Numba is untyped
    """Return how an argument is packed: 64 bits, or twice that."""
    match kind:
        case types.Complex():
            return "dd"
        case types.Float():
            return "d"
        case _:
            return "q"


def entry_lines(callee: Callee, name: str) -> Iterator[str]:
    """Yield the function that a job of the pool calls."""
    yield f"define void @{name}(ptr %arguments, i64 %lower, i64 %upper, ptr %outcome) {{"
    yield "  %error = alloca ptr"
    passed: list[str] = []
    natives = iter(callee.native)
    slot = 0
    for number, kind in enumerate(callee.argtypes):
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
    yield from _run(callee, passed)
    yield "  ret void"
    yield "}"


def call_lines(callee: Callee, name: str, outcome: np.dtype[Any]) -> Iterator[str]:
    """Yield the function that Python calls; `outcome` is the layout of what the kernel leaves."""
    bounds = ("%lower", "%upper") if callee.has_bounds else ()
    count = len(bounds) + len(callee.argtypes)
    yield f"define ptr @{name}(ptr %self, ptr %objects, i64 %count) {{"
    yield "  %error = alloca ptr"
    yield f"  %outcome = alloca [{outcome.itemsize} x i8], align 16"
    yield f"  %is_full = icmp eq i64 %count, {count}"
    yield "  br i1 %is_full, label %unpack, label %wrong"
    yield "wrong:"
    yield "  %bad = call i32 @PyErr_BadArgument()"
    yield "  ret ptr null"
    yield "unpack:"
    for number in range(count):
        yield f"  %a{number} = getelementptr ptr, ptr %objects, i64 {number}"
    for number, bound in enumerate(bounds):
        yield f"  {bound}_object = load ptr, ptr %a{number}"
        yield f"  {bound} = call i64 @PyLong_AsLongLong(ptr {bound}_object)"
    passed: list[str] = []
    natives = iter(callee.native)
    for number, kind in enumerate(callee.argtypes, len(bounds)):
        if isinstance(kind, types.Array):
            lines, values = _array(f"%a{number}", kind)
            for _ in values:
                next(natives)
        else:
            words = [next(natives) for _ in _format(kind)]
            lines, values = _unboxed(f"%a{number}", kind, words)
        yield from lines
        passed += values
    yield "  %failure = call ptr @PyErr_Occurred()"
    yield "  %has_failed = icmp ne ptr %failure, null"
    yield "  br i1 %has_failed, label %none, label %run"
    yield "none:"
    yield "  ret ptr null"
    yield "run:"
    yield "  %state = call ptr @PyEval_SaveThread()"
    yield from _run(callee, passed)
    yield "  call void @PyEval_RestoreThread(ptr %state)"
    yield "  %is_fine = icmp eq i32 %code, 0"
    yield "  br i1 %is_fine, label %box, label %memory"
    yield "memory:"
    yield "  %no_memory = call ptr @PyErr_NoMemory()"
    yield "  ret ptr null"
    yield "box:"
    yield from _status(callee)
    yield from _boxed(outcome)
    yield "}"


def declarations() -> Iterator[str]:
    """Yield what the functions above call of Python's C interface."""
    for result, name, *arguments in _INTERFACE:
        yield f"declare {result} @{name}({', '.join(arguments)})"


_INTERFACE = (
    ("i32", "PyErr_BadArgument"),
    ("ptr", "PyErr_Occurred"),
    ("ptr", "PyErr_NoMemory"),
    ("ptr", "PyEval_SaveThread"),
    ("void", "PyEval_RestoreThread", "ptr"),
    ("i64", "PyLong_AsLongLong", "ptr"),
    ("double", "PyFloat_AsDouble", "ptr"),
    ("double", "PyComplex_RealAsDouble", "ptr"),
    ("double", "PyComplex_ImagAsDouble", "ptr"),
    ("ptr", "PyLong_FromLongLong", "i64"),
    ("ptr", "PyLong_FromUnsignedLongLong", "i64"),
    ("ptr", "PyBool_FromLong", "i64"),
    ("ptr", "PyFloat_FromDouble", "double"),
    ("ptr", "PyComplex_FromDoubles", "double", "double"),
    ("ptr", "PyTuple_New", "i64"),
    ("i32", "PyTuple_SetItem", "ptr", "i64", "ptr"),
    ("void", "Py_DecRef", "ptr"),
)
INTERFACE = frozenset(name for _, name, *_ in _INTERFACE)


def _run(callee: Callee, passed: list[str]) -> Iterator[str]:
    """Yield the call of the kernel between a clearing and a test of the flags."""
    yield f"  %values = getelementptr i8, ptr %outcome, i64 {HEADER}"
    if callee.watches and callee.clear:
        yield f"  %c = call i32 {callee.clear}(i32 {FLOAT_FLAGS})"
    bounds = ["i64 %lower", "i64 %upper"] if callee.has_bounds else []
    arguments = ", ".join(["ptr %values", "ptr %error", *bounds, *passed])
    yield f"  %code = call i32 {callee.target}({arguments})"
    yield "  %wide_code = sext i32 %code to i64"
    yield "  store i64 %wide_code, ptr %outcome"
    raised = str(FLOAT_FLAGS) if callee.watches else "0"
    if callee.watches and callee.test:
        yield f"  %f = call i32 {callee.test}(i32 {FLOAT_FLAGS})"
        yield "  %flags = sext i32 %f to i64"
        raised = "%flags"
    yield "  %flags_at = getelementptr i64, ptr %outcome, i64 1"
    yield f"  store i64 {raised}, ptr %flags_at"


def _status(callee: Callee) -> Iterator[str]:
    """Yield the kernel's status with what NumPy would warn of for the flags that it raised."""
    yield "  %own_status = load i64, ptr %values"
    if not callee.watches:
        yield "  %status = or i64 %own_status, 0"
        return
    yield "  %raised = load i64, ptr %flags_at"
    before = "%own_status"
    bits = ((INVALID, FLOAT_INVALID), (DIVIDE, FLOAT_DIVIDE), (OVERFLOW, FLOAT_OVERFLOW))
    for number, (mask, bit) in enumerate(bits):
        yield f"  %masked{number} = and i64 %raised, {mask}"
        yield f"  %is_raised{number} = icmp ne i64 %masked{number}, 0"
        yield f"  %bit{number} = select i1 %is_raised{number}, i64 {bit}, i64 0"
        after = "%status" if number == len(bits) - 1 else f"%joined{number}"
        yield f"  {after} = or i64 {before}, %bit{number}"
        before = after


def _boxed(outcome: np.dtype[Any]) -> Iterator[str]:
    """Yield the making of (status, values ...) and the return of it."""
    fields = outcome.fields
    assert fields is not None  # a record
    names = [name for name in fields if name.startswith("value")]
    yield f"  %tuple = call ptr @PyTuple_New(i64 {len(names)})"
    yield "  %is_none = icmp eq ptr %tuple, null"
    yield "  br i1 %is_none, label %none, label %fill"
    yield "fill:"
    for number, name in enumerate(names):
        kind, offset = fields[name][:2]
        if number:
            yield from _object(number, kind, offset)
        else:
            yield "  %o0 = call ptr @PyLong_FromLongLong(i64 %status)"
        yield f"  %s{number} = call i32 @PyTuple_SetItem(ptr %tuple, i64 {number}, ptr %o{number})"
    yield "  %boxing = call ptr @PyErr_Occurred()"
    yield "  %is_boxed = icmp eq ptr %boxing, null"
    yield "  br i1 %is_boxed, label %done, label %drop"
    yield "done:"
    yield "  ret ptr %tuple"
    yield "drop:"
    yield "  call void @Py_DecRef(ptr %tuple)"
    yield "  ret ptr null"


def _object(number: int, kind: np.dtype[Any], offset: int) -> Iterator[str]:
    """Yield the making of a Python number of a value that the kernel left."""
    yield f"  %p{number} = getelementptr i8, ptr %outcome, i64 {offset}"
    if kind.kind == "c":
        half = kind.itemsize // 2
        yield f"  %q{number} = getelementptr i8, ptr %p{number}, i64 {half}"
        yield from _double(f"%re{number}", f"%p{number}", half)
        yield from _double(f"%im{number}", f"%q{number}", half)
        pair = f"double %re{number}, double %im{number}"
        yield f"  %o{number} = call ptr @PyComplex_FromDoubles({pair})"
        return
    if kind.kind == "f":
        yield from _double(f"%d{number}", f"%p{number}", kind.itemsize)
        yield f"  %o{number} = call ptr @PyFloat_FromDouble(double %d{number})"
        return
    word = f"i{8 * kind.itemsize}"
    wide = f"%v{number}"
    yield f"  %v{number} = load {word}, ptr %p{number}, align 1"
    if word != "i64":
        extend = "sext" if kind.kind == "i" else "zext"
        wide = f"%w{number}"
        yield f"  {wide} = {extend} {word} %v{number} to i64"
    make = {"b": "PyBool_FromLong", "i": "PyLong_FromLongLong", "u": "PyLong_FromUnsignedLongLong"}
    yield f"  %o{number} = call ptr @{make[kind.kind]}(i64 {wide})"


def _double(name: str, place: str, size: int) -> Iterator[str]:
    if size == 8:
        yield f"  {name} = load double, ptr {place}, align 1"
        return
    yield f"  {name}_single = load float, ptr {place}, align 1"
    yield f"  {name} = fpext float {name}_single to double"


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
    """Return the lines that unpack a number of a job, and its values as Numba passes them."""
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


def _unboxed(place: str, kind: Any, native: list[str]) -> tuple[list[str], list[str]]:  # noqa: ANN401 - as above
    """Return the lines that read a Python number, and its values as Numba passes them."""
    name = place[1:]
    lines = [f"  %{name}_object = load ptr, ptr {place}"]
    if isinstance(kind, types.Complex):
        for part, function in (("real", "Real"), ("imag", "Imag")):
            call = f"@PyComplex_{function}AsDouble(ptr %{name}_object)"
            lines.append(f"  %{name}_{part} = call double {call}")
        return lines, [f"double %{name}_real", f"double %{name}_imag"]
    (word,) = native
    if isinstance(kind, types.Float):
        lines.append(f"  %{name}_value = call double @PyFloat_AsDouble(ptr %{name}_object)")
        return lines, [f"double %{name}_value"]
    if word == "i64":
        lines.append(f"  %{name}_value = call i64 @PyLong_AsLongLong(ptr %{name}_object)")
        return lines, [f"i64 %{name}_value"]
    lines += [
        f"  %{name}_wide = call i64 @PyLong_AsLongLong(ptr %{name}_object)",
        f"  %{name}_value = trunc i64 %{name}_wide to {word}",
    ]
    return lines, [f"{word} %{name}_value"]
