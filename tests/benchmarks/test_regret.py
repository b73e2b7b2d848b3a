"""The regret grid: its kernels, the tiers that it forces, what it makes of times."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autopar.codegen.rates import current
from autopar.decorator import ParallelFunction
from autopar.machine import MACHINE
from benchmarks import regret
from benchmarks.harness import WrongResult, copied
from benchmarks.kernels import KERNELS
from benchmarks.regret import Cell, Line, bars, check
from benchmarks.regret_kernels import HELD

DAMPED = HELD[0]


def test_no_kernel_of_the_grid_is_one_of_the_benchmark() -> None:
    assert not {each.name for each in HELD} & {each.name for each in KERNELS}


@pytest.mark.parametrize("held", HELD, ids=lambda held: held.name)
def test_kernels_write_the_named_outputs_and_nothing_else(held) -> None:
    before = held.make(40, np.random.default_rng(1))
    after = copied(before)
    held.function(*after)
    written = tuple(
        position
        for position, (old, new) in enumerate(zip(before, after, strict=True))
        if not np.array_equal(old, new)
    )
    assert held.outputs == written


@pytest.mark.parametrize("held", HELD, ids=lambda held: held.name)
def test_kernels_are_about_as_large_as_they_say(held) -> None:
    sizes = [
        sum(each.size for each in held.make(work, np.random.default_rng(1))) for work in (1, 900)
    ]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("tier", ["serial", "parallel"])
def test_forced_tiers_are_taken_whatever_is_predicted(tier) -> None:
    options = regret.options_of(tier)
    function = ParallelFunction(DAMPED.function, options)
    for work in (6, 300_000):
        arguments = DAMPED.make(work, np.random.default_rng(1))
        check(DAMPED, {tier: function}, arguments)
        assert tier == regret.chosen(function, lambda: function(*arguments), options)


def test_tiers_have_pools_of_their_own() -> None:
    pools = {id(MACHINE.pool(regret.options_of(tier))) for tier in ("serial", "parallel", "auto")}
    assert 3 == len(pools)


def test_wrong_values_are_not_measured() -> None:
    arguments = DAMPED.make(6, np.random.default_rng(1))
    with pytest.raises(WrongResult, match="damped: 'idle'"):
        check(DAMPED, {"idle": lambda *_: None}, arguments)


def cell(work: int, chosen: str, **times: float) -> Cell:
    return Cell(kernel="damped", work=work, times_s=times, chosen=chosen)


def test_regret_is_against_the_fastest_tier() -> None:
    one = cell(9, "serial", interpreter=8e-6, serial=4e-6, parallel=2e-6, auto=5e-6)
    assert "parallel" == one.oracle
    assert (2.5, 2.0) == pytest.approx((one.regret, one.regret_of_choice))
    assert one.loss_s < 0


def test_loss_is_what_goes_beyond_the_slack() -> None:
    assert cell(9, "serial", interpreter=1e-6, auto=22e-6).loss_s == pytest.approx(1e-6)
    assert cell(9, "serial", interpreter=1.0, auto=1.06).loss_s == pytest.approx(0.01)


def test_cells_near_a_crossover_are_counted() -> None:
    times = {"interpreter": 1e-6, "serial": 2e-6, "auto": 1e-6}
    cells = tuple(cell(work, "interpreter", **times) for work in (10, 30, 100))
    one = Line(kernel="damped", cells=cells, crossovers=(31.0,))
    assert [False, True, False] == [one.is_near(each) for each in cells]
    held = {bar.name: bar for bar in bars([one])}
    assert held["share of cells near a crossover"].measured == pytest.approx(1 / 3)
    assert {"pass"} == {bar.verdict for bar in held.values()}


def test_grid_is_measured_in_all_its_parts(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(regret, "SETTLE_S", 0.0)
    monkeypatch.setattr(regret, "SAMPLE_S", 0.0)
    written = tmp_path / "grid.json"
    assert 0 == regret.main(["--quick", "--only", "damped", "--json", str(written)])
    assert '"regret"' in written.read_text()
    assert "regret, geometric mean" in capsys.readouterr().out


def test_a_grid_is_gone_on_with_where_it_was_left(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(regret, "SETTLE_S", 0.0)
    monkeypatch.setattr(regret, "SAMPLE_S", 0.0)
    written = tmp_path / "grid.json"
    command = ["--quick", "--only", "damped", "--only", "relaxed", "--json", str(written)]
    assert 3 == regret.main([*command, "--seconds", "0"])
    one = Line(
        kernel="damped",
        crossovers=(20.0,),
        cells=(cell(9, "serial", interpreter=2.0, serial=1.0, auto=1.0),),
    )
    written.write_text(json.dumps(regret.as_json([one])))
    assert 0 == regret.main([*command, "--resume"])
    kept, added = regret.kept(written)
    assert one == kept
    assert "relaxed" == added.kernel
    assert "measuring damped" not in capsys.readouterr().err


def test_sizes_are_added_on_both_sides_of_a_crossover() -> None:
    slow = {"interpreter": 1e-6, "serial": 2e-6, "auto": 1e-6}
    fast = {"interpreter": 2e-6, "serial": 1e-6, "auto": 1e-6}
    found = [cell(10, "serial", **slow), cell(1000, "serial", **fast)]
    (place,) = regret.places(found)
    assert 100 == pytest.approx(place)
    assert [60, 154] == regret.around([96.0], [10, 1000])
    assert [60] == regret.around([96.0], [10, 154])


def test_settled_rates_are_in_force_no_longer_than_asked_for() -> None:
    before = current()
    with regret.settled_rates():
        assert 0.0 == current().compile
        assert before.hop == current().hop
    assert before is current()
