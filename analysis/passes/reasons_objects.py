"""Reasons of the family AP3 about objects whose attributes a loop reads."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChanges(Reason):
    """An attribute is read, or assigned, of an object that is another one as the loop goes on.

    Why it blocks: attributes are read once, before the loop, and taken for values of their own.
        That needs one object for the whole loop; attributes of the elements of a list are looked
        up in every iteration, and any of them may be a property.

    Example:
        for p in particles:
            total += p.mass

    Use instead: one array for each attribute.
        for i in range(n):
            total += mass[i]

    Right to refuse: where the objects differ, or one is in the list twice. Arrays in place of
        objects have neither problem.

    References: Wimmer and Moessenboeck, Automatic Array Inlining in Java Virtual Machines, CGO
        2008, on what it takes to lay objects out as arrays.
    """

    code: ClassVar[str] = "AP314"
    attribute: str  # "p.mass"
    name: str  # "p"

    @property
    def message(self) -> str:
        return f"'{self.attribute}' is an attribute of '{self.name}', which the loop binds anew."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Keep what '{self.attribute}' holds in an array of its own.",)
