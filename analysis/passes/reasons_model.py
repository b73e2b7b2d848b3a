"""Reasons of the family AP3, what has no affine model, and AP504, what has no known type."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class NonAffineSubscript(Reason):
    """A subscript is not a quasi-affine function of the loop variables.

    Why it blocks: the elements that an iteration touches cannot be described, so no dependence
        can be excluded. Sums, differences, products with a constant, `//` and `%` by a constant,
        and `min`, `max` and `abs` of such are quasi-affine. What lacks only the values of some
        names is decided at a call; what is an integer all the same, as `a[i * i]`, is looked at
        there like a subscript read from an array.

    Example:
        for i in range(n):
            a[i * m] = 0

    Use instead: a subscript that is a sum of multiples of the loop variables, where there is one.

    Right to refuse: where two values of the subscript may be equal, as in `a[i * i % n]`: then
        two iterations store into one element.

    References: Verdoolaege, isl: An Integer Set Library for the Polyhedral Model, ICMS 2010.
    """

    code: ClassVar[str] = "AP301"
    array: str
    subscript: str  # as written

    @property
    def message(self) -> str:
        return (
            f"The subscript '{self.subscript}' of '{self.array}' is not affine"
            " in the loop variables."
        )

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Use sums of loop variables times constants as subscripts.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NonAffineBound(Reason):
    """A bound of a loop is not a quasi-affine function of the outer loop variables.

    Why it blocks: the set of iterations cannot be described.

    Example:
        for i in range(n):
            for j in range(i * i):
                a[i, j] = 0

    Use instead: a bound that is affine, with the rest as a condition inside the loop.

    Right to refuse: where the bound grows beyond the arrays, which only running it tells.

    References: Benabderrahmane, Pouchet, Cohen and Bastoul, The Polyhedral Model Is More Widely
        Applicable Than You Think, CC 2010.
    """

    code: ClassVar[str] = "AP302"
    loop_variable: str
    bound: str  # as written
    array: str | None = None  # the new array whose extent it is; the user wrote no loop then

    @property
    def message(self) -> str:
        if self.array is not None:
            return (
                f"The extent '{self.bound}' of '{self.array}' is not affine in what is known"
                " before the loop."
            )
        return (
            f"The bound '{self.bound}' of loop '{self.loop_variable}' is not affine"
            " in the outer loop variables."
        )

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Compute '{self.bound}' before the loops if it is the same for all of them.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NonAffineCondition(Reason):
    """A condition that is not affine decides about a loop over rows of which one is used later.

    Why it blocks: which row the name stands for after the nest depends on data; only running the
        loops in their order tells. The statements under such a condition are no obstacle by
        themselves, nor are numbers that loops count with.

    Example:
        for i in range(n):
            if a[i] > 0:
                for row in b:
                    row[i] = 0.0
        print(row)

    Use instead: another name for the row that is used after the loop.

    Right to refuse: where the name is used after the nest and different rows may have been the
        last.

    References: Benabderrahmane, Pouchet, Cohen and Bastoul, The Polyhedral Model Is More Widely
        Applicable Than You Think, CC 2010.
    """

    code: ClassVar[str] = "AP303"
    condition: str  # as written
    loop_variable: str

    @property
    def message(self) -> str:
        return (
            f"The condition '{self.condition}' decides whether loop '{self.loop_variable}' runs, "
            f"and '{self.loop_variable}' is read afterwards."
        )

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Use another name for '{self.loop_variable}' in the loop or after it.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDependentBound(Reason):
    """A bound of a loop is data that the nest itself makes.

    Why it blocks: how far the loop reaches is known only while the nest runs. Bounds that are
        read from arrays which the nest leaves alone are no obstacle, be it `range(count[i])`,
        `range(ptr[i], ptr[i + 1])` or a scalar that was assigned one of these right before: a
        call looks at them first. They may be joined by `+ - * // %`, `min`, `max` and `int`. A
        start that is data takes a step of 1 or -1.

    Example:
        for i in range(n):
            count[i] = 2 * count[i]
            for k in range(count[i]):
                y[i] += value[k]

    Use instead: bounds that are all computed before the nest.

    Right to refuse: where the nest changes the data that it takes its bounds from, as a queue
        or a work list does.

    References: Venkat, Hall and Strout, Loop and Data Transformations for Sparse Matrix Code,
        PLDI 2015.
    """

    code: ClassVar[str] = "AP304"
    loop_variable: str
    bound: str  # as written
    name: str  # the array or scalar that the bound depends on

    @property
    def message(self) -> str:
        return f"The bound of loop '{self.loop_variable}' depends on '{self.name}'."

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"'{self.bound}' cannot be told before the loop nest runs.",)

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Compute '{self.bound}' before the nest, if need be into an array of its own.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRebound(Reason):
    """The name of an array is bound to another object inside the loop.

    Why it blocks: the name means different arrays in different iterations, so the elements of
        one cannot be told from those of the other.

    Example:
        for i in range(n):
            a[i] = 0
            if b[i] > 0:
                a = b

    Use instead: a name for each array. What every turn of the outermost loop does, `u, v = v, u`
        or `u = u_new`, is followed from turn to turn.

    Right to refuse: where old and new array are both still used. It is too careful where the
        old one is never looked at again.

    References: Emami, Ghiya and Hendren, Context-Sensitive Interprocedural Points-to Analysis in
        the Presence of Function Pointers, PLDI 1994.
    """

    code: ClassVar[str] = "AP305"
    array: str

    @property
    def message(self) -> str:
        return f"The array name '{self.array}' is bound anew inside the loop."

    @property
    def hints(self) -> tuple[str, ...]:
        advice = (
            "Loops inside this one are taken over all the same; give each array a name of its "
            "own to have them analysed together."
        )
        return (advice,)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetExhausted(Reason):
    """The analysis was given up after a fixed number of operations, or seconds.

    Why it blocks: integer set operations can take exponential time; the limit keeps the analysis
        from hanging. The loop runs in the interpreter.

    Example:
        for i in range(n):
            a[i % 97 + i // 89] = a[i % 83 + i // 79] + a[i % 73 + i // 71]

    Use instead: simpler subscripts, or smaller nests in functions of their own.

    Right to refuse: as the loop is too entangled to be understood in a time that a user would
        wait; the limit is the same on every machine.

    References: Verdoolaege, isl: An Integer Set Library for the Polyhedral Model, ICMS 2010.
    """

    code: ClassVar[str] = "AP307"
    operations: int

    @property
    def message(self) -> str:
        return f"The analysis was given up at its limit, {self.operations:,} operations of isl."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Split the nest, or simplify its subscripts and conditions.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NonConstantStep(Reason):
    """The step of a loop is not an integer constant.

    Why it blocks: whether two iterations touch the same element depends on products of the step,
        and the sign of the step decides in which direction the loop runs. A step that changes
        with the loops around (`for i in range(2, n): for j in range(i * i, n, i)`) is taken
        where it is sure to be positive.

    Example:
        for i in range(0, n, k):
            a[i] = 0

    Use instead: a constant step, or a loop over the number of the iteration.

    Right to refuse: where the step may be zero or change its sign, which ends or turns the
        loop.

    References: Python library reference, range.
    """

    code: ClassVar[str] = "AP308"
    loop_variable: str
    step: str  # as written

    @property
    def message(self) -> str:
        return f"The step '{self.step}' of loop '{self.loop_variable}' is not a constant."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Write the value of '{self.step}' if it is always the same.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class InconsistentRank(Reason):
    """An array is used with different numbers of subscripts.

    Why it blocks: `a[i]` of a two-dimensional array is a row, not an element; rows are not
        modelled beside elements.

    Example:
        for i in range(n):
            a[i, 0] = b[i]
            b[i] = a[i]

    Use instead: as many subscripts as the array has dimensions, everywhere.

    Right to refuse: where the row is changed or kept: it shares its elements with the array.

    References: NumPy user guide, indexing on ndarrays.
    """

    code: ClassVar[str] = "AP309"
    array: str
    ranks: tuple[int, ...]

    @property
    def message(self) -> str:
        ranks = " and with ".join(str(rank) for rank in self.ranks)
        return f"'{self.array}' is used with {ranks} subscripts."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Give '{self.array}' one subscript for each of its dimensions everywhere.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarUsedAsArray(Reason):
    """A name is subscripted, or measured, in one place and used as one value in another.

    Why it blocks: whether the name means an array, one number or a row of an array is not known.

    Example:
        for i in range(n):
            b[i] = a[i] + a

    Use instead: a name of its own for each thing.
        for i in range(n):
            b[i] = a[i] + c

    Right to refuse: where the name holds an array in one iteration and a number in the next.

    References: NumPy user guide, indexing on ndarrays.
    """

    code: ClassVar[str] = "AP310"
    name: str

    @property
    def message(self) -> str:
        return (
            f"'{self.name}' is used as an array, with subscripts or 'len', and also as one value."
        )

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Write all subscripts in one place, as in 'a[i, j]'.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedType(Reason):
    """An operation meets types for which no compiled form is known to give the same result.

    Why it blocks: NumPy's result type and rounding must be reproduced exactly. That is not so for
        powers, `np.exp` and their like of complex numbers, nor for what NumPy itself refuses for
        these types. Whole types that are not compiled, float16, strings and objects, are AP506.

    Example:
        def rotated(a, b):
            for i in range(len(a)):
                b[i] = np.exp(a[i])
        rotated(a.astype(complex), b)

    Use instead: one call for the whole array outside the loop, `np.exp(a)`, and the rest of the
        loop by itself.

    Right to refuse: where NumPy rounds by a library of its own, or raises TypeError, as it does for
        `max` of complex numbers.

    References: NEP 50, Promotion rules for Python scalars.
    """

    code: ClassVar[str] = "AP504"
    operation: str  # "*", "a[i] = ...", "math.sqrt"
    types: tuple[str, ...]  # of its operands, as NumPy names them

    @property
    def message(self) -> str:
        types = " and ".join(self.types)
        return f"'{self.operation}' is not compiled for operands of type {types}."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Convert the arrays to bool, integer, float or complex types of NumPy.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationEscapes(Reason):
    """An array that the loop allocates is seen outside the block that allocates it.

    Why it blocks: each iteration could have an array of its own only if nothing else ever looked
        at it: no statement before the allocation or after its block, no other name for it. Of
        arrays that every turn of the outermost loop makes, the last one may live on.

    Example:
        for i in range(n):
            if x[i] > 0:
                row = np.zeros(m)
                row[0] = x[i]
        out[0] = row[0]

    Use instead: all uses of the array behind its allocation, in the same block.
        for i in range(n):
            row = np.zeros(m)
            row[0] = x[i]
            out[i] = row[0]

    Right to refuse: where what is seen outside is the array of one certain iteration, mostly
        the last.

    References: Feautrier, Array Expansion, ICS 1988.
    """

    code: ClassVar[str] = "AP311"
    array: str

    @property
    def message(self) -> str:
        return f"The array '{self.array}' is used outside the block of the loop that allocates it."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Use '{self.array}' only behind its allocation, by subscripts.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownExtents(Reason):
    """An array that the loop allocates has extents that the model does not know.

    Why it blocks: they must be the same in all iterations, and affine in what is known before
        the loop, so that every subscript can be shown to be in range.

    Example:
        for i in range(n):
            row = np.zeros(i)
            for j in range(i):
                row[j] = x[j]

    Use instead: the largest extents for all iterations.
        for i in range(n):
            row = np.zeros(n)
            for j in range(i):
                row[j] = x[j]

    Right to refuse: where the array may be smaller than what is stored into it: the interpreter
        raises IndexError there.

    References: Feautrier, Array Expansion, ICS 1988.
    """

    code: ClassVar[str] = "AP313"
    array: str

    @property
    def message(self) -> str:
        return f"The extents of '{self.array}' are not affine in what is known before the loop."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Give '{self.array}' extents that are known before the loop.",)
