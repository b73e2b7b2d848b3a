"""The benchmark harness: its statistics, its tables, and its kernels against each other."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from benchmarks import harness, nests, polybench, report
from benchmarks.harness import WrongResult, check_small, interleaved
from benchmarks.kernels import KERNELS, Kernel
from benchmarks.long_function import channel_flow
from benchmarks.overheads import Dispatch, FirstCall
from benchmarks.statistics import bootstrap_ratio, geometric_mean
from benchmarks.takeover import Takeover, compiled_seconds, takeover

JACOBI = next(kernel for kernel in KERNELS if kernel.name == "jacobi")
RATIO_BARS = ("geometric mean vs by hand", "slowest kernel vs by hand")


def loop(depth: int, backend: str | None, seconds: float | None = None):
    entry: dict[str, object] = {"depth": depth}
    if backend is not None:
        entry["ran"] = {"backend": backend, "seconds": seconds}
    return entry


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_vectorised_form_gives_the_values_of_the_loops(kernel: Kernel) -> None:
    assert kernel.vectorised is not None
    check_small(kernel, {"numpy": kernel.vectorised})


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_hand_written_form_gives_the_values_of_the_loops(kernel: Kernel) -> None:
    serial = kernel.by_hand.py_func  # type: ignore[attr-defined]  # prange is range uncompiled
    check_small(kernel, {"by hand": serial})


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_loops_write_the_named_outputs_and_nothing_else(kernel: Kernel) -> None:
    before = kernel.arguments(8, np.random.default_rng(1))
    after = harness.copied(before)
    kernel.plain(*after)
    written = tuple(
        position
        for position, (old, new) in enumerate(zip(before, after, strict=True))
        if not np.array_equal(old, new)
    )
    assert kernel.outputs == written


def test_one_compiled_hand_written_form_gives_the_values_of_the_loops() -> None:
    check_small(JACOBI, {"by hand": JACOBI.by_hand})


def test_a_wrong_bit_is_a_wrong_result() -> None:
    def off_by_one_bit(u, v) -> None:
        JACOBI.plain(u, v)
        v[3, 4] = np.nextafter(v[3, 4], np.inf)

    with pytest.raises(WrongResult, match="jacobi: 'wrong'"):
        check_small(JACOBI, {"wrong": off_by_one_bit})


def test_a_wrong_dtype_is_a_wrong_result_even_within_a_tolerance() -> None:
    loose = replace(JACOBI, tolerance=1.0)
    want, have = (np.ones(3),), (np.ones(3, np.float32),)
    with pytest.raises(WrongResult):
        harness.check_equal(loose, "single", want, have)


def test_not_a_number_is_not_within_a_tolerance() -> None:
    loose = replace(JACOBI, tolerance=1.0)
    with pytest.raises(WrongResult):
        harness.check_equal(loose, "nan", (np.ones(2),), (np.array([1.0, np.nan]),))


def test_ratio_of_constant_times_has_no_spread() -> None:
    ratio = bootstrap_ratio([4.0] * 15, [2.0] * 15)
    assert (2.0, 2.0, 2.0) == (ratio.value, ratio.low, ratio.high)


def test_bootstrap_interval_encloses_the_ratio_and_shows_the_spread() -> None:
    random = np.random.default_rng(4)
    other = list(random.normal(3.0, 0.3, 15))
    ours = list(random.normal(1.0, 0.1, 15))
    ratio = bootstrap_ratio(other, ours)
    assert ratio.low <= ratio.value <= ratio.high
    assert 0.05 < ratio.high - ratio.low < 1.5


def test_rounds_are_resampled_as_pairs() -> None:
    load = [1.0, 5.0, 2.0, 9.0, 1.5, 7.0, 3.0]  # the machine's, common to both
    ratio = bootstrap_ratio([2.0 * each for each in load], load)
    assert ratio.low == pytest.approx(2.0)
    assert ratio.high == pytest.approx(2.0)


def test_ratio_of_unequal_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="rounds"):
        bootstrap_ratio([1.0, 2.0], [1.0])


def test_geometric_mean_of_reciprocals_is_one() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)


def test_every_round_times_every_form_in_a_changing_order() -> None:
    order: list[str] = []
    calls = {name: (lambda name=name: order.append(name)) for name in "abc"}
    times = interleaved(calls, rounds=6, sample_s=0.0)
    assert {"a": 6, "b": 6, "c": 6} == {name: len(values) for name, values in times.items()}
    warm_up = 3 * 3
    rounds = ["".join(order[start : start + 6]) for start in range(warm_up, len(order), 6)]
    assert all({"a", "b", "c"} == set(each) for each in rounds)
    assert len(set(rounds)) > 1


def test_share_counts_the_outermost_compiled_loops_once() -> None:
    loops = [loop(0, "cpu", 0.5), loop(1, "cpu", 0.4), loop(0, "cpu", 0.25), loop(1, None)]
    assert compiled_seconds(loops) == pytest.approx(0.75)


def test_share_looks_into_loops_that_the_interpreter_ran() -> None:
    loops = [loop(0, "interpreter", 9.0), loop(1, "cpu", 0.5), loop(2, "cpu", 0.5)]
    assert compiled_seconds(loops) == pytest.approx(0.5)


def test_loop_that_nobody_measured_earns_nothing() -> None:
    assert compiled_seconds([loop(0, "cpu", None)]) == 0.0


def test_ratio_of_an_interpreted_call_is_not_earned() -> None:
    run = {"functions": [{"loops": [loop(0, "interpreter", 1.0)]}]}
    assert takeover(run, 1.0) == Takeover(share=0.0, backends=("interpreter",))
    assert not takeover(run, 1.0).earned


def test_ratio_with_less_than_half_the_time_in_kernels_is_not_earned() -> None:
    run = {"functions": [{"loops": [loop(0, "cpu", 0.4)]}]}
    assert not takeover(run, 1.0).earned
    assert takeover(run, 0.6).earned


def test_table_aligns_its_columns() -> None:
    expected = "name    value\n------  -----\na           1\nlonger     10"
    assert expected == report.table(("name", "value"), [("a", "1"), ("longer", "10")])


def measurement(by_hand: float, backend: str = "cpu") -> harness.Measurement:
    return harness.Measurement(
        kernel="saxpy",
        size=1000,
        times_s={"autopar": 0.001, "by hand": 0.001 * by_hand, "cpython": 0.1},
        ratios={
            "by hand": bootstrap_ratio([by_hand], [1.0]),
            "cpython": bootstrap_ratio([100.0], [1.0]),
        },
        cpython_part_size=100,
        cpython_scale=10.0,
        takeover=Takeover(share=0.9, backends=(backend,)),
    )


def results(measured, overheads=None, wrong=()) -> report.Results:
    around = overheads or report.Overheads()
    return report.Results(measured=tuple(measured), wrong=wrong, overheads=around)


def verdicts(measured, overheads=None) -> dict[str, str]:
    held = report.all_bars(results(measured, overheads))
    return {bar.name: bar.verdict for bar in held}


def test_bars_pass_and_fail_on_either_side_of_the_limit() -> None:
    good = verdicts([measurement(1.1), measurement(0.9)])
    assert [good[name] for name in RATIO_BARS] == ["pass", "pass"]
    bad = verdicts([measurement(1.3), measurement(0.7)])
    assert [bad[name] for name in RATIO_BARS] == ["FAIL", "FAIL"]


def test_ratio_earned_by_the_interpreter_fails_however_good() -> None:
    held = verdicts([measurement(5.0, "interpreter")])
    assert held["geometric mean vs by hand"] == "FAIL(interpreter)"
    assert "FAIL(interpreter)" in report.row(measurement(5.0, "interpreter"))[-1]


def test_kernel_with_a_wrong_value_fails_the_bars_that_leave_it_out() -> None:
    held = report.all_bars(results([measurement(1.5)], wrong=("jacobi differs",)))
    assert {bar.verdict for bar in held if bar.name in RATIO_BARS} == {"FAIL(wrong result)"}


def test_bar_that_was_not_measured_says_so() -> None:
    assert verdicts([])["slowest kernel vs by hand"] == "not measured"
    assert verdicts([])["import autopar"] == "not measured"


def test_dispatch_bar_holds_the_cost_beyond_the_kernel() -> None:
    ran = Takeover(share=0.5, backends=("cpu",))
    cost = Dispatch(size=40, decorated_s=30e-6, bare_s=12e-6, threads=1, takeover=ran)
    assert cost.cost_s == pytest.approx(18e-6)
    assert verdicts([], report.Overheads(inline=cost))["dispatch, inline"] == "pass"
    slower = replace(cost, bare_s=0.0)
    assert verdicts([], report.Overheads(inline=slower))["dispatch, inline"] == "FAIL"


def test_dispatch_of_an_interpreted_call_proves_nothing() -> None:
    ran = Takeover(share=0.0, backends=("interpreter",))
    cost = Dispatch(size=40, decorated_s=1e-6, bare_s=1e-6, threads=1, takeover=ran)
    assert verdicts([], report.Overheads(inline=cost))["dispatch, inline"] == "FAIL(interpreter)"


def test_first_call_bar_compares_like_with_like() -> None:
    first = FirstCall(autopar_s=0.6, by_hand_s=1.0, autopar_total_s=1.9, by_hand_total_s=2.0)
    assert verdicts([], report.Overheads(first_call=first))["first call vs by hand"] == "pass"


def test_json_holds_everything_and_can_be_written() -> None:
    first = FirstCall(autopar_s=0.6, by_hand_s=1.0, autopar_total_s=1.9, by_hand_total_s=2.0)
    written = report.as_json(results([measurement(1.0)], report.Overheads(first_call=first)))
    back = json.loads(json.dumps(written))
    assert back["kernels"][0]["ratios"]["by hand"]["value"] == 1.0
    assert {"device", "cores", "numba"} <= set(back["machine"])
    assert {"pass", "not measured"} == {bar["verdict"] for bar in back["bars"]}


def nest(kernel: str, seconds: float, condition_s: float | None = 1e-6) -> nests.Nest:
    return nests.Nest(
        kernel=kernel,
        verdicts={"parallel": 2, "sequential": 1},
        verdicts_s=seconds,
        with_schedule_s=2 * seconds,
        reanalysis_s=seconds,
        condition_s=condition_s,
        operations=1234,
    )


def analysis(*found: nests.Nest, long_s: float = 0.5) -> nests.Analysis:
    return nests.Analysis(
        nests=found, long_function_s=long_s, long_function_lines=300, long_function_operations=9
    )


def test_analysis_bars_hold_medians_over_the_nests() -> None:
    three = analysis(nest("a", 0.001), nest("b", 0.014), nest("c", 9.0))
    held = {bar.name: bar for bar in report.analysis_bars(three)}
    assert {"pass"} == {bar.verdict for bar in held.values()}
    assert held["verdicts, 30 PolyBench nests"].measured == pytest.approx(14.0)
    slow = analysis(nest("a", 0.001), nest("b", 0.060), nest("c", 9.0, 20e-6), long_s=1.1)
    verdicts = [bar.verdict for bar in report.analysis_bars(slow)]
    assert ["FAIL", "FAIL", "FAIL", "pass", "FAIL"] == verdicts


def test_analysis_bars_that_were_not_measured_say_so() -> None:
    assert {"not measured"} == {bar.verdict for bar in report.analysis_bars(None)}


def test_condition_is_judged_over_the_nests_that_have_one() -> None:
    found = analysis(nest("a", 0.001, None), nest("b", 0.001, 3e-6))
    assert found.middle("condition_s") == pytest.approx(3e-6)
    assert "-" in report.nest_row(found.nests[0])


def test_nest_is_measured_in_all_its_parts() -> None:
    kernel = next(each for each in polybench.KERNELS if each.name == "atax")
    found = nests.nest(kernel, rounds=1)
    assert {"parallel": 2, "reduction": 2} == found.verdicts
    assert min(found.verdicts_s, found.with_schedule_s, found.reanalysis_s) > 0.0
    assert found.condition_s is not None
    assert 0.0 < found.condition_s < found.verdicts_s
    assert 1000 < found.operations < 1_000_000
    # isl's own tables are ordered by addresses, which moves a few of them.
    again = nests.nest(kernel, rounds=1).operations
    assert abs(found.operations - again) <= found.operations // 100
    assert {"parallel": 2, "reduction": 2} == json.loads(json.dumps(asdict(found)))["verdicts"]


def test_analysis_stands_in_the_json() -> None:
    whole = replace(results([]), analysis=analysis(nest("a", 0.001)))
    back = json.loads(json.dumps(report.as_json(whole)))
    assert back["analysis"]["nests"][0]["operations"] == 1234
    assert len(back["bars"]) == len(report.all_bars(whole))


def test_long_function_runs_and_is_as_long_as_it_says() -> None:
    lines: list[str] = []
    summary = channel_flow(9, 7, 3, lines)
    assert all(np.isfinite(value) for value in summary.values())
    assert len(inspect.getsourcelines(channel_flow)[0]) >= 300


def test_result_files_are_named_after_the_device() -> None:
    name = report.results_path("Intel(R) Xeon(R) CPU @ 2.20GHz").name
    assert name.startswith("intel-r-xeon-r-cpu-2-20ghz-20")
