"""Which of CPU and device is predicted to be sooner, on machines that were made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autopar import calibration, calibration_loops
from autopar.codegen import rates as rates_module
from autopar.codegen.rates import DEFAULTS
from autopar.codegen.traffic import predicted_device_ns, predicted_times
from autopar.info import describe_rates
from tests.codegen.cuda_builders import Case, program_of
from tests.codegen.cuda_cases import heat, product, saxpy
from tests.codegen.test_cuda import simulated

# 5 us a launch, 25 GB/s over the bus, 2 TB/s within, a thousand times one thread of a CPU.
MACHINE = replace(
    DEFAULTS,
    device_launch=5_000.0,
    device_byte=0.04,
    device_memory_byte=0.0005,
    device_work=0.001,
)
THREADS = 16


def program_and_integers(function: Any, **arguments: Any) -> tuple[Any, dict[str, int]]:
    program = program_of(Case(function=function, arguments=lambda: arguments))
    return program, {e.name: eval(e.text, {}, arguments) for e in program.integers}


def device_ns(function: Any, copied: int, rates: Any = MACHINE, **arguments: Any) -> float:
    found = predicted_device_ns(*program_and_integers(function, **arguments), rates, copied)
    assert found is not None
    return found


def cpu_ns(function: Any, **arguments: Any) -> float:
    times = predicted_times(*program_and_integers(function, **arguments), MACHINE, THREADS)
    assert times is not None
    return min(times.alone, times.together or times.alone)


def square(count: int) -> dict[str, Any]:
    # Extents alone are looked at.
    one = np.broadcast_to(np.float64(1.0), (count, count))
    return {"c": np.zeros((count, count)), "a": one, "b": one, "n": count}


def test_without_rates_of_a_device_nobody_can_tell():
    program, integers = program_and_integers(saxpy, x=np.ones(9), y=np.ones(9), alpha=2.0, n=9)
    assert predicted_device_ns(program, integers, DEFAULTS, 0) is None


def test_a_launch_of_nothing_costs_a_launch():
    none = device_ns(saxpy, 0, x=np.ones(1), y=np.ones(1), alpha=2.0, n=1)
    assert 5_000.0 == pytest.approx(none, rel=0.01)


def test_bytes_are_copied_at_the_rate_of_the_bus():
    arguments = {"x": np.ones(1000), "y": np.ones(1000), "alpha": 2.0, "n": 1000}
    apart = device_ns(saxpy, 24_000, **arguments) - device_ns(saxpy, 0, **arguments)
    assert 24_000 * 0.04 == pytest.approx(apart)


def test_vectors_are_not_worth_the_bus_but_are_where_they_lie_there():
    count = 1_000_000
    arguments = {"x": np.ones(count), "y": np.ones(count), "alpha": 2.0, "n": count}
    there = device_ns(saxpy, 24 * count, **arguments)
    assert device_ns(saxpy, 0, **arguments) < cpu_ns(saxpy, **arguments) < there


@pytest.mark.parametrize(("count", "is_sooner"), [(8, False), (16, False), (1024, True)])
def test_products_are_worth_it_from_some_size_on(count, is_sooner):
    arguments = square(count)
    there = device_ns(product, 8 * 4 * count**2, **arguments)
    assert is_sooner == (there < cpu_ns(product, **arguments))


def test_products_have_one_crossover():
    sizes = [2**k for k in range(3, 12)]
    sooner = [
        device_ns(product, 32 * n**2, **square(n)) < cpu_ns(product, **square(n)) for n in sizes
    ]
    assert sooner == sorted(sooner)
    assert [False, True] == [sooner[0], sooner[-1]]


def test_sweeps_share_one_copy():
    u = np.ones((1000, 1000))
    arguments = {"u": u, "v": u.copy()}
    few, many = (device_ns(heat, 32 * u.size, **arguments, steps=steps) for steps in (1, 101))
    launches = 2 * 100 * 5_000.0
    moved = 100 * 32 * u.size * 0.0005  # two sweeps, two arrays each
    assert launches + moved == pytest.approx(many - few, rel=0.3)
    long = device_ns(heat, 32 * u.size, **arguments, steps=1001)
    assert long < cpu_ns(heat, **arguments, steps=1001)
    assert few > cpu_ns(heat, **arguments, steps=1)


def test_few_iterations_with_much_work_are_no_work_for_a_device():
    def rows(a, b, n, m):
        for i in range(n):
            s = 0.0
            for k in range(m):
                s = s + a[i, k]
            b[i] = s

    few = {"a": np.ones((4, 100_000)), "b": np.ones(4), "n": 4, "m": 100_000}
    many = {"a": np.ones((100_000, 4)), "b": np.ones(100_000), "n": 100_000, "m": 4}
    assert device_ns(rows, 0, **few) > cpu_ns(rows, **few)
    assert device_ns(rows, 0, **many) < cpu_ns(rows, **many)


def test_info_names_the_rates_of_a_device(monkeypatch):
    monkeypatch.setattr(rates_module.CURRENT, "rates", MACHINE)
    assert "on the device a launch in 5 us, 25 GB/s to it and back\n2e+03 GB/s within" in (
        describe_rates()
    )
    monkeypatch.setattr(rates_module.CURRENT, "rates", DEFAULTS)
    assert "device" not in describe_rates()


def test_rates_of_a_device_are_found_from_times(monkeypatch):
    rates = {"launch": 7e3, "byte": 0.05, "memory": 0.001, "work": 0.002}
    turn_ns = calibration_loops.POWER_NS

    class Device:
        def __init__(self, function: Any, _options: object) -> None:
            self.function = function

        def __call__(self, x: Any, _y: Any, _z: Any, count: int) -> None:
            size = 8 * x.size
            if self.function is calibration_loops.swept:
                inside = count * (rates["launch"] + 3 * size * rates["memory"])
            else:
                inside = rates["launch"] + count * x.size * turn_ns * rates["work"]
            taken.append(50e3 + 3 * size * rates["byte"] + inside)

    taken: list[float] = []

    def least(run: Any) -> float:
        run()
        return taken.pop()

    monkeypatch.setattr(calibration, "ParallelFunction", Device)
    monkeypatch.setattr(calibration, "_least", least)
    monkeypatch.setattr(calibration_loops, "FAR", 3_000_000)
    found = calibration.device_rates()
    assert rates["launch"] == pytest.approx(found["device_launch"], rel=0.02)
    assert rates["byte"] == pytest.approx(found["device_byte"], rel=0.02)
    assert rates["memory"] == pytest.approx(found["device_memory_byte"], rel=0.02)
    assert rates["work"] == pytest.approx(found["device_work"], rel=0.02)


def test_choices_in_the_simulator():
    done = simulated(
        "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider",
        "tests/autopar/offload_programs.py",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
