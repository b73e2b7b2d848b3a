"""Memory-bound kernels against a copy and against C, in pieces: some now, the rest later.

python -m benchmarks.memory_bound [--quick] [--only NAME] [--json FILE [--resume]]
                                  [--seconds SECONDS]

What is measured, and how, stands in `benchmarks.bandwidth`.

Exit status: 0 when everything was measured, whatever the bar says; 1 when a value was wrong; 3
when kernels are left.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from . import report
from .bandwidth import HEAD, Moved, memory_bound, moved, rows, together
from .kernels import Kernel
from .pieces import Pieces, add_options, in_pieces

ROUNDS, QUICK_ROUNDS = 15, 5


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    names = [each.name for each in memory_bound()]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_bound", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small arrays and few rounds")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME")
    parser.add_argument("--json", metavar="FILE", help="write what was measured")
    add_options(parser)
    return parser.parse_args(argv)


def kept(path: Path) -> list[Moved]:
    """What a file holds."""
    return [Moved(**each) for each in json.loads(path.read_text("utf-8"))["moved"]]


def content(study: Pieces[Kernel, Moved]) -> Mapping[str, object]:
    """What is written to a file."""
    return {"schema": 1, "machine": report.machine(), **asdict(together(study.found))}


def main(argv: Sequence[str]) -> int:
    """Exit status of the table."""
    options = arguments(argv)
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    wanted = [each for each in memory_bound() if not options.only or each.name in options.only]
    study = in_pieces(
        wanted, options, None if options.json is None else Path(options.json),
        read=kept, measure=lambda each: moved(each, rounds, quick=options.quick), content=content,
    )  # fmt: skip
    found = together(study.found)
    print(report.table(HEAD, rows(found)))
    if found.furthest is not None:
        print(f"of what C reaches, at least {100 * found.furthest:.0f} %")
    study.remark()
    return study.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
