"""Many planted faults: seed and number -> a JSON of what became of each, and a table of it.

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
from tests.mutation.targets import AREAS, likely_tests
from tests.mutation.trial import Scratch, Seen

GENERATORS = ("first", "second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is done for one fault."""

    count: int
    fuzz_s: float
    seconds: float
    slowest_s: float = 90.0  # a test file that takes longer is left out
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
    """Faults of one seed, planted one after the other."""

    def __init__(self, root: Path, folder: Path, seed: int, limits: Limits) -> None:
        self._root, self._seed, self._limits = root, seed, limits
        self._results = folder / f"mutants-{seed}.json"
        self.found: dict[str, Any] = {"seed": seed, "plain": {}, "faults": []}
        if self._results.exists():
            self.found = json.loads(self._results.read_text(encoding="utf-8"))
        self._scratch = Scratch(root, folder)

    def run(self) -> None:
        """Plant what has not been planted yet."""
        deadline = time.monotonic() + self._limits.seconds
        done = {(e["path"], e["start"], e["end"], e["text"]) for e in self.found["faults"]}
        for area, fault in draw_faults(self._root, self._seed, self._limits.count):
            if (fault.path, fault.start, fault.end, fault.text) in done:
                continue
            if time.monotonic() > deadline:
                break
            seen = self._see(area, fault)
            self.found["faults"].append(self._row(area, fault, seen))
            self._results.write_text(json.dumps(self.found, indent=1), encoding="utf-8")
            print(f"{len(self.found['faults'])}. {fault.path}:{fault.line} {fault.kind}:", end=" ")
            print(f"{seen.by or 'SURVIVED'} ({seen.seconds:.0f} s)", flush=True)

    def _see(self, area: str, fault: Fault) -> Seen:
        """Return who sees a fault: tests one file after the other, then drawn programs."""
        spent = 0.0
        for file in likely_tests(self._root, fault.path, area):
            plain = self._plain(file)
            if plain is None:
                continue
            with self._scratch.planted(fault):
                seen = self._scratch.tests([file], self._limits.hang * plain + 30)
            spent += seen.seconds
            if seen.by is not None:
                return Seen(by=seen.by, seconds=spent)
        for generator in GENERATORS if self._limits.fuzz_s else ():
            with self._scratch.planted(fault):
                seen = self._scratch.fuzz(generator, self._seed, self._limits.fuzz_s)
            spent += seen.seconds
            if seen.by is not None:
                return Seen(by=f"fuzz, {generator} generator", seconds=spent)
        return Seen(by=None, seconds=spent)

    def _plain(self, file: str) -> float | None:
        """Return how long a test file takes without a fault; None where it fails, or takes long."""
        known: dict[str, float | None] = self.found["plain"]
        if file not in known:
            seen = self._scratch.tests([file], self._limits.slowest_s)
            known[file] = seen.seconds if seen.by is None else None
        return known[file]

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
            "seconds": seen.seconds,
            "diff": "\n".join(lines),
        }


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
