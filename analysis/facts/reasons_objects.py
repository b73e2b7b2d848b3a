"""Reasons of the family AP5 about objects whose attributes a loop reads."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeNotPlain(Reason):
    """An attribute in the loop is more than a value that an object holds.

    Why it blocks: reading or assigning an attribute may run code: properties, other descriptors,
        `__getattr__`, `__getattribute__`, `__setattr__`. Only values in the instance, in its slots,
        in its class or in a module are read before the loop instead of in every iteration, and
        only those of plain instances are written back after it. The same holds for what a dict has
        under a constant key (`p["dt"]`): it must be a plain dict with strings for keys.

    Example:
        class Grid:
            u = np.zeros(100)
            @property
            def n(self): return len(self.u)
        def fill(g):
            for i in range(g.n):
                g.u[i] = 0.0
        fill(Grid())

    Use instead: a local name for the value, bound before the loop.
        def fill(g):
            n = g.n
            for i in range(n):
                g.u[i] = 0.0

    Right to refuse: where a property computes or checks something. Plain attributes of plain
        classes are no obstacle.

    References: Python data model, customizing attribute access; Raymond Hettinger, Descriptor
        Guide.
    """

    code: ClassVar[str] = "AP517"
    attribute: str  # "g.n"
    detail: str  # a clause: "it is a property of 'Grid'"

    @property
    def message(self) -> str:
        return f"'{self.attribute}' is not read before the loop: {self.detail}."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Bind a local name to '{self.attribute}' before the loop.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributesAreOne(Reason):
    """An attribute that the loop assigns is also reached in another way.

    Why it blocks: the loop computes with attributes as with names, and writes them back after its
        last iteration. Two names for one attribute would each have a value of their own.

    Example:
        def add(a, b, x):
            for i in range(len(x)):
                a.total += x[i] * b.total
        add(one, one, x)

    Use instead: one way to reach the attribute, or a local name in the loop.

    Right to refuse: where both names are used: `a.x` and `b.x` are one value if `a is b`.

    References: Banning, An Efficient Way to Find the Side Effects of Procedure Calls and the
        Aliases of Variables, POPL 1979.
    """

    code: ClassVar[str] = "AP518"
    first: str
    second: str

    @property
    def message(self) -> str:
        return f"'{self.first}' and '{self.second}' are one attribute at this call."
