"""Wait for a moment without going to sleep.

Waking a sleeping thread takes 30 to 100 us, as long as many a launch. A thread of the pool
that has just worked therefore watches a counter for a tenth of a millisecond before it lies
down, without the GIL: in a time loop the next launch comes within that time.

The loop is compiled by Numba, which takes a moment too: `spinner()` is None until somebody
has asked for it with `learn_to_spin()`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# About 0.1 ms on the processors at hand; a turn is a load and a comparison.
TURNS = 350_000

Spin = Callable[[Any, int], bool]


@intrinsic
def _read_anew(_typing: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    """Have memory read again: another thread may have changed it."""

    def generate(context: Any, builder: Any, *_: object) -> Any:  # noqa: ANN401 - the same
        # An empty instruction that claims to touch all memory; llvmlite has no assembler for
        # a real one, such as `pause`.
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], side_effect=True)
        return context.get_dummy_value()

    return types.none(), generate


def _spin(counter: Any, seen: int) -> bool:  # noqa: ANN401 - the same
    for _ in range(TURNS):
        if counter[0] != seen:
            return True
        _read_anew()  # type: ignore[call-arg]  # Numba passes the typing context
    return False


class _Known:
    """The compiled loop, once it is there."""

    def __init__(self) -> None:
        self.spin: Spin | None = None


_known = _Known()


def spinner() -> Spin | None:
    """Return `spin(counter, seen) -> changed`, or None while nobody has learnt it."""
    return _known.spin


def learn_to_spin() -> None:
    """Compile the loop, or load it from Numba's cache."""
    compiled = njit("boolean(int64[::1], int64)", nogil=True)(_spin)
    _known.spin = compiled


def new_counter() -> Any:  # noqa: ANN401 - an array; numpy's types say no more
    """Return a counter to watch: one int64 in memory."""
    return np.zeros(1, np.int64)
