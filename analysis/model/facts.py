"""What is known of the unknowns: nothing at decoration, everything at a call."""

from __future__ import annotations

from autopar.analysis.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where one array of a group lies in the memory that the group shares.

    Its element `[x, y]` is the cell `origin + strides · (x, y)` of a flat base, or the cell
    `origin + (x, y)` of a base with the same axes.
    """

    array: str
    base: str  # how the base is called: the names of its arrays, "a, b"
    origin: tuple[int, ...]  # the cell of the first element: one number for each axis of the base
    strides: tuple[int, ...] | None  # in cells of a flat base; None: the base has the same axes
    shape: tuple[int, ...] | None  # extents of the array; None where cells need no bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Knowledge that one analysis may use; the more, the more it can decide."""

    # Integers by name, as Python text: ("n", 100), ("a.shape[1]", 20).
    values: tuple[tuple[str, int], ...] = ()
    # Arrays that share memory; all others are disjoint from each other and from these.
    layouts: tuple[Layout, ...] = ()
    # Subscripts may be negative and count from the end; else only those that surely do.
    wraps: bool = False
    # How many axes arrays have, by name, where a call has shown it.
    ranks: tuple[tuple[str, int], ...] = ()

    def value(self, name: str) -> int | None:
        """Return the known value of a name, or None."""
        return dict(self.values).get(name)


NOTHING = Facts()
