"""Bounds that are data: what a call finds out about them is what the loops then do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autopar.analysis.facts.rows import NO_ROWS, all_rows, compressed_rows
from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import analyze, functions_of
from autopar.row_finders import NOT_FOUND, RowFinder, row_finders

DTYPES = ("int8", "uint8", "int32", "int64", "uint64")
INTEGERS = st.integers(-3, 9)


def brute(ranges: list[range]) -> tuple[int, int, int, bool]:
    """Return first, end, total trips and whether the ranges are apart, by going through them."""
    values = [value for each in ranges for value in each]
    if not values:
        return (0, 0, 0, True)
    return min(values), max(values) + 1, len(values), len(values) == len(set(values))


@given(st.lists(st.tuples(INTEGERS, INTEGERS), max_size=6), st.booleans())
def test_rows_are_those_of_all_ranges(rows: list[tuple[int, int]], falls: bool) -> None:
    starts, stops = (np.array([row[end] for row in rows], np.int64) for end in (0, 1))
    step = -1 if falls else 1
    first, end, total, apart = brute([range(*row, step) for row in rows])
    found = all_rows(starts, stops, falls=falls, wants_apart=True)
    trips = -(-total // len(rows)) if total else 0
    assert (first, end, trips, apart) == tuple(found)


@given(st.lists(INTEGERS, min_size=1, max_size=7), st.sampled_from(DTYPES), st.data())
def test_compressed_rows_are_all_rows(bounds: list[int], dtype: str, data: st.DataObject) -> None:
    array = np.array([max(0, each) if dtype[0] == "u" else each for each in bounds], dtype)
    least = data.draw(st.integers(0, len(array) - 1))
    greatest = data.draw(st.integers(least - 1, len(array) - 2))
    found = compressed_rows(array, least, greatest)
    ranges = [range(int(array[i]), int(array[i + 1])) for i in range(least, greatest + 1)]
    first, end, total, apart = brute(ranges)
    assert (first, end, apart) == (found.first, found.end, found.apart)
    assert found.trips == (-(-total // len(ranges)) if total else 0)
    assert found == NO_ROWS or total


def test_what_lies_before_the_array_counts_from_its_end() -> None:
    array = np.array([5, 1, 3])
    # range(3, 5), range(5, 1), range(1, 3)
    assert (1, 5, 2, True) == tuple(compressed_rows(array, -1, 1))


BOUNDS = (
    "range(ptr[i], ptr[i + 1])",
    "range(ptr[i])",
    "range(ptr[i] - ptr[i + 1])",
    "range(ptr[i] + 1, 2 * ptr[i + 1])",
    "range(i, ptr[i] + i)",
    "range(ptr[i] - i)",
    "range(ptr[i] // 2, min(ptr[i + 1], n))",
    "range(ptr[i - 1], int(ptr[i]))",
    "range(ptr[i + 1] - 1, ptr[i] - 1, -1)",
    "range(-ptr[i], ptr[other[i]] + n)",
    "range(ptr[n - 1], ptr[n])",
    "range(max(ptr[i], other[i]), ptr[2 * i])",
    "range(ptr[i] % 3, ptr[i] + other[i])",
)


def finder_of(bounds: str) -> tuple[RowFinder, Callable[..., list[range]]]:
    """Return what looks at the bounds of a loop, and what runs over them in the interpreter."""
    source = (
        f"def rows(n, ptr, other, y):\n    for i in range(n):\n        for j in {bounds}:\n"
        "            y[i] += j\n"
    )
    plan = analyze(functions_of(SourceText(path="<rows>", text=source, cell=None))[-1])
    assert isinstance(plan, Plan)
    (region,) = plan.regions
    assert region.scop.loops[0].variable == "i"
    (finder,) = row_finders(region)
    names: dict[str, Any] = {}
    exec(f"def ranges(n, ptr, other):\n    return [{bounds} for i in range(n)]\n", names)
    return finder, names["ranges"]


@pytest.mark.parametrize("bounds", BOUNDS)
@settings(max_examples=60)
@given(
    st.integers(0, 6),
    st.lists(INTEGERS, min_size=7, max_size=7),
    st.sampled_from(DTYPES),
    st.booleans(),
)
@example(5, [127, 3, 120, -128, 5, 6, 7], "int8", False)
@example(5, [0, 255, 250, 3, 1, 0, 9], "uint8", False)
def test_an_envelope_holds_all_that_runs(
    bounds: str, n: int, content: list[int], dtype: str, is_wide: bool
) -> None:
    finder, ranges = finder_of(bounds)
    ptr = np.array([abs(each) if dtype[0] == "u" else each for each in content], dtype)
    other = ptr[::-1].copy() % 7
    scope = {"n": np.int64(n) if is_wide else n, "ptr": ptr, "other": other}
    try:
        found = finder.find(*(scope[name] for name in finder.arguments))
    except NOT_FOUND:
        return  # left to the interpreter
    known = dict(zip(finder.found, found, strict=True))
    with np.errstate(all="ignore"):
        run = ranges(**scope)
    values = [value for each in run for value in each]
    for value in values:
        assert known.get("j_first", value) <= value < known.get("j_end", value + 1)
    if n or "j_apart" in known:  # the same bounds each time: whether they are ever asked for
        assert (known["j_trips"] == 0) == (not values)
    if known.get("j_apart"):
        assert len(values) == len(set(values))


@pytest.mark.parametrize("bounds", BOUNDS)
def test_usual_bounds_are_found(bounds: str) -> None:
    finder, _ = finder_of(bounds)
    scope = {"n": 4, "ptr": np.array([0, 2, 2, 5, 6, 7, 8]), "other": np.arange(7)}
    assert finder.find(*(scope[name] for name in finder.arguments))
