"""What `backend="auto"` does where a device has rates: the choice, and what follows when it fails.

Run by test_offload.py in the simulator, with the rates of a machine that was made up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.codegen import cudalib
from autopar.codegen import rates as rates_module
from autopar.codegen.rates import DEFAULTS
from tests.sameness import freeze, loops_of

# A device next to which everything is slow: even the simulator's few elements go there.
NEAR = replace(
    DEFAULTS,
    compile=1.0,
    load_kernel=1.0,
    enter=1.0,
    memory_byte=1e5,
    cache_byte=1e5,
    inner_bytes=1.0,
    device_launch=1.0,
    device_byte=1e-3,
    device_memory_byte=1e-3,
    device_work=1e-6,
)
# The same behind a bus that takes a millisecond for each byte.
FAR = replace(NEAR, device_byte=1e9)


@pytest.fixture(autouse=True)
def _near(monkeypatch):
    monkeypatch.setattr(rates_module.CURRENT, "rates", NEAR)


def added(x, y):
    for i in range(x.shape[0]):
        y[i] = 2.0 * x[i] + y[i]


def vectors(count: int = 40) -> tuple[Any, Any]:
    return np.linspace(0.5, 1.5, count), np.ones(count)


def ran(function: Any) -> dict[str, Any]:
    (loop,) = loops_of(function.last_run)
    found: dict[str, Any] = loop["ran"]
    return found


def called(function: Any) -> Any:
    x, y = vectors()
    function(x, y)
    return y


def expected() -> Any:
    x, y = vectors()
    added(x, y)
    return y


def test_the_device_is_chosen_where_it_is_sooner_and_the_report_says_what_was_predicted():
    function = autopar.parallel(added, cache=False)
    assert freeze(expected()) == freeze(called(function))
    found = ran(function)
    assert found["backend"] == "cuda"
    assert 0.0 < found["predicted"]["device"] < found["predicted"]["serial"]
    assert 3 * 8 * 40 == found["predicted"]["copied_bytes"]  # two there, one back
    assert "CPU)" in str(function.last_run)  # the line may be broken before it


def test_it_is_not_where_copying_takes_longer_than_is_gained(monkeypatch):
    monkeypatch.setattr(rates_module.CURRENT, "rates", FAR)
    function = autopar.parallel(added, cache=False)
    called(function)
    found = ran(function)
    assert found["backend"] == "cpu"
    assert found["predicted"]["device"] > found["predicted"]["serial"]


def test_it_is_not_where_it_was_never_measured(monkeypatch):
    monkeypatch.setattr(rates_module.CURRENT, "rates", replace(NEAR, device_launch=None))
    function = autopar.parallel(added, cache=False)
    called(function)
    assert ran(function)["backend"] == "cpu"
    assert "device" not in ran(function)["predicted"]


def test_named_backends_are_not_changed_by_rates():
    function = autopar.parallel(added, cache=False, backend="cpu")
    called(function)
    assert ran(function)["backend"] == "cpu"


def test_a_kernel_there_is_compiled_once_calls_would_have_gained_as_much(monkeypatch):
    # A call takes some 6 us in the interpreter, 32 in a kernel of the CPU, and nothing there.
    slow = replace(NEAR, compile=1e5, cache_byte=50.0, hop=1e9)
    monkeypatch.setattr(rates_module.CURRENT, "rates", slow)
    function = autopar.parallel(added, cache=False)
    backends = []
    for _ in range(40):
        assert freeze(expected()) == freeze(called(function))
        backends.append(ran(function)["backend"])
    assert {"interpreter", "cpu", "cuda"} == set(backends)
    assert sorted(backends, key=["interpreter", "cpu", "cuda"].index) == backends


def full(*_: object, **__: object) -> None:
    raise MemoryError("out of memory on the device")


def test_where_its_memory_is_exhausted_the_cpu_runs_it_and_the_report_says_so(monkeypatch):
    function = autopar.parallel(added, cache=False)
    with monkeypatch.context() as patch:
        patch.setattr(cudalib, "to_device", full)
        assert freeze(expected()) == freeze(called(function))
    found = ran(function)
    assert found["backend"] == "cpu"
    assert "AP606" in str(function.last_run)
    assert freeze(expected()) == freeze(called(function))
    assert ran(function)["backend"] == "cpu"  # as large as the one before
    x, y = vectors(20)
    function(x, y)
    assert ran(function)["backend"] == "cuda"


def test_a_device_that_fails_is_not_asked_again(monkeypatch):
    function = autopar.parallel(added, cache=False)

    def broken(*_: object) -> None:
        raise cudalib.errors()[0](1, "unspecified launch failure")

    with monkeypatch.context() as patch:
        patch.setattr(cudalib, "launch", broken)
        assert freeze(expected()) == freeze(called(function))
    assert ran(function)["backend"] == "cpu"
    assert freeze(expected()) == freeze(called(function))
    assert ran(function)["backend"] == "cpu"


def test_arrays_that_overlap_stay_on_the_cpu():
    function = autopar.parallel(added, cache=False)
    base = np.linspace(0.0, 1.0, 60)
    wanted = base.copy()
    added(wanted[:50], wanted[10:])
    function(base[:50], base[10:])
    assert freeze(wanted) == freeze(base)


def divided(x, y):
    for i in range(x.shape[0]):
        y[i] = 1 // int(x[i])


def test_what_raises_is_left_to_the_interpreter():
    function = autopar.parallel(divided, cache=False)
    x = np.arange(-3.0, 9.0)
    y, wanted = np.zeros(12), np.zeros(12)
    with pytest.raises(ZeroDivisionError):
        divided(x, wanted)
    with pytest.raises(ZeroDivisionError):
        function(x, y)
    assert freeze(wanted) == freeze(y)
