"""The cost model: counts and rates of the interpreter, rates of a machine and their file."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import calibration, calibration_loops
from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceFunction
from autopar.codegen import rates as rates_module
from autopar.codegen.cache import NO_CACHE, Cache
from autopar.codegen.rates import DEFAULTS, VERSION, Rates, as_text, file_name, from_text, read
from autopar.cost import interpreter_nanoseconds
from autopar.functions import read_source
from autopar.guard import evaluated

# Only turns of loops cost anything, one nanosecond each.
COUNTING = Rates(**{each.name: 0.0 for each in fields(Rates)} | {"turn": 1.0})


def priced(function, rates: Rates, **values: Any) -> int:
    """The predicted time of the only region of `function`."""
    from autopar.analysis.stages import analyze

    source = read_source(function)
    assert isinstance(source, SourceFunction)
    plan = analyze(source)
    assert isinstance(plan, Plan)
    (region,) = plan.regions
    found: int = evaluated(interpreter_nanoseconds(region.scop, rates), values)
    return found


def square(a, n):
    for i in range(n):
        for j in range(n):
            a[i, j] = 0.0


def triangle(a, n):
    for i in range(n):
        for j in range(i, n):
            a[i, j] = 0.0


def tetrahedron(a, n):
    for i in range(n):
        for j in range(i):
            for k in range(j + 1):
                a[i, j, k] = 0.0


def simplex(a, n):
    for i in range(n):
        for j in range(i + 1):
            for k in range(j + 1):
                for m in range(k, i + 1):
                    a[i, j, k, m] = 0.0


def descending(a, n):
    for i in range(n, 0, -1):
        for j in range(i):
            a[i, j] = 0.0


def strided(a, n):
    for i in range(1, n, 3):
        a[i] = 0.0


def turns(function, n: int) -> int:
    """How many turns all loops of `function` take."""
    match function.__name__:
        case "square":
            return n + n * n
        case "triangle":
            return n + sum(n - i for i in range(n))
        case "tetrahedron":
            return n + sum(i + sum(j + 1 for j in range(i)) for i in range(n))
        case "descending":
            return n + sum(range(1, n + 1))
        case "strided":
            return len(range(1, n, 3))
    inner = (
        (k, i) for i in range(n) for j in range(i + 1) for k in range(j + 1)
    )  # fmt: skip
    deep = sum(len(range(k, i + 1)) for k, i in inner)
    outer = sum((i + 1) + sum(j + 1 for j in range(i + 1)) for i in range(n))
    return n + outer + deep


@pytest.mark.parametrize("function", [square, triangle, tetrahedron, simplex, descending, strided])
@pytest.mark.parametrize("n", [1, 2, 7, 20])
def test_iterations_are_counted_exactly(function, n) -> None:
    assert turns(function, n) == pytest.approx(priced(function, COUNTING, n=n), abs=1)


@pytest.mark.parametrize("function", [square, triangle, tetrahedron, strided])
def test_empty_ranges_cost_nothing(function) -> None:
    assert 0 == priced(function, DEFAULTS, n=0)
    assert 0 == priced(function, DEFAULTS, n=-5)


def scaled(a, b, n):
    for i in range(n):
        b[i] = 0.5 * a[i]


def shrunk(a, b, n):
    for i in range(n):
        b[i] = np.exp(a[i])


def chosen(a, b, n):
    for i in range(n):
        if a[i] > 0.5:
            b[i] = 1.0 / a[i]
        else:
            b[i] = a[i] * a[i]


def test_operations_are_told_apart() -> None:
    base = priced(scaled, DEFAULTS, n=1000)
    assert base < priced(scaled, replace(DEFAULTS, scalar=100.0), n=1000)
    assert base == priced(scaled, replace(DEFAULTS, number=100.0), n=1000)
    assert base == priced(scaled, replace(DEFAULTS, ufunc=9000.0), n=1000)
    assert 9_000_000 < priced(shrunk, replace(DEFAULTS, ufunc=9000.0), n=1000)


def test_each_arm_of_a_branch_runs_half_of_the_time() -> None:
    stores = replace(COUNTING, turn=0.0, store=2.0)
    assert 1000 * 2 == pytest.approx(priced(chosen, stores, n=1000), abs=1)


# ------------------------------------------------------------------------------- the file


def test_rates_are_read_as_they_were_written(tmp_path) -> None:
    cache = Cache(folder=tmp_path / "cache")
    rates = replace(DEFAULTS, scalar=33.0, hop=9000.0, device_byte=0.1, device_launch=5e3)
    assert read(cache) is None
    assert cache.store(file_name(), as_text(rates)) is not None
    assert replace(rates, device_byte=0.1) == read(cache)


def changed(**values: Any) -> str:
    content = json.loads(as_text(DEFAULTS))
    content["rates"] |= values
    return json.dumps(content)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{", "{}", "7", '"x"', "[" * 100_000, '{"version": 1}',
        as_text(DEFAULTS)[:-30],
        as_text(DEFAULTS).replace(f'"version": {VERSION}', f'"version": {VERSION + 1}'),
        changed(scalar="36"), changed(scalar=None), changed(scalar=True), changed(scalar=-1.0),
        changed(scalar=0), changed(scalar=float("nan")), changed(scalar=float("inf")),
        changed(scalar=[1.0]), changed(ahead_alone=-1.0),
    ],
)  # fmt: skip
def test_damaged_rates_are_none(text) -> None:
    assert from_text(text) is None


def test_rates_of_another_machine_are_none(monkeypatch) -> None:
    text = as_text(DEFAULTS)
    assert DEFAULTS == from_text(text)
    monkeypatch.setattr(rates_module, "processor", lambda: "another one")
    assert from_text(text) is None


def test_absurd_rates_are_bounded() -> None:
    found = from_text(changed(scalar=1e300))
    assert found is not None
    assert DEFAULTS.scalar < found.scalar < 1e6


def test_unreadable_files_are_none(tmp_path) -> None:
    (tmp_path / file_name()).write_bytes(b"\xff\xfe\x00")
    assert read(Cache(folder=tmp_path)) is None
    (tmp_path / file_name()).unlink()
    (tmp_path / file_name()).mkdir()
    assert read(Cache(folder=tmp_path)) is None
    assert read(NO_CACHE) is None


# ---------------------------------------------------------------------------- calibration


def test_every_rate_is_measured_and_kept(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(calibration, "_SAMPLE_S", 0.0)
    monkeypatch.setattr(calibration, "_TRIES", 1)
    monkeypatch.setattr(calibration_loops, "FAR", 30_000)
    monkeypatch.setattr(calibration_loops, "NEAR", 20_000)
    monkeypatch.setattr(rates_module.CURRENT, "rates", DEFAULTS)
    monkeypatch.setattr(rates_module.CURRENT, "is_calibrated", False)
    cache = Cache(folder=tmp_path / "cache")
    found = calibration.calibrate(cache)
    assert found == read(cache) == rates_module.current()
    assert rates_module.CURRENT.is_calibrated
    estimated = {"inner_bytes", "ahead_alone", "ahead_beside"}  # they may be what they are
    estimated |= {"device_launch", "device_byte", "device_memory_byte", "device_work"}
    same = {name for name, value in asdict(found).items() if value == getattr(DEFAULTS, name)}
    assert same <= estimated


def swept(a, b, times):
    for _ in range(times):
        for i in range(a.shape[0]):
            b[i] = 2.0 * a[i] + b[i]


def product(a, b, c):
    for i in range(c.shape[0]):
        for k in range(a.shape[1]):
            for j in range(c.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


def predicted_of(function, *arguments) -> dict[str, Any]:
    decorated: Any = autopar.parallel(function, backend="cpu")
    decorated(*arguments)
    loop = decorated.last_run.to_dict()["functions"][0]["loops"][0]
    found: dict[str, Any] = loop["ran"]["predicted"]
    return found


def test_touched_bytes_are_those_of_distinct_elements(monkeypatch) -> None:
    monkeypatch.setattr(rates_module.CURRENT, "rates", DEFAULTS)
    assert 16 * 5000 == predicted_of(swept, np.zeros(5000), np.zeros(5000), 3)["bytes"]
    a = np.zeros((20, 30))
    found = predicted_of(product, a, np.zeros((30, 40)), np.zeros((20, 40)))
    assert 8 * (20 * 30 + 30 * 40 + 20 * 40) == found["bytes"]
    assert found["serial"] < found["interpreter"]


def smoothed(a):
    for i in range(1, a.shape[0]):
        for j in range(1, a.shape[1]):
            a[i, j] = 0.5 * (a[i - 1, j] + a[i, j - 1])


def test_rows_that_run_skewed_are_predicted_by_their_points(monkeypatch) -> None:
    monkeypatch.setattr(rates_module.CURRENT, "rates", DEFAULTS)
    small, large = (predicted_of(smoothed, np.zeros((size, size))) for size in (100, 200))
    assert large["bytes"] > 3 * small["bytes"] > 0
    assert 3 < large["serial"] / small["serial"] < 5
    assert large["serial"] < large["interpreter"]


def test_each_sweep_over_more_than_a_cache_holds_is_moved(monkeypatch) -> None:
    rates = replace(DEFAULTS, inner_bytes=1000.0, cache_bytes=1e6, cache_byte=100.0)
    monkeypatch.setattr(rates_module.CURRENT, "rates", rates)
    three = predicted_of(swept, np.zeros(500), np.zeros(500), 3)
    assert 3 * 16 * 500 * 100e-9 == pytest.approx(three["serial"])
    few = predicted_of(swept, np.zeros(50), np.zeros(50), 3)  # it fits
    assert few["serial"] < three["serial"] / 100


def test_a_call_in_the_interpreter_says_what_was_predicted(monkeypatch) -> None:
    monkeypatch.setattr(rates_module.CURRENT, "rates", DEFAULTS)
    decorated: Any = autopar.parallel(swept)
    decorated(np.zeros(50), np.zeros(50), 2)
    loop = decorated.last_run.to_dict()["functions"][0]["loops"][0]
    assert 0.0 < loop["ran"]["predicted"]["interpreter"] < 1e-3
    assert loop["ran"]["predicted"]["serial"] is None
    assert "(predicted a call: " in str(decorated.last_run)
