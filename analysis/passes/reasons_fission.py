"""Reasons of the family AP2: loops that run in part ahead of themselves."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class _NotWhole(Reason):
    """What is said of a loop that no kernel takes as a whole."""

    rest: str  # why none does, a sentence without its full stop

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"{self.rest}.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartlyAhead(_NotWhole):
    """What a loop computes runs in parallel, ahead of the rest, which runs in its order.

    Why it blocks: the loop prints, stores into a dict or calls something of which nothing is
        known, so its iterations have an order. What it computes besides depends on nothing of
        that: a kernel computes it for many iterations at once, into memory of its own, and the
        interpreter runs the loop with these values. Before it uses any, it looks whether what
        they were computed from is still what it was, unless nothing in the loop can change it.
        A value whose computation fails, or that would warn, is computed in its iteration, as
        if there had been no kernel.

    Example:
        for i in range(n):
            s = 0.0
            for j in range(m):
                s += a[i, j] * x[j]
            print(i, s)

    Use instead: an array for the values, and a loop of its own for what has an order.
        for i in range(n):
            s = 0.0
            for j in range(m):
                s += a[i, j] * x[j]
            y[i] = s

    Right to refuse: about what it left in order: prints and stores into a dict are seen in the
        order in which they happen.

    References: Kuck, Kuhn, Padua, Leasure and Wolfe, Dependence Graphs and Compiler
        Optimizations, POPL 1981 (loop distribution).
    """

    code: ClassVar[str] = "AP217"

    @property
    def message(self) -> str:
        return "What the loop computes is done ahead, in parallel; the rest runs in its order."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInStretches(_NotWhole):
    """The turns of a loop run in kernels, up to each one with which the interpreter has to go on.

    Why it blocks: something in the loop is not modelled, a `print` or a plot, say, so the loop
        as a whole stays with the interpreter. But it stands under a condition, and most turns do
        without. So at the beginning of a turn all those up to the next one that needs it run in
        one go, as they would if there were nothing of the kind in the loop; then the interpreter
        runs that statement, with what follows it in its turn. Its turns stay in order; the loops
        inside are shared out where they may be.

    Example:
        for k in range(n):
            for i in range(m):
                a[k, i] = a[k, i] * 0.5 + i
            if k % 100 == 0:
                print(k, a[k, 0])

    Use instead: a loop of its own for what can wait. Where that is not possible, nothing: the
        less often it prints, the longer the stretches are.
        for k in range(n):
            for i in range(m):
                a[k, i] = a[k, i] * 0.5 + i
        for k in range(0, n, 100):
            print(k, a[k, 0])

    Right to refuse: about the statements that it left to the interpreter: what they print or
        draw must show the state after exactly these turns.

    References: Bala, Duesterwald and Banerjia, Dynamo: A Transparent Dynamic Optimization System,
        PLDI 2000.
    """

    code: ClassVar[str] = "AP223"

    @property
    def message(self) -> str:
        return "Its turns run in kernels up to each one with which the interpreter goes on."


@dataclass(frozen=True, slots=True, kw_only=True)
class IndependentMap(_NotWhole):
    """Each iteration computes values of its own, by calls that no kernel can hold.

    Why it blocks: what the loop calls works on objects, not on numbers alone: no kernel can hold
        it, so the interpreter runs the loop. But nothing that it calls has an effect: no name
        outside is bound, no argument changed, nothing printed, read or drawn at random, at any
        depth, recursion included; each iteration binds what it reads; and its values go into a
        container that nothing else reaches. So they may be computed in any order, and by several
        processes. That is proven of the text in this file. Classes of other files are taken to
        compute, and do nothing else, where their objects are added, compared, subscripted or
        asked for an attribute, and what the values are computed from to be no iterator that is
        used up by reading.

    Example:
        def words(lines):
            table = {}
            for line in lines:
                table[line] = sorted(line.split(), key=len)
            return table

    Use instead: nothing. Where a call takes long, a pool of processes computes the values.
        with ProcessPoolExecutor() as pool:
            table = dict(zip(ps, pool.map(simulate, ps)))

    Right to refuse: where the calls are short: another process costs more than they do, and
        objects must be copied to it.

    References: Lucassen and Gifford, Polymorphic Effect Systems, POPL 1988; Pottenger and
        Eigenmann, Idiom Recognition in the Polaris Parallelizing Compiler, ICS 1995.
    """

    code: ClassVar[str] = "AP222"

    @property
    def message(self) -> str:
        return "Its iterations are independent of each other; the interpreter runs them."
