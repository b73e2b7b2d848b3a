"""Which form of its kernels a call wants: arrays larger than the caches have one of their own.

Kernels that store past the caches are quicker where these hold nothing of what was written when
it is read again, and slower where they do. A region keeps one form for each kind of arguments. The
first call decides which; others run that one too, until what this costs has become as much as
compiling the other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.scop import Scop
from autopar.codegen.rates import Rates, current
from autopar.codegen.streams import ROW_BYTES

from .variant import Variant

# What the wrong form costs, as a part of what the interpreter takes: a third of a kernel's time.
_LOSS = 0.001
# The largest array that is written, as a part of all: a smaller one stays in the caches beside
# those that are read.
_WRITTEN = 4


@dataclass(slots=True, kw_only=True, eq=False)
class Sizes:
    """The calls of one region, by the size of their arrays."""

    arrays: tuple[str, ...]
    written: tuple[str, ...]
    lost_ns: float = 0.0  # by calls whose form was the other one

    def are_large(self, named: Mapping[str, object]) -> bool:
        """Return whether the arrays of a call are larger than the caches.

        With fewer bytes a loop that reads what the one before has written still finds some of it.
        Two cores with a share of a large last cache: with 16 MB the next sweep took twice as long
        as after ordinary stores, with 64 MB 0.7 times. `calibration` asks each machine.
        """
        from_bytes = current().stream_bytes
        stored = [named[name] for name in self.written]
        rows = (_bytes(each) for each in stored if _row_bytes(each) >= ROW_BYTES)
        if _WRITTEN * max(rows, default=0) < from_bytes:
            return False
        return sum(_bytes(named[name]) for name in self.arrays) >= from_bytes

    def fit(self, variant: Variant, named: Mapping[str, object]) -> bool:
        """Return whether no other form than `variant` would run a call sooner."""
        streams = variant.program.streams
        return streams is None or streams == self.are_large(named)

    def note(self, interpreter_ns: float, rates: Rates) -> bool:
        """Take note of calls that do not fit; return whether another form is worth its compilation.

        `interpreter_ns` is what they would take in the interpreter.
        """
        self.lost_ns += _LOSS * interpreter_ns
        return self.lost_ns >= rates.compile


def sizes_of(scop: Scop) -> Sizes:
    """Return what is to be known of a region's arrays."""
    accesses = [each for statement in scop.statements for each in statement.accesses]
    stored = {each.array for each in accesses if each.kind != "read"}
    given = tuple(each.name for each in scop.given_arrays)
    return Sizes(arrays=given, written=tuple(name for name in given if name in stored))


def _row_bytes(value: object) -> int:
    return value.shape[-1] * value.itemsize if type(value) is np.ndarray and value.ndim else 0


def _bytes(value: object) -> int:
    return value.nbytes if type(value) is np.ndarray else 0
