"""What must hold on a device: kernels, transfers, failures.

Run by tests/gpu on a device and by test_cuda.py in the simulator; neither finds this file by itself.
"""

from __future__ import annotations

import threading

import numpy as np
import pytest

from autopar.codegen import cudalib
from autopar.codegen.cache import NO_CACHE
from autopar.codegen.compile import load_module
from autopar.codegen.cuda import generate_cuda
from autopar.codegen.device import DeviceLauncher, DeviceMemoryError
from tests.codegen.cuda_builders import Case, passed, problems, program_of
from tests.codegen.cuda_cases import CASES, TILED, divided, floats


def copied(x, y, n):
    for i in range(n):
        y[i] = x[i] + 1.0


def copied_twice(x, z, y, n):
    for i in range(n):
        y[i] = x[i] + z[i]


def plane(x, y, n, m):
    for i in range(n):
        for j in range(m):
            y[i, j] = x[i, j] + 1.0


def run(function, **arguments):
    program, _ = compiled(function, **arguments)
    return program(DeviceLauncher(), **arguments)


def compiled(function, **arguments):
    """Return what runs `function` on a launcher, and its program."""
    program = program_of(Case(function=function, arguments=lambda: arguments))
    module = load_module(generate_cuda(program), cache=NO_CACHE)
    return (lambda launcher, **values: module.run(launcher, *passed(program, values))), program


ALL = (*CASES, *TILED)


@pytest.mark.parametrize("case", ALL, ids=[f"{k}-{case.name}" for k, case in enumerate(ALL)])
def test_kernels_do_what_the_interpreter_does(case):
    program = program_of(case)
    module = load_module(generate_cuda(program), cache=NO_CACHE)
    assert [] == list(problems(case, program, module.run, DeviceLauncher()))


STRIDED = {
    "every other": lambda: floats(40)[::2],
    "backwards": lambda: floats(20)[::-1],
    "a column": lambda: floats(20, 3)[:, 1],
    "one value": lambda: np.broadcast_to(floats(3)[1], 20),
    "read-only": lambda: np.frombuffer(floats(20).tobytes()),
}


@pytest.mark.parametrize("make", STRIDED.values(), ids=STRIDED.keys())
def test_array_of_any_strides_is_read(make):
    x, y = make(), np.zeros(20)
    run(copied, x=x, y=y, n=20)
    assert (x + 1.0).tolist() == y.tolist()


@pytest.mark.parametrize("name", ["every other", "backwards", "a column"])
def test_array_of_any_strides_is_written_and_nothing_beside_it(name):
    y = STRIDED[name]()
    base, wanted = y.base, y.base.copy()
    view = np.ndarray(y.shape, y.dtype, wanted, y.ctypes.data - base.ctypes.data, y.strides)
    view[...] = np.arange(20.0) + 1.0
    run(copied, x=np.arange(20.0), y=y, n=20)
    assert wanted.tolist() == base.tolist()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("axes", [(1, 1), (-1, 1), (1, -2), (-2, -1)])
def test_plane_of_any_layout_is_read_and_written(order, axes):
    x = np.array(floats(12, 10), order=order)[:: axes[0], :: axes[1]]
    y = np.zeros((12, 10), order="F")[:: axes[0], :: axes[1]]
    run(plane, x=x, y=y, n=x.shape[0], m=x.shape[1])
    assert (x + 1.0).tolist() == y.tolist()


def test_interleaved_views_share_one_copy_of_their_base():
    base = floats(40)
    wanted = base.copy()
    wanted[::2] = wanted[1::2] + 1.0
    run(copied, x=base[1::2], y=base[::2], n=20)
    assert wanted.tolist() == base.tolist()


def test_views_of_other_item_sizes_are_aligned_on_the_device():
    base = np.zeros(64, np.uint8)
    x, y = base[4:16].view("float32"), base[8:16].view("float64")
    x[0] = 2.5  # the only element that the loop reads
    run(copied, x=x, y=y, n=1)
    assert [3.5] == y.tolist()


def test_same_array_read_under_two_names():
    x, y = floats(20), np.zeros(20)
    run(copied_twice, x=x, z=x, y=y, n=20)
    assert (x + x).tolist() == y.tolist()


def test_read_array_is_not_stored_to():
    x, y = floats(20), np.zeros(20)
    x.flags.writeable = False
    run(copied, x=x, y=y, n=20)
    assert floats(20).tolist() == x.tolist()


def test_array_without_axes_goes_to_the_device_and_back():
    x, y = np.array(2.5), np.array(1.0)
    call = DeviceLauncher().open((x, y), written=(False, True))
    assert [(), ()] == [each.shape for each in call.arrays]
    assert [2.5, 1.0] == [float(each.copy_to_host()) for each in call.arrays]
    assert (0,) == call.close()
    assert 1.0 == y


def test_empty_arrays_are_left_alone():
    x, y = np.zeros(0), np.zeros(0)
    assert (0,) == run(copied, x=x, y=y, n=0)


def test_array_on_the_device_is_used_in_place():
    x, y = floats(20), np.zeros(20)
    call, _ = compiled(copied, x=x, y=y, n=20)
    on_device = cudalib.to_device(y)
    call(DeviceLauncher(), x=x, y=on_device, n=20)
    assert (x + 1.0).tolist() == on_device.copy_to_host().tolist()
    assert [0.0] * 20 == y.tolist()


def test_array_on_the_device_survives_a_failure():
    a, b = floats(20), np.full(20, 5.0)
    call, _ = compiled(divided, a=a, b=b, n=20)
    on_device = cudalib.to_device(b)
    status = call(DeviceLauncher(), a=a, b=on_device, n=20)
    assert (1,) == status
    assert [5.0] * 20 == on_device.copy_to_host().tolist()


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_overwritten_is_not_copied_there(order, monkeypatch):
    x, y = np.array(floats(5, 7), order=order), np.array(floats(5, 7), order=order)
    copies, to_device = [], cudalib.to_device

    def noted(host):
        copies.append(host)
        return to_device(host)

    monkeypatch.setattr(cudalib, "to_device", noted)
    run(plane, x=x, y=y, n=5, m=7)
    assert (x + 1.0).tolist() == y.tolist()
    assert [True] == [each is x for each in copies]


def test_what_is_overwritten_in_part_keeps_the_rest():
    x, y = floats(20), floats(20)
    run(copied, x=x, y=y, n=12)
    assert [*(x[:12] + 1.0), *floats(20)[12:]] == y.tolist()


@pytest.mark.parametrize("failing", [0, 1])
def test_exhausted_memory_is_told_and_changes_nothing(failing, monkeypatch):
    x, y = floats(20), np.zeros(20)
    call, _ = compiled(copied, x=x, y=y, n=20)
    copies = []

    def full(make):
        def made(host):
            copies.append(host)
            if len(copies) > failing:
                raise MemoryError
            return make(host)

        return made

    for name in ("to_device", "empty_like"):
        monkeypatch.setattr(cudalib, name, full(getattr(cudalib, name)))
    with pytest.raises(DeviceMemoryError):
        call(DeviceLauncher(), x=x, y=y, n=20)
    assert [0.0] * 20 == y.tolist()


def test_threads_may_launch_at_the_same_time():
    call, _ = compiled(copied, x=floats(20), y=np.zeros(20), n=20)
    results = [np.zeros(20) for _ in range(4)]
    threads = [
        threading.Thread(
            target=lambda k=k, y=y: call(DeviceLauncher(), x=floats(20) + k, y=y, n=20)
        )
        for k, y in enumerate(results)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(floats(20) + k + 1.0).tolist() for k in range(4)] == [y.tolist() for y in results]


def test_device_says_what_it_is():
    assert cudalib.is_available()
    assert cudalib.describe()
