"""The names by which kernels call what lies outside of them.

Maps the symbols that an object leaves undefined to addresses of this process, which LLVM is told.
Names of our own (`autopar_libm_exp`, `autopar_strip_sin_float64`) stand for functions that are
made or found anew in each process; all others must be the C library's or Python's.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import TYPE_CHECKING

from autopar.analysis.model.later import Later

from . import ahead, interrupts, native, numpy_loops, stream_code, turn_code
from .fpflags import address_of
from .libm import LIBM, define_libm
from .numpy_rows import define_row

if TYPE_CHECKING:
    import llvmlite.binding as llvm
else:
    llvm = Later("llvmlite.binding")

OWN = "autopar_"
FLAGS = f"{OWN}flags_"  # of <fenv.h>
_COPIES = {stream_code.STREAM: stream_code, turn_code.TURN: turn_code}


def define(symbols: Iterable[str]) -> bool:
    """Let LLVM find all of `symbols`; return whether that is possible."""
    return all(map(_define, sorted(symbols)))


def is_lasting(symbol: str) -> bool:
    """Return whether another process can find a symbol without loading Numba."""
    return symbol.startswith(OWN) or _has(symbol)


def _has(symbol: str) -> bool:
    """Return whether the libraries that every Python process loads define `symbol`."""
    try:
        ctypes.CDLL(None)[symbol]
    except AttributeError:
        return False
    return True


def _define(symbol: str) -> bool:
    if not symbol.startswith(OWN):
        return _has(symbol) or llvm.address_of_symbol(symbol) is not None
    if symbol in (interrupts.ASKED, interrupts.NOTED):
        native.machine()
        return True
    if symbol in ahead.WORDS:
        ahead.define(symbol)
        return True
    if symbol in _COPIES:
        _COPIES[symbol].engine()
        return True
    try:
        return _make(symbol)
    except (AttributeError, KeyError, ValueError, NotImplementedError):
        return False  # another NumPy, another C library


def _make(symbol: str) -> bool:
    """Make or find what one of our names stands for; return whether LLVM finds it now."""
    name = symbol.removeprefix(OWN)
    if name.startswith(LIBM):
        define_libm(name.removeprefix(LIBM))
    elif symbol.startswith(FLAGS):
        address = address_of(symbol.removeprefix(FLAGS))
        if not address:
            return False
        llvm.add_symbol(symbol, address)
    elif name.startswith((numpy_loops.ROW, numpy_loops.TOLD_ROW)):
        define_row(name)
    else:
        numpy_loops.define(name)
    return True
