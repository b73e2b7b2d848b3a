"""Traces for a profiler: what is in the file, and what is not disturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os
import numpy as np
import autopar

@autopar.parallel(backend="{backend}", cache=False)
def doubled(x, y):
    for i in range(x.shape[0]):
        y[i] = 2.0 * x[i]

x, y = np.ones(20), np.zeros(20)
for _ in range(3):
    doubled(x, y)
child = os.fork()
if child == 0:
    raise SystemExit  # a child leaves the file to its parent
os.waitpid(child, 0)
print(y.sum())
"""


def traced(folder: Path, backend: str, **environment: str) -> tuple[str, str, list[dict[str, Any]]]:
    script = folder / "script.py"
    script.write_text(SCRIPT.format(backend=backend), encoding="utf-8")
    known = {**os.environ, "PYTHONPATH": str(ROOT), "AUTOPAR_TRACE": "trace.json"} | environment
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=folder, env=known, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    file = folder / known["AUTOPAR_TRACE"]
    events = json.loads(file.read_text("utf-8"))["traceEvents"] if file.exists() else []
    return done.stdout, done.stderr, events


def test_regions_launches_and_transfers_are_events_of_one_clock(tmp_path):
    output, errors, events = traced(tmp_path, "cuda", NUMBA_ENABLE_CUDASIM="1")
    assert ("40.0\n", "") == (output, errors)
    assert {"region", "launch", "transfer", "compile"} <= {each["cat"] for each in events}
    regions = [each for each in events if each["cat"] == "region"]
    assert ["cuda"] * 3 == [each["args"]["backend"] for each in regions]
    launches = [each for each in events if each["cat"] == "launch"]
    assert len(launches) == 3
    for launch, region in zip(launches, regions, strict=True):
        assert region["ts"] <= launch["ts"]
        assert launch["ts"] + launch["dur"] <= region["ts"] + region["dur"]
        assert {"grid", "block"} == set(launch["args"])
    assert {"X"} == {each["ph"] for each in events}


def test_every_call_is_there_although_known_ones_would_take_a_short_way(tmp_path):
    output, errors, events = traced(tmp_path, "cpu")
    assert ("40.0\n", "") == (output, errors)
    assert 3 == sum(each["cat"] == "region" for each in events)


@pytest.mark.parametrize("path", ["no/such/folder/trace.json"])
def test_a_file_that_cannot_be_written_is_one_line(tmp_path, path):
    output, errors, events = traced(tmp_path, "cpu", AUTOPAR_TRACE=path)
    assert ("40.0\n", []) == (output, events)
    assert errors.startswith("autopar: no trace was written: ")
    assert 1 == errors.count("\n")


def test_ranges_of_nvtx_are_pushed_and_popped(tmp_path):
    (tmp_path / "nvtx.py").write_text(
        "def push_range(name, domain): open('ranges', 'a').write(f'+{name} ')\n"
        "def pop_range(domain): open('ranges', 'a').write('- ')\n",
        encoding="utf-8",
    )
    output, _, _ = traced(tmp_path, "cpu")
    assert output == "40.0\n"
    assert "+doubled.L8C4 - " * 3 == (tmp_path / "ranges").read_text("utf-8")
