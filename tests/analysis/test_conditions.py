"""Conditions as a person reads them, and bounds of whole loops."""

from __future__ import annotations

import time

import pytest

from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import explain_text
from tests.analysis.reading import loop, plan


def around(body: str, header: str = "range(n)") -> str:
    return f"def f(a, b, n, m, k):\n    for i in {header}:\n        {body}\n"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("a[i + k] = a[i]", "k == 0 or k >= n or k <= -n"),
        ("a[i] = a[i + k]", "k == 0 or k >= n or k <= -n"),
        ("a[i] = a[k]", "n <= 1 or k <= -1 or k >= n"),
        ("a[i + k] = a[i + m]", "k == m or k >= n + m or k <= m - n"),
        ("a[i + n] = a[i + k]", "k == n or k <= 0 or k >= 2 * n"),
        ("a[i] = a[k - i]", "k <= 0 or k >= 2 * n - 2"),
    ],
)
def test_the_condition_of_a_loop(body: str, text: str) -> None:
    found = loop(around(body))
    assert found.condition is not None
    assert text == found.condition.text


def test_a_loop_that_is_only_parallel_when_it_is_short_is_sequential() -> None:
    assert "sequential" == loop(around("a[i] = a[i - 2]", "range(2, n)")).verdict
    assert "conditional" == loop(around("a[i + k] = a[i]", "range(4)")).verdict


@pytest.mark.parametrize(
    ("body", "header", "texts"),
    [
        ("a[i] = 0", "range(n)", ["a.shape[0] >= n"]),
        ("a[i + 1] = a[i - 1]", "range(1, n)", ["n <= 1 or a.shape[0] > n"]),
        ("a[i] = 0", "range(len(a))", []),
        ("a[i, 2] = 0", "range(len(a))", ["a.shape[0] == 0 or a.shape[1] >= 3"]),
        ("a[i - 1] = 0", "range(n)", ["n <= 0 or a.shape[0] >= 1", "a.shape[0] >= n - 1"]),
        ("a[-1] = i", "range(n)", ["n <= 0 or a.shape[0] >= 1"]),
        (
            "a[i] = b[i + k]",
            "range(n)",
            ["n <= 0 or k >= 0", "n <= 0 or b.shape[0] >= n + k", "a.shape[0] >= n"],
        ),
        ("a[2 * i] = 0", "range(n)", ["a.shape[0] >= 2 * n - 1"]),
        ("a[i] = 0", "range(-3, n)", ["n <= -3 or a.shape[0] >= 3", "a.shape[0] >= n"]),
    ],
)
def test_one_condition_for_each_end_of_each_axis(body: str, header: str, texts: list[str]) -> None:
    assert texts == [each.text for each in plan(around(body, header)).in_bounds]


def test_twenty_accesses_take_no_seconds() -> None:
    terms = " + ".join(f"a[i - {t // 5}, j - {t % 5}, l - {t % 3}]" for t in range(20))
    source = (
        "def f(a, n):\n    for i in range(5, n):\n        for j in range(5, n):\n            for l in range(5, n):\n"
        f"                a[i, j, l] = {terms}\n"
    )
    start = time.perf_counter()
    (report,) = explain_text(SourceText(path="case.py", text=source, cell=None))
    assert time.perf_counter() - start < 3  # about 0.1 s; a shared machine may be slow
    assert ["sequential", "sequential", "parallel"] == [each.verdict for each in report.loops]


def test_thirty_statements_and_six_loops_are_analysed() -> None:
    lines = ["def f(a, b, n):"]
    lines += ["    " * (depth + 1) + f"for i{depth} in range(n):" for depth in range(6)]
    indices = ", ".join(f"i{depth}" for depth in range(6))
    lines += ["    " * 7 + f"a[{indices}] = b[{indices}] + {number}" for number in range(30)]
    (report,) = explain_text(SourceText(path="case.py", text="\n".join(lines), cell=None))
    assert ["parallel"] * 6 == [each.verdict for each in report.loops]


@pytest.mark.parametrize(
    ("header", "body", "value", "arguments"),
    [
        ("range(n)", "a[i] = 0", "n - 1", "n >= 1"),
        ("range(n, 0, -1)", "a[i] = 0", "1", "n >= 1"),
        ("range(0, n, 3)", "a[i] = 0", None, "n >= 1"),
        ("range(k, n)", "a[i] = 0", "n - 1", "k < n"),
        ("range(5)", "a[i] = 0", "4", "True"),
        ("range(0)", "a[i] = 0", "", "False"),
    ],
)
def test_last_values_and_when_there_are_any(
    header: str, body: str, value: str | None, arguments: str
) -> None:
    region = plan(around(body, header) + "    return i\n")
    assert region.last_values is not None
    assert region.live_out_defined is not None
    values = dict(region.last_values)
    for n in range(-3, 9):
        for k in (-2, 0, 4):
            scope = {"n": n, "k": k}
            told = eval(region.live_out_defined.text, scope)
            left = list(eval(header, scope))
            assert bool(left) == told
            if told:
                assert left[-1] == eval(values["i"], scope)
    if value is not None and value:
        assert value == values["i"]
    if arguments != "False":
        assert eval(arguments, {"n": 8, "k": 1})


def test_arrays_that_are_used_alike_are_asked_about_under_their_own_names() -> None:
    source = (
        "def kernel(x, y, z, n, k):\n    for i in range(n):\n"
        "        x[i + k] = y[i + k] + z[i]\n        z[i] = z[i] + z[k]\n"
    )
    assert ["y.shape[0] >= n + k", "x.shape[0] >= n + k"] == [
        each.text.rpartition(" or ")[2] for each in plan(source).in_bounds if "n + k" in each.text
    ]
    for each in plan(source).in_bounds:
        for array in "xyz":
            if f"{array}.shape[0]" in each.text:
                assert f"extent_0_of_{array}" in each.set.parameters
