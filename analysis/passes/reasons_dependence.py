"""Reasons of the family AP4: dependences between iterations, the order of which must be kept."""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason


def earlier_iteration(distance_text: str | None) -> str:
    """Return the words for the iteration that lies `distance_text` iterations back."""
    match distance_text:
        case None:
            return "an earlier iteration"
        case "1":
            return "the iteration before"
        case _:
            return f"the iteration {distance_text} before"


def place_note(variable: str, first: tuple[str, int], second: tuple[str, int]) -> str:
    """Return the note that says at which lines `variable` is, say, written and read."""
    if first[1] == second[1]:
        return f"'{variable}' is {first[0]} and {second[0]} at line {first[1]}."
    return f"'{variable}' is {first[0]} at line {first[1]} and {second[0]} at line {second[1]}."


def carrier_note(loop_variable: str, distance_text: str | None) -> str:
    """Return the note that says which loop carries a dependence, and how far."""
    match distance_text:
        case None:
            words = ": from one iteration to a later one"
        case "1":
            words = ", distance 1: from each iteration to the next"
        case _:
            words = f", distance {distance_text}: over {distance_text} iterations"
    return f"Carried by loop '{loop_variable}'{words}."


def moving_note(variable: str) -> str:
    """Return the note that says which array is meant, where names stand for others in each turn.

    What is written to `v[i]` and read from `u[i]` after `u, v = v, u` is an element of one array.
    """
    return (
        f"'{variable}' is what is called so before the loop;"
        " names stand for other arrays in each turn."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedFlow(Reason):
    """An iteration reads what an earlier iteration of the same loop wrote.

    Why it blocks: the value must be there before it is read, so the iterations have an order.

    Example:
        for i in range(1, n):
            a[i] = 0.5 * a[i - 1] + b[i]

    Use instead: old values where the sweep may use them, read from a copy.
        old = a.copy()
        for i in range(1, n):
            a[i] = 0.5 * old[i - 1] + b[i]

    Right to refuse: for time steps, recurrences and Gauss-Seidel sweeps: the order is the
        algorithm. It is wrong only if any old value would do as well, which only you can know.

    References: Feautrier, Dataflow Analysis of Array and Scalar References, International Journal
        of Parallel Programming, 1991. Allen and Kennedy, Optimizing Compilers for Modern
        Architectures, Morgan Kaufmann, 2001, chapter 2.
    """

    code: ClassVar[str] = "AP401"
    variable: str
    loop_variable: str
    source_line: int  # of the write
    sink_line: int  # of the read
    distance_text: str | None  # iterations of the loop, "1"; None where it is not one number
    is_moving: bool = False  # names stand for other arrays in each turn

    @property
    def message(self) -> str:
        earlier = earlier_iteration(self.distance_text)
        return (
            f"Loop '{self.loop_variable}' carries a flow dependence:"
            f" it reads what {earlier} wrote to '{self.variable}'."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            place_note(self.variable, ("written", self.source_line), ("read", self.sink_line)),
            *((moving_note(self.variable),) if self.is_moving else ()),
            carrier_note(self.loop_variable, self.distance_text),
        )

    @property
    def hints(self) -> tuple[str, ...]:
        if self.is_moving:  # each turn has its old values already
            return ()
        return (
            (
                f"If old values of '{self.variable}' will do, read from a copy:"
                f" 'old = {self.variable}.copy()'."
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedAnti(Reason):
    """An iteration overwrites what an earlier iteration of the same loop had still to read.

    Why it blocks: the old value must be read before the new one replaces it, so the iterations
        have an order; with a second array they have none. Where `transform` says "rename", blocks
        of a long loop put such values aside before any of them runs, and run at the same time.

    Example:
        for i in range(n - 1):
            a[i] = a[i + 1]

    Use instead: a copy of the old values.
        old = a.copy()
        for i in range(n - 1):
            a[i] = old[i + 1]

    Right to refuse: as long as there is one array: an element overwritten too early is lost.

    References: Feautrier, Array Expansion, ICS 1988. Allen and Kennedy, Optimizing Compilers for
        Modern Architectures, Morgan Kaufmann, 2001, chapter 2.
    """

    code: ClassVar[str] = "AP402"
    variable: str
    loop_variable: str
    source_line: int  # of the read
    sink_line: int  # of the write
    distance_text: str | None  # iterations of the loop, "1"; None where it is not one number
    is_moving: bool = False  # names stand for other arrays in each turn

    @property
    def message(self) -> str:
        earlier = earlier_iteration(self.distance_text)
        return (
            f"Loop '{self.loop_variable}' carries an anti dependence:"
            f" it overwrites what {earlier} read from '{self.variable}'."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            place_note(self.variable, ("read", self.source_line), ("written", self.sink_line)),
            *((moving_note(self.variable),) if self.is_moving else ()),
            carrier_note(self.loop_variable, self.distance_text),
        )

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Read the old values from a copy: 'old = {self.variable}.copy()'.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOutput(Reason):
    """Two iterations of a loop write the same element.

    Why it blocks: the write of the last iteration must be the one that stays.

    Example:
        for i in range(n):
            a[i // 2] = b[i]

    Use instead: a subscript that gives each iteration an element of its own, or only the
        iterations whose write stays.
        for k in range(n // 2):
            a[k] = b[2 * k + 1]

    Right to refuse: where later code reads the element and it must be the last one stored.

    References: Allen and Kennedy, Optimizing Compilers for Modern Architectures, Morgan
        Kaufmann, 2001, chapter 2.
    """

    code: ClassVar[str] = "AP403"
    variable: str
    loop_variable: str
    source_line: int  # of the earlier write
    sink_line: int  # of the later write
    distance_text: str | None  # iterations of the loop, "1"; None where it is not one number
    is_moving: bool = False  # names stand for other arrays in each turn

    @property
    def message(self) -> str:
        earlier = earlier_iteration(self.distance_text)
        return (
            f"Loop '{self.loop_variable}' carries an output dependence:"
            f" it overwrites what {earlier} wrote to '{self.variable}'."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            place_note(
                self.variable, ("written", self.source_line), ("written again", self.sink_line)
            ),
            *((moving_note(self.variable),) if self.is_moving else ()),
            carrier_note(self.loop_variable, self.distance_text),
        )

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Give each iteration an element of '{self.variable}' of its own.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarCarried(Reason):
    """A variable takes its value from one iteration to the next.

    Why it blocks: an iteration needs the value that the one before it left, and the update is
        none that may be reordered.

    Example:
        for i in range(n):
            x = 0.5 * x + a[i]
            b[i] = x

    Use instead: a formula for the value at iteration `i` where there is one, or assign the
        variable in each iteration before it is read.

    Right to refuse: for recurrences such as `x = 0.5 * x + a[i]`, random walks and state
        machines.

    References: Allen and Kennedy, Optimizing Compilers for Modern Architectures, Morgan
        Kaufmann, 2001, section 5.3 (scalar expansion). Blelloch, Prefix Sums and Their
        Applications, Carnegie Mellon University, 1990.
    """

    code: ClassVar[str] = "AP404"
    variable: str
    loop_variable: str
    source_line: int  # where it is assigned
    sink_line: int  # where it is read in a later iteration

    @property
    def message(self) -> str:
        return (
            f"Loop '{self.loop_variable}' carries '{self.variable}' from one iteration to the next."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            (
                f"'{self.variable}' is assigned at line {self.source_line}"
                f" and read at line {self.sink_line} by a later iteration."
            ),
        )

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Assign '{self.variable}' in every iteration before it is read.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSensitiveUpdate(Reason):
    """A variable is updated by an operator whose uses may not be reordered.

    Why it blocks: `(s - a) / b` and `(s / b) - a` differ. Sums, products, minima, maxima and
        bitwise `&`, `|`, `^` may be reordered; subtraction from the variable is a sum too.

    Example:
        for i in range(n):
            s = a[i] - s

    Use instead: a sum or a product where the formula allows it, for example the product of all
        divisors in place of repeated division.

    Right to refuse: wherever rounding matters: the two orders differ by more than the last bit.

    References: Blelloch, Prefix Sums and Their Applications, Carnegie Mellon University, 1990.
    """

    code: ClassVar[str] = "AP405"
    variable: str
    operator: str

    @property
    def message(self) -> str:
        return (
            f"The updates of '{self.variable}' by '{self.operator}' give another result"
            " in another order."
        )

    @property
    def hints(self) -> tuple[str, ...]:
        return (f"Gather '{self.variable}' by '+', '*', 'min' or 'max' if the formula allows it.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(Reason):
    """A loop is a scan: a value is accumulated, and every partial value is kept or used.

    Why it blocks: iteration `i` needs the sum of all before it. Unlike a reduction, of which only
        the end is wanted, a scan has as many results as iterations. Where `transform` says "scan"
        a long loop runs in two parallel passes all the same: one adds up blocks of iterations,
        one runs the loop from what each block starts with. Counters that say where elements are
        put (`if a[i] > t: out[k] = a[i]; k += 1`) are scans too.

    Example:
        for i in range(1, n):
            p[i] = p[i - 1] + a[i]

    Use instead: a sum alone where only the last value is wanted; `np.cumsum` and its like where
        `transform` does not say "scan".

    Right to refuse: where the loop does not say "scan" under `transform`: what is accumulated
        is used for more than the sum.

    References: Blelloch, Prefix Sums and Their Applications, Carnegie Mellon University, 1990.
    """

    code: ClassVar[str] = "AP406"
    variable: str
    operator: str
    loop_variable: str
    is_shared: bool = (
        False  # it is all that the loop carries, so that parts of it may be shared out
    )

    @property
    def message(self) -> str:
        return (
            f"Loop '{self.loop_variable}' is a scan: '{self.variable}' accumulates by"
            f" '{self.operator}', and its values on the way are used."
        )

    @property
    def hints(self) -> tuple[str, ...]:
        if self.is_shared:
            return ()
        return ("Take 'np.cumsum' or its like, or use only the last value.",)
