"""The whole programs of device_programs.py in the CUDA simulator."""

from __future__ import annotations

import os

from tests.simulator import simulated_tests


def test_device_programs_on_the_cuda_simulator():
    files = ("tests/autopar/device_programs.py", "tests/autopar/resident_programs.py")
    done = simulated_tests(*files, environment=os.environ)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "skipped" not in done.stdout
