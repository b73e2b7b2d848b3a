"""Stores that pass the caches, and what is asked for ahead, as functions that kernels call.

    S0_row = rowbuffer_float64()                       ROW elements on the stack, in the first cache
    stream(address(v, (i, j)), S0_row, count)          from there to v[i, j:j + count]
    S0_row = linebuffer_float64()                      the same for LINES bytes
    stream_lines(address(v, (i, j)), S0_row)           these from there to v[i, j:]
    line_start(address(v, (i, j)), j, end)             the turn whose element would begin the line
    fetch_ahead(address(u, (i, j)))                    a row of u that is read some rows later
    fetch_beside(address(u, (i, j)))                   the same where other arrays are walked too
    lines_ahead(...), lines_beside(...)                the same for LINES bytes
    widebuffer_float64(), stream_wide(...), wide_...   the same for WIDE bytes

The kernel sees memory that nothing else can mean; nothing has to be asked before it is written.
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic

from .ahead import ALONE, BESIDE, define
from .objects import brings_functions
from .stream_code import STREAM, engine
from .streams import LINE, LINES, ROW, WIDE
from .strip_memory import on_stack

_WORD, _BYTE = ir.IntType(64), ir.IntType(8)


def _row(dtype: Any, count: int = ROW) -> Any:  # noqa: ANN401 - Numba is untyped
    def row(_context: object) -> Any:  # noqa: ANN401 - the same
        def generate(context: Any, builder: Any, _signature: object, _arguments: object) -> Any:  # noqa: ANN401
            number = context.get_value_type(dtype)
            place = on_stack(builder, ir.ArrayType(number, count))
            return builder.bitcast(place, number.as_pointer())

        return types.CPointer(dtype)(), generate

    return intrinsic(row)


rowbuffer_float32, rowbuffer_float64 = _row(types.float32), _row(types.float64)
rowbuffer_int32, rowbuffer_int64 = _row(types.int32), _row(types.int64)
rowbuffer_uint32, rowbuffer_uint64 = _row(types.uint32), _row(types.uint64)

linebuffer_float32 = _row(types.float32, LINES // 4)
linebuffer_float64 = _row(types.float64, LINES // 8)
linebuffer_int32, linebuffer_uint32 = (_row(e, LINES // 4) for e in (types.int32, types.uint32))
linebuffer_int64, linebuffer_uint64 = (_row(e, LINES // 8) for e in (types.int64, types.uint64))
widebuffer_float64 = _row(types.float64, WIDE // 8)
widebuffer_int64, widebuffer_uint64 = (_row(e, WIDE // 8) for e in (types.int64, types.uint64))


@intrinsic
def stream(_context: object, at: Any, row: Any, count: Any) -> Any:  # noqa: ANN401, ARG001 - Numba asks for its name
    """Copy `count` elements of a row to where it belongs, whole lines at once."""

    def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        byte = _BYTE.as_pointer()
        kind = ir.FunctionType(ir.VoidType(), (byte, byte, _WORD))
        if not brings_functions(context):
            engine()  # defines the symbol that the kernel names
        function = cgutils.get_or_insert_function(builder.module, kind, STREAM)
        size = context.get_abi_sizeof(context.get_value_type(at.dtype))
        ends = [builder.bitcast(each, byte) for each in arguments[:2]]
        builder.call(function, (*ends, builder.mul(arguments[2], _WORD(size))))
        return context.get_dummy_value()

    return types.none(at, row, types.int64), generate


def _lines(size: int) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return what stores `size` bytes of a row from the start of a line of the cache on."""

    def lines(_context: object, at: Any, row: Any) -> Any:  # noqa: ANN401 - the same
        def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
            line = ir.VectorType(_WORD, LINE // 8).as_pointer()
            to, source = (builder.bitcast(each, line) for each in arguments)
            word = builder.module.add_metadata([ir.IntType(32)(1)])
            for at_line in range(size // LINE):
                place = _WORD(at_line)
                part = builder.load(builder.gep(source, (place,)), align=LINE)
                store = builder.store(part, builder.gep(to, (place,)), align=LINE)
                store.set_metadata("nontemporal", word)
            return context.get_dummy_value()

        return types.none(at, row), generate

    return intrinsic(lines)


stream_lines, stream_wide = _lines(LINES), _lines(WIDE)


@intrinsic
def line_start(_context: object, at: Any, lower: Any, upper: Any) -> Any:  # noqa: ANN401, ARG001 - Numba asks for names
    """Return `lower` less the elements between the start of its line of the cache and it.

    It is `upper` where the range is empty: then nothing lies at the place.
    """

    def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        place, first, end = arguments
        size = context.get_abi_sizeof(context.get_value_type(at.dtype))
        past = builder.and_(builder.ptrtoint(place, _WORD), _WORD(LINE - 1))
        start = builder.sub(first, builder.udiv(past, _WORD(size)))
        return builder.select(builder.icmp_signed("<", first, end), start, end)

    return types.int64(at, types.int64, types.int64), generate


def _fetch(word: str, lines: int = 0) -> Any:  # noqa: ANN401 - Numba is untyped
    def fetch(_context: object, at: Any) -> Any:  # noqa: ANN401 - the same
        def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
            module = builder.module
            define(word)
            cell = module.globals.get(word) or ir.GlobalVariable(module, _WORD, word)
            distance = builder.load(cell)
            asks = builder.icmp_signed("!=", distance, _WORD(0))
            with builder.if_then(asks, likely=True):
                start = builder.add(builder.ptrtoint(arguments[0], _WORD), distance)
                of_row = ROW * context.get_abi_sizeof(context.get_value_type(at.dtype))
                _ask(builder, start, lines or of_row)
            return context.get_dummy_value()

        return types.none(at), generate

    return intrinsic(fetch)


def _ask(builder: Any, start: Any, size: int) -> None:  # noqa: ANN401 - Numba is untyped
    """Ask for the lines of `size` bytes; nothing has to lie there."""
    byte, flag = _BYTE.as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), (byte, flag, flag, flag))
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
    for offset in range(0, size, LINE):
        place = builder.inttoptr(builder.add(start, _WORD(offset)), byte)
        builder.call(prefetch, (place, flag(0), flag(3), flag(1)))  # to read, into all caches


fetch_ahead, fetch_beside = _fetch(ALONE), _fetch(BESIDE)
lines_ahead, lines_beside = _fetch(ALONE, LINES), _fetch(BESIDE, LINES)
wide_ahead, wide_beside = _fetch(ALONE, WIDE), _fetch(BESIDE, WIDE)
