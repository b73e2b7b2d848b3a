"""The table of programs whose parallelism the source does not show: values first, then bars."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import orders
from benchmarks.harness import WrongResult
from benchmarks.polybench import KERNELS
from benchmarks.polybench.sizes import POLYBENCH, PROGRAMS

NAMED = {kernel.name: kernel for kernel in KERNELS}


def smaller(value: Any) -> Any:
    """Return a size that the interpreter is done with at once."""
    return min(value, 7) if isinstance(value, int) else value


def test_every_kernel_has_a_size_and_every_program_its_arguments() -> None:
    assert [each.name for each in POLYBENCH] == list(NAMED)
    names = [each.name for each in (*POLYBENCH, *PROGRAMS)]
    assert len(names) == len(set(names))
    for each in PROGRAMS:
        small = {name: smaller(value) for name, value in each.inputs.items()}
        small |= {"k": 8}  # sizes of a chain of seven
        each.function(*replace(each, inputs={**each.inputs, **small}).arguments())


def test_a_line_is_kept_and_read_again(tmp_path: Path) -> None:
    line = orders.measure(NAMED["trisolv"], 1)
    assert line.verdicts == {"sequential": 1, "reduction": 1}
    assert line.ratio > 0
    path = tmp_path / "lines.json"
    path.write_text(json.dumps(orders.as_json([line], [])))
    assert orders.kept(path) == [line]


def test_values_that_differ_are_told_before_anything_is_timed() -> None:
    def other(*arguments: Any) -> None:
        arguments[1][0] += 1.0

    kernel = NAMED["trisolv"]
    with pytest.raises(WrongResult, match="trisolv"):
        orders.check(kernel, {"one": kernel.function, "other": other}, kernel.arguments())


def test_bars_are_of_the_suite_alone() -> None:
    line = orders.measure(NAMED["trisolv"], 1)
    fast = replace(line, kernel="gemm", ratio=4.0, is_suite=True)
    slow = replace(line, kernel="lcs", ratio=0.1, is_suite=False)
    mean, slowest = orders.bars([fast, slow])
    assert [each.measured for each in (mean, slowest)] == [pytest.approx(4.0)] * 2
    assert [each.verdict for each in orders.bars([replace(fast, ratio=0.9)])] == ["FAIL", "FAIL"]
