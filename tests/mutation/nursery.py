"""Processes that begin with everything imported: a job -> what a forked child says of it.

Before:  a process for each test file, which imports Numba, isl and pytest, compiles every kernel anew
After:   one that has imported them; children that are born with a planted fault, and kernels that lie on disk

A fault is planted in the child by giving the functions of its module the code that they would have, so that whoever
imported them has them with the fault; what is no function's (a table of a module) needs a process of its own. The
file on disk has the fault too, for processes that tests start. What autopar keeps of its analyses between processes is
passed over; its kernels are not, for they are named after their text.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import sys
import time
import types
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

HIT = "__fault_site__"
_MOST_ASLEEP_S = 1.0  # between two looks at a child, on a busy machine
_OPTIONS = ("-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist")


def import_everything(root: Path) -> None:
    """Import what tests import, so that children need not; nothing of it is called."""
    import hypothesis
    import numba  # noqa: F401  # children compile
    import pytest  # noqa: F401  # children test

    assert hypothesis
    for package in ("analysis", "autopar", "codegen"):
        name = "autopar" if package == "autopar" else f"autopar.{package}"
        for found in pkgutil.walk_packages([str(root / package)], f"{name}."):
            with contextlib.suppress(ImportError):
                importlib.import_module(found.name)
    for helper in ("sameness", "adversary", "launchers", "oracle", "case_files", "strategies"):
        importlib.import_module(f"tests.{helper}")


# Of each file that was imported in the beginning: looking at all objects takes a quarter of a second.
_KNOWN: dict[str, dict[str, list[types.FunctionType]]] = {}


def remember_functions() -> None:
    """Note which functions have been made of each file so far, for children to be born with."""
    _KNOWN.update(_functions())


def functions_of(file: str) -> Mapping[str, list[types.FunctionType]]:
    """Return the functions that have been made of a file, by qualified name, in the order of its lines."""
    real = _real(file)
    return _KNOWN[real] if real in _KNOWN else _functions().get(real, {})


def _functions() -> dict[str, dict[str, list[types.FunctionType]]]:
    """Return all functions that there are, by file and qualified name, in the order of their lines."""
    found: dict[str, dict[str, list[types.FunctionType]]] = defaultdict(lambda: defaultdict(list))
    for each in gc.get_objects():
        # Not `isinstance`, which asks a weak proxy of what may be gone.
        if type(each) is types.FunctionType:
            found[_real(each.__code__.co_filename)][each.__code__.co_qualname].append(each)
    for same in (same for named in found.values() for same in named.values()):
        same.sort(key=lambda function: function.__code__.co_firstlineno)
    return found


@functools.cache
def _real(file: str) -> str:
    """Return the path of a file without links: folders of the tree are imported through some."""
    return os.path.realpath(file)


def codes_of(code: types.CodeType) -> Mapping[str, list[types.CodeType]]:
    """Return the code of all functions of a module, by qualified name, in the order of its lines."""
    found: dict[str, list[types.CodeType]] = defaultdict(list)

    def collect(holder: types.CodeType) -> None:
        for each in holder.co_consts:
            if isinstance(each, types.CodeType):
                found[each.co_qualname].append(each)
                collect(each)

    collect(code)
    return found


def plant(file: str, code: types.CodeType) -> None:
    """Give the functions of a file the code that they have in `code`, that of the whole file.

    Raises ValueError where one of them cannot have it.
    """
    codes, held = codes_of(code), functions_of(file)
    if not held:
        raise ValueError(f"{file}, which nobody has imported")
    for name, functions in held.items():
        lines = sorted({each.__code__.co_firstlineno for each in functions})
        if len(lines) != len(codes[name]):
            if "<" in name:  # made at import, by what is planted as a whole elsewhere
                continue
            raise ValueError(name)
        by_line = dict(zip(lines, codes[name], strict=True))
        for each in functions:
            each.__code__ = by_line[each.__code__.co_firstlineno]


def forget_analyses() -> None:
    """Let nothing be taken from what an analysis without the fault found out."""
    from autopar import forms, kept

    kept.fetch = lambda source, name: None
    forms.fetch = lambda name: None


class _Noted:
    """A pytest plugin that writes a line for each test: its name, outcome, seconds, and sites."""

    def __init__(self, path: Path | None) -> None:
        self.hits: set[int] = set()
        self.failed: str | None = None
        self._path = path
        self._passed: dict[str, bool] = {}
        self._started = 0.0

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.hits.clear()
        self._started = time.monotonic()

    def pytest_runtest_logreport(self, report: Any) -> None:
        is_good = report.outcome == "passed"
        self._passed[report.nodeid] = self._passed.get(report.nodeid, True) and is_good
        if report.outcome == "failed" and self.failed is None:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome == "failed" and self.failed is None:
            self.failed = f"collecting {report.nodeid}"

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if self._path is None:
            return
        row = {
            "test": nodeid,
            "passed": self._passed.get(nodeid, False),
            "seconds": round(time.monotonic() - self._started, 3),
            "sites": sorted(self.hits),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def run_child(
    tests: Sequence[str],
    codes: Iterable[tuple[str, types.CodeType]],
    timeout_s: float,
    record: Path | None = None,
) -> tuple[str | None, float]:
    """Run tests in a child with planted code; return the one that failed, "hang", "crash", or None; seconds.

    Time in which this process was stopped, and the child with it, does not count.
    """
    spent, seen_at = 0.0, time.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be_child(tests, codes, record, writer)
    os.close(writer)
    status = None
    try:
        while status is None and spent < timeout_s:
            now = time.monotonic()
            spent, seen_at = spent + min(now - seen_at, _MOST_ASLEEP_S), now
            done, code = os.waitpid(child, os.WNOHANG)
            if done:
                status = code
            else:
                time.sleep(0.01)
    finally:  # what the tests left behind, and a child that hangs
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, 9)
        if status is None:
            os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as file:
        said = file.read()
    if status != 0:
        return ("hang" if status is None else "crash"), spent
    return (said.decode() or None), spent


def _be_child(
    tests: Sequence[str],
    codes: Iterable[tuple[str, types.CodeType]],
    record: Path | None,
    writer: int,
) -> None:
    """Run tests, say who failed, and end."""
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    sys.stdout = sys.stderr = io.StringIO()
    status = 3
    try:
        noted = _Noted(record)
        setattr(builtins, HIT, noted.hits.add)
        for file, code in codes:
            # Sites that cannot be noted are as if nobody ran them.
            with contextlib.suppress(*() if record is None else (ValueError,)):
                plant(file, code)
        forget_analyses()
        import pytest

        answer = pytest.main([*_OPTIONS[record is not None :], *tests], plugins=[noted])
        if record is None:
            bad = {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR}
            found = noted.failed or ("pytest itself" if answer in bad else "")
            os.write(writer, found.encode()[:4000])
        status = 0
    except ValueError as error:
        os.write(writer, f"cannot plant {error}".encode())
        status = 0
    finally:
        os._exit(status)
