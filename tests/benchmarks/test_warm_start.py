"""The benchmark of a process's first call: what is added up, and what it is held against."""

from __future__ import annotations

import os
from dataclasses import fields, replace

import pytest

from benchmarks import report, warm_start
from benchmarks.warm_start import Start, WarmStart

START = Start(**{each.name: 0.01 * (k + 1) for k, each in enumerate(fields(Start))})


def test_a_first_call_is_all_from_the_import_to_its_end():
    assert START.first_s == pytest.approx(0.02 + 0.03 + 0.04 + 0.05 + 0.06)


def test_the_limit_is_numbas_own_cost_where_that_is_larger():
    slow = replace(START, imported_s=0.3)
    assert WarmStart(cold=START, warm=START, numba=slow).limit_s == pytest.approx(0.55)
    quick = Start(**dict.fromkeys((each.name for each in fields(Start)), 0.0))
    found = WarmStart(cold=START, warm=START, numba=quick)
    assert found.limit_s == pytest.approx(0.15)
    bar = report.warm_bar(found)
    assert ("FAIL", 150.0) == (bar.verdict, bar.limit)
    assert "not measured" == report.warm_bar(None).verdict


def test_starts_of_fresh_processes_are_measured(tmp_path):
    places = {"AUTOPAR_CACHE_DIR": str(tmp_path), "PYTHONPYCACHEPREFIX": os.devnull}
    cold, warm = (warm_start._start("autopar", places) for _ in range(2))
    assert min(cold.kernels_s, warm.kernels_s) > 0.0
    assert len(warm_start.HEAD) == len(
        warm_start.rows(WarmStart(cold=cold, warm=warm, numba=cold))[0]
    )
