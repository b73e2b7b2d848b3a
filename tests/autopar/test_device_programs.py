"""The whole programs of device_programs.py in the CUDA simulator."""

from __future__ import annotations

from tests.codegen.test_cuda import simulated


def test_device_programs_on_the_cuda_simulator():
    done = simulated(
        "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider",
        "tests/autopar/device_programs.py", "tests/autopar/resident_programs.py",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert "skipped" not in done.stdout
