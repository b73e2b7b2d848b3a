"""Simulated threads in turn: each runs once under its own number, and none that waits is among them."""

from __future__ import annotations

import importlib
import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests import turns
from tests.simulator import simulated_tests

if turns.is_simulated():
    cuda: Any = importlib.import_module("numba.cuda")

on_the_simulator = pytest.mark.skipif(not turns.is_simulated(), reason="needs the simulator")
cuda_ = SimpleNamespace()  # stands for the module in kernels that are only looked at


def plain(a):
    a[cuda_.threadIdx.x] = 1


def waiting(a):
    cuda_.syncthreads()


def calls_one_that_waits(a):
    plain(a)
    waiting(a)


def waits_inside(a):
    def inner():
        cuda_.syncwarp()

    inner()


def calls_itself(a):
    calls_itself(a)


def around():
    held = waiting
    return lambda a: held(a)


jitted: Any = SimpleNamespace(fn=waiting)


def calls_a_device_function(a):
    jitted(a)


@pytest.mark.parametrize("function", [plain, calls_itself])
def test_threads_that_meet_nobody_wait_for_nobody(function):
    assert not turns.may_wait(function)


@pytest.mark.parametrize(
    "function", [waiting, calls_one_that_waits, waits_inside, around(), calls_a_device_function]
)
def test_a_kernel_that_may_wait_somewhere_is_seen(function):
    assert turns.may_wait(function)


# ------------------------------------------------------------- on the simulator, in a process


def test_threads_on_the_simulator():
    here = [f"{__file__}::{name}" for name in globals() if name.startswith("test_simulated_")]
    done = simulated_tests(*here, environment=os.environ)
    assert 0 == done.returncode, done.stdout
    assert f"{len(here)} passed" in done.stdout


def test_a_fault_of_a_test_there_is_seen(tmp_path):
    (tmp_path / "test_wrong.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    done = simulated_tests(str(tmp_path / "test_wrong.py"), environment=os.environ)
    assert 1 == done.returncode
    assert "assert 1 == 2" in done.stdout


@on_the_simulator
def test_simulated_threads_run_once_in_their_place_and_blocks_go_both_ways():
    order = []

    @cuda.jit
    def kernel(seen):
        x, y, z = cuda.threadIdx.x, cuda.threadIdx.y, cuda.threadIdx.z
        seen[cuda.blockIdx.x, x, y, z] += cuda.laneid + 1
        order.append((cuda.blockIdx.x, x, y, z))

    seen = np.zeros((2, 3, 2, 2), np.int64)
    kernel[2, (3, 2, 2)](seen)
    x, y, z = np.indices((3, 2, 2))
    assert np.array_equal(seen, np.stack([x + 3 * (y + 2 * z) + 1] * 2))
    first, second = ([each[1:] for each in order if each[0] == number] for number in (0, 1))
    assert first == second[::-1]
    assert sorted(first) in (first, second)


@on_the_simulator
def test_simulated_threads_that_wait_for_each_other_are_there_at_once():
    @cuda.jit
    def kernel(out):
        shared = cuda.shared.array(4, np.int64)
        shared[cuda.threadIdx.x] = cuda.threadIdx.x
        cuda.syncthreads()
        out[cuda.threadIdx.x] = shared[3 - cuda.threadIdx.x]

    out = np.zeros(4, np.int64)
    kernel[1, 4](out)
    assert [3, 2, 1, 0] == out.tolist()


@on_the_simulator
def test_simulated_threads_raise_what_they_raise():
    @cuda.jit
    def kernel(out):
        out[5] = 1

    with pytest.raises(IndexError):
        kernel[1, 4](np.zeros(4))
