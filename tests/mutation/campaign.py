"""Many planted faults: seed and number -> a JSON of what became of each, and a table of it.

Every test file runs once, which notes the faults whose statements each test runs. A fault is then shown to those tests
alone, the quick ones first, in children of a process that has imported everything, until one fails.
A campaign that was stopped goes on where it was: what stands in the JSON is not run again.
"""

from __future__ import annotations

import difflib
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tests.mutation.faults import Fault, faults_of, is_another_program
from tests.mutation.nursery import import_everything, run_child
from tests.mutation.sites import Sites, is_in_function
from tests.mutation.targets import AREAS, likely_tests, test_files
from tests.mutation.trial import Scratch, Seen

GENERATORS = ("first", "second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is done for one fault."""

    count: int
    fuzz_s: float
    seconds: float
    file_s: float = 120.0  # of a test file; the tests that it has run by then are known
    first_s: float = 4.0  # tests that run first, as long as they took without a fault
    most_s: float = 60.0  # all tests of a fault
    hang: float = 4.0  # times as long as without a fault


def draw_faults(root: Path, seed: int, count: int) -> tuple[tuple[str, Fault], ...]:
    """Return faults with their areas, the areas by turns; a longer draw begins with the shorter."""
    streams = [_stream(root, random.Random(f"{seed}:{area}"), area) for area in AREAS]
    turns = zip(*streams, strict=False)
    return tuple(islice((each for turn in turns for each in turn), count))


def _stream(root: Path, chance: random.Random, area: str) -> Iterator[tuple[str, Fault]]:
    """Yield all faults of an area, each kind as often as another while there are any."""
    by_kind: dict[str, list[Fault]] = defaultdict(list)
    texts = {path: (root / path).read_text(encoding="utf-8") for path in AREAS[area]}
    for path, text in texts.items():
        for fault in faults_of(path, text):
            by_kind[fault.kind].append(fault)
    for kind in sorted(by_kind):
        chance.shuffle(by_kind[kind])
    while by_kind:
        kinds = sorted(by_kind)
        chance.shuffle(kinds)
        for kind in kinds:
            fault = by_kind[kind].pop()
            if is_another_program(fault, texts[fault.path]):
                yield area, fault
            if not by_kind[kind]:
                del by_kind[kind]


class Campaign:
    """Faults of one seed, planted one after the other; runs in the copy itself."""

    def __init__(self, folder: Path, seed: int, limits: Limits) -> None:
        self._seed, self._limits = seed, limits
        self._results = folder / f"mutants-{seed}.json"
        self.found: dict[str, Any] = {"seed": seed, "faults": []}
        if self._results.exists():
            self.found = json.loads(self._results.read_text(encoding="utf-8"))
        self._scratch = Scratch(folder)
        self._root = self._scratch.root
        self._sources: dict[str, str] = {}
        self._drawn = draw_faults(self._root, seed, limits.count)
        self._sites = Sites(folder / f"sites-{seed}.jsonl", self._root)

    def run(self) -> None:
        """Note which tests run what, and plant what has not been seen yet."""
        import_everything(self._root)
        started = time.monotonic()
        # At most half of the time goes into notes: faults are planted beside what is known already.
        for file in self._sites.missing(test_files(self._root)):
            if time.monotonic() - started > self._limits.seconds / 2:
                break
            seconds = self._sites.record(file, self._drawn, self._limits.file_s)
            print(f"{file}: {seconds:.0f} s", flush=True)
        rows = {_key(each): each for each in self.found["faults"]}
        for number, (area, fault) in enumerate(self._drawn):
            row = rows.get((fault.path, fault.start, fault.end, fault.text))
            if row is not None and (row["by"] or row["files"] == self._sites.files):
                continue
            if time.monotonic() - started > self._limits.seconds:
                break
            before = [] if row is None else row["tried"]
            seen, tried = self._see(number, area, fault, frozenset(before))
            if row is not None:
                self.found["faults"].remove(row)
            row = self._row(area, fault, seen) | {"files": self._sites.files}
            self.found["faults"].append(row | {"tried": [] if seen.by else [*before, *tried]})
            self._results.write_text(json.dumps(self.found, indent=1), encoding="utf-8")
            print(f"{number}. {fault.path}:{fault.line} {fault.kind}:", end=" ")
            print(f"{seen.by or 'SURVIVED'} ({seen.seconds:.0f} s)", flush=True)

    def _see(
        self, number: int, area: str, fault: Fault, before: frozenset[str]
    ) -> tuple[Seen, list[str]]:
        """Return who sees a fault: the tests that run its statement, the quick ones first; and who was asked."""
        spent, tried = 0.0, list[str]()
        source = (self._root / fault.path).read_text(encoding="utf-8")
        has_own_code = is_in_function(fault, source)
        if has_own_code:
            code = compile(fault.planted(source), str(self._root / fault.path), "exec")
            for chunk, seconds in self._sites.chunks(number, before, self._limits):
                with self._scratch.planted(fault):
                    by, took = run_child(
                        chunk,
                        [(str(self._root / fault.path), code)],
                        self._limits.hang * seconds + 30,
                    )
                spent += took
                if by is not None and by.startswith("cannot plant"):
                    has_own_code = False
                    break
                if by is not None:
                    return Seen(by=by, seconds=spent), tried
                tried += chunk
        if not has_own_code and not before:
            tests = self._sites.passed(likely_tests(self._root, fault.path, area), self._limits)
            with self._scratch.planted(fault):
                seen = self._scratch.tests(tests, self._limits.hang * self._limits.most_s + 30)
            spent += seen.seconds
            if seen.by is not None:
                return Seen(by=seen.by, seconds=spent), tried
        for generator in GENERATORS if self._limits.fuzz_s else ():
            with self._scratch.planted(fault):
                seen = self._scratch.fuzz(generator, self._seed, self._limits.fuzz_s)
            spent += seen.seconds
            if seen.by is not None:
                return Seen(by=f"fuzz, {generator} generator", seconds=spent), tried
        return Seen(by=None, seconds=spent), tried

    def _row(self, area: str, fault: Fault, seen: Seen) -> dict[str, Any]:
        source = (self._root / fault.path).read_text(encoding="utf-8")
        lines = difflib.unified_diff(
            source.splitlines(), fault.planted(source).splitlines(), fault.path, fault.path, n=2
        )
        return {
            "area": area,
            "path": fault.path,
            "line": fault.line,
            "kind": fault.kind,
            "start": fault.start,
            "end": fault.end,
            "text": fault.text,
            "by": seen.by,
            "seconds": round(seen.seconds, 1),
            "diff": "\n".join(lines),
        }


def _key(row: dict[str, Any]) -> tuple[object, ...]:
    return row["path"], row["start"], row["end"], row["text"]


def table(found: dict[str, Any]) -> str:
    """Return what became of the faults, by area, and the diffs of those that nobody saw."""
    planted = Counter(each["area"] for each in found["faults"])
    alive = Counter(each["area"] for each in found["faults"] if each["by"] is None)
    rows = [f"{'area':<10} planted  seen   share"]
    for area in (*AREAS, "all"):
        n = planted.total() if area == "all" else planted[area]
        seen = n - (alive.total() if area == "all" else alive[area])
        rows.append(f"{area:<10} {n:7} {seen:5}  {seen / n:6.1%}" if n else f"{area:<10} {n:7}")
    survivors = [each["diff"] for each in found["faults"] if each["by"] is None]
    return "\n".join((*rows, *(f"\nnobody saw:\n{each}" for each in survivors)))
