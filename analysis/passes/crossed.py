"""Orders in which the two outermost loops of a nest change places, though one holds more besides.

Before:  for i: (for j: (for k: a[i, j] -= a[i, k] * a[j, k]); a[i, j] /= a[j, j]); finish a[i, i]
After:   for j: finish a[j, j]; parallel for i: (for k: ...); a[i, j] /= a[j, j]

The outer loop of such a nest counts rows in the source. In the order that is tried here it counts
what the loop inside does, and what stands beside that loop runs at its own row: Cholesky's
factors, column by column, whose rows wait for their sums together. (Golub and Van Loan, Matrix
Computations, 4.2: the gaxpy form.) isl joins loops along the recurrence instead, where no element
stays in a register. Whether such an order is legal, and whether the loop inside carries nothing
then, says the check of whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..model.order_tree import Run, Tree, Turn, runs_of


def crossed(trees: tuple[Tree, ...]) -> Iterator[tuple[Tree, ...]]:
    """Yield orders like that of `trees`, each with one of its nests in such a form."""
    for at, tree in enumerate(trees):
        if isinstance(tree, Turn) and not tree.is_coincident:
            for each in _crossed(tree):
                yield (*trees[:at], each, *trees[at + 1 :])


def _crossed(outer: Turn) -> Iterator[Turn]:
    for at, inner in enumerate(outer.body):
        if not isinstance(inner, Turn) or inner.is_coincident or not _has_loop(inner):
            continue
        others = outer.body[:at] + outer.body[at + 1 :]
        if not others:  # whole loops change places elsewhere
            continue
        moved = {run.atom for run in runs_of(inner.body)}
        times = tuple(
            (atom, inner.time(atom) if atom in moved else time) for atom, time in outer.times
        )
        kept = tuple((atom, outer.time(atom)) for atom, _ in inner.times)
        rows = replace(inner, times=kept, is_coincident=True)
        yield replace(outer, times=times, body=(*others, rows))


def _has_loop(turn: Turn) -> bool:
    """Return whether a loop holds one: the iterations of others are hardly worth a launch."""
    return any(not isinstance(each, Run) for each in turn.body)
