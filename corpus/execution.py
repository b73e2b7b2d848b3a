"""Run notebooks without autopar and with it, and compare: `autopar study --execute`.

Before:  an item of the study          After:  an `Executed`: do the outputs agree, what ran where

Each run is a process of its own with a kernel, limits of time and memory, no network and a copy
of the notebook's folder. That is no prison: what it runs may read and write what its user may.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from autopar.analysis.model.nouns import dataclass

from .isolation import environment_for
from .kernel_run import GROUP_FILE
from .manifest import Item, Reader
from .outputs import compare_outputs
from .record import ExecutionRecord, LoopRunRecord

# Folders with more than this beside the notebook are data sets; the notebook goes alone.
_LARGEST_FOLDER_BYTES = 256 * 1024 * 1024
# What a run may take to start and to end, on top of its limit.
_GRACE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """What one run of one notebook may take."""

    seconds: float = 120.0  # the whole notebook
    cell_seconds: float = 60.0
    memory_bytes: int = 8 * 1024**3  # address space of the kernel
    allow_network: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What the runs of one notebook give to the tables."""

    notebook: ExecutionRecord
    loops: tuple[LoopRunRecord, ...]


def execute_all(items: Sequence[Item], jobs: int, limits: RunLimits) -> Iterator[Executed]:
    """Yield what became of every notebook, in their order, `jobs` at a time."""
    running = _Running()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(_execute, item, limits, running) for item in items]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
            running.end_all()


class _Running:
    """The processes under way, to be ended when the study is."""

    def __init__(self) -> None:
        self._processes: dict[int, tuple[subprocess.Popen[str], Path]] = {}
        self._is_over = False

    def run(self, job: dict[str, Any], folder: Path, seconds: float) -> None:
        """Run a job to its end, or end it after `seconds`."""
        process = subprocess.Popen(
            [sys.executable, "-m", "autopar.corpus.kernel_run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            env=environment_for(folder / "home"),
            start_new_session=True,
        )
        self._processes[process.pid] = process, folder
        try:
            if self._is_over:
                return
            process.communicate(json.dumps(job), timeout=seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _end(process, folder)
            self._processes.pop(process.pid, None)

    def end_all(self) -> None:
        """End what is still running."""
        self._is_over = True
        for process, folder in list(self._processes.values()):
            _end(process, folder)


def _end(process: subprocess.Popen[str], folder: Path) -> None:
    """End a process, its kernel and what that has started."""
    groups = [process.pid]
    with contextlib.suppress(OSError, ValueError):
        groups.append(int((folder / GROUP_FILE).read_text(encoding="ascii")))
    for group in groups:
        if group > 1:
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)
    process.wait()


# ---------------------------------------------------------------------------- a notebook


def _execute(item: Item, limits: RunLimits, running: _Running) -> Executed:
    try:
        without = _run(item, limits, running, autopar=False)
        if without["status"] != "done":
            return _failed(item, without["status"], f"without autopar: {without['detail']}")
        taken = _run(item, limits, running, autopar=True)
        if taken["status"] != "done":
            return _failed(item, taken["status"], f"with autopar: {taken['detail']}")
        likeness = _likeness(without, taken)
        if set(likeness.values()) != {"same"}:
            # Do they differ from themselves? Then they say nothing about autopar.
            again = _likeness(without, _run(item, limits, running, autopar=False))
            alike = _likeness(without, taken, are_times_equal=True)
            likeness = {
                number: _judged(kind, again.get(number, "different"), alike[number])
                for number, kind in likeness.items()
            }
    except OSError as error:
        return _failed(item, "unreadable", str(error)[:200])
    return _compared(item, without, taken, likeness)


def _judged(kind: str, own: str, without_times: str) -> str:
    """Return how like a cell is; `own` is how like its own second run without autopar is."""
    if kind == "same" or own == "same":
        return kind
    return "same" if without_times == "same" else "unrepeatable"


def _run(item: Item, limits: RunLimits, running: _Running, *, autopar: bool) -> dict[str, Any]:
    """Return what one run left behind; its folder is gone."""
    with tempfile.TemporaryDirectory(prefix="autopar-run-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        place = _copied(item, folder / "work")
        job = {
            "notebook": str(place),
            "folder": str(place.parent),
            "socket": str(folder / "s"),
            "result": str(folder / "result.json"),
            "autopar": autopar,
            "seconds": limits.seconds,
            "cell_seconds": min(limits.cell_seconds, limits.seconds),
            "memory_bytes": limits.memory_bytes,
            "allow_network": limits.allow_network,
        }
        running.run(job, folder, limits.seconds + limits.cell_seconds + _GRACE_SECONDS)
        try:
            found: dict[str, Any] = json.loads(Path(job["result"]).read_text(encoding="utf-8"))  # type: ignore[arg-type]
        except (OSError, ValueError):
            return {"status": "died", "detail": "it left no result", "cells": [], "reports": []}
        return found


def _copied(item: Item, folder: Path) -> Path:
    """Return a copy of the notebook in a copy of its folder, or alone where that is too large."""
    source = Path(item.path)
    if item.member is None and _is_small(source.parent):
        shutil.copytree(source.parent, folder, symlinks=True, ignore_dangling_symlinks=True)
        return folder / source.name
    folder.mkdir(parents=True)
    place = folder / Path(item.key).name
    place.write_bytes(Reader().read(item))
    return place


def _is_small(folder: Path) -> bool:
    total = 0
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            total += path.stat().st_size
        if total > _LARGEST_FOLDER_BYTES:
            return False
    return True


def _likeness(
    one: dict[str, Any], other: dict[str, Any], *, are_times_equal: bool = False
) -> dict[int, str]:
    """Return by cell whether two runs show the same."""
    outputs = {cell["number"]: cell["outputs"] for cell in other.get("cells", ())}
    return {
        cell["number"]: compare_outputs(
            cell["outputs"], outputs[cell["number"]], are_times_equal=are_times_equal
        )
        if cell["number"] in outputs
        else "different"
        for cell in one.get("cells", ())
    }


# --------------------------------------------------------------------------------- rows


def _failed(item: Item, status: str, detail: str) -> Executed:
    record = ExecutionRecord(
        notebook=item.key, status=status, detail=detail, cells=0, failed_cells=0, same=0, close=0,
        different=0, unrepeatable=0, different_cells="", seconds_without=0.0, seconds_with=0.0,
        loops=0, compiled=0,
    )  # fmt: skip
    return Executed(notebook=record, loops=())


def _compared(
    item: Item, without: dict[str, Any], taken: dict[str, Any], likeness: dict[int, str]
) -> Executed:
    loops = tuple(_loop_runs(item.key, taken))
    kinds = list(likeness.values())
    record = ExecutionRecord(
        notebook=item.key,
        status="done",
        detail="",
        cells=len(without["cells"]),
        failed_cells=sum(
            any(each["output_type"] == "error" for each in cell["outputs"])
            for cell in without["cells"]
        ),
        same=kinds.count("same"),
        close=kinds.count("close"),
        different=kinds.count("different"),
        unrepeatable=kinds.count("unrepeatable"),
        different_cells=", ".join(
            str(number) for number, kind in sorted(likeness.items()) if kind == "different"
        ),
        seconds_without=sum(cell["seconds"] for cell in without["cells"]),
        seconds_with=sum(cell["seconds"] for cell in taken["cells"]),
        loops=sum(loop.backend != "" for loop in loops),
        compiled=sum(loop.backend in {"cpu", "cuda"} for loop in loops),
    )
    return Executed(notebook=record, loops=loops)


def _loop_runs(key: str, taken: dict[str, Any]) -> Iterator[LoopRunRecord]:
    """Yield a row for every loop of the reports, each place once."""
    cells = {cell["count"]: cell for cell in taken["cells"] if cell["count"] is not None}
    seen: set[str] = set()
    for report in taken["reports"]:
        cell = cells.get(report["cell"])
        if cell is None:
            continue
        lines = report["text"].split("\n")
        for function in report["functions"]:
            for loop in function["loops"]:
                row = _loop_run(key, cell, lines, loop)
                if row.id not in seen:
                    seen.add(row.id)
                    yield row


def _loop_run(
    key: str, cell: dict[str, Any], lines: list[str], loop: dict[str, Any]
) -> LoopRunRecord:
    ran = loop.get("ran") or {}
    name, _, place = loop["id"].rpartition(":")[2].rpartition(".")
    line = _line_in_cell(cell["source"].split("\n"), lines, loop["line"])
    column = place.partition("C")[2]
    return LoopRunRecord(
        notebook=key,
        # As the study names loops: the innermost function, the line as the notebook has it.
        id=f"cell{cell['number']}:{name.rpartition('.')[2]}.L{line}C{column}",
        cell=cell["number"],
        line=line,
        header=loop["header"],
        verdict=loop["verdict"],
        stage=loop["stage"],
        condition=loop["condition"] or "",
        code=loop["code"],
        backend=ran.get("backend", ""),
        calls=ran.get("calls", 0),
        iterations=ran.get("iterations") or 0,
        seconds=ran.get("seconds") or 0.0,
        note=ran.get("note") or "",
    )


def _line_in_cell(source: list[str], compiled: list[str], line: int) -> int:
    """Return where a line of the text that was compiled stands in the cell as it is written.

    The shell drops empty lines in front, and a magic its own line.
    """
    wanted = compiled[line - 1].strip()
    shift = max(0, len(source) - len(compiled))
    places = [at for at, text in enumerate(source, start=1) if text.strip() == wanted]
    return min(places, key=lambda at: abs(at - line - shift), default=line)
