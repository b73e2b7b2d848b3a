"""A process with Numba's CUDA simulator, which runs each file of tests that wants it in a fork.

Before:  {"arguments": those of pytest, "environment": that of the run}, a line of JSON each
After:   {"returncode": 0, "output": "..."}

What every such run loads is loaded once: pytest, Numba, the modules of autopar. What a file's
tests leave behind ends with their fork.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.turns import SWITCH

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("autopar", "autopar.analysis", "autopar.codegen")
_FAULT = 70  # of what runs the tests, not of a test


def simulated_tests(
    *files: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Return what pytest says of `files` on the simulator."""
    command = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly", *files]
    given = {**environment, SWITCH: "1"}
    with tempfile.TemporaryDirectory() as folder:
        asked = {"arguments": [*command, f"--basetemp={folder}/tests"], "environment": given}
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        print(json.dumps(asked), file=server.stdin, flush=True)
        answer = json.loads(server.stdout.readline())
    return subprocess.CompletedProcess(command, answer["returncode"], answer["output"], "")


@functools.cache
def _server() -> subprocess.Popen[str]:
    """Return the process that answers, one for each process of tests; it ends with it."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.simulator"],
        cwd=ROOT,
        env={**os.environ, SWITCH: "1", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def serve() -> None:
    """Answer lines until there are no more."""
    _load()
    # Those of libraries wait for work, and hold nothing.
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    for line in sys.stdin:
        print(json.dumps(_in_a_fork(**json.loads(line))), flush=True)


def _load() -> None:
    """Load what most files use."""
    for name in ("pytest", "hypothesis", "numba.cuda", "numba.core.compiler"):
        importlib.import_module(name)
    for folder in FOLDERS:
        for each in pkgutil.iter_modules(importlib.import_module(folder).__path__, f"{folder}."):
            if not each.name.endswith("__main__"):
                with suppress(ImportError):  # what needs an optional package
                    importlib.import_module(each.name)


def _in_a_fork(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if not child:
            _run(arguments, environment, output.fileno())
        _, status = os.waitpid(child, 0)
        output.seek(0)
        said = output.read().decode(errors="replace")
    return {"returncode": os.waitstatus_to_exitcode(status), "output": said}


def _run(arguments: Sequence[str], environment: Mapping[str, str], output: int) -> None:
    """Run pytest and end this process with its status."""
    import pytest

    status = _FAULT
    try:
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.clear()
        os.environ.update(environment)
        status = int(pytest.main(list(arguments)))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve()
