"""The GPU check as a script: without a device, and on the simulator with a stand-in for autopar."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from math import inf
from pathlib import Path

import pytest

from benchmarks import gpu_check

ROOT = Path(__file__).resolve().parents[2]

# A decorator as autopar's, whose "device" is the interpreter: it tests the script, not autopar.
STAND_IN = """
import sys, types
import numpy as np
sys.path.insert(0, {root!r})
import autopar
from benchmarks import gpu_check

def parallel(function, *, backend):
    def call(*arguments):
        on_device = any(not isinstance(each, (float, np.ndarray)) for each in arguments)
        if on_device and {refuses}:
            raise TypeError("device arrays are not supported")
        function(*arguments)
        arguments[-1][-2] += {error}
        row = {{"depth": 0, "ran": {{"backend": {backend!r}, "seconds": 1.0}}}}
        report = {{"functions": [{{"loops": [row]}}]}}
        call.last_run = types.SimpleNamespace(to_dict=lambda: report)
    return call

autopar.parallel, autopar.BackendError = parallel, RuntimeError
sys.exit(gpu_check.main(["--simulate", "--only", "saxpy", "--json", {target!r}]))
"""


def simulate(tmp_path: Path, *, refuses=False, error=0.0, backend="cuda"):
    pytest.importorskip("numba.cuda")
    target = tmp_path / "result.json"
    code = STAND_IN.format(
        root=str(ROOT), refuses=refuses, error=error, backend=backend, target=str(target)
    )
    own = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    finished = subprocess.run(
        [sys.executable, "-c", code], check=False, env=own, capture_output=True, text=True
    )
    assert target.exists(), finished.stderr
    return finished, json.loads(target.read_text())["kernels"][0]


def test_right_values_are_called_bit_identical_and_timed_both_ways(tmp_path: Path) -> None:
    finished, saxpy = simulate(tmp_path)
    assert finished.returncode == 0, finished.stderr
    for figures in (saxpy["with_transfers"], saxpy["resident"]):
        assert figures["bit_identical"]
        assert {"autopar_s", "by_hand_s", "ratio"} <= set(figures)
    assert "simulator: 1 of 1 cases right" in finished.stdout


def test_a_wrong_value_is_shown_and_is_the_exit_status(tmp_path: Path) -> None:
    finished, saxpy = simulate(tmp_path, error=1e-9)
    assert finished.returncode == 1
    assert not saxpy["with_transfers"]["right"]
    assert "WRONG" in finished.stdout


def test_refused_device_arrays_are_recorded_and_are_no_failure(tmp_path: Path) -> None:
    finished, saxpy = simulate(tmp_path, refuses=True)
    assert finished.returncode == 0, finished.stderr
    assert "TypeError: device arrays are not supported" == saxpy["resident"]["refused"]
    assert "by_hand_s" in saxpy["resident"]


def test_a_run_in_the_interpreter_is_not_a_run_on_the_device(tmp_path: Path) -> None:
    finished, saxpy = simulate(tmp_path, backend="interpreter")
    assert finished.returncode == 1
    assert saxpy["with_transfers"]["refused"] == "ran on interpreter"


def test_machine_without_a_device_is_told_in_one_line() -> None:
    own = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    finished = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "gpu_check.py")],
        check=False,
        env=own | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 3
    assert finished.stdout.startswith("No GPU check: ")
    assert len(finished.stdout.splitlines()) == 1


def test_plain_script_needs_no_other_package(tmp_path: Path) -> None:
    pytest.importorskip("numba.cuda")
    for package in ("rich", "click", "pytest", "hypothesis", "IPython", "jinja2"):
        (tmp_path / f"{package}.py").write_text("raise ModuleNotFoundError(__name__)\n")
    target = tmp_path / "result.json"
    finished = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "gpu_check.py"), "--simulate", "--only", "saxpy"]
        + ["--json", str(target)],
        check=False,
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,  # not where the package lies
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (saxpy,) = json.loads(target.read_text())["kernels"]
    assert saxpy["with_transfers"]["bit_identical"]


def course(tmp_path: Path):
    options = gpu_check.arguments(["--simulate", "--json", str(tmp_path / "found.json")])
    return gpu_check.Course(options, {"name": "device"})


def test_what_was_measured_is_on_disk_after_each_item(tmp_path: Path) -> None:
    mine = course(tmp_path)
    for name in ("one", "two"):
        gpu_check.measured("kernels", name, partial(dict, name=name), mine, inf)
        written = json.loads((tmp_path / "found.json").read_text())
        assert name == written["kernels"][-1]["name"]
        assert not written["is_complete"]


def test_a_lost_device_is_left_to_other_processes(tmp_path: Path, monkeypatch) -> None:
    mine, taken = course(tmp_path), []
    broken = {"name": "one", "error": "CudaAPIError: [700] unknown error"}

    def aside(kind: str, name: str, left_s: float) -> dict[str, object]:
        taken.append((kind, name, left_s))
        return {"name": name}

    monkeypatch.setattr(gpu_check, "apart", aside)
    gpu_check.measured("kernels", "one", lambda: broken, mine, inf)
    gpu_check.measured("programs", "two", lambda: pytest.fail("its device is lost"), mine, inf)
    assert [("programs", "two", inf)] == taken


def test_a_failure_of_another_kind_goes_on_in_the_same_process(tmp_path: Path) -> None:
    mine = course(tmp_path)
    gpu_check.measured("kernels", "one", lambda: {"name": "one", "error": "TypeError"}, mine, inf)
    gpu_check.measured("kernels", "two", lambda: {"name": "two"}, mine, inf)
    assert ["one", "two"] == [each["name"] for each in mine.whole["kernels"]]
    assert not mine.is_broken


def test_what_there_is_no_time_for_says_so(tmp_path: Path) -> None:
    mine = course(tmp_path)
    gpu_check.measured("kernels", "one", lambda: pytest.fail("too late"), mine, 0.0)
    assert "skipped: out of time" == mine.whole["kernels"][0]["error"]


def test_what_fails_is_a_text_in_the_file() -> None:
    assert "ZeroDivisionError" in gpu_check.guarded(lambda: 1 // 0)["error"]
    assert 2 == gpu_check.guarded(lambda: 2)


def test_kernels_with_tiles_are_right_on_the_simulator(tmp_path: Path) -> None:
    pytest.importorskip("numba.cuda")
    target = tmp_path / "found.json"
    command = [sys.executable, "benchmarks/gpu_check.py", "--simulate", "--json", str(target)]
    command += ["--only", "transpose_add", "--only", "filtered"]
    finished = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = json.loads(target.read_text())
    assert found["is_complete"]
    assert ["transpose_add", "filtered"] == [each["name"] for each in found["kernels"]]
