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
    a, b = column("labels_a.csv", "label"), column("labels_b.csv", "label")
    verdicts, codes = column("verdicts.csv", "verdict"), column("verdicts.csv", "code")
    return [
        Judged(number=number, stratum=stratum, weight=int(sizes[number]) / drawn[stratum],
               a=a[number], b=b[number], verdict=verdicts[number], code=codes[number])
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
    a, b = [each.a for each in loops], [each.b for each in loops]
    lines = [f"| first reading, down; second, across | {' | '.join(LABELS)} |",
             f"| --- |{' ---: |' * len(LABELS)}"]  # fmt: skip
    pairs = Counter(zip(a, b, strict=True))
    lines += [f"| {one} | {' | '.join(str(pairs[one, two]) for two in LABELS)} |" for one in LABELS]
    yes = [[ANSWERS[label] for label in labels] for labels in (a, b)]
    lines += ["", (f"The same label: {portion(a, b)}, kappa {kappa(a, b):.2f}; "
                  f"the same answer: {portion(*yes)}, kappa {kappa(*yes):.2f}.")]  # fmt: skip
    return lines


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
    for name, labels in (("first", [each.a for each in loops]),
                         ("second", [each.b for each in loops])):  # fmt: skip
        said = [(ANSWERS[label], each.answer) for label, each in zip(labels, loops, strict=True)]
        answered = [(label, answer) for label, answer in said if answer != "none"]
        as_no = [(label, "no" if answer == "none" else answer) for label, answer in said]
        lines += ["", (f"With the {name} reading: where autopar answers, {portion(*split(answered))}"
                      f" agree; with `unsupported` taken for no, {portion(*split(as_no))}.")]  # fmt: skip
    able = sum(each.weight for each in loops if ANSWERS[each.a] != "no")
    claimed = sum(each.weight for each in loops if each.answer in {"yes", "on condition"})
    total = sum(each.weight for each in loops)
    lines += ["", (f"Weighted to the loops that it was drawn from: the first reading finds "
                  f"{100 * able / total:.1f} % that could run in parallel, autopar proves "
                  f"{100 * claimed / total:.1f} %.")]  # fmt: skip
    return lines


def split(pairs: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def disagreements(loops: list[Judged]) -> list[str]:
    """Loops of which somebody contradicts somebody; no answer contradicts nobody."""
    lines = ["| loop | first | second | autopar |", "| ---: | --- | --- | --- |"]
    for each in loops:
        answers = {ANSWERS[each.a], ANSWERS[each.b], each.answer} - {"none"}
        if len(answers) > 1 or each.a != each.b:
            lines.append(f"| {each.number} | {each.a} | {each.b} | {each.verdict} {each.code} |")
    return lines


def wrong_claims(loops: list[Judged]) -> list[int]:
    """Loops that autopar calls parallel and a reader does not: each is a bug until explained."""
    return [each.number for each in loops
            if each.answer == "yes" and "no" in {ANSWERS[each.a], ANSWERS[each.b]}]  # fmt: skip


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
