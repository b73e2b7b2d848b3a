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
            place = on_stack(builder, ir.ArrayType(number, STRIP))
            return builder.bitcast(place, number.as_pointer())

        return types.CPointer(dtype)(), generate

    return intrinsic(buffer)


def on_stack(builder: Any, kind: Any) -> Any:  # noqa: ANN401 - the same
    """Return memory for one call of the kernel, which holds nothing yet.

    Numba's own way writes zeros there, element by element where it is an array: LLVM takes
    seconds over that.
    """
    with builder.goto_entry_block():
        place = builder.alloca(kind)
    place.align = _ALIGNMENT
    return place


buffer_float32 = _buffer(types.float32)
buffer_float64 = _buffer(types.float64)


@intrinsic
def address(_context: object, array: Any, index: Any) -> Any:  # noqa: ANN401
    """Return where the element of `array` at `index`, a tuple, lies."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return place_of(context, builder, signature.args, arguments)

    return types.CPointer(array.dtype)(array, index), generate


def place_of(context: Any, builder: Any, kinds: Any, arguments: Any) -> Any:  # noqa: ANN401
    """Return the address of an element of an array, the first argument; the second is its index."""
    of_array, of_index = kinds
    held = context.make_array(of_array)(context, builder, arguments[0])
    places = [
        context.cast(builder, each, kind, types.intp)
        for each, kind in zip(cgutils.unpack_tuple(builder, arguments[1]), of_index, strict=True)
    ]
    return cgutils.get_item_pointer(context, builder, of_array, held, places, wraparound=False)
