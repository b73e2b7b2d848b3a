"""Threads of a block on Numba's CUDA simulator, one after another in a single thread.

Before:  a thread of the system for each thread of the block, started in order; most end before
         the next one starts
After:   the same calls in one thread, in the blocks' order and backwards by turns

Starting a thread takes longer than what most of them do. A kernel whose threads wait for each
other keeps the simulator's own: they must be there at once.
"""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import numpy as np

SWITCH = "NUMBA_ENABLE_CUDASIM"
_blocks = itertools.count()


def is_simulated() -> bool:
    """Return whether this process has the simulator for a device."""
    return os.environ.get(SWITCH, "0") not in {"", "0"}


def take_turns() -> None:
    """Let the simulator run the threads of a block one after another, where none waits."""
    kernel: Any = importlib.import_module("numba.cuda.simulator.kernel")
    at_once = kernel.BlockManager.run

    def run(block: Any, place: Any, *arguments: Any) -> None:
        if may_wait(block._f):
            at_once(block, place, *arguments)
            return
        _run_in_turns(kernel, block, place, arguments)

    if at_once.__module__ == kernel.__name__:
        kernel.BlockManager.run = run


def _run_in_turns(kernel: Any, block: Any, place: Any, arguments: tuple[Any, ...]) -> None:
    def turns() -> None:
        for point in _order(block._block_dim):
            thread.threadIdx = kernel.Dim3(*point)
            thread.thread_id = _number(point, block._block_dim)
            block._f(*arguments)

    thread = kernel.BlockThread(turns, block, place, (0, 0, 0), block._debug)
    thread.syncthreads = _never
    thread.start()
    thread.join()
    if thread.exception:
        raise thread.exception[0].with_traceback(thread.exception[1])


def _order(extents: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    points = list(np.ndindex(*extents))
    yield from reversed(points) if next(_blocks) % 2 else points


def _number(point: tuple[int, ...], extents: tuple[int, ...]) -> int:
    return point[0] + extents[0] * (point[1] + extents[1] * point[2])


def _never() -> None:
    raise AssertionError("a thread waits for others of its block, and runs alone")


def may_wait(function: FunctionType) -> bool:
    """Return whether a thread that runs `function` may wait for others of its block."""
    left, seen = [function], {function}
    while left:
        one = left.pop()
        names = set(_names(one.__code__))
        if any(name.startswith(("sync", "shfl")) for name in names):
            return True
        held = [cell.cell_contents for cell in one.__closure__ or ()]
        found = map(_plain, [*held, *map(one.__globals__.get, names)])
        called = {each for each in found if each is not None} - seen
        seen |= called
        left += called
    return False


def _plain(value: object) -> FunctionType | None:
    """Return the function that `value` is, or that it was made of by `cuda.jit`; None for others."""
    fields = vars(value) if hasattr(value, "__dict__") else {}
    function = value if isinstance(value, FunctionType) else fields.get("fn")
    return function if isinstance(function, FunctionType) else None


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _names(each)
