"""Vectors of integers in kernels: one lane for each row that is under way.

    up = lanes_shifted(before, c[i - 1, j])       lane 0 from memory, lane r from lane r - 1
    best = lanes_greatest(up, left)
    c[i, j] = lane(best, 0)

LLVM vectorises loops whose elements lie side by side; those of a wavefront lie on a diagonal.
Lanes that hold a diagonal stay in a register from one time to the next. LLVM splits them where
the registers of a processor are shorter.
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, errors, types
from numba.core.datamodel.models import PrimitiveModel
from numba.core.datamodel.registry import register_default
from numba.core.extending import intrinsic

from .lane_plan import TIMES

_BIT = ir.IntType(1)
_NUMBER = ir.IntType(32)  # of a lane


class LanesType(types.Type):
    """`count` integers or truth values of one dtype."""

    def __init__(self, dtype: Any, count: int) -> None:  # noqa: ANN401 - Numba is untyped
        self.dtype = dtype
        self.count = count
        super().__init__(name=f"Lanes({dtype}, {count})")


@register_default(LanesType)
class _LanesModel(PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:  # noqa: ANN401 - Numba is untyped
        super().__init__(manager, kind, ir.VectorType(_element(kind.dtype), kind.count))


def _element(dtype: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    return _BIT if dtype == types.boolean else ir.IntType(dtype.bitwidth)


def _taken(context: Any, builder: Any, value: Any, dtype: Any) -> Any:  # noqa: ANN401
    """Return a scalar of Numba's as an element: its truth values are bytes."""
    if dtype != types.boolean:
        return value
    return (
        context.cast(builder, value, dtype, dtype)
        if value.type == _BIT
        else builder.trunc(value, _BIT)
    )


def _joined(builder: Any, values: list[Any]) -> Any:  # noqa: ANN401
    found = ir.Constant(ir.VectorType(values[0].type, len(values)), ir.Undefined)
    for number, value in enumerate(values):
        found = builder.insert_element(found, value, _NUMBER(number))
    return found


def _splat(builder: Any, value: Any, count: int) -> Any:  # noqa: ANN401
    kind = ir.VectorType(value.type, count)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _NUMBER(0))
    mask = ir.Constant(ir.VectorType(_NUMBER, count), [0] * count)
    return builder.shuffle_vector(one, one, mask)


@intrinsic
def lanes_of(_context: object, values: Any) -> Any:  # noqa: ANN401
    """Return lanes with the values of a tuple."""
    dtype = types.unliteral(values[0])
    if not all(types.unliteral(each) == dtype for each in values):
        raise errors.TypingError("lanes of several dtypes")

    def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        parts = (builder.extract_value(arguments[0], number) for number in range(len(values)))
        return _joined(builder, [_taken(context, builder, each, dtype) for each in parts])

    return LanesType(dtype, len(values))(values), generate


@intrinsic(prefer_literal=True)
def lanes_all(_context: object, value: Any, count: Any) -> Any:  # noqa: ANN401
    """Return `count` lanes with one value."""
    dtype = types.unliteral(value)

    def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        element = _taken(context, builder, arguments[0], dtype)
        return _splat(builder, element, count.literal_value)

    return LanesType(dtype, count.literal_value)(dtype, count), generate


@intrinsic(prefer_literal=True)
def lane(_context: object, lanes: Any, number: Any) -> Any:  # noqa: ANN401
    """Return the value of one lane."""

    def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        return builder.extract_element(arguments[0], _NUMBER(number.literal_value))

    return lanes.dtype(lanes, number), generate


@intrinsic
def lanes_shifted(_context: object, lanes: Any, first: Any) -> Any:  # noqa: ANN401
    """Return lanes moved up by one, `first` in lane 0."""

    def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        given, value = arguments
        count = lanes.count
        firsts = _splat(builder, _taken(context, builder, value, lanes.dtype), count)
        # Consecutive ones of two vectors: one instruction, which rows wait for.
        chosen = [*range(count - 1, 2 * count - 1)]
        mask = ir.Constant(ir.VectorType(_NUMBER, count), chosen)
        return builder.shuffle_vector(firsts, given, mask)

    if types.unliteral(first) != lanes.dtype:
        raise errors.TypingError("a lane of another dtype")
    return lanes(lanes, lanes.dtype), generate


class RoomType(types.Type):
    """Place on the stack for as many of these lanes as they have elements."""

    def __init__(self, lanes: Any) -> None:  # noqa: ANN401 - Numba is untyped
        self.lanes = lanes
        super().__init__(name=f"Room({lanes})")


@register_default(RoomType)
class _RoomModel(PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:  # noqa: ANN401 - Numba is untyped
        vector = ir.VectorType(_element(kind.lanes.dtype), kind.lanes.count)
        super().__init__(manager, kind, vector.as_pointer())


@intrinsic
def lanes_room(_context: object, lanes: Any) -> Any:  # noqa: ANN401
    """Return room for some times of lanes like these."""

    def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        return cgutils.alloca_once(builder, arguments[0].type, size=TIMES)

    return RoomType(lanes)(lanes), generate


@intrinsic
def lanes_keep(_context: object, room: Any, number: Any, lanes: Any) -> Any:  # noqa: ANN401
    """Put the lanes of a time into its place in a room."""
    _ = number
    if room.lanes != lanes:
        raise errors.TypingError(f"{lanes} in a room of {room.lanes}")

    def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        place, at, value = arguments
        builder.store(value, builder.gep(place, [at]))
        return context.get_dummy_value()

    return types.none(room, types.int64, lanes), generate


@intrinsic
def lanes_turn(_context: object, room: Any) -> Any:  # noqa: ANN401
    """Turn what is in a room round: the times of a lane instead of the lanes of a time."""
    count = room.lanes.count

    def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        places = [builder.gep(arguments[0], [_NUMBER(number)]) for number in range(TIMES)]
        times = [builder.load(each) for each in places]
        rows: list[Any] = []
        for first in range(0, count, TIMES):
            part = _mask([*range(first, first + TIMES)])
            rows += _turned(builder, [builder.shuffle_vector(e, e, part) for e in times])
        for number, row in enumerate(rows):
            builder.store(row, _row(builder, arguments[0], _NUMBER(number), row.type))
        return context.get_dummy_value()

    return types.none(room), generate


def _row(builder: Any, room: Any, number: Any, kind: Any) -> Any:  # noqa: ANN401
    """Return where a row of so many times lies in a room that was turned round."""
    return builder.gep(builder.bitcast(room, kind.as_pointer()), [number])


def _turned(builder: Any, rows: list[Any]) -> list[Any]:  # noqa: ANN401
    """Return the columns of a square of rows, whose number is a power of two.

    Blocks are exchanged across the diagonal, those of one element first (Eklundh, A fast computer
    method for matrix transposing, IEEE Transactions on Computers 1972).
    """
    count, size = len(rows), 1
    while size < count:
        above = [n if not n & size else count + n - size for n in range(count)]
        below = [n + size if not n & size else count + n for n in range(count)]
        for first in (n for n in range(count) if not n & size):
            one, other = rows[first], rows[first + size]
            rows[first] = builder.shuffle_vector(one, other, _mask(above))
            rows[first + size] = builder.shuffle_vector(one, other, _mask(below))
        size *= 2
    return rows


def _mask(chosen: list[int]) -> Any:  # noqa: ANN401 - llvmlite is untyped
    return ir.Constant(ir.VectorType(_NUMBER, len(chosen)), chosen)


@intrinsic
def lanes_put(
    _context: object,
    array: Any,  # noqa: ANN401
    indices: Any,  # noqa: ANN401
    room: Any,  # noqa: ANN401
    number: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Store a row of a room in an array, from an element on, along its last axis."""
    _ = number

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        given, place, kept, at = arguments
        kind, wanted = signature.args[0], signature.args[1]
        held = context.make_array(kind)(context, builder, given)
        indices = [
            context.cast(builder, each, type_, types.intp)
            for each, type_ in zip(cgutils.unpack_tuple(builder, place), wanted, strict=True)
        ]
        element = cgutils.get_item_pointer(context, builder, kind, held, indices)
        row = ir.VectorType(_element(room.lanes.dtype), TIMES)
        value = builder.load(_row(builder, kept, at, row))
        target = builder.bitcast(element, value.type.as_pointer())
        builder.store(value, target, align=max(1, room.lanes.dtype.bitwidth // 8))
        return context.get_dummy_value()

    if array.dtype != room.lanes.dtype or array.layout != "C":
        raise errors.TypingError("rows of lanes in another array")
    return types.none(array, indices, room, types.int64), generate


def _binary(name: str) -> Any:  # noqa: ANN401
    def operation(_context: object, left: Any, right: Any) -> Any:  # noqa: ANN401
        if left != right:
            raise errors.TypingError(f"{name} of {left} and {right}")

        def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
            return getattr(builder, name)(*arguments)

        return left(left, right), generate

    return intrinsic(operation)


def _comparison(operator: str) -> Any:  # noqa: ANN401
    def operation(_context: object, left: Any, right: Any) -> Any:  # noqa: ANN401
        if left != right:
            raise errors.TypingError(f"{operator} of {left} and {right}")

        def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
            return _compared(builder, operator, left.dtype, arguments)

        return LanesType(types.boolean, left.count)(left, right), generate

    return intrinsic(operation)


def _compared(builder: Any, operator: str, dtype: Any, arguments: Any) -> Any:  # noqa: ANN401
    is_signed = dtype != types.boolean and dtype.signed
    compare = builder.icmp_signed if is_signed else builder.icmp_unsigned
    return compare(operator, *arguments)


def _extremum(operator: str) -> Any:  # noqa: ANN401
    def operation(_context: object, left: Any, right: Any) -> Any:  # noqa: ANN401
        if left != right:
            raise errors.TypingError(f"an extremum of {left} and {right}")

        def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
            return builder.select(_compared(builder, operator, left.dtype, arguments), *arguments)

        return left(left, right), generate

    return intrinsic(operation)


lanes_add, lanes_sub, lanes_mul = _binary("add"), _binary("sub"), _binary("mul")
lanes_and, lanes_or, lanes_xor = _binary("and_"), _binary("or_"), _binary("xor")
lanes_lt, lanes_le = _comparison("<"), _comparison("<=")
lanes_gt, lanes_ge = _comparison(">"), _comparison(">=")
lanes_eq, lanes_ne = _comparison("=="), _comparison("!=")
lanes_least, lanes_greatest = _extremum("<="), _extremum(">=")


@intrinsic
def lanes_not(_context: object, lanes: Any) -> Any:  # noqa: ANN401
    """Return all bits turned round."""

    def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        return builder.not_(arguments[0])

    return lanes(lanes), generate


@intrinsic
def lanes_if(_context: object, test: Any, one: Any, other: Any) -> Any:  # noqa: ANN401
    """Return lanes of `one` where `test` holds, else of `other`."""
    if one != other or test.dtype != types.boolean:
        raise errors.TypingError(f"a choice of {one} and {other} by {test}")

    def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        return builder.select(*arguments)

    return one(test, one, other), generate


@intrinsic
def lanes_negative(_context: object, lanes: Any) -> Any:  # noqa: ANN401
    """Return whether any lane is negative."""

    def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        (given,) = arguments
        all_of = builder.extract_element(given, _NUMBER(0))
        for number in range(1, lanes.count):
            all_of = builder.or_(all_of, builder.extract_element(given, _NUMBER(number)))
        return builder.icmp_signed("<", all_of, all_of.type(0))

    return types.boolean(lanes), generate


def _conversion(dtype: Any) -> Any:  # noqa: ANN401
    def operation(_context: object, lanes: Any) -> Any:  # noqa: ANN401
        def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
            (given,) = arguments
            wanted = ir.VectorType(_element(dtype), lanes.count)
            apart = wanted.element.width - given.type.element.width
            if apart == 0:
                return given
            if apart < 0:
                return builder.trunc(given, wanted)
            is_signed = lanes.dtype != types.boolean and lanes.dtype.signed
            return builder.sext(given, wanted) if is_signed else builder.zext(given, wanted)

        return LanesType(dtype, lanes.count)(lanes), generate

    return intrinsic(operation)


lanes_int8, lanes_int16 = _conversion(types.int8), _conversion(types.int16)
lanes_int32, lanes_int64 = _conversion(types.int32), _conversion(types.int64)
lanes_uint8, lanes_uint16 = _conversion(types.uint8), _conversion(types.uint16)
lanes_uint32 = _conversion(types.uint32)
