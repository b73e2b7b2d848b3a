"""What rows ask and tell that run on several threads, each behind the one before.

    turn = next_rows(progress)                      nobody else takes it
    while rows_before(progress, turn) < end: rest() what the turn before has done by now
    rows_done(progress, turn, end)                  after all stores before it
    rows_left(progress, members)                    so many of them do nothing any more

See `codegen.progress` for what lies where. (Post and wait of a loop across threads: Cytron,
Doacross, ICPP 1986; here each turn waits for the one before, at times far apart.)
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.core.extending import intrinsic

from .progress import CELLS, START

_WORD = ir.IntType(64)
_BYTES = 8


def _cell(context: Any, builder: Any, kind: Any, progress: Any, number: Any) -> Any:  # noqa: ANN401
    held = context.make_array(kind)(context, builder, progress)
    return builder.gep(held.data, [builder.mul(number, _WORD(CELLS))])


@intrinsic
def next_rows(_context: object, progress: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return the next turn, taken by nobody else."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        cell = _cell(context, builder, signature.args[0], arguments[0], _WORD(0))
        return builder.atomic_rmw("add", cell, _WORD(1), "seq_cst")

    return types.int64(progress), generate


@intrinsic
def rows_before(_context: object, progress: Any, turn: Any) -> Any:  # noqa: ANN401
    """Return which times the turn before `turn` has done; its stores are seen from here on."""
    _ = turn

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        number = builder.add(arguments[1], _WORD(1))
        cell = _cell(context, builder, signature.args[0], arguments[0], number)
        return builder.load_atomic(cell, "acquire", _BYTES)

    return types.int64(progress, types.int64), generate


@intrinsic
def rows_done(_context: object, progress: Any, turn: Any, time: Any) -> Any:  # noqa: ANN401
    """Say that all times of `turn` before `time` are done."""
    _ = turn, time

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        number = builder.add(arguments[1], _WORD(2))
        cell = _cell(context, builder, signature.args[0], arguments[0], number)
        builder.store_atomic(arguments[2], cell, "release", _BYTES)
        return context.get_dummy_value()

    return types.none(progress, types.int64, types.int64), generate


@intrinsic
def rest(_context: object) -> Any:  # noqa: ANN401 - Numba is untyped
    """Let others have the core for a moment."""

    def generate(context: Any, builder: Any, _signature: object, _arguments: object) -> Any:  # noqa: ANN401
        kind = ir.FunctionType(ir.IntType(32), ())
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), ())
        return context.get_dummy_value()

    return types.none(), generate


@intrinsic
def all_left(_context: object, progress: Any, members: Any) -> Any:  # noqa: ANN401
    """Return whether so many more members who leave are the last ones."""
    _ = members

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        first = _cell(context, builder, signature.args[0], arguments[0], _WORD(0))
        wanted = builder.load(builder.gep(first, [_WORD(1)]))
        left = builder.gep(first, [_WORD(2)])
        before = builder.atomic_rmw("add", left, arguments[1], "seq_cst")
        return builder.icmp_signed("==", builder.add(before, arguments[1]), wanted)

    return types.boolean(progress, types.int64), generate


_all_left: Any = all_left  # what a type checker takes for a function of a context


@njit(nogil=True)
def rows_left(progress: Any, members: int) -> None:  # noqa: ANN401
    """Say that so many members have left; the last ones make all as it was before the first."""
    if _all_left(progress, members):
        for cell in range(2 * CELLS, len(progress), CELLS):
            progress[cell] = START
        progress[0] = 0
        progress[2] = 0
