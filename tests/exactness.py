"""How exact the static verdicts are: `python -m tests.exactness --draws 300 [--seed 0]`.

A loop counts where it has two iterations that touch anything at some point of the box. It is exact when the
verdict, or its condition, agrees with the oracle at every such point.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterable

from tests.families import draw_program
from tests.judgement import Case, Judged, faults, judge
from tests.strategies import RandomChoices

Count = Counter[str]


def judged(seed: int) -> list[Judged]:
    """Return the judgements on the loops of one seeded program that count."""
    case = Case.of(draw_program(RandomChoices(random.Random(seed))))
    return [each for each in judge(case) if each.truth != "idle"]


def count(seeds: Iterable[int]) -> tuple[Count, Count]:
    """Return the numbers of exact loops and of all, by their true class."""
    exact: Count = Counter()
    total: Count = Counter()
    for seed in seeds:
        for each in judged(seed):
            total[each.truth] += 1
            exact[each.truth] += each.is_exact
    return exact, total


def main() -> None:
    """Print the shares by class, the missed ones by claim, and every unsound program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.draws)
    exact, total = count(seeds)
    for name in sorted(total):
        print(
            f"{name:12} {exact[name]:6} of {total[name]:6} exact ({exact[name] / total[name]:.1%})"
        )
    print(
        f"{'all':12} {exact.total():6} of {total.total():6} exact ({exact.total() / total.total():.1%})"
    )
    missed = Counter(
        f"{each.claim} for {each.truth}"
        for seed in seeds
        for each in judged(seed)
        if not each.is_exact
    )
    for label, number in missed.most_common():
        print(f"missed: {label}: {number}")
    for seed in seeds:
        program = draw_program(RandomChoices(random.Random(seed)))
        for fault in faults(Case.of(program)):
            print(f"WRONG, seed {seed}: {fault}\n{program.source}")


if __name__ == "__main__":
    main()
