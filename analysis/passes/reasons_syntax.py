"""Reasons of the family AP2: constructs of Python that the model does not know."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason

# What follows "what it reads" where no slice is known by its text.
CHOSEN_OTHERWISE = "is chosen by more than names, numbers and slices of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedStatement(Reason):
    """A statement of a kind that is not modelled.

    Why it blocks: what the statement reads, writes and does besides is not known, so nothing can
        be said of the order in which the iterations may run.

    Example:
        for i in range(n):
            with lock:
                a[i] = 0

    Use instead: move the statement out of the loop; loops before and after it are analysed.

    Right to refuse: where the statement has an effect that other iterations could see, such as
        `del` of a shared name, `global`, or a `with` that opens a file.

    References: Python language reference, simple and compound statements.
    """

    code: ClassVar[str] = "AP201"
    kind: str  # in the user's words: "'with' statement"

    @property
    def message(self) -> str:
        return f"The {self.kind} is not modelled."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Move the {self.kind} out of the loop.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCall(Reason):
    """A function is called whose effects are not known.

    Why it blocks: the call may read and write any array, print, raise or keep a state.

    Example:
        for i in range(n):
            print(a[i])

    Use instead: arithmetic, `math` functions and NumPy's elementwise functions inside the loop;
        printing and plotting after it.

    Right to refuse: where the call prints, draws, stores or keeps a state: its effects would
        come in another order. It is too careful with functions of packages that only compute.

    References: Banning, An Efficient Way to Find the Side Effects of Procedure Calls and the
        Aliases of Variables, POPL 1979.
    """

    code: ClassVar[str] = "AP203"
    function: str  # as written: "self.log"

    @property
    def message(self) -> str:
        return f"What the call of '{self.function}' reads, writes and does is not known."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Call '{self.function}' outside the loop, or write its arithmetic in place.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotInline(Reason):
    """A function of the user is called that does more than compute a value, or is not understood.

    Why it blocks: the user's own functions are put in place of their calls: those of the same file,
        of other modules and of closures. That takes functions that assign local names, branch,
        loop over ranges or arrays and return numbers, as many on every path. One that stores into
        arrays may stand alone or be all of an assignment's right side. A function that calls
        itself, reads a name that means something else where it is called, reads more than numbers
        of another module, does more with a function it is given than call it, or needs Python
        beyond that, is left to the interpreter.

    Example:
        def scaled(x):
            print(x)
            return 2.0 * x
        for i in range(n):
            b[i] = scaled(a[i])

    Use instead: a function that computes a number from its arguments, and nothing besides.
        def scaled(x):
            return 2.0 * x
        for i in range(n):
            b[i] = scaled(a[i])

    Right to refuse: where the function prints, keeps a state or calls itself. It is too careful
        with functions that return arrays or objects.

    References: Allen and Johnson, Compiling C for Vectorization, Parallelization, and Inline
        Expansion, PLDI 1988.
    """

    code: ClassVar[str] = "AP214"
    function: str
    detail: str  # a clause: "it calls itself"

    @property
    def message(self) -> str:
        return f"The call of '{self.function}' is not put in place: {self.detail}."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Let '{self.function}' compute numbers from its arguments, and only that.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionHandling(Reason):
    """Exceptions are caught inside the loop.

    Why it blocks: which statements run after one that fails is known only by running them in
        order. Exceptions that nothing in the loop catches are no obstacle, be they raised by
        `raise`, by `assert` or by an operation: the interpreter runs such a loop anew.

    Example:
        for i in range(n):
            try:
                b[i] = 1 // a[i]
            except ZeroDivisionError:
                b[i] = 0

    Use instead: test the case instead of catching it, and check arguments before the loop.
        for i in range(n):
            b[i] = 1 // a[i] if a[i] != 0 else 0

    Right to refuse: where a failure in one iteration changes what the later ones do; a kernel
        finds a failure out only after others have begun.

    References: Python language reference, the try statement and the raise statement.
    """

    code: ClassVar[str] = "AP205"

    @property
    def message(self) -> str:
        return "Exceptions are caught inside the loop."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Test for the case with 'if', and check arguments before the loop.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeWrite(Reason):
    """An attribute is assigned of an object that has no name.

    Why it blocks: an assignment to an attribute may run code (properties, `__setattr__`), and
        other names may refer to the same object. What a name, or attributes of a name, lead to is
        looked at before the loop; elements of a list and results of calls are not.

    Example:
        for i in range(n):
            points[i].x = a[i]

    Use instead: an array of the values.
        for i in range(n):
            x[i] = a[i]

    Right to refuse: where two elements of the list may be the same object, or the assignment
        runs a property.

    References: Python data model, customizing attribute access.
    """

    code: ClassVar[str] = "AP206"
    target: str  # as written: "self.total"

    @property
    def message(self) -> str:
        return f"'{self.target}' is assigned, an attribute of an object that has no name."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Keep what '{self.target}' holds in an array of its own.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedExpression(Reason):
    """An expression of a kind that is not modelled.

    Why it blocks: what the expression reads and does besides is not known.

    Example:
        for i in range(n):
            names[i] = f"point {i}"

    Use instead: numbers, names, subscripts, arithmetic, comparisons and known functions.

    Right to refuse: where the expression runs code of its own or makes objects, as f-strings,
        dicts and `await` do.

    References: Python language reference, expressions.
    """

    code: ClassVar[str] = "AP208"
    expression: str  # as written
    kind: str  # in the user's words: "f-string"

    @property
    def message(self) -> str:
        return f"The {self.kind} '{self.expression}' is not modelled."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Compute it before the loop if it is the same for every iteration.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayStatement(Reason):
    """A statement works on whole arrays in a way that is not modelled.

    Why it blocks: statements that assign to slices are loops over their axes, if all that they
        do is done element by element to slices with steps that are literals. Masks, arrays of
        subscripts, `...`, `None` and most functions of whole arrays are not; NumPy runs them as
        before. Sums, means, extrema and products of single rows are taken over inside loops.
        Limits of slices may be names and sums of them; `a[int(x / dx):]` needs a name for the
        limit, `first = int(x / dx)`.

    Example:
        v[..., 0] = 0.5 * u

    Use instead: slices, with one subscript for each axis.
        v[:, 0] = 0.5 * u[:]

    Right to refuse: where NumPy's own loop is as fast: sorting, FFT, linear algebra and copies
        of whole arrays gain nothing here.

    References: Kristensen, Lund, Blum, Skovhede and Vinter, Bohrium: A Virtual Machine Approach
        to Portable Parallelism, IPDPS Workshops 2014.
    """

    code: ClassVar[str] = "AP211"
    text: str  # the statement as written
    detail: str = ""  # why

    @property
    def message(self) -> str:
        because = f": {self.detail}" if self.detail else ""
        return f"The whole-array statement '{self.text}' is not analysed{because}."

    @property
    def hints(self) -> tuple[str, ...]:
        if self.detail.endswith(CHOSEN_OTHERWISE):
            return ("Give computed limits of slices names of their own before the statement.",)
        return ("Write it as a loop over the elements.",)
