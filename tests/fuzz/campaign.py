"""Many trials: seed and time -> counts, and a printed reproducer for each mismatch."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.fuzz.collide import is_quick
from tests.fuzz.coverage import Coverage
from tests.fuzz.draw import draw_odd_calls, draw_second_trial, draw_trial
from tests.fuzz.modes import drawn_mode, forced
from tests.fuzz.shrink import shrink
from tests.fuzz.trial import Decorate, Difference, Trial, run_plainly, run_trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a campaign ends, and where it begins."""

    seconds: float
    first: int = 0  # number of the first program: each can be drawn again alone
    programs: int | None = None
    mismatches: int = 1
    shrink_s: float = 60.0
    generator: str = "first"
    mode: str = "plain"
    backend: str = "cpu"
    compiled: float = 1.0  # share of the programs whose kernels are compiled, not read


@dataclass(slots=True, kw_only=True)
class Tally:
    """The counts of a campaign."""

    seed: int
    programs: int = 0
    calls: int = 0
    compiled: int = 0  # programs whose kernels were compiled, not read
    endless: int = 0  # drawn, but the interpreter itself takes too long
    entered: int = 0
    mismatches: int = 0
    entered_by_family: Counter[str] = field(default_factory=Counter)
    drawn_by_family: Counter[str] = field(default_factory=Counter)
    by_mode: Counter[str] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)

    def __str__(self) -> str:
        share = self.entered / self.programs if self.programs else 0.0
        families = ", ".join(
            f"{name} {self.entered_by_family[name]} of {count}"
            for name, count in self.drawn_by_family.most_common()
        )
        modes = ", ".join(f"{name} {count}" for name, count in self.by_mode.most_common())
        return (
            f"seed {self.seed}: {self.programs} programs ({self.compiled} compiled), {self.calls} calls,"
            f" {self.entered} programs entered a kernel ({share:.0%}), {self.mismatches} mismatches"
            + (f"\nmodes: {modes}\nentered: {families}\n{self.coverage}" if families else "")
        )


def run_campaign(seed: int, limits: Limits, decorate: Decorate, folder: Path) -> Tally:
    """Return the counts of trials drawn from `seed`, run one after the other until a limit is reached.

    The trial under way always stands in `folder` as `current.py`, for the case that the process dies of it.
    """
    tally = Tally(seed=seed)
    deadline = time.monotonic() + limits.seconds
    draw = draw_second_trial if limits.generator == "second" else draw_trial
    while time.monotonic() < deadline and tally.mismatches < limits.mismatches:
        if limits.programs is not None and tally.programs >= limits.programs:
            break
        number = limits.first + tally.programs + tally.endless
        chance = random.Random(f"{seed}:{number}")
        trial, program = draw(chance)
        mode = drawn_mode(chance, limits.mode, limits.backend)
        if mode == "odd":
            trial = draw_odd_calls(trial, program, chance)
        if not is_quick(partial(run_plainly, trial)):
            tally.endless += 1
            continue
        (folder / "current.py").write_text(reproducer(trial), encoding="utf-8")
        reads = limits.backend == "cpu" and chance.random() >= limits.compiled
        with forced(mode, chance, reads=reads):
            result = run_trial(trial, decorate, folder, tally.coverage)
        tally.programs += 1
        tally.compiled += not reads
        tally.by_mode[mode] += 1
        tally.drawn_by_family[program.family] += 1
        tally.calls += result.calls
        tally.entered += result.has_entered
        tally.entered_by_family[program.family] += result.has_entered
        if result.difference is not None:
            tally.mismatches += 1
            print(
                f"mismatch in program {number} of seed {seed} (--first {number} --programs 1), mode {mode}"
            )
            with forced(mode, chance, reads=reads):
                show_smallest(trial, result.difference, decorate, folder, limits.shrink_s)
    return tally


def show_smallest(
    trial: Trial, difference: Difference, decorate: Decorate, folder: Path, timeout_s: float
) -> None:
    """Print a shrunk trial with a difference in the same aspect."""

    def is_failing(candidate: Trial) -> bool:
        found = run_trial(candidate, decorate, folder).difference
        return found is not None and found.aspect == difference.aspect

    smallest = shrink(trial, is_failing, timeout_s)
    final = run_trial(smallest, decorate, folder).difference
    print(reproducer(smallest))
    if final is None:
        print("# the shrunk trial did not fail again; the first difference was:")
        final = difference
    print(f"# {final.aspect} differs in call {final.call + 1}")
    print(f"# undecorated:\n{final.expected}\n# decorated:\n{final.actual}\n{final.log}")


def reproducer(trial: Trial) -> str:
    """Return a Python text with the function, and the arguments of each call."""
    lines = [
        "import array",
        "import tempfile",
        "import numpy as np",
        "from tests.fuzz.trial import Subclass",
        "from tests.program import ArraySpec",
        "",
        trial.source,
    ]
    for call in trial.calls:
        run = [
            f"with np.errstate(divide={call.errors!r}, over={call.errors!r}, invalid={call.errors!r}):",
            f"    kernel({', '.join(call.names)})",
        ]
        lines += [*call.setup, *run, ""]
    return "\n".join(lines)
