"""The table of NumPy's functions: every case gives NumPy's bits, and the bars take the worst."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import functions
from benchmarks.functions import Computed, Functions
from benchmarks.harness import WrongResult
from benchmarks.report import function_bars
from benchmarks.statistics import Ratio


def computed(share: float, gain: float) -> Computed:
    ratios = [Ratio(value=each, low=each, high=each) for each in (share, gain, 1.5)]
    return Computed(
        case="exp", dtype="float64", numpy_ns=1.0, share=ratios[0], gain=ratios[1],
        side_by_side=ratios[2],
    )  # fmt: skip


def test_one_case_is_measured_in_both_dtypes():
    found = functions.measure(frozenset(("exp, arithmetic",)), 1, size=2000)
    assert ["float64", "float32"] == [each.dtype for each in found.computed]
    assert 2 == len(functions.rows(found))


def test_another_value_than_numpys_is_not_measured(monkeypatch):
    other = {"exp": (functions.exp_loop, functions.alone(np.sin))}
    monkeypatch.setattr(functions, "CASES", other)
    with pytest.raises(WrongResult):
        functions.measure(None, 1, size=100)


def test_bars_are_of_the_worst_and_two_threads():
    cases = (computed(0.9, 2.0), computed(1.1, 1.6))
    bars = function_bars(Functions(threads=2, computed=cases))
    assert [0.9, 1.6] == [each.measured for each in bars]
    assert function_bars(Functions(threads=4, computed=cases))[1].measured is None
    assert all(each.measured is None for each in function_bars(None))
