"""`python -m tests.fuzz`: exit status 0 without a mismatch, 1 with one."""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import ledger
from tests.fuzz.campaign import Limits, run_campaign
from tests.fuzz.modes import MODES, backend_in_force
from tests.fuzz.trial import Decorate


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status of a campaign against autopar."""
    options = _parser().parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    limits = Limits(
        seconds=options.seconds,
        first=options.first,
        programs=options.programs,
        mismatches=options.mismatches,
        generator=options.generator,
        mode=options.mode,
        backend=options.backend,
        compiled=options.compiled / 100,
    )
    folder = options.folder or Path(tempfile.mkdtemp(prefix="autopar-fuzz-"))
    os.environ.setdefault("AUTOPAR_CACHE_DIR", str(folder / "cache"))
    print(f"seed {seed}, backend {options.backend}, programs in {folder}", flush=True)
    started = time.process_time()
    tally = run_campaign(seed, limits, autopar_decorator(options.backend), folder)
    print(tally)
    spent = time.process_time() - started
    print(f"{tally.programs / max(spent, 1e-9):.1f} programs a CPU second")
    if options.ledger is not None:
        ledger.add(options.ledger, tally, limits, spent)
    if tally.programs and tally.entered < options.least_entered / 100 * tally.programs:
        print(f"fewer than {options.least_entered} % of the programs entered a kernel")
        return 1
    return 1 if tally.mismatches else 0


def autopar_decorator(backend: str) -> Decorate:
    """Return `autopar.parallel` for one backend; autopar is imported here and not before."""
    import autopar

    return lambda function: autopar.parallel(backend=backend_in_force(backend))(function)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--generator", choices=["first", "second"], default="first")
    parser.add_argument("--mode", choices=[*MODES, "any"], default="any", help="what is forced")
    parser.add_argument(
        "--compiled", type=float, default=12.5, metavar="PERCENT",
        help="of the programs; the kernels of the others are read by the interpreter",
    )  # fmt: skip
    parser.add_argument("--ledger", type=Path, help="a JSON that the counts are added to")
    parser.add_argument("--seed", type=int, help="by default a new one, which is printed")
    parser.add_argument("--backend", choices=["cpu", "cuda", "interpreter"], default="cpu")
    parser.add_argument("--folder", type=Path, help="where programs and kernels are written")
    parser.add_argument("--first", type=int, default=0, help="number of the first program")
    parser.add_argument("--programs", type=int, help="at most that many programs")
    parser.add_argument("--mismatches", type=int, default=1, help="stop after that many")
    parser.add_argument(
        "--least-entered", type=float, default=0.0, metavar="PERCENT", help="fail below that share"
    )
    return parser


if __name__ == "__main__":
    faulthandler.enable()
    sys.exit(main())
