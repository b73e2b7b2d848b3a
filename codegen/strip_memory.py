"""Where strips lie: buffers on the stack of a kernel, and rows of arrays, as addresses.

    at = buffer_float64()                          STRIP elements of this call of the kernel
    row = address(a, (i, 0))                       where a[i, 0] lies

Every thread runs kernels on a stack of its own, so no two share a buffer.
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic

from .strips import STRIP

_ALIGNMENT = 64


def _buffer(dtype: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    def buffer(_context: object) -> Any:  # noqa: ANN401 - the same
        def generate(context: Any, builder: Any, _signature: object, _arguments: object) -> Any:  # noqa: ANN401
            number = context.get_value_type(dtype)
            place = cgutils.alloca_once(builder, ir.ArrayType(number, STRIP))
            place.align = _ALIGNMENT
            return builder.bitcast(place, number.as_pointer())

        return types.CPointer(dtype)(), generate

    return intrinsic(buffer)


buffer_float32 = _buffer(types.float32)
buffer_float64 = _buffer(types.float64)


@intrinsic
def address(_context: object, array: Any, index: Any) -> Any:  # noqa: ANN401
    """Return where the element of `array` at `index`, a tuple, lies."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        of_array, of_index = signature.args
        held = context.make_array(of_array)(context, builder, arguments[0])
        places = [
            context.cast(builder, each, kind, types.intp)
            for each, kind in zip(
                cgutils.unpack_tuple(builder, arguments[1]), of_index, strict=True
            )
        ]
        return cgutils.get_item_pointer(context, builder, of_array, held, places, wraparound=False)

    return types.CPointer(array.dtype)(array, index), generate
