"""Studies of many kernels, measured in pieces: some now, the rest when it is gone on with.

Before:  kernels, what measures one, a file     After:  what was found, kept after each of them

With `--seconds` no kernel is begun after so long, and `--resume` leaves out those that the file
already holds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from .harness import WrongResult


class Named(Protocol):
    """What is measured."""

    @property
    def name(self) -> str:
        """What it is known by."""


class Of(Protocol):
    """What was measured of a kernel."""

    @property
    def kernel(self) -> str:
        """The name of the kernel."""


KernelT = TypeVar("KernelT", bound=Named)
FoundT = TypeVar("FoundT", bound=Of)


@dataclass(slots=True, kw_only=True)
class Pieces(Generic[KernelT, FoundT]):
    """How far a study is."""

    found: list[FoundT]
    left: list[KernelT]
    wrong: list[str] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """0: all was measured; 1: a value was wrong; 3: there are kernels left."""
        return 1 if self.wrong else 3 if self.left else 0

    def remark(self) -> None:
        """Print what was not measured."""
        for message in self.wrong:
            print(f"WRONG, not measured: {message}")
        if self.left:
            print(f"left: {', '.join(each.name for each in self.left)}; go on with --resume")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what a study in pieces is asked for."""
    parser.add_argument("--resume", action="store_true", help="add to FILE what it lacks")
    parser.add_argument("--seconds", type=float, help="begin no kernel after so long")


def in_pieces(
    wanted: Sequence[KernelT],
    options: argparse.Namespace,
    path: Path | None,
    *,
    read: Callable[[Path], list[FoundT]],
    measure: Callable[[KernelT], FoundT],
    content: Callable[[Pieces[KernelT, FoundT]], Mapping[str, object]],
) -> Pieces[KernelT, FoundT]:
    """Measure kernels until all are done or the time is up.

    `read` gives what a file holds that `content` described; it is written after each kernel.
    """
    found = read(path) if path is not None and options.resume and path.exists() else []
    known = {each.kernel for each in found}
    study = Pieces(found=found, left=[each for each in wanted if each.name not in known])
    start = time.monotonic()
    while study.left and (options.seconds is None or time.monotonic() - start < options.seconds):
        kernel = study.left.pop(0)
        print(f"measuring {kernel.name} ...", file=sys.stderr, flush=True)
        try:
            study.found.append(measure(kernel))
        except WrongResult as error:
            study.wrong.append(str(error))
        if path is not None and study.found:
            path.write_text(json.dumps(content(study), indent=1) + "\n", "utf-8")
    return study
