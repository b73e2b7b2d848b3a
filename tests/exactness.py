"""How exact the answers are: `python -m tests.exactness --generator second --draws 300 [--seed 0] [--affine]`.

Prints what is unsound (there must be nothing), the shares of exact loops by their true class, and the missed ones by
class with a shrunk example of each. What exact means: `tests.comparison`. Exit status 1 where an answer is unsound, a
share lies below its bar, or less than a quarter of the loops is parallel, conditional or sequential.

Kernels are not compiled here: what is asked is the decision.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from tests.comparison import CLASSES, LEAST_SHARE, Call, Compared, compare
from tests.features import feature_of
from tests.fuzz.shrink import smaller_sources
from tests.second_generator.draw import VERSION, draw_program
from tests.second_generator.program import Program, with_source
from tests.textual import nest_of

BARS = (0.98, 0.90)  # shares of exact answers: of affine loops, of all


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One program with its calls."""

    seed: int
    source: str
    calls: tuple[Call, ...]
    program: Program | None  # None from the first generator, whose programs are not shrunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A loop that was not answered exactly."""

    seed: int
    answered: str
    code: str
    truth: str
    feature: str


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a number of programs came to."""

    programs: int = 0
    exact: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # (affine or other, true class)
    total: Counter[tuple[str, str]] = field(default_factory=Counter)
    misses: list[Miss] = field(default_factory=list)
    unsound: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Take in the counts of other programs."""
        self.programs += other.programs
        self.exact += other.exact
        self.total += other.total
        self.misses += other.misses
        self.unsound += other.unsound

    def share(self, kind: str) -> float:
        """Return the share of exact loops among the affine ones, or among all."""
        return _sum(self.exact, kind) / (_sum(self.total, kind) or 1)

    def faults(self, bars: Sequence[float], *, may_be_one_sided: bool) -> Iterator[str]:
        """Yield why the campaign failed."""
        if self.unsound:
            yield f"{len(self.unsound)} unsound answers"
        for kind, bar in zip(("affine", "all"), bars, strict=True):
            if self.share(kind) < bar:
                yield f"{self.share(kind):.1%} of the loops of kind '{kind}' are exact, wanted {bar:.0%}"
        for name in CLASSES:
            share = sum(n for (_, c), n in self.total.items() if c == name) / self.total.total()
            if share < LEAST_SHARE and not may_be_one_sided:
                yield f"only {share:.1%} of the loops drawn are {name}"


def _sum(counter: Mapping[tuple[str, str], int], kind: str) -> int:
    return sum(n for (each, _), n in counter.items() if kind in {"all", each})


def drawn(seed: int, generator: str, *, is_affine: bool) -> Drawn:
    """Return the program of a seed."""
    if generator == "second":
        return of_program(draw_program(seed, is_affine=is_affine))
    from tests import families
    from tests.program import BOX
    from tests.strategies import RandomChoices

    program = families.draw_program(RandomChoices(random.Random(seed)))
    calls = tuple(
        Call(point=tuple(values.items()), arguments=program.arguments(values)) for values in BOX
    )
    return Drawn(seed=seed, source=program.source, calls=calls, program=None)


def of_program(program: Program) -> Drawn:
    """Return a program of the second generator with its calls."""
    calls = tuple(
        Call(point=tuple(call.numbers.items()), arguments=call.arguments) for call in program.calls
    )
    return Drawn(seed=program.seed, source=program.source, calls=calls, program=program)


def counted(seed: int, *, generator: str, is_affine: bool) -> Counts:
    """Return the counts of the program of one seed."""
    one = drawn(seed, generator, is_affine=is_affine)
    counts = Counts(programs=1)
    try:
        found = list(compare(one.source, one.calls))
    except Exception as error:  # noqa: BLE001 # a crash is the worst answer of all
        counts.unsound.append(f"seed {seed}: {type(error).__name__}: {error}\n{one.source}")
        return counts
    for each in found:
        key = ("other" if nest_of(one.source, each.loop) is None else "affine", each.truth)
        counts.total[key] += 1
        counts.exact[key] += not each.misses
        if each.faults:
            first = each.faults[0]
            counts.unsound.append(
                f"seed {seed}, {each.loop}: {first.answer.verdict} ({first.answer.stage}), but"
                f" {first.fault} at {dict(first.call.point)}\n{one.source}"
            )
        elif each.misses:
            counts.misses.append(_miss(seed, one.source, each))
    return counts


def _miss(seed: int, source: str, compared: Compared) -> Miss:
    answer = compared.misses[0].answer
    return Miss(
        seed=seed,
        answered=answer.verdict,
        code=answer.claim.code,
        truth=compared.truth,
        feature=feature_of(source, compared),
    )


def campaign(
    seeds: Sequence[int], *, generator: str = "second", is_affine: bool = False, jobs: int = 1
) -> Counts:
    """Return the counts of all seeds."""
    work = partial(counted, generator=generator, is_affine=is_affine)
    counts = Counts()
    if jobs == 1:
        for each in map(work, seeds):
            counts.add(each)
        return counts
    with ProcessPoolExecutor(jobs) as pool:
        for each in pool.map(work, seeds, chunksize=4):
            counts.add(each)
    return counts


def shrunk(miss: Miss, *, is_affine: bool, seconds: float) -> str:
    """Return a smaller program with a loop that is missed in the same way."""
    program = draw_program(miss.seed, is_affine=is_affine)
    deadline = time.monotonic() + seconds
    found = True
    while found and time.monotonic() < deadline:
        found = False
        for source in smaller_sources(program.source):
            smaller = with_source(program, source)
            if time.monotonic() > deadline:
                break
            if len(smaller.source) < len(program.source) and _is_missed(smaller, miss):
                program, found = smaller, True
                break
    return program.source


def _is_missed(program: Program, miss: Miss) -> bool:
    try:
        if not program.is_usable:
            return False
        found = list(compare(program.source, of_program(program).calls))
    except Exception:  # noqa: BLE001 # a program that makes no sense any more
        return False
    wanted = (miss.answered, miss.truth, miss.feature)
    return any(
        (each.misses[0].answer.verdict, each.truth, feature_of(program.source, each)) == wanted
        for each in found
        if each.misses
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the shares by class, the missed ones by class, and every unsound program."""
    options = _parser().parse_args(arguments)
    # Before Numba is loaded, here and in the processes to come.
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    seeds = range(options.seed, options.seed + options.draws)
    kind = "affine only" if options.affine else "all habits"
    print(
        f"generator {options.generator}, version {VERSION}, {kind}, seeds {seeds.start} to {seeds.stop - 1}"
    )
    counts = campaign(
        seeds, generator=options.generator, is_affine=options.affine, jobs=options.jobs
    )
    print("\n".join(table(counts)))
    for text in counts.unsound:
        print(f"UNSOUND, {text}")
    for line in _classes(counts.misses, options):
        print(line)
    faults = list(counts.faults(options.bars, may_be_one_sided=options.one_sided))
    for fault in faults:
        print(f"FAILED: {fault}")
    return 1 if faults else 0


def table(counts: Counts) -> Iterator[str]:
    """Yield the lines of the table of exact loops by kind and true class."""
    yield f"{counts.programs} programs, {counts.total.total()} loops, {len(counts.unsound)} unsound answers"
    for kind in ("affine", "other"):
        for name in (*CLASSES, "reduction"):
            if counts.total[kind, name]:
                yield _row(f"{kind}, {name}", counts.exact[kind, name], counts.total[kind, name])
        yield _row(kind, _sum(counts.exact, kind), _sum(counts.total, kind))
    yield _row("all", _sum(counts.exact, "all"), _sum(counts.total, "all"))


def _row(label: str, exact: int, total: int) -> str:
    return f"{label:22} {exact:6} of {total:6} exact ({exact / (total or 1):.1%})"


def _classes(misses: Iterable[Miss], options: argparse.Namespace) -> Iterator[str]:
    groups: dict[tuple[str, str, str], list[Miss]] = defaultdict(list)
    for miss in misses:
        groups[miss.feature, miss.answered, miss.truth].append(miss)
    for (feature, answered, truth), group in sorted(groups.items(), key=lambda item: -len(item[1])):
        codes = ", ".join(sorted({each.code for each in group}))
        yield f"missed {len(group)}: {feature}: {answered} for {truth} ({codes}), seed {group[0].seed}"
        if options.generator == "second" and options.shrink:
            source = shrunk(group[0], is_affine=options.affine, seconds=options.shrink)
            yield "".join(f"    {line}\n" for line in source.splitlines())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.exactness", description=__doc__)
    parser.add_argument("--generator", choices=["first", "second"], default="second")
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--affine", action="store_true", help="only affine bounds, subscripts, tests"
    )
    parser.add_argument(
        "--bars", type=float, nargs=2, default=BARS, metavar="SHARE", help="affine, all"
    )
    parser.add_argument("--one-sided", action="store_true", help="a class of loops may be rare")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--shrink", type=float, default=5.0, metavar="SECONDS", help="for each class; 0: none"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
