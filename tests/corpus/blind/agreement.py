"""How far the readers of the blind sample agree, with each other and with autopar.

    python -m tests.corpus.blind.agreement            # from the files beside this one
    python -m tests.corpus.blind.agreement FOLDER     # first judge the loops anew: verdicts.csv

Prints the tables of docs/blind-sample.md.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autopar.corpus.examine import examine
from autopar.corpus.manifest import Item
from autopar.corpus.statistics import share

HERE = Path(__file__).parent
LABELS = ("parallel", "reduction", "conditional", "sequential", "effects")
# What a reader or a verdict says of running the iterations in parallel.
ANSWERS = {
    "parallel": "yes", "reduction": "yes", "conditional": "on condition",
    "sequential": "no", "effects": "no", "unsupported": "none",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One loop of the sample with everything that was said of it."""

    number: int
    stratum: str
    weight: float  # loops of the population that it stands for
    a: str
    b: str
    c: str
    verdict: str
    code: str

    @property
    def answer(self) -> str:
        return ANSWERS[self.verdict]


def column(name: str, field: str) -> dict[int, str]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return {int(row["number"]): row[field] for row in csv.DictReader(file)}


def judged() -> list[Judged]:
    """The sample with labels and verdicts."""
    strata, sizes = column("sample.csv", "stratum"), column("sample.csv", "of")
    drawn = Counter(strata.values())
    a, b, c = (column(f"labels_{each}.csv", "label") for each in "abc")
    verdicts, codes = column("verdicts.csv", "verdict"), column("verdicts.csv", "code")
    return [
        Judged(number=number, stratum=stratum, weight=int(sizes[number]) / drawn[stratum],
               a=a[number], b=b[number], c=c[number], verdict=verdicts[number], code=codes[number])
        for number, stratum in sorted(strata.items())
    ]  # fmt: skip


def kappa(one: Sequence[str], other: Sequence[str]) -> float:
    """Cohen's kappa (Educational and Psychological Measurement 20, 1960)."""
    total = len(one)
    observed = sum(a == b for a, b in zip(one, other, strict=True)) / total
    first, second = Counter(one), Counter(other)
    chance = sum(first[each] * second[each] for each in first) / total**2
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)


def tables(loops: list[Judged]) -> list[str]:
    """The lines of all tables, as Markdown."""
    return [*readers(loops), "", *against_autopar(loops), "", *disagreements(loops)]


def readers(loops: list[Judged]) -> list[str]:
    """The two readings of the first reader, and that reader beside the second one."""
    a, b, c = ([getattr(each, one) for each in loops] for one in "abc")
    return [*_pair(a, b, "first reading, down; second, across"), "",
            *_pair(a, c, "first reader, down; second reader, across"), "",
            f"The second reader and the other reading of the first: {_agreed(b, c)}."]  # fmt: skip


def _pair(one: list[str], other: list[str], title: str) -> list[str]:
    pairs = Counter(zip(one, other, strict=True))
    lines = [f"| {title} | {' | '.join(LABELS)} |", f"| --- |{' ---: |' * len(LABELS)}"]
    lines += [f"| {row} | {' | '.join(str(pairs[row, each]) for each in LABELS)} |"
              for row in LABELS]  # fmt: skip
    agreed = _agreed(one, other)
    return [*lines, "", f"{agreed[0].upper()}{agreed[1:]}."]


def _agreed(one: list[str], other: list[str]) -> str:
    answers = [[ANSWERS[label] for label in labels] for labels in (one, other)]
    return (f"the same label: {portion(one, other)}, kappa {kappa(one, other):.2f}; "
            f"the same answer: {portion(*answers)}, kappa {kappa(*answers):.2f}")  # fmt: skip


def portion(one: Sequence[str], other: Sequence[str]) -> str:
    found = share(sum(a == b for a, b in zip(one, other, strict=True)), len(one))
    return (f"{found.count} of {found.total} ({100 * found.value:.1f} %, "
            f"{100 * found.low:.1f} to {100 * found.high:.1f})")  # fmt: skip


def against_autopar(loops: list[Judged]) -> list[str]:
    verdicts = ("parallel", "reduction", "conditional", "sequential", "unsupported")
    lines = [f"| first reading, down; autopar, across | {' | '.join(verdicts)} |",
             f"| --- |{' ---: |' * len(verdicts)}"]  # fmt: skip
    pairs = Counter((each.a, each.verdict) for each in loops)
    lines += [f"| {one} | {' | '.join(str(pairs[one, two]) for two in verdicts)} |"
              for one in LABELS]  # fmt: skip
    for name, labels in (("first reading", [each.a for each in loops]),
                         ("second reading", [each.b for each in loops]),
                         ("second reader", [each.c for each in loops])):  # fmt: skip
        said = [(ANSWERS[label], each.answer) for label, each in zip(labels, loops, strict=True)]
        answered = [(label, answer) for label, answer in said if answer != "none"]
        as_no = [(label, "no" if answer == "none" else answer) for label, answer in said]
        lines += ["", (f"With the {name}: where autopar answers, {portion(*split(answered))}"
                      f" agree; with `unsupported` taken for no, {portion(*split(as_no))}.")]  # fmt: skip
    able, able_too = (sum(each.weight for each in loops if ANSWERS[getattr(each, one)] != "no")
                      for one in "ac")  # fmt: skip
    claimed = sum(each.weight for each in loops if each.answer in {"yes", "on condition"})
    total = sum(each.weight for each in loops)
    lines += ["", (f"Weighted to the loops that it was drawn from: the first reading finds "
                  f"{100 * able / total:.1f} % that could run in parallel, the second reader "
                  f"{100 * able_too / total:.1f} %, autopar proves "
                  f"{100 * claimed / total:.1f} %.")]  # fmt: skip
    return lines


def split(pairs: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def disagreements(loops: list[Judged]) -> list[str]:
    """Loops of which somebody contradicts somebody; no answer contradicts nobody."""
    lines = [
        "| loop | first | second | second reader | autopar |",
        "| ---: | --- | --- | --- | --- |",
    ]
    for each in loops:
        answers = {*map(ANSWERS.__getitem__, (each.a, each.b, each.c)), each.answer} - {"none"}
        if len(answers) > 1 or not each.a == each.b == each.c:
            lines.append(f"| {each.number} | {each.a} | {each.b} | {each.c} "
                         f"| {each.verdict} {each.code} |")  # fmt: skip
    return lines


def wrong_claims(loops: list[Judged]) -> list[int]:
    """Loops that autopar calls parallel and a reader does not: each is a bug until explained."""
    return [each.number for each in loops
            if each.answer == "yes"
            and "no" in {ANSWERS[each.a], ANSWERS[each.b], ANSWERS[each.c]}]  # fmt: skip


def judge(folder: Path) -> None:
    """Write what autopar says of every loop of the sample to verdicts.csv."""
    with (HERE / "sample.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (HERE / "verdicts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("number", "verdict", "code", "shown_verdict"))
        for row in rows:
            path = folder / row["repository"].replace("/", "+", 1) / row["notebook"]
            content = path.read_bytes()
            item = Item(key=path.name, path=str(path), member=None, size=len(content))
            place = f".L{row['line']}C{row['column']}"
            (loop,) = (loop for loop in examine(item, content).loops
                       if loop.cell == int(row["cell"]) and loop.kind != "comprehension"
                       and loop.id.partition("#")[0].endswith(place))  # fmt: skip
            writer.writerow((row["number"], loop.verdict, loop.code, loop.shown_verdict))


def main() -> None:
    if len(sys.argv) > 1:
        judge(Path(sys.argv[1]))
    loops = judged()
    print("\n".join(tables(loops)))
    print("\nclaims that a reader contradicts:", wrong_claims(loops))


if __name__ == "__main__":
    main()
