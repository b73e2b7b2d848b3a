"""How far rows have come that run at the same time, each behind the one before.

    progress = new_progress(12, 2)    for 12 turns of some rows each, and 2 members who run them
    progress[0]                       the next turn that nobody has taken
    progress[1], progress[2]          members, and those who have left
    progress[8 * (turn + 2)]          all of a turn's times before this one are done

Only turns that somebody has taken are waited for, and they are taken in order, so the first one
that is not done waits for nobody: however few threads come, all turns are done in the end.

A crew (`codegen.crew_text`) has phases, and of each phase a few parts:

    progress[0]                       parts of all phases that are done
    progress[1], progress[2]          members, and those who have left
    progress[8 * (part + 1)]          the last phase of which somebody has taken this part

Whoever leaves last makes all as it was, so that the same launch may run again with the same one.
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
# Rows of one turn, about: what the last one holds has to go from one core to another.
ROWS_OF_TURN = 64
# A share of rows has to be waited for, and more are under way at once than one thread needs.
WORTH = 4


def rows_of_turn(group: int) -> int:
    """Return how many rows a turn has: whole groups of them."""
    return group * max(1, ROWS_OF_TURN // group)


def new_progress(turns: int, members: int) -> NDArray[Any]:
    """Return the progress of rows of which none has begun; the turn before the first is done."""
    progress = np.full(CELLS * (max(0, turns) + 2), START, np.int64)
    progress[:3] = 0, members, 0
    progress[CELLS] = DONE
    return progress


# What a member of a crew is told when Ctrl-C was pressed.
STOPPED = -2


def new_crew(members: int) -> NDArray[Any]:
    """Return the progress of a crew: parts done, members; then the phase each part has come to."""
    progress = np.zeros(CELLS * (max(1, members) + 1), np.int64)
    progress[1] = max(1, members)
    return progress
