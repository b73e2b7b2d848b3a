"""What threads ask and tell that run the phases of a loop together: see `codegen.crew_text`.

    part = next_part(progress, member, phase, parts, goal)     -1: the phase is over
    part_done(progress)                                        after all stores of the part
    crew_left(progress, members)                               so many of them do nothing any more

A member takes the part of its own number first, whose data its caches hold from the phase before,
and those that nobody has begun once it has waited a little. See `codegen.progress` for what lies
where.
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import njit
from numba.core import types
from numba.core.extending import intrinsic

from .progress import CELLS, STOPPED
from .staggering import all_left, rest
from .stopping import is_stopped

_WORD = ir.IntType(64)
_BYTES = 8
_IS_X86 = platform.machine().lower() in {"x86_64", "amd64"}
# About 5 us of looking before a part is taken that another one should have begun by now.
_PATIENCE = 150 if _IS_X86 else 5000
# The same where the last one was taken so: whoever comes to its part has it in so many looks.
_HASTE = 8
# About 50 us before somebody else may have the core.
_TIRED = 10 * _PATIENCE


def _cell(context: Any, builder: Any, kind: Any, progress: Any, number: Any) -> Any:  # noqa: ANN401
    held = context.make_array(kind)(context, builder, progress)
    return builder.gep(held.data, [builder.mul(number, _WORD(CELLS))])


@intrinsic
def _claimed(_context: object, progress: Any, part: Any, phase: Any) -> Any:  # noqa: ANN401
    """Return whether a part of a phase is now the caller's."""
    _ = part, phase

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        number = builder.add(arguments[1], _WORD(1))
        cell = _cell(context, builder, signature.args[0], arguments[0], number)
        before = builder.load_atomic(cell, "acquire", _BYTES)
        free = builder.icmp_signed("<", before, arguments[2])
        start = builder.block
        with builder.if_then(free):
            pair = builder.cmpxchg(cell, before, arguments[2], "seq_cst", "seq_cst")
            taken = builder.extract_value(pair, 1)
            inside = builder.block
        found = builder.phi(ir.IntType(1))
        found.add_incoming(ir.IntType(1)(0), start)
        found.add_incoming(taken, inside)
        return found

    return types.boolean(progress, types.int64, types.int64), generate


@intrinsic
def _done(_context: object, progress: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return how many parts are done; their stores are seen from here on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        cell = _cell(context, builder, signature.args[0], arguments[0], _WORD(0))
        return builder.load_atomic(cell, "acquire", _BYTES)

    return types.int64(progress), generate


@intrinsic
def part_done(_context: object, progress: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    """Say that one more part is done."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        cell = _cell(context, builder, signature.args[0], arguments[0], _WORD(0))
        builder.atomic_rmw("add", cell, _WORD(1), "seq_cst")
        return context.get_dummy_value()

    return types.none(progress), generate


@intrinsic
def _pause(_context: object) -> Any:  # noqa: ANN401 - Numba is untyped
    """Wait for some nanoseconds."""

    def generate(context: Any, builder: Any, _signature: object, _arguments: object) -> Any:  # noqa: ANN401
        if _IS_X86:
            kind = ir.FunctionType(ir.VoidType(), ())
            module = builder.module
            name = "llvm.x86.sse2.pause"
            builder.call(module.globals.get(name) or ir.Function(module, kind, name), ())
        return context.get_dummy_value()

    return types.none(), generate


# What a type checker takes for functions of a context.
_stopped: Any = is_stopped
_take: Any = _claimed
_so_far: Any = _done
_wait: Any = _pause
_rest: Any = rest
_all_left: Any = all_left


@njit(nogil=True)
def next_part(progress: Any, member: int, phase: int, parts: int, goal: int) -> int:  # noqa: ANN401
    """Return a part of `phase` for `member` to run; -1 when all are done, -2 for Ctrl-C."""
    if _stopped():
        return STOPPED
    if member < parts and _take(progress, member, phase):
        return member
    mine = CELLS * (member + 1) + 1  # beside the member's own part, on a line of its own
    waited = 0
    while _so_far(progress) < goal:
        if waited >= progress[mine]:
            for part in range(parts):
                if _take(progress, part, phase):
                    progress[mine] = _HASTE  # whoever should have come may be away for long
                    return part
            progress[mine] = _PATIENCE
            if _stopped():
                return STOPPED
        if waited > _TIRED:
            _rest()
        _wait()
        waited += 1
    return -1


@njit(nogil=True)
def crew_left(progress: Any, members: int) -> None:  # noqa: ANN401
    """Say that so many members have left; the last ones make all as it was before the first."""
    if _all_left(progress, members):
        progress[CELLS:] = 0
        progress[0] = 0
        progress[2] = 0
