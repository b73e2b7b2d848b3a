"""What is known of the unknowns: nothing at decoration, everything at a call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Knowledge that one analysis may use; the more, the more it can decide."""

    values: tuple[tuple[str, int], ...]  # integers by name, as Python text: ("n", 100)

    def value(self, name: str) -> int | None:
        """Return the known value of a name, or None."""
        return dict(self.values).get(name)


NOTHING = Facts(values=())
