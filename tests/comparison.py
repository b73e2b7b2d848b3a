"""What autopar says of the loops of a program, held against what they do: source, calls -> `Compared`.

Only the public interface is asked (`tests.answers`); the truth is that of recorded runs (`tests.truth`). What is exact:

parallel     is the answer at every call, and the truth is parallel there. Scalars and arrays that have to be private
             are named in `private`.
reduction    the truth is a reduction at some call, and a reduction or parallel at the others; `reductions` names what
             is reduced. A flag that iterations only set may be called a reduction or private.
conditional  the condition holds at exactly the points where the truth is parallel or a reduction.
sequential   the truth is sequential at every point. Contents of arrays are no parameters: where they steer what a loop
             does, a static answer is held against the worst truth of all fillings at the point.
storage      (a truth, not an answer) both are exact: sequential, and parallel with the arrays in `private` or with a
             renaming in `transform`.
unsupported  is never exact: a miss.
at the call  what `last_run` says of one call is held against the truth of that call alone, contents included.

A call that raises is not judged, nor is a loop where it has less than two iterations that touch anything.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.answers import Answer, Asked
from tests.contents import is_sentence
from tests.oracle import loops_of
from tests.recording import Loop, Recording, record
from tests.truth import Kind, Truth, truth

LoopClass = Literal["parallel", "reduction", "conditional", "sequential"]
# A loop of so few iterations may escape a dependence of constant distance: `a[i] = a[i - 3]` for i < n is sequential,
# though not for n <= 3. Where it is called sequential such points do not speak against it.
FEW = 5
# Of the loops that a generator draws, so many at least have to be of each of these classes.
LEAST_SHARE = 0.25
CLASSES: Sequence[LoopClass] = ("parallel", "conditional", "sequential")
SEQUENTIAL: frozenset[str] = frozenset({"sequential", "storage"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Arguments, and which point of the box they belong to."""

    point: tuple[tuple[str, int], ...]
    arguments: Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One loop at one call."""

    call: Call
    answer: Answer
    truth: Truth
    worst: Kind  # the truth of all calls at the same point together
    is_short: bool  # the loop has at most FEW iterations here
    variables: frozenset[str]  # of all loops: each iteration has its own anyway

    @property
    def is_exact(self) -> bool:
        """Whether the answer is the truth, as far as one call can tell."""
        match self.answer.verdict:
            case "unsupported":
                return False
            case "sequential":
                condition = self.answer.claim.condition or "True"
                is_by_contents = self.answer.stage == "call" or is_sentence(condition)
                true = self.truth.kind if is_by_contents else self.worst
                return true in SEQUENTIAL or self.is_short
            case "reduction":
                return self.fault is None
            case "parallel":
                return self.fault is None

    @property
    def fault(self) -> str | None:
        """What is unsound about the answer at this call."""
        if self.answer.verdict in {"sequential", "unsupported"}:
            return None
        claim, found = self.answer.claim, self.truth
        if found.flowing:
            return f"{sorted(found.flowing)} flow"
        reduced = claim.reduced if self.answer.verdict == "reduction" else frozenset[str]()
        if found.reduced - reduced:
            return f"{sorted(found.reduced - reduced)} are reduced"
        lacking = (found.renamed | found.buffers) - claim.private - reduced
        if lacking and not claim.renames:
            return f"{sorted(lacking)} are overwritten"
        lacking = found.private - claim.private - reduced - self.variables
        return f"{sorted(lacking)} are not private" if lacking else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One loop at all calls that count for it."""

    loop: Loop
    judgements: tuple[Judgement, ...]
    is_by_contents: (
        bool  # subscripts or bounds come out of arrays: each call has a class of its own
    )

    @property
    def truth(self) -> LoopClass:
        """The class of the loop in the box."""
        return _class(
            each.truth.kind if self.is_by_contents else each.worst for each in self.judgements
        )

    @property
    def faults(self) -> tuple[Judgement, ...]:
        """The judgements that show the answer to be unsound."""
        return tuple(each for each in self.judgements if each.fault is not None)

    @property
    def misses(self) -> tuple[Judgement, ...]:
        """The judgements that show the answer to be inexact."""
        found = tuple(each for each in self.judgements if not each.is_exact)
        return found or (self.judgements if self._reduces_nothing else ())

    @property
    def _reduces_nothing(self) -> bool:
        """Whether a variable is said to be reduced that no two iterations ever touch, whatever arrays hold."""
        if self.is_by_contents:
            return False
        carrying = {name for each in self.judgements for name in each.truth.carrying}
        return any(
            each.answer.verdict == "reduction" and not each.answer.claim.reduced & carrying
            for each in self.judgements
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The truth of one loop at one call."""

    call: Call
    truth: Truth
    is_short: bool


def observe(source: str, calls: Sequence[Call]) -> Mapping[Loop, Sequence[Seen]]:
    """Return what each `for` loop of `source` is at the calls that count for it."""
    variables = _loop_variables(source)
    found: dict[Loop, list[Seen]] = defaultdict(list)
    for call in calls:
        run = record(source, call.arguments)
        for loop in loops_of(source) if run.exception is None else ():
            if is_of_interest(run, loop, variables):
                is_short = iterations(run, loop) <= FEW
                found[loop].append(Seen(call=call, truth=truth(run, loop), is_short=is_short))
    return found


def classes(source: str, calls: Sequence[Call]) -> Iterator[LoopClass]:
    """Yield the true class of each loop that does something."""
    for loop, seen in observe(source, calls).items():
        worst = _worst(seen)
        by_contents = _is_by_contents(source, loop)
        yield _class(each.truth.kind if by_contents else worst[each.call.point] for each in seen)


def _class(kinds: Iterable[Kind]) -> LoopClass:
    found = set(kinds)
    if found & SEQUENTIAL:
        return "sequential" if found <= SEQUENTIAL else "conditional"
    return "reduction" if "reduction" in found else "parallel"


def compare(source: str, calls: Sequence[Call]) -> Iterator[Compared]:
    """Yield the comparison for each `for` loop of `source` that does something at some call."""
    asked = Asked(source)
    variables = _loop_variables(source)
    observed = observe(source, calls)
    wanted = {id(each.call): each.call for seen in observed.values() for each in seen}
    answers = {key: asked.answers(call.arguments) for key, call in wanted.items()}
    for loop, seen in sorted(observed.items()):
        worst = _worst(seen)
        yield Compared(
            loop=loop,
            is_by_contents=_is_by_contents(source, loop),
            judgements=tuple(
                Judgement(
                    call=each.call,
                    answer=answers[id(each.call)][loop],
                    truth=each.truth,
                    worst=worst[each.call.point],
                    is_short=each.is_short,
                    variables=variables,
                )
                for each in seen
            ),
        )


def iterations(run: Recording, loop: Loop) -> int:
    """Return how often the loop turns in its longest execution, as far as it touches anything."""
    numbers = (s.number + 1 for each in run.events for s in each.steps if s.loop == loop)
    return max(numbers, default=0)


def _worst(judged: Sequence[Seen]) -> Mapping[object, Kind]:
    order: Sequence[Kind] = ("parallel", "reduction", "storage", "sequential")
    found: dict[object, list[Kind]] = defaultdict(list)
    for each in judged:
        found[each.call.point].append(each.truth.kind)
    return {point: max(kinds, key=order.index) for point, kinds in found.items()}


def _loop_variables(source: str) -> frozenset[str]:
    return frozenset(
        node.target.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name)
    )


def is_of_interest(run: Recording, loop: Loop, variables: frozenset[str]) -> bool:
    """Return whether two iterations of one execution of `loop` touch anything but loop variables."""
    first: dict[int, int] = {}
    for event in run.events:
        if event.variable not in variables:
            for step in event.steps:
                if step.loop == loop and first.setdefault(step.entry, step.number) != step.number:
                    return True
    return False


def _is_by_contents(source: str, loop: Loop) -> bool:
    node = next(
        each
        for each in ast.walk(ast.parse(source))
        if isinstance(each, ast.For) and (each.lineno, each.col_offset) == loop
    )
    inside: list[ast.AST] = [
        each.slice for each in ast.walk(node) if isinstance(each, ast.Subscript)
    ]
    inside += [each.iter for each in ast.walk(node) if isinstance(each, ast.For)]
    return any(
        isinstance(each, ast.Subscript) and not isinstance(each.value, ast.Attribute)
        for part in inside
        for each in ast.walk(part)
    )
