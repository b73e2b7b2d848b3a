"""Copies of what a run overwrites, put back where something in it fails.

Before:  for i: a[i] = math.sqrt(a[i - 1] - 1.0)      a run without stores tells nothing of this
After:   keep `a`; run; if an operation failed: put `a` back, and the interpreter runs the loop

Checkpoint and rollback (Randell, System structure for software fault tolerance, 1975), of one
region ([decision 0030](docs/decisions/0030-arrays-that-are-put-back.md)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import INDEX_ERROR
from autopar.codegen.copies import NoRoomError
from autopar.codegen.kernel import Loop, Program, walk_nodes


def may_be_put_back(program: Program) -> bool:
    """Return whether a run in which something failed comes to its end, and harms nothing else.

    Subscripts that are data may lead anywhere, and a loop that ends by data may not end.
    """
    loops = (each for each in walk_nodes(program.body) if isinstance(each, Loop))
    return not program.hazards & INDEX_ERROR and not any(each.is_endless for each in loops)


def written_arrays(program: Program, copies: frozenset[str]) -> tuple[str, ...]:
    """Return the arrays of the caller that a program stores in; `copies` are none."""
    return tuple(
        each.name for each in program.given_arrays if each.is_written and each.name not in copies
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Arrays, and what they held."""

    pairs: tuple[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], ...]

    def put_back(self) -> None:
        """Let the arrays hold what they held."""
        for array, before in self.pairs:
            array[...] = before


def kept(saves: tuple[str, ...], names: tuple[str, ...], arguments: tuple[Any, ...]) -> Kept | None:
    """Return copies of the arrays `saves`, None for none; `arguments` begin with arrays `names`.

    NoRoomError where there is no memory for them.
    """
    if not saves:
        return None
    arrays = [arguments[names.index(each)] for each in saves]
    try:
        return Kept(pairs=tuple((each, np.array(each)) for each in arrays))
    except MemoryError as error:
        raise NoRoomError(str(error)) from error
