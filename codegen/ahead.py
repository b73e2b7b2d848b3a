"""How far ahead kernels ask for what they read: two words of this process.

    autopar_ahead_alone      for loops that walk through one array, in bytes; 0: not at all
    autopar_ahead_beside     for loops that walk through several

What asking gains depends on the processor. An AMD EPYC of the fourth generation reads one array
1.15 times as fast if it is asked for ahead, two of them at 0.76 of what it does without requests,
three planes of a cube at 0.84; an Intel Xeon read one and two 1.05 to 1.2 times as fast. Kernels
look at the words when they run, so that machine code is the same everywhere, and what
`autopar info --calibrate` finds holds from then on.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from autopar.analysis.model.later import Later

from .rates import CURRENT, Rates, current, processor

if TYPE_CHECKING:
    import llvmlite.binding as llvm
else:
    llvm = Later("llvmlite.binding")

ALONE, BESIDE = "autopar_ahead_alone", "autopar_ahead_beside"
WORDS: Mapping[str, ctypes.c_int64] = MappingProxyType(
    {ALONE: ctypes.c_int64(), BESIDE: ctypes.c_int64()}
)


def define(symbol: str) -> str:
    """Return the symbol of a word, which kernels find from here on."""
    follow(current())
    llvm.add_symbol(symbol, ctypes.addressof(WORDS[symbol]))
    return symbol


def follow(rates: Rates) -> None:
    """Let kernels ask as far ahead as `rates` say, or as is best on processors like this one."""
    is_guessed = not CURRENT.is_calibrated and processor().startswith("AMD")
    WORDS[ALONE].value = int(rates.ahead_alone)
    WORDS[BESIDE].value = 0 if is_guessed else int(rates.ahead_beside)


@contextmanager
def asking(distance: int) -> Iterator[None]:
    """Let all kernels ask so many bytes ahead in the block."""
    before = {name: word.value for name, word in WORDS.items()}
    for word in WORDS.values():
        word.value = distance
    try:
        yield
    finally:
        for name, value in before.items():
            WORDS[name].value = value
