"""`python -m tests.fuzz.together`: campaigns of both generators side by side, added up in one ledger.

    python -m tests.fuzz.together --seconds 2100            two processes, half an hour and a bit
    python -m tests.fuzz.together --seconds 2100 --cuda-every 4

Each process runs one campaign after the other, every one with a new seed and short enough that little is lost when
it is stopped. With `--cuda-every 4` each fourth of a process is on CUDA: on a device, or on Numba's simulator where
there is none. What a campaign prints is shown where it found something; exit status 1 then.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.fuzz import ledger

GENERATORS = ("first", "second")
_LEAST_S = 20.0  # a campaign that is shorter only imports
_AFTERWARDS_S = 240.0  # beyond its time a campaign may shrink what it found


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 1 where a campaign found something, or came to no end."""
    options = _parser().parse_args(arguments)
    deadline = time.monotonic() + options.seconds
    failed: list[str] = []
    workers = [
        threading.Thread(target=_work, args=(number, deadline, options, failed))
        for number in range(options.processes)
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    print(ledger.summary(ledger.read(options.ledger), ledger.code_digest()))
    return int(bool(failed))


def _work(number: int, deadline: float, options: argparse.Namespace, failed: list[str]) -> None:
    """Run campaigns until `deadline`; those of two workers begin with another generator each."""
    turn = 0
    while (left := deadline - time.monotonic()) > _LEAST_S:
        every = options.cuda_every
        backend = "cuda" if every and turn % every == every - 1 else "cpu"
        # The other generator, and another one on the device than before.
        generator = GENERATORS[(number + turn + (turn // every if every else 0)) % 2]
        seconds = min(options.turn, left)
        said = campaign(generator, backend, seconds, options.ledger)
        if said is not None:
            failed.append(said)
            print(said, flush=True)
        turn += 1


def campaign(generator: str, backend: str, seconds: float, path: Path) -> str | None:
    """Run one campaign that adds itself to the ledger at `path`; return what it said if it failed."""
    seed = random.SystemRandom().randrange(2**32)
    command = [sys.executable, "-m", "tests.fuzz", "--generator", generator, "--backend", backend]
    command += ["--seconds", str(seconds), "--seed", str(seed), "--ledger", str(path.resolve())]
    environment = dict(os.environ)
    if backend == "cuda" and not _has_device():
        environment["NUMBA_ENABLE_CUDASIM"] = "1"
    try:
        done = subprocess.run(
            command,
            cwd=ledger.ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds + _AFTERWARDS_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return f"seed {seed}, {generator} generator, {backend}: no end\n{late.stdout!r}"
    line = next((e for e in done.stdout.splitlines() if e.startswith("seed ") and "calls" in e), "")
    print(f"{generator} generator, {backend}: {line}", flush=True)
    return f"{' '.join(command)}\n{done.stdout}" if done.returncode else None


def _has_device() -> bool:
    return Path("/dev/nvidia0").exists()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.together", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="of all campaigns together")
    parser.add_argument("--turn", type=float, default=300.0, help="seconds of one campaign")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cuda-every", type=int, default=0, metavar="N", help="0: none on CUDA")
    parser.add_argument("--ledger", type=Path, default=ledger.LEDGER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
