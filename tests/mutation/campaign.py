"""Many planted faults: seed and number -> a JSON of what became of each, and a table of it.

A test file runs once, which notes the faults whose statements each of its tests runs. A fault is then shown to those
tests alone, the quick ones first, in children of a process that has imported everything, until one fails. The files
come in the order of how likely their tests see what nobody has seen yet.
A campaign that was stopped goes on where it was: what stands in the JSON is not run again.
"""

from __future__ import annotations

import difflib
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tests.mutation.faults import Fault, faults_of, is_another_program
from tests.mutation.nursery import import_everything, remember_functions, run_child
from tests.mutation.sites import Sites, is_in_function
from tests.mutation.targets import AREAS, likelihood, likely_tests, test_files
from tests.mutation.trial import Scratch, Seen

GENERATORS = ("first", "second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is done for one fault."""

    count: int
    fuzz_s: float
    seconds: float
    wanted: tuple[str, ...] = ()  # files of tests that are noted before all others
    notes_s: float = 180.0  # of noting what files run, before faults are planted again
    file_s: float = 25.0  # of a test file; the tests that it has run by then are known
    first_s: float = 2.0  # tests that run first, as long as they took without a fault
    round_s: float = 2.0  # of tests in one round, then the other faults have theirs
    most_s: float = 30.0  # all tests of a fault
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
        self._drawn = draw_faults(self._root, seed, limits.count)
        self._sites = Sites(folder / f"sites-{seed}.jsonl", self._root)
        self._stiff: set[Fault] = set()  # what no child can be born with
        self._deadline = 0.0

    def run(self) -> None:
        """Note which tests run what, some files at a time, and plant each time what these may see.

        The files that come next are those whose tests are likeliest to see what nobody has seen so far.
        """
        import_everything(self._root)
        remember_functions()
        self._deadline = time.monotonic() + self._limits.seconds
        if self._sites.missing(self._limits.wanted):
            self._note()
        while self._plant(self._is_quick) or self._note():
            if self._is_late():
                break
            self._note()
        if not self._is_late():
            self._plant(lambda fault: not self._is_quick(fault))

    def _note(self) -> bool:
        """Note what some more files run; return whether there were any."""
        files = test_files(self._root)
        started, count = time.monotonic(), 0
        while time.monotonic() - started < self._limits.notes_s and not self._is_late():
            missing = self._sites.missing(files)
            wanted = [each for each in self._limits.wanted if each in missing]
            file = wanted[0] if wanted else self._likeliest(missing)
            if file is None:
                break
            seconds = self._sites.record(file, self._drawn, self._limits.file_s)
            print(f"{file}: {seconds:.0f} s", flush=True)
            count += 1
        return count > 0

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline

    def _is_quick(self, fault: Fault) -> bool:
        """Return whether a child can be born with a fault."""
        source = (self._root / fault.path).read_text(encoding="utf-8")
        return fault not in self._stiff and is_in_function(fault, source)

    def _likeliest(self, files: Sequence[str]) -> str | None:
        """Return the file whose tests are likeliest to see what nobody has seen; None where all is seen."""
        rows = self._rows() if files else {}
        votes: Counter[str] = Counter()
        for area, fault in self._drawn if files else ():
            row = rows.get(_key_of(fault))
            if row is None or row["by"] is None:
                scores = {file: likelihood(self._root, fault.path, area, file) for file in files}
                most = max(1, *scores.values())
                votes.update({file: score / most for file, score in scores.items()})
        return max(files, key=lambda file: votes[file]) if votes else None

    def _rows(self) -> dict[tuple[object, ...], dict[str, Any]]:
        return {_key(each): each for each in self.found["faults"]}

    def _plant(self, is_meant: Callable[[Fault], bool]) -> bool:
        """Plant what nobody has seen, for tests that it was not shown yet; return whether there were any."""
        rows, has_shown = self._rows(), False
        spent_on = {key: row["seconds"] for key, row in rows.items()}
        drawn = sorted(enumerate(self._drawn), key=lambda e: spent_on.get(_key_of(e[1][1]), 0.0))
        for number, (area, fault) in drawn:
            row = rows.get(_key_of(fault))
            if (row is not None and row["by"]) or not is_meant(fault):
                continue
            if self._is_late():
                return has_shown
            before = [] if row is None else row["tried"]
            spent = 0.0 if row is None else row["seconds"]
            seen, tried = self._see(number, area, fault, frozenset(before), spent)
            if row is not None and not tried and seen.by is None:
                continue
            has_shown = has_shown or bool(tried)
            if row is not None:
                self.found["faults"].remove(row)
            runners = self._sites.runners(number)
            row = self._row(area, fault, seen) | {"runners": runners}
            self.found["faults"].append(row | {"tried": [] if seen.by else [*before, *tried]})
            self._results.write_text(json.dumps(self.found, indent=1), encoding="utf-8")
        seen_by_now = sum(each["by"] is not None for each in self.found["faults"])
        print(f"{seen_by_now} of {len(self._drawn)} seen", flush=True)
        return has_shown

    def _see(
        self, number: int, area: str, fault: Fault, before: frozenset[str], spent: float
    ) -> tuple[Seen, list[str]]:
        """Return who sees a fault: the tests that run its statement, the quick ones first; and who was asked.

        `spent` is the time in s that it has had.
        """
        tried, given = list[str](), spent
        source = (self._root / fault.path).read_text(encoding="utf-8")
        if self._is_quick(fault):
            code = compile(fault.planted(source), str(self._root / fault.path), "exec")
            for chunk, seconds in self._sites.chunks(number, before, self._limits):
                if spent > min(self._limits.most_s, given + self._limits.round_s):
                    break
                with self._scratch.planted(fault):
                    by, took = run_child(
                        chunk,
                        [(str(self._root / fault.path), code)],
                        self._limits.hang * seconds + 30,
                    )
                spent += took
                if by is not None and by.startswith("cannot plant"):
                    self._stiff.add(fault)
                    break
                if by is not None:
                    return Seen(by=by, seconds=spent), tried
                tried += chunk
        elif not before:
            files = likely_tests(self._root, fault.path, area)
            tried = self._sites.passed(files, self._limits)
            with self._scratch.planted(fault):
                seen = self._scratch.tests(tried, self._limits.hang * self._limits.most_s + 30)
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


def _key_of(fault: Fault) -> tuple[object, ...]:
    return fault.path, fault.start, fault.end, fault.text


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
