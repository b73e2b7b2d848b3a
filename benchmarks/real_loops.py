"""How many `for` loops of public notebooks autopar takes over: a fixed draw, measured anew.

    python -m benchmarks.real_loops draw FOLDER [--per-repository N] > benchmarks/real_loops.txt
    python -m benchmarks.real_loops measure FOLDER < benchmarks/real_loops.txt

FOLDER holds one folder for each repository, called OWNER+NAME, with its notebooks. A line of the
list names a loop by repository, path, cell and line; the code itself is not kept. Loops are drawn
by the hash of their place, the same number from each repository, so that no large one decides;
copies of a loop are drawn once.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import warnings
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from autopar.corpus.examine import examine
from autopar.corpus.manifest import Item, find_items
from autopar.corpus.notebook import Fault, read_document
from autopar.corpus.record import LoopRecord

SEED = "real loops"
PER_REPOSITORY = 20
TAKEN = frozenset({"parallel", "reduction", "conditional"})


class Place(NamedTuple):
    """Where a loop stands."""

    repository: str
    path: str
    cell: int
    line: int


def draw(folder: Path, count: int) -> Iterator[Place]:
    """Yield `count` places of `for` loops from each repository below `folder`, sorted."""
    for repository in sorted(folder.iterdir()):
        found: dict[str, Place] = {}
        for item in find_items([str(repository)]):
            for place, text in _written(repository, item) if item.is_notebook else ():
                found.setdefault(text, place)
        yield from sorted(sorted(found.values(), key=_rank)[:count])


def _written(repository: Path, item: Item) -> Iterator[tuple[Place, str]]:
    """Yield the place and the text of every `for` loop of a notebook."""
    document = read_document(Path(item.path).read_bytes(), is_notebook=True)
    if isinstance(document, Fault):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(document.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.For):
            cell, line = document.place(node.lineno)
            path = str(Path(item.path).relative_to(repository))
            yield Place(repository.name, path, cell.number, line), ast.unparse(node)


def _rank(place: Place) -> str:
    return hashlib.sha256("\0".join((SEED, *map(str, place))).encode()).hexdigest()


def measure(folder: Path, places: Iterable[Place]) -> Iterator[tuple[Place, LoopRecord]]:
    """Yield the row of each of `places`, as the analysis sees it now."""
    wanted: dict[str, set[Place]] = {}
    for place in places:
        wanted.setdefault(place.repository, set()).add(place)
    for repository, inside in sorted(wanted.items()):
        paths = {place.path for place in inside}
        for place, loop in _loops(folder / repository, paths):
            if place in inside and loop.kind == "for":
                inside.discard(place)  # a second one of the same line is another loop
                yield place, loop


def _loops(repository: Path, paths: set[str]) -> Iterator[tuple[Place, LoopRecord]]:
    for item in find_items([str(repository)]):
        path = str(Path(item.path).relative_to(repository))
        if path not in paths:
            continue
        examined = examine(item, Path(item.path).read_bytes())
        for loop in examined.loops:
            yield Place(repository.name, path, loop.cell, loop.line), loop


def read_places(lines: Iterable[str]) -> Iterator[Place]:
    """Yield the places that a list names, one a line, separated by tabs."""
    for line in lines:
        repository, path, cell, number = line.rstrip("\n").split("\t")
        yield Place(repository, path, int(cell), int(number))


def summary(rows: list[tuple[Place, LoopRecord]]) -> str:
    """Return the counts of verdicts and the commonest reasons."""
    verdicts = Counter(loop.verdict for _, loop in rows)
    taken = sum(verdicts[each] for each in TAKEN)
    codes = Counter(loop.code for _, loop in rows if loop.verdict not in TAKEN)
    lines = [f"{len(rows)} loops, {taken} taken over ({taken / max(1, len(rows)):.1%})"]
    lines += [f"  {name} {count}" for name, count in verdicts.most_common()]
    lines += [f"  {code} {count}" for code, count in codes.most_common(12)]
    return "\n".join(lines)


def main() -> None:
    """Draw or measure, as the arguments say."""
    parser = ArgumentParser(prog="python -m benchmarks.real_loops")
    parser.add_argument("what", choices=("draw", "measure"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-repository", type=int, default=PER_REPOSITORY)
    parser.add_argument("--each", action="store_true", help="a line for every loop")
    arguments = parser.parse_args()
    if arguments.what == "draw":
        for place in draw(arguments.folder, arguments.per_repository):
            print(*place, sep="\t")
        return
    rows = list(measure(arguments.folder, list(read_places(sys.stdin))))
    if arguments.each:
        for place, loop in rows:
            print(*place, loop.verdict, loop.code, loop.header[:60], sep="\t")
    print(summary(rows))


if __name__ == "__main__":
    main()
