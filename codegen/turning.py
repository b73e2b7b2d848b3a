"""What a loop over tiles of turned columns calls.

b_turned = tile_8()                                     WIDTH rows of TILE elements of 8 bytes
turn(b_turned, b, (j, i), count, width)                 b[j:j + count, i:i + width] turned
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic

from .objects import brings_functions
from .strip_memory import on_stack, place_of
from .turn_code import TURN, engine
from .turned import TILE, WIDTH

_WORD, _BYTE = ir.IntType(64), ir.IntType(8)


def _tile(dtype: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    def tile(_context: object) -> Any:  # noqa: ANN401 - the same
        def generate(context: Any, builder: Any, _signature: object, _arguments: object) -> Any:  # noqa: ANN401
            number = context.get_value_type(dtype)
            place = on_stack(builder, ir.ArrayType(number, WIDTH * TILE))
            return builder.bitcast(place, number.as_pointer())

        return types.CPointer(dtype)(), generate

    return intrinsic(tile)


tile_float64, tile_int64, tile_uint64 = map(_tile, (types.float64, types.int64, types.uint64))


@intrinsic
def turn(_context: object, tile: Any, array: Any, index: Any, count: Any, width: Any) -> Any:  # noqa: ANN401, ARG001 - Numba asks for names
    """Copy a part of a matrix into a tile, its columns as rows."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        tile, matrix, _, count, width = arguments
        place = place_of(context, builder, signature.args[1:3], arguments[1:3])
        held = context.make_array(array)(context, builder, matrix)
        stride = cgutils.unpack_tuple(builder, held.strides)[0]
        byte = _BYTE.as_pointer()
        kind = ir.FunctionType(ir.VoidType(), (byte, byte, _WORD, _WORD, _WORD))
        if not brings_functions(context):
            engine()  # defines the symbol that the kernel names
        function = cgutils.get_or_insert_function(builder.module, kind, TURN)
        ends = [builder.bitcast(each, byte) for each in (tile, place)]
        builder.call(function, (*ends, stride, count, width))
        return context.get_dummy_value()

    return types.none(tile, array, index, types.int64, types.int64), generate
