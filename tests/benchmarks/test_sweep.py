"""Sweeps over sizes: where curves cross, which sizes are measured, what the bar counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import sweep
from benchmarks.crossover import Crossover, crossovers
from benchmarks.kernels import KERNELS


def found(work: Sequence[int], **times: list[float]) -> list[Crossover]:
    return list(crossovers(work, times))


def test_two_lines_cross_where_their_powers_of_the_work_are_equal() -> None:
    work = [1, 10, 100, 1000]
    fixed, growing = [50.0] * 4, [float(each) for each in work]
    (crossing,) = found(work, fixed=fixed, growing=growing)
    assert (crossing.faster, crossing.slower) == ("fixed", "growing")
    assert math.isclose(crossing.work, 50.0)


def test_forms_that_never_change_places_do_not_cross() -> None:
    assert found([1, 10, 100], one=[1.0, 2.0, 3.0], other=[2.0, 4.0, 6.0]) == []


def test_a_form_that_is_overtaken_twice_crosses_twice() -> None:
    work = [1, 10, 100]
    seen = found(work, one=[1.0, 4.0, 3.0], other=[2.0, 2.0, 6.0])
    assert [each.faster for each in seen] == ["other", "one"]
    assert all(
        low < each.work < high for each, low, high in zip(seen, work, work[1:], strict=False)
    )


def test_sizes_are_about_powers_of_ten_of_the_work() -> None:
    for kernel in KERNELS:
        chosen = list(sweep.sizes(kernel, 8))
        assert chosen == sorted(set(chosen))
        assert chosen[0] == 1
        assert 0.9e8 < chosen[-1] ** kernel.sizes.rank < 1.1e8


@pytest.mark.parametrize("kernel", [each for each in KERNELS if each.name in sweep.SWEPT])
def test_no_size_is_larger_than_the_memory_allows(kernel) -> None:
    assert sweep.fits(kernel, 10)
    assert not sweep.fits(kernel, 10**7 if kernel.sizes.rank > 1 else 10**12)


def cell(ours_s: float, plain_s: float, *, scaled: bool = False) -> sweep.Cell:
    times = {"autopar": ours_s, "cpython": plain_s}
    return sweep.Cell(kernel="k", size=1, work=1, times_s=times, scaled=scaled, ran=("cpu",))


def test_the_bar_allows_twenty_microseconds_or_five_percent() -> None:
    cells = (cell(20e-6, 1e-6), cell(1.04, 1.0), cell(22e-6, 1e-6), cell(1.06, 1.0))
    assert [each.loss_s > 0 for each in cells] == [False, False, True, True]
    (bar,) = sweep.bars([sweep.Sweep(kernel="k", cells=cells, crossovers=())])
    assert (bar.measured, bar.verdict) == (2, "FAIL")


def test_a_scaled_time_is_no_evidence() -> None:
    cells = (cell(9.0, 1.0, scaled=True),)
    (bar,) = sweep.bars([sweep.Sweep(kernel="k", cells=cells, crossovers=())])
    assert bar.measured == 0
    assert "of 0" in bar.name
    assert sweep.slack_cell(cells[0]) == "-"


def test_the_bar_alone_asks_every_kernel_and_two_forms(monkeypatch) -> None:
    monkeypatch.setattr(sweep, "SETTLE_S", 0.01)
    monkeypatch.setattr(sweep, "BAR_S", 1e-4)
    saxpy = next(each for each in KERNELS if each.name == "saxpy")
    done = sweep.measure(saxpy, 8, 1, is_bar=True)
    assert [1, 10, 100] == [each.size for each in done.cells][:3]
    assert all({"autopar", "cpython"} == set(each.times_s) for each in done.cells)
    assert all(not each.scaled for each in done.cells)
    assert done.cells[-1].times_s["cpython"] < 1e-2


def test_one_small_sweep_measures_every_form_and_draws_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sweep, "SETTLE_S", 0.01)
    saxpy = next(each for each in KERNELS if each.name == "saxpy")
    plain_only = replace(saxpy, by_hand=saxpy.plain)
    done = sweep.measure(plain_only, 2, 1)
    assert [each.size for each in done.cells] == [1, 10, 100]
    assert all(
        set(each.times_s) == {"autopar", "by hand", "numpy", "cpython"} for each in done.cells
    )
    assert all(np.isfinite(list(each.times_s.values())).all() for each in done.cells)
    assert "saxpy" in sweep.text(done)
    pytest.importorskip("matplotlib")
    from benchmarks.sweep_figure import draw

    draw([done], tmp_path / "sweep.svg")
    assert (tmp_path / "sweep.svg").read_text(encoding="utf-8").count("autopar") >= 1
