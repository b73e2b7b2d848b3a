"""Reasons of the family AP2 that concern what is called."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionNotKnown(Reason):
    """A variable is called, and which function it holds is known at a call only.

    Why it blocks: before a call nothing can be said of what the function reads, writes and does.
        At a call the loop is analysed with the function that is there, as if it had been called
        by its name, and once for each function that is given: functions that compute numbers from
        numbers are put in place of their calls, `math`'s and NumPy's are taken for what they are.
        So it is with a method, `self.f(x)`, which is the function that the class of the object
        has under this name at that call.

    Example:
        def applied(f, a, b, n):
            for i in range(n):
                b[i] = f(a[i])

    Use instead: nothing, where the function computes numbers; the report of a call says what
        became of the loop. A function that is called by its own name is analysed beforehand.
        def applied(a, b, n):
            for i in range(n):
                b[i] = math.sin(a[i])

    Right to refuse: where another function may come at every call: then each one would have to
        be analysed and compiled anew.

    References: Cooper, Hall and Kennedy, A Methodology for Procedure Cloning, Computer Languages
        19(2), 1993; here a clone is made at the call, for the functions among the arguments.
    """

    code: ClassVar[str] = "AP216"
    function: str  # the variable

    @property
    def message(self) -> str:
        return f"'{self.function}' is a variable: which function it holds is known at a call."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Calls are analysed with the function that they find in '{self.function}'.",)
