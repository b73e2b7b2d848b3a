"""The whole programs of device_programs.py in the CUDA simulator."""

from __future__ import annotations


def test_device_programs_on_the_cuda_simulator(on_simulator):
    on_simulator("tests/autopar/device_programs.py")
