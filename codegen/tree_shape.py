"""How the iterations of a reduced loop are dealt to threads of a device, and what these combine.

Before:  a loop with partial values, in the canonical order
After:   128 threads a block of the grid: each the iterations of one lane, or neighbouring ones

In blocks with a single lane only the order of the iterations counts, where nothing is rounded:
each thread takes a few of them. A rounded sum keeps all of the lane in one thread.
"""

from __future__ import annotations

from collections.abc import Mapping

from autopar.analysis.model.nouns import dataclass

from .cells import is_exact
from .grid import unsettled
from .host import Reduce
from .kernel import Cells, Program
from .partials import PartialLoop
from .sharing import has_rounded

WIDTH = 128  # threads of a block that has no lanes
# Shared memory of a block, in bytes, that every device has.
_MOST_SHARED_BYTES = 48 << 10
_WIDEST = 8  # bytes of a partial value


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """Where the values of one part lie between two kernels: an element for each block."""

    given: str  # its name where it is read
    partial: str  # ... and where it is written
    dtype: str

    @property
    def dtype_text(self) -> str:
        """The dtype as Python."""
        return "np.bool_" if self.dtype == "bool" else f"np.{self.dtype}"


def has_tree(node: Reduce, program: Program) -> bool:
    """Return whether a device runs a reduced loop by a tree; in order where not."""
    partial = node.kernel.partial
    if partial is None or unsettled(node.kernel):
        return False
    layouts = {each.name: each.type.layout for each in program.arrays}
    # What is put back where the order matters after all is copied as a whole.
    if any(not has_atomics(e) or layouts[e.array] == "A" for e in partial.loop.cells):
        return False
    return len(partial.parts) * width_of(partial) * _WIDEST <= _MOST_SHARED_BYTES


def has_atomics(cells: Cells) -> bool:
    """Return whether threads may accumulate into the same elements: integers, in any order."""
    return cells.type.dtype in {"int32", "int64", "uint32", "uint64"} and is_exact(cells)


def width_of(partial: PartialLoop) -> int:
    """Return how many threads a block has."""
    return partial.shape.lanes if partial.shape.lanes > 1 else WIDTH


def is_flat(partial: PartialLoop) -> bool:
    """Return whether threads take every so many iterations of a block.

    They are lanes, or nothing but elements of integers grows, where no order counts.
    """
    is_free = not partial.loop.reductions and partial.shape.block >= WIDTH
    return partial.shape.lanes > 1 or is_free


def per_thread(partial: PartialLoop) -> int:
    """Return how many neighbouring iterations a thread takes that is no lane."""
    block = partial.shape.block
    return block if has_rounded(partial.loop) else max(1, block // WIDTH)


def iterations_of(partial: PartialLoop) -> int:
    """Return how many iterations a block of threads takes."""
    return partial.shape.block if is_flat(partial) else per_thread(partial) * WIDTH


def buffers_of(partial: PartialLoop, names: Mapping[str, str]) -> tuple[Buffer, ...]:
    """Return the buffers of a reduced loop, one for each part."""
    return tuple(
        Buffer(
            given=f"{names.get(part.name, part.name)}_given",
            partial=f"{names.get(part.name, part.name)}_partial",
            dtype=part.type.dtype,
        )
        for part in partial.parts
    )
