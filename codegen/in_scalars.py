"""A loop tree whose innermost loops have in scalars the elements that they use again and again.

The pass that the CPU's kernels are printed after, and that whoever asks which kernels a printed
module has asks too: a test around a loop may make other kernels of it.
"""

from __future__ import annotations

from .fixed_reads import with_fixed_reads
from .forwarded import with_forwarded
from .held import with_held
from .kernel import Program
from .order_check import in_kept_order
from .register_tiles import with_register_tiles


def with_scalars(program: Program) -> Program:
    """Return `program` with elements in scalars, where an innermost loop has the same ones."""
    tiled = in_kept_order(program, with_register_tiles(program))
    return with_held(with_fixed_reads(with_forwarded(tiled)))
