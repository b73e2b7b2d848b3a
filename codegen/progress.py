"""How far rows have come that run at the same time, each behind the one before.

    progress = new_progress(12)       for 12 turns of some rows each
    progress[0]                       the next turn that nobody has taken
    progress[8 * (turn + 2)]          all of a turn's times before this one are done

Only turns that somebody has taken are waited for, and they are taken in order, so the first one
that is not done waits for nobody: however few threads come, all turns are done in the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = 8  # of 64 bits: a line of the cache, so that threads do not meet in it
START = -(2**63)
DONE = 2**63 - 1
# Times between two looks at the rows before.
PART_OF_ROWS = 256
# Groups of rows of one turn: what the last row of a turn holds has to go from one core to another.
GROUPS = 8
# A share of rows has to be waited for, and more are under way at once than one thread needs.
WORTH = 4


def new_progress(turns: int) -> NDArray[Any]:
    """Return the progress of rows of which none has begun; the turn before the first is done."""
    progress = np.full(CELLS * (max(0, turns) + 2), START, np.int64)
    progress[0] = 0
    progress[CELLS] = DONE
    return progress
