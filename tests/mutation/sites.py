"""Which tests run the statement of a fault: one run of each test file, noted on disk.

A statement that holds the place of a fault is preceded by a note that it is run. Statements of modules and classes
are run by every import: nothing is noted of them.
"""

from __future__ import annotations

import ast
import json
import types
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.mutation.faults import Fault
from tests.mutation.nursery import HIT, run_child

if TYPE_CHECKING:
    from tests.mutation.campaign import Limits

_ROW = dict[str, Any]


class Sites:
    """Notes of which tests run which faults' statements, in a file of one JSON for each test."""

    def __init__(self, path: Path, root: Path) -> None:
        self._path, self._root = path, root
        self._rows: list[_ROW] = []
        self._done: set[str] = set()
        self._read()

    def _read(self) -> None:
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        rows = [found for line in lines if (found := _row_in(line)) is not None]
        self._rows = [each for each in rows if "test" in each]
        self._done = {each["file"] for each in rows if "file" in each}

    @property
    def files(self) -> int:
        """How many test files are known."""
        return len(self._done)

    def missing(self, files: Iterable[str]) -> list[str]:
        """Return those of `files` that nothing was noted of yet."""
        return [each for each in files if each not in self._done]

    def record(self, file: str, faults: Sequence[tuple[str, Fault]], timeout_s: float) -> float:
        """Run a test file; return the seconds that it took. What it had run by `timeout_s` is known."""
        by_path: dict[str, list[tuple[int, Fault]]] = defaultdict(list)
        for number, (_, fault) in enumerate(faults):
            by_path[fault.path].append((number, fault))
        codes = [
            (str(self._root / path), noted(self._root / path, found))
            for path, found in by_path.items()
        ]
        _, seconds = run_child([file], codes, timeout_s, self._path)
        with self._path.open("a", encoding="utf-8") as notes:
            notes.write("\n" + json.dumps({"file": file, "seconds": round(seconds, 1)}) + "\n")
        self._read()
        return seconds

    def chunks(
        self, number: int, before: frozenset[str], limits: Limits
    ) -> Iterator[tuple[list[str], float]]:
        """Yield tests that run the statement of a fault and pass without it, and how long they take."""
        rows = [
            each
            for each in self._rows
            if number in each["sites"] and each["passed"] and each["test"] not in before
        ]
        rows = _mixed(sorted(rows, key=lambda row: row["seconds"]))
        chunk: list[_ROW] = []
        total = size = 0.0
        for row in rows:
            total, size = total + row["seconds"], size + row["seconds"]
            if total > limits.most_s:
                break
            chunk.append(row)
            if size > limits.first_s or len(chunk) == _MOST_TESTS:
                yield _names(chunk), size
                chunk, size = [], 0.0
        if chunk:
            yield _names(chunk), size

    def runners(self, number: int) -> int:
        """Return how many of the tests that are known run the statement of a fault."""
        return sum(number in each["sites"] for each in self._rows)

    def passed(self, files: Sequence[str], limits: Limits) -> list[str]:
        """Return the quickest tests of files that pass without a fault."""
        rows = [
            each for each in self._rows if each["passed"] and each["test"].startswith(tuple(files))
        ]
        found: list[_ROW] = []
        total = 0.0
        for row in sorted(rows, key=lambda row: row["seconds"]):
            total += row["seconds"]
            if total > limits.most_s or len(found) == _MOST_IN_A_PROCESS:
                break
            found.append(row)
        return _names(found)


def _row_in(line: str) -> _ROW | None:
    """Return what a line says; None for one that is empty, or was cut short when a child was ended."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


_MOST_TESTS = 60
_MOST_IN_A_PROCESS = 400


def _names(rows: Iterable[_ROW]) -> list[str]:
    return sorted(row["test"] for row in rows)


def _mixed(rows: Sequence[_ROW]) -> list[_ROW]:
    """Return tests of different files by turns: one file's are much alike."""
    by_file: dict[str, list[_ROW]] = defaultdict(list)
    for row in rows:
        by_file[row["test"].partition("::")[0]].append(row)
    found: list[_ROW] = []
    for turn in range(max(map(len, by_file.values()), default=0)):
        of_turn = [each[turn] for each in by_file.values() if turn < len(each)]
        found += sorted(of_turn, key=lambda row: float(row["seconds"]))
    return found


def is_in_function(fault: Fault, source: str) -> bool:
    """Return whether the place of a fault is run by calls, not by an import."""
    line = fault.line
    tree = ast.parse(source)
    return any(
        isinstance(node, ast.FunctionDef)
        and node.body[0].lineno <= line <= (node.end_lineno or line)
        for node in ast.walk(tree)
    )


def noted(path: Path, faults: Sequence[tuple[int, Fault]]) -> types.CodeType:
    """Return the code of a module that notes the numbers of the faults whose statements are run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    by_body: dict[tuple[int, str, int], list[int]] = defaultdict(list)
    nodes = list(ast.walk(tree))
    for number, fault in faults:
        place = _innermost(nodes, fault.line)
        if place is not None:
            by_body[place].append(number)
    # From the last place on, so that those before keep their positions.
    for (node, field, position), numbers in sorted(by_body.items(), reverse=True):
        body = getattr(nodes[node], field)
        for number in numbers:
            note = ast.parse(f"{HIT}({number})").body[0]
            body.insert(position, ast.copy_location(note, body[position]))
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


def _innermost(nodes: Sequence[ast.AST], line: int) -> tuple[int, str, int] | None:
    """Return the smallest statement of a function at a line: a node, the field that holds it, its position."""
    best: tuple[int, int, str, int] | None = None
    for index, node in enumerate(nodes):
        if isinstance(node, ast.Module | ast.ClassDef):
            continue
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            for position, statement in enumerate(body if isinstance(body, list) else ()):
                last = statement.end_lineno or statement.lineno
                is_definition = isinstance(statement, ast.FunctionDef)
                is_words = (
                    position == 0
                    and isinstance(statement, ast.Expr)
                    and (isinstance(statement.value, ast.Constant))
                )
                size = last - statement.lineno
                if not statement.lineno <= line <= last or is_definition or is_words:
                    continue
                if best is None or size <= best[0]:
                    best = (size, index, field, position)
    return None if best is None else best[1:]
