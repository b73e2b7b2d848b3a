"""Reasons of the family AP5: what a call shows that keeps a loop in the interpreter.

AP504 lies with the passes, since types are found there.
"""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason
from .reasons_fission import MayChange, NoGenerator
from .reasons_objects import AttributeNotPlain, AttributesAreOne


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraysOverlap(Reason):
    """Two arrays of a call share elements, one of them is written, and no model fits them.

    Why it blocks: what one iteration writes through one name, another may read through the
        other. Arrays of one element size whose elements line up are analysed as parts of one
        base, with their offsets and strides; others, and arrays on a device, are not.

    Example:
        def mixed(out, x):
            for i in range(len(x)):
                out[i] = x[i]
        mixed(a.view(np.float32), a)

    Use instead: a copy of the array that is read, `mixed(a.view(np.float32), a.copy())`.

    Right to refuse: where the views really overlap. It cannot be wrong here: what it sees are
        addresses.

    References: Doerfert, Grosser and Hack, Optimistic Loop Optimization, CGO 2017.
    """

    code: ClassVar[str] = "AP501"
    first: str
    second: str  # the same as `first` for an array that overlaps itself
    detail: str  # a fragment: "their elements have different sizes"

    @property
    def message(self) -> str:
        if self.first == self.second:
            return f"Elements of '{self.first}' overlap each other at this call: {self.detail}."
        return f"'{self.first}' and '{self.second}' share elements at this call: {self.detail}."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Pass a copy: '{self.second}.copy()'.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFailed(Reason):
    """The condition under which the loop is parallel does not hold at this call.

    Why it blocks: for these values an iteration depends on another one. A kernel runs the loop in
        its order where that pays.

    Example:
        def copy_ahead(a, n, k):
            for i in range(n):
                a[i + k] = a[i]
        copy_ahead(a, 100, 1)

    Use instead: values for which the condition holds, where they mean the same.

    Right to refuse: for exactly these values: the condition is not an estimate.

    References: Rus, Rauchwerger and Hoeflinger, Hybrid Analysis: Static and Dynamic Memory
        Reference Analysis, ICS 2002.
    """

    code: ClassVar[str] = "AP502"
    condition: str  # a Python expression
    values: tuple[tuple[str, int], ...]  # of the names in it

    @property
    def message(self) -> str:
        return f"The condition '{self.condition}' does not hold at this call."

    @property
    def notes(self) -> tuple[str, ...]:
        if not self.values:
            return ()
        return (", ".join(f"{name} = {value}" for name, value in self.values) + ".",)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexNotInjective(Reason):
    """Subscripts that are data select one element in two iterations of a loop.

    Why it blocks: the later iteration must find, or overwrite, what the earlier one stored. The
        loop keeps its order. Histograms of integers (`h[k[i]] += 1`) do without this: each
        thread adds into a copy. Where looking at the index array would take longer than threads
        gain, nobody looks, and the report says that instead.

    Example:
        def scatter(y, x, idx):
            for i in range(len(x)):
                y[idx[i]] = x[i]
        scatter(y, x, np.arange(len(x)) // 2)

    Use instead: an index array without repetitions, such as `np.argsort` gives.

    Right to refuse: for this call's index array; the next one is looked at anew.

    References: Rauchwerger and Padua, The LRPD Test: Speculative Run-Time Parallelization of
        Loops with Privatization and Reduction Parallelization, PLDI 1995.
    """

    code: ClassVar[str] = "AP503"
    loop_variable: str
    condition: str  # in words: "idx[i] distinct for 0 <= i < n"

    @property
    def message(self) -> str:
        return (
            f"Two iterations of '{self.loop_variable}' touch the same element at this call:"
            f" '{self.condition}' does not hold."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOutOfBounds(Reason):
    """A subscript may leave its array.

    Why it blocks: the interpreter must raise IndexError at the right iteration. A negative
        subscript that counts from the end of its axis is in range.

    Example:
        def copied(a, b, n):
            for i in range(n):
                b[i] = a[i]
        copied(a, b, len(b) + 1)

    Use instead: loop bounds that follow the shapes, `range(len(b))`.

    Right to refuse: where the subscript does leave the array at some iteration: IndexError is
        raised by the interpreter, after all that came before.

    References: NumPy user guide, indexing on ndarrays. Gupta, Optimizing Array Bound Checks Using
        Flow Analysis, ACM Letters on Programming Languages and Systems, 1993.
    """

    code: ClassVar[str] = "AP505"
    condition: str  # the part of the bounds condition that failed, a Python expression

    @property
    def message(self) -> str:
        return f"A subscript may be out of range: '{self.condition}' does not hold at this call."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Take the loop bounds from the shapes of the arrays.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedArgument(Reason):
    """An argument is neither a plain NumPy array nor a plain number.

    Why it blocks: subclasses of ndarray, masked arrays, arrays of float16, strings, dates, objects
        or records, and containers have rules of their own for subscripts and arithmetic. Lists of
        numbers are taken where a loop reads or fills them and where that pays.

    Example:
        def scale(a, k):
            for i in range(len(a)):
                a[i] = a[i] * k
        scale(np.ma.array([1.0, 2.0, 3.0]), 2.0)

    Use instead: a plain array of booleans, integers, `float32`, `float64` or complex numbers,
        `np.asarray(a)`.

    Right to refuse: for subclasses with operators of their own, masked arrays, units and lists
        of mixed types.

    References: NumPy user guide, subclassing ndarray.
    """

    code: ClassVar[str] = "AP506"
    name: str
    kind: str  # in the user's words: "a list", "a subclass of ndarray (matrix)"

    @property
    def message(self) -> str:
        return f"'{self.name}' is {self.kind} at this call."

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Pass a plain array: 'np.asarray({self.name})'.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class RanEmpty(Reason):
    """A loop whose variables are used after it had no iterations at this call.

    Why it blocks: after an empty loop its variable keeps its old value or stays unbound; only the
        interpreter knows which. There is nothing to gain from an empty loop.

    Example:
        def cleared(a, n):
            for i in range(n):
                a[i] = 0
            return i
        cleared(a, 0)

    Use instead: the bound itself after the loop, `return n - 1`.

    Right to refuse: always; nothing is lost.

    References: Python language reference, the for statement.
    """

    code: ClassVar[str] = "AP507"

    @property
    def message(self) -> str:
        return "The loop has no iterations at this call, and its variables are used after it."


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStateChanged(Reason):
    """Floating-point events are set to raise or to call back, or warnings are errors.

    Why it blocks: the event must happen at the right iteration, with the work before it done.

    Example:
        def ratios(a, b):
            for i in range(len(a)):
                a[i] = a[i] / b[i]
        with np.errstate(divide="raise"):
            ratios(a, b)

    Use instead: the default state around the loops, and a check of the result after them.

    Right to refuse: always: the error must be raised at the operation that causes it.

    References: NumPy reference, numpy.errstate. Python library reference, warnings.
    """

    code: ClassVar[str] = "AP508"

    @property
    def message(self) -> str:
        return "NumPy's floating-point events or Python's warnings are set to raise or call back."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Call the function outside 'np.errstate' and check its result.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingActive(Reason):
    """A debugger, profiler or coverage tool watches each line.

    Why it blocks: the watcher must see every line run, which only the interpreter can show.

    Example:
        python -m trace --count script.py

    Use instead: run without the watcher to run in parallel.

    Right to refuse: always: a debugger that misses lines is of no use. Without one the loop
        runs in kernels again.

    References: Python library reference, sys.settrace and sys.monitoring.
    """

    code: ClassVar[str] = "AP509"

    @property
    def message(self) -> str:
        return "A debugger, profiler or coverage tool watches the lines of this program."


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFailed(Reason):
    """A kernel met a value that makes the interpreter raise or warn, so the interpreter took over.

    Why it blocks: division by zero, integer overflow and domain errors must happen as the
        interpreter has them; the region was run again from its start.

    Example:
        def shares(b, k):
            for i in range(len(b)):
                b[i] = 1 // k
        shares(b, 0)

    Use instead: a test for the value, or operands for which the result is defined.

    Right to refuse: always: the exception, or the warning, is part of the result.

    References: Python library reference, built-in exceptions.
    """

    code: ClassVar[str] = "AP510"
    detail: str  # a fragment: "a division by zero"

    @property
    def message(self) -> str:
        return f"The kernel met {self.detail}, and the interpreter ran the loop again."


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotStopInside(Reason):
    """An operation may fail at a place where the kernel could not hand over to the interpreter.

    Why it blocks: where the interpreter raises, it has stored the earlier elements and not the
        later ones. A kernel finds failures out beforehand, by a run without stores, which tells
        nothing where stored elements are read again; or it puts back what it has overwritten,
        which takes that a run with failures ends, and leaves other memory alone.

    Example:
        def roots(a, idx, n):
            for i in range(1, n):
                a[idx[i]] = math.sqrt(a[i - 1] - 1.0)
        roots(a, idx, len(a))

    Use instead: operations that cannot fail, or an output array of its own.

    Right to refuse: where the operation does fail at some element. Where it cannot, a test that
        says so lets the loop run: `if d != 0`.

    References: docs/decisions/0002, failures are found before anything is stored; 0030, arrays
        that are put back.
    """

    code: ClassVar[str] = "AP511"

    @property
    def message(self) -> str:
        return "An operation may fail after elements that it needs were overwritten."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Store into an array that the loop does not read.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedOften(Reason):
    """The loop was analysed at calls for as many sets of values or layouts as are kept.

    Why it blocks: what a call finds out holds for its values only. Where they never come back,
        analysing costs more than it gains, so after a fixed number the interpreter runs the rest.

    Example:
        def flatten(a, b, n):
            for i in range(n):
                for j in range(n):
                    a[i * n + j] = b[i, j]
        for n in range(2, 1000):
            flatten(a, b, n)

    Use instead: an array with as many axes as there are loops, `a[i, j]`, where no value is needed.

    Right to refuse: where each call has other values: analysing them would take longer than the
        loops.

    References: Hölzle and Ungar, Optimizing Dynamically-Dispatched Calls with Run-Time Type
        Feedback, PLDI 1994, on the number of cases that is worth keeping.
    """

    code: ClassVar[str] = "AP512"
    number: int

    @property
    def message(self) -> str:
        return f"The loop has been analysed for {self.number} sets of values already."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Give the array as many axes as the subscript has parts.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRoom(Reason):
    """There is no memory for an array that the loop allocates.

    Why it blocks: the region keeps one such array for all iterations, made before the first;
        the interpreter makes them one by one, and perhaps none at all.

    Example:
        def sums(x, out, m):
            for i in range(len(x)):
                table = np.zeros((m, m))
                table[0, 0] = x[i]
                out[i] = table[0, 0]
        sums(x, out, 10**9)

    Use instead: smaller arrays, or parts of the work at a time.

    Right to refuse: always: the interpreter needs one array at a time, and may get along.

    References: NumPy reference, numpy.zeros.
    """

    code: ClassVar[str] = "AP514"
    detail: str  # NumPy's own words

    @property
    def message(self) -> str:
        return f"There is no memory for an array: {self.detail.rstrip('.')}."


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundsUnusable(Reason):
    """The bounds of a loop, read from data, are no integers that a kernel could count with.

    Why it blocks: how far the loop reaches must be known before it runs. Bounds that are floats,
        that lie out of range of their array, or beyond 32 bits are left to the interpreter, which
        raises what there is to raise; so are those that lie on a device.

    Example:
        def rows(y, v, ptr):
            for i in range(len(y)):
                for j in range(ptr[i], ptr[i + 1]):
                    y[i] += v[j]
        rows(y, v, np.array([0.0, 2.0]))

    Use instead: an array of integers, `np.intp` best.

    Right to refuse: where the bounds are wrong: the interpreter raises what there is to raise.

    References: Python library reference, `range`: its arguments must be integers.
    """

    code: ClassVar[str] = "AP515"
    loop_variable: str
    start: str  # as Python: "ptr[i]"
    stop: str

    @property
    def message(self) -> str:
        return (
            f"The bounds of loop '{self.loop_variable}', '{self.start}' and '{self.stop}',"
            " are not all integers within 32 bits at this call."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOverlap(Reason):
    """Two executions of an inner loop, its bounds read from data, have iterations in common.

    Why it blocks: what the loop stores by its own variable is then stored twice, and the later
        iteration of the loop around must win. That loop keeps its order.

    Example:
        def rows(a, b, ptr):
            for i in range(len(b)):
                for j in range(ptr[i], ptr[i + 1]):
                    a[j] = b[i]
        rows(a, b, np.array([0, 3, 2, 4]))

    Use instead: bounds that never decrease, as those of compressed sparse rows.

    Right to refuse: where rows share elements that are stored to; where they only share what is
        read it does not refuse.

    References: Blume and Eigenmann, Nonlinear and Symbolic Data Dependence Testing, IEEE
        Transactions on Parallel and Distributed Systems, 1998.
    """

    code: ClassVar[str] = "AP516"
    loop_variable: str
    condition: str  # in words

    @property
    def message(self) -> str:
        return (
            f"The loop '{self.loop_variable}' keeps its order at this call:"
            f" '{self.condition}' does not hold."
        )


REASONS: tuple[type[Reason], ...] = (
    ArraysOverlap,
    ConditionFailed,
    IndexNotInjective,
    IndexOutOfBounds,
    UnsupportedArgument,
    RanEmpty,
    ErrorStateChanged,
    TracingActive,
    ValueFailed,
    CannotStopInside,
    AnalysedOften,
    NoRoom,
    BoundsUnusable,
    RowsOverlap,
    AttributeNotPlain,
    AttributesAreOne,
    MayChange,
    NoGenerator,
)
