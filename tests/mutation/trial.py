"""One planted fault: a scratch copy with it -> who saw it, if anybody did."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.faults import Fault

FOLDERS = ("analysis", "autopar", "codegen", "corpus", "tests", "examples", "benchmarks")
FILES = ("pyproject.toml", "README.md")
CACHES = shutil.ignore_patterns("__pycache__", ".git", ".hypothesis", ".venv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of a command."""

    by: str | None  # the test that failed, "hang" or "crash"; None where all is well
    seconds: float


class Scratch:
    """A copy of the tree in which faults are planted, which stays the same until it is removed."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self._cache = folder / "fresh-cache"
        self._spare = folder / "planted.json"
        if self._spare.exists():  # a campaign was killed
            spare = json.loads(self._spare.read_text(encoding="utf-8"))
            self._write(self.root / spare["path"], spare["plain"])
            self._spare.unlink()

    @staticmethod
    def fill(root: Path, folder: Path) -> None:
        """Copy what is tested, unless there is a copy."""
        copy = folder / "tree"
        if copy.exists():
            return
        copy.mkdir(parents=True)
        for name in FOLDERS:
            shutil.copytree(root / name, copy / name, symlinks=True, ignore=CACHES)
        for name in FILES:
            shutil.copy(root / name, copy / name)

    @contextlib.contextmanager
    def planted(self, fault: Fault) -> Iterator[None]:
        """Have the fault in the copy for as long as the context lasts."""
        path = self.root / fault.path
        plain = path.read_text(encoding="utf-8")
        self._spare.write_text(json.dumps({"path": fault.path, "plain": plain}), encoding="utf-8")
        self._write(path, fault.planted(plain))
        try:
            yield
        finally:
            self._write(path, plain)
            self._spare.unlink()

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        # A compiled module is known by the second of its source: two faults may share one.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()

    def tests(self, files: Sequence[str], timeout_s: float) -> Seen:
        """Run test files until one test fails."""
        command = ["-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
        return self._run([*command, "-p", "no:xdist", *files], timeout_s, "FAILED ", "ERROR ")

    def fuzz(self, generator: str, seed: int, seconds: float) -> Seen:
        """Draw programs until one comes out otherwise."""
        command = ["-m", "tests.fuzz", "--generator", generator, "--seed", str(seed)]
        return self._run(
            [*command, "--seconds", str(seconds)], 3 * seconds + 60, "mismatch in program"
        )

    def _run(self, command: Sequence[str], timeout_s: float, *signs: str) -> Seen:
        """Run Python until a line of its output begins with one of `signs`, which names who saw it."""
        shutil.rmtree(self._cache, ignore_errors=True)
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.root),
            "AUTOPAR_CACHE_DIR": str(self._cache),
            "CI": "true",
        }
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        by = _watched(process, signs, started + timeout_s)
        return Seen(by=by, seconds=round(time.monotonic() - started, 1))


def _watched(process: subprocess.Popen[str], signs: Sequence[str], deadline: float) -> str | None:
    """Return who saw a fault, or "hang", or "crash"; None where the process ends well."""
    import threading

    hung = threading.Event()

    def stop() -> None:
        hung.set()
        _end(process)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), stop)
    timer.start()
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith(tuple(signs)):
                return line.strip().split(" - ")[0]
        status = process.wait()
    finally:
        timer.cancel()
        _end(process)
    if hung.is_set():
        return "hang"
    return "crash" if status else None


def _end(process: subprocess.Popen[str]) -> None:
    """End a process that this one started, and those that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()
