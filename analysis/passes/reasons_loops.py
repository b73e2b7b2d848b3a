"""Reasons of the family AP2: loops whose iterations are not those of a `range`, all of them."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyExit(Reason):
    """A loop, or one of its iterations, can be left early.

    Why it blocks: after `break` or `return`, whether an iteration runs at all depends on every
        iteration before it. A `continue` blocks only where what follows the condition around it
        would have to stand in several of its branches.

    Example:
        for i in range(n):
            if a[i] < 0:
                break
            b[i] = a[i]

    Use instead: find the end first, then run a loop over the part that is left.
        stop = next((i for i in range(n) if a[i] < 0), n)
        for i in range(stop):
            b[i] = a[i]

    Right to refuse: where what one iteration finds decides whether the next one runs: a search
        must not do, or raise, what it would never have reached.

    References: Allen and Kennedy, Optimizing Compilers for Modern Architectures, Morgan
        Kaufmann, 2001, chapter 7 (control dependence).
    """

    code: ClassVar[str] = "AP202"
    keyword: str  # "break", "return", ..., or "any" for the generator of `any` or `all`

    @property
    def message(self) -> str:
        if self.keyword == "any":
            return "'any' and 'all' stop at the first element that decides."
        left = "An iteration" if self.keyword == "continue" else "The loop"
        return f"{left} can be left early through '{self.keyword}'."

    @property
    def hints(self) -> tuple[str, ...]:
        if self.keyword == "continue":
            return ("Put the rest of the body under 'if' with the opposite condition.",)
        if self.keyword == "any":
            return (
                "To look at all elements at once, count: 'sum(...) > 0' instead of 'any(...)'.",
            )
        return ("Find the last iteration in a loop of its own, then run the work up to it.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueIterable(Reason):
    """A loop runs over something that is not known to be a range, an array or a list of numbers.

    Why it blocks: the iterations are not numbered, so the elements that one of them touches
        cannot be described; the iterable may also run code of its own at each step. Numbered are
        `range`, the elements or rows of an array called by its name, and `enumerate`, `zip`,
        `reversed`, `np.ndindex`, `np.ndenumerate` and `itertools.product` of these, with names
        to bind that match. What the header of an outermost loop computes (`a[1:]`,
        `np.linspace(0, 1, n)`, `[0.5, 1.5]`, `tqdm(a)`) is looked at when it is there; inside
        other loops it is computed anew in each iteration, which is not modelled. Texts, and
        the lines of files, are nothing that a kernel computes with.

    Example:
        for x in items.values():
            total += x

    Use instead: a loop over an array, or over its positions.
        for x in items:
            total += x

    Right to refuse: for dicts, files, iterators and generators, which may run code, or end, at
        any step. It is too careful with containers of numbers that it does not know;
        `np.asarray` makes them known.

    References: Python language reference, the for statement.
    """

    code: ClassVar[str] = "AP204"
    iterable: str  # as written
    is_text: bool = False  # a text, a list that shows one, a file that was opened

    @property
    def message(self) -> str:
        if self.is_text:
            return f"The loop runs over '{self.iterable}', which gives texts, not numbers."
        return (
            f"The loop runs over '{self.iterable}', which is not known to be a range or an array."
        )

    @property
    def hints(self) -> tuple[str, ...]:
        if self.is_text:
            return ("Gather the numbers of the texts in an array; loops over that one can run.",)
        return ("Loop over an array, or over positions: 'for i in range(len(...))'.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingBar(Reason):
    """A loop moves a progress bar, and each of its turns may take long.

    Why it blocks: the bar is to move while the program runs, and a kernel that ran all turns would
        let it go to its end at once. So the turns stay in the interpreter, and the loops in them
        run in kernels, one turn after the other. A bar over short turns, without loops in them,
        goes to its end with the kernel.

    Example:
        for k in tqdm(range(n)):
            for i in range(m):
                a[k, i] = a[k, i] * 0.5 + i

    Use instead: the loop without the bar, where its turns are many and short.
        for k in range(n):
            for i in range(m):
                a[k, i] = a[k, i] * 0.5 + i

    Right to refuse: wherever a turn takes more than some microseconds: little is lost then, and
        the bar is worth watching.

    References: tqdm, https://tqdm.github.io.
    """

    code: ClassVar[str] = "AP224"

    @property
    def message(self) -> str:
        return "The loop moves a progress bar in each of its turns."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Take the bar away to run the whole nest at once, if its turns are short.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhileLoop(Reason):
    """A `while` loop decides after each iteration whether there is another one.

    Why it blocks: its iterations are not known before it runs, so they stay in order. Loops inside
        it keep their parallelism, and the whole nest runs without the interpreter.

    Example:
        while i < n:
            a[i] = 0.0
            i += 1

    Use instead: a `for` loop over a `range` where the number of iterations is known.
        for i in range(n):
            a[i] = 0.0

    Right to refuse: about the turns of the loop itself: each one decides whether there is
        another. The loops inside it are not refused.

    References: Collard, Automatic Parallelization of While-Loops Using Speculative Execution,
        International Journal of Parallel Programming, 1995.
    """

    code: ClassVar[str] = "AP209"
    test: str  # as written

    @property
    def message(self) -> str:
        return f"How often the loop 'while {self.test}' runs is not known before it runs."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Write 'for i in range(n)' if the number of iterations is known.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comprehension(Reason):
    """A comprehension builds a set, a dictionary or a generator, or stands inside a loop.

    Why it blocks: sets and dictionaries have an order, and elements that are equal, of their own;
        a generator computes when it is asked. A list comprehension, and a generator that `sum`,
        `max`, `list` or their like take to its end, is taken over by itself. Part of the loop
        around it is what `sum`, `math.prod`, `min`, `max`, `any`, `all` and `len` make of one,
        where they are called in any case: not the extremum of those that a condition chooses.
        So is a list that NumPy makes one number of, or that is used as an array is.

    Example:
        squares = {a[i] * a[i] for i in range(n)}

    Use instead: a list.
        squares = [a[i] * a[i] for i in range(n)]

    Right to refuse: for sets and dicts of which the order, or which of two equal keys stays, is
        seen later, and for generators that are not used up at once.

    References: Python language reference, displays for lists, sets and dictionaries.
    """

    code: ClassVar[str] = "AP210"
    kind: str  # in the user's words: "list comprehension"

    @property
    def message(self) -> str:
        return f"The {self.kind} is not modelled."

    @property
    def hints(self) -> tuple[str, ...]:
        if self.kind.startswith("list"):
            return ("Fill an array in a 'for' loop, or build the list before the loop around it.",)
        return ("Build a list of it, or fill an array in a 'for' loop.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendOutOfOrder(Reason):
    """A list grows in a loop in an order that is not that of the loop's iterations alone.

    Why it blocks: what an iteration appends has its place by the number of the iteration. It has
        none where one list grows in loops of different depth, in a `while` loop, in an inner loop
        that may be left early, or where the list is read, or asked for its length, while it grows.

    Example:
        for i in range(n):
            out.append(a[i])
            for j in range(m):
                out.append(a[j])

    Use instead: a list for each of the loops.
        for i in range(n):
            out.append(a[i])
            for j in range(m):
                others.append(a[j])

    Right to refuse: where the order of the list matters. It is too careful where only its
        contents do, sorted afterwards, say.

    References: Feautrier, Array Expansion, ICS 1988.
    """

    code: ClassVar[str] = "AP221"
    list: str
    detail: str  # a fragment: "it grows in several loops at once"

    @property
    def message(self) -> str:
        return f"What is appended to '{self.list}' has no place of its own: {self.detail}."
