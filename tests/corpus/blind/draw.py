"""Draw the loops that readers classify before anybody has seen a verdict on them.

    python -m tests.corpus.blind.draw FOLDER

FOLDER holds one folder `OWNER+NAME` of notebooks for each repository, with the commit they are
from in `OWNER+NAME/.revision`. Only what the code shows decides, in four strata, so that loops
that print do not fill the sample; copies of the same loop are one loop, no repository gives more
than a few. Prints the list: where the loops are, not what they say.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import random
import sys
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from autopar.corpus.manifest import find_items
from autopar.corpus.notebook import Document, read_document
from autopar.corpus.syntax import LoopShape, find_loops

SEED = 20261121
PER_REPOSITORY = 4
# Loops that store to elements, that gather (append, s += e), that print or plot; all others.
DRAWN = {"stores": 50, "gathers": 32, "shows": 20, "others": 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One loop and where it is."""

    repository: str
    notebook: str
    cell: int  # among the code cells, from 1
    line: int  # in the cell, from 1
    column: int
    stratum: str
    digest: str  # of its text, so that it is found again
    revision: str


def places(folder: Path) -> list[Place]:
    """Every distinct `for` and `while` statement below a folder, by key."""
    found: dict[str, Place] = {}
    revisions = {path.parent.name: path.read_text().strip()[:12]
                 for path in folder.glob("*/.revision")}  # fmt: skip
    for item in find_items([str(folder)]):
        document = read_document(Path(item.path).read_bytes(), is_notebook=item.is_notebook)
        if not item.is_notebook or not isinstance(document, Document):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(document.text)
        lines = document.text.split("\n")
        updating = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.AugAssign)}
        for shape in find_loops(tree):
            if shape.kind == "comprehension":
                continue
            text = "\n".join(lines[shape.line - 1 : shape.end_line])[shape.column :]
            digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
            cell, line = document.place(shape.line)
            place = Place(
                repository=item.repository, notebook=item.key.partition("/")[2],
                cell=cell.number, line=line, column=shape.column,
                stratum=stratum_of(shape, updating), digest=digest,
                revision=revisions.get(item.repository, ""),
            )  # fmt: skip
            found.setdefault(digest, place)
    return list(found.values())


def stratum_of(shape: LoopShape, updating: set[int]) -> str:
    if shape.prints or shape.plots:
        return "shows"
    if shape.stores:
        return "stores"
    updates = any(shape.line < line <= shape.end_line for line in updating)
    return "gathers" if shape.appends or updates else "others"


def draw(population: list[Place]) -> list[Place]:
    """The sample, by stratum and then by place."""
    by_stratum = defaultdict(list)
    for place in sorted(population, key=lambda each: each.digest):
        by_stratum[place.stratum].append(place)
    generator = random.Random(SEED)
    taken: Counter[str] = Counter()
    drawn = []
    for stratum, wanted in DRAWN.items():
        waiting = by_stratum[stratum]
        generator.shuffle(waiting)
        for place in waiting:
            if wanted and taken[place.repository] < PER_REPOSITORY:
                taken[place.repository] += 1
                wanted -= 1
                drawn.append(place)
    return drawn


def main() -> None:
    population = places(Path(sys.argv[1]))
    sizes = Counter(place.stratum for place in population)
    print(f"{len(population)} distinct loops: {dict(sizes)}; seed {SEED}", file=sys.stderr)
    columns = ("number", "repository", "revision", "notebook", "cell", "line", "column",
               "stratum", "of", "digest", "seed")  # fmt: skip
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for number, place in enumerate(draw(population), start=1):
        writer.writerow((
            number, place.repository.replace("+", "/", 1), place.revision, place.notebook,
            place.cell, place.line, place.column, place.stratum, sizes[place.stratum],
            place.digest, SEED,
        ))  # fmt: skip


if __name__ == "__main__":
    main()
