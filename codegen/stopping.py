"""What kernels ask: whether they are to leave their loops, since Ctrl-C was pressed.

    if is_stopped():
        return (status,)

See `codegen.interrupts` for who says so.
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic

from .interrupts import ASKED, NOTED
from .native import machine

machine()  # defines the symbols that kernels name
_WORD = ir.IntType(64)


@intrinsic
def is_stopped(_context: object) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return whether the kernel is to end: its launch raises KeyboardInterrupt."""

    def generate(_context: object, builder: Any, _signature: object, _arguments: object) -> Any:  # noqa: ANN401
        module = builder.module
        cell = module.globals.get(NOTED) or ir.GlobalVariable(module, _WORD, NOTED)
        kind = ir.FunctionType(_WORD, ())
        asked = cgutils.get_or_insert_function(module, kind, ASKED)
        # Atomic, so that no compiler takes it out of a loop: the same instruction on all targets.
        noted = builder.icmp_signed("!=", builder.load_atomic(cell, "monotonic", 8), _WORD(0))
        found = cgutils.alloca_once_value(builder, ir.IntType(1)(0))
        with builder.if_then(noted, likely=False):
            said = builder.icmp_signed("!=", builder.call(asked, ()), _WORD(0))
            builder.store(said, found)
        return builder.load(found)

    return types.boolean(), generate
