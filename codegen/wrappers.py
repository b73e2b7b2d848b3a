"""Native code around a kernel: the way in for the pool.

Maps what Numba passes to a kernel to a function of LLVM code:

    entry(&{a, n, s}, lower, upper, &{code, flags, status, s})       for a job of the pool

It unpacks the arguments, calls the kernel and reads the processor's flags.

An array travels as the address of its NumPy object, whose first fields (data, number of axes,
extents, strides) are part of NumPy's C interface (`PyArrayObject_fields`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autopar.analysis.model.later import Later
from autopar.analysis.model.nouns import dataclass

from .fpflags import FLOAT_FLAGS

if TYPE_CHECKING:
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
