"""The canonical order of a reordered reduction: blocks of iterations, lanes, pairs.

    iterations 0 ... 4499:   block 0 (2048)       block 1 (2048)       block 2 (404)
    in a block:              iteration k goes to lane k % 128, in order; then lane + lane 64
                             apart, 32 apart, ... 1 apart
    blocks:                  (block 0 . block 1) . block 2
    at last:                 value before the loop . all blocks

The order depends on the number of iterations and on the text of the loop only: not on the
number of threads, on chunks, or on the target. A loop with loops inside has blocks of one
iteration and a single lane: each of its iterations runs in the interpreter's order.

Pairwise summation: Higham, The accuracy of floating point summation, SIAM J. Sci. Comput. 1993.
Fixed blocks: Demmel and Nguyen, Fast reproducible floating-point summation, ARITH 2013, whose
sums do not depend on the order at all; ours only fixes it.
"""

from __future__ import annotations

from autopar.analysis.model.dependence import AFFINE
from autopar.analysis.model.nouns import dataclass

from .kernel import Loop, walk_nodes

BLOCK = 2048
LANES = 128
# A sum of fewer terms keeps the interpreter's order.
FEWEST_TERMS = 32_768
# Iterations of a scan that are one block, where it has floats, and where it has none.
SCAN_BLOCK = 64
EXACT_SCAN_BLOCK = 1024
# Of linear recurrences: while one block waits for its chain, a processor reaches the next one.
RECURRENCE_BLOCK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the iterations of one loop are grouped."""

    block: int  # iterations; a multiple of `lanes`
    lanes: int  # a power of two


FLAT = Shape(block=BLOCK, lanes=LANES)
ONE_LANE = Shape(block=BLOCK, lanes=1)
NESTED = Shape(block=1, lanes=1)


def shape_of(loop: Loop) -> Shape:
    """Return how the iterations of a loop with reductions are grouped.

    In a single lane every value comes in its order, so that the first of equal extrema stays
    the first: there 0.0 and -0.0 need no second run, and a place is that of the first.
    """
    if loop.only_keeps:
        return NESTED  # it may be cut anywhere
    if any(isinstance(node, Loop) for node in walk_nodes(loop.body)):
        return NESTED
    if not loop.reductions:
        return ONE_LANE
    if any(each.is_chosen or (each.has_zeros and not each.can_repeat) for each in loop.reductions):
        return ONE_LANE
    return FLAT


def scan_block(loop: Loop) -> int:
    """Return how many iterations of a scan accumulate in order, from the start of their block.

    A chain of float additions waits for each of them: short blocks let the processor work at
    several chains at once. Of others the length makes no difference to what comes out. With loops
    inside, every iteration is a block.
    """
    if any(isinstance(node, Loop) for node in walk_nodes(loop.body)):
        return 1
    if any(each.reduced.operator == AFFINE for each in loop.scans):
        return RECURRENCE_BLOCK
    is_float = any(each.reduced.dtype[0] == "f" for each in loop.scans)
    return SCAN_BLOCK if is_float else EXACT_SCAN_BLOCK
