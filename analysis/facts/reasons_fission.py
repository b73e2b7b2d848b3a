"""Reasons of the family AP5 that concern loops of which parts are computed ahead."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class MayChange(Reason):
    """What a loop computes from may change while it runs, and cannot be looked at.

    Why it blocks: the loop calls functions of which nothing is known, or prints objects of the
        user's. These may change arrays and variables that the loop computes from, so values that
        were computed ahead would be wrong. Arrays of numbers, lists of numbers and
        variables, of the module or of functions around, are compared with what they were before a
        value is used; lists of lists and arrays of complex numbers are not.

    Example:
        def length(x, y):
            return math.sqrt(x * x + y * y)
        def plotted(rows):
            for row in rows:
                plot(length(row[0], row[1]))
        plotted([[1.0, 2.0], [3.0, 4.0]])

    Use instead: an array.
        plotted(np.array([[1.0, 2.0], [3.0, 4.0]]))

    Right to refuse: where the call does change them. Hand over copies, or numbers, and it
        cannot.

    References: Rauchwerger and Padua, The LRPD Test: Speculative Run-Time Parallelization of
        Loops with Privatization and Reduction Parallelization, PLDI 1995.
    """

    code: ClassVar[str] = "AP519"
    name: str

    @property
    def message(self) -> str:
        return f"'{self.name}' may change while the loop runs, and that would not be seen."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Make an array of real numbers of '{self.name}'.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoGenerator(Reason):
    """What looks like a draw of a random number is something else at this call.

    Why it blocks: numbers are drawn before a loop from a `numpy.random.Generator`, from a
        `RandomState`, be it that of `numpy.random` itself, and from a `random.Random`, be it that
        of the module `random`: their states can be kept, and given back where no kernel takes the
        loop. Of classes derived from them, and of others with methods of the same names, nothing
        is known.

    Example:
        def fill(a, rng):
            for i in range(len(a)):
                a[i] = rng.random()
        fill(a, MyGenerator())

    Use instead: a generator of NumPy or of Python.
        fill(a, np.random.default_rng(7))

    Right to refuse: always: with an unknown generator neither the numbers nor its state would
        be sure.

    References: NumPy reference, random sampling.
    """

    code: ClassVar[str] = "AP520"
    name: str

    @property
    def message(self) -> str:
        return f"'{self.name}' is no draw from a generator whose state can be kept."
