"""`python -m tests.mutation`: plant faults, print who saw them; exit status 1 below the share asked for."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.campaign import Campaign, Limits, table
from tests.mutation.trial import Scratch

ROOT = Path(__file__).resolve().parent.parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status of a campaign."""
    options = _parser().parse_args(arguments)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if folder / "tree" != ROOT:
        return _run_in_copy(folder, sys.argv[1:] if arguments is None else arguments)
    limits = Limits(
        count=options.count,
        fuzz_s=options.fuzz_seconds,
        seconds=options.seconds,
        wanted=tuple(options.ask),
    )
    # Processes that it started are to end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    campaign = Campaign(folder, options.seed, limits)
    campaign.run()
    print(table(campaign.found))
    faults = campaign.found["faults"]
    seen = sum(each["by"] is not None for each in faults)
    return int(seen < options.least_seen / 100 * len(faults))


def _run_in_copy(folder: Path, arguments: Sequence[str]) -> int:
    """Run this command in the copy of the tree in which faults are planted."""
    Scratch.fill(ROOT, folder)
    tree = folder / "tree"
    environment = os.environ | {
        "PYTHONPATH": str(tree),
        "AUTOPAR_CACHE_DIR": str(folder / "cache"),
        "CI": "true",
    }
    command = [sys.executable, "-m", "tests.mutation", *arguments, "--folder", str(folder)]
    os.chdir(tree)
    os.execve(sys.executable, command, environment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="after that no further fault is begun"
    )
    parser.add_argument("--folder", type=Path, default=Path("mutants"), help="results, and a copy")
    parser.add_argument("--fuzz-seconds", type=float, default=0.0, help="for each generator")
    parser.add_argument(
        "--ask", action="append", default=[], metavar="FILE", help="of tests, before all others"
    )
    parser.add_argument("--least-seen", type=float, default=0.0, metavar="PERCENT")
    return parser


if __name__ == "__main__":
    sys.exit(main())
