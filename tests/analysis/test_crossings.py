"""Points that part the two ends of all pairs of iterations, held against all pairs of small loops."""

from __future__ import annotations

import random
import re

import pytest

from autopar.analysis.model import isl
from autopar.analysis.model.isl_crossings import OUTER, points_between

N = range(12)
SUBSCRIPTS = (
    "n - 1 - i",
    "n - i",
    "0",
    "3",
    "n // 2",
    "i - n // 2",
    "i - 1",
    "2 * i - n",
    "i // 2",
)


def pairs_on(subscript: str) -> tuple[isl.Map, isl.Map, isl.Map]:
    """Return the pairs of `for i in range(n): a[i] = a[subscript]`."""
    read = subscript.replace("n // 2", "floor(n / 2)").replace("i // 2", "floor(i / 2)")
    later = re.sub(r"\bi\b", "t", read)
    both = f"S0[i] -> S0[t] : 0 <= i < t < n and ({read} = t or i = {later})"
    time = isl.Map.parse("[n] -> { S0[i] -> [0, i, 0] }")
    return time, isl.Map.parse(f"[n] -> {{ {both} }}"), time


def of(subscript: str, i: int, n: int) -> int:
    return int(eval(subscript, {"i": i, "n": n}))


def value(point: str, n: int) -> int:
    """Return what a point is, written by isl."""
    text = point.replace("/", "//").replace("floor", "").replace("mod", "%")
    return int(eval(text, {"n": n}))


@pytest.mark.parametrize("subscript", SUBSCRIPTS)
def test_points_part_what_is_written_from_what_is_read(subscript: str) -> None:
    found = points_between((pairs_on(subscript),), 1, 2)
    if found is None:
        assert subscript in {"i - 1", "2 * i - n", "i // 2"}
        return
    for n in N:
        points = [value(each, n) for each in found]
        for i in range(n):
            for t in range(i + 1, n):
                if of(subscript, i, n) == t or of(subscript, t, n) == i:
                    assert any(i < point <= t for point in points), (n, i, t, points)


def test_points_depend_on_the_loops_around() -> None:
    time = isl.Map.parse("[n] -> { S0[k, i] -> [0, k, 0, i, 0] }")
    row = isl.Map.parse(
        "[n] -> { S0[k, i] -> S0[k, t] : 0 <= k < n and 0 <= i < t < n and (i = k or t = k) }"
    )
    assert points_between(((time, row, time),), 3, 2) == (f"{OUTER}0", f"1 + {OUTER}0")
    assert points_between(((time, row, time),), 3, 1) is None


def test_nothing_is_split_without_pairs() -> None:
    assert points_between((), 1, 2) == ()


def test_random_intervals_are_covered_by_the_fewest_points() -> None:
    choose = random.Random(4)
    time = isl.Map.parse("{ S0[i] -> [0, i, 0] }")
    for _ in range(40):
        pairs = {tuple(sorted(choose.sample(range(9), 2))) for _ in range(choose.randint(1, 4))}
        tests = " or ".join(f"(i = {s} and t = {t})" for s, t in pairs)
        relation = isl.Map.parse(f"{{ S0[i] -> S0[t] : {tests} }}")
        found = points_between(((time, relation, time),), 1, 4)
        assert found is not None
        points = [int(each) for each in found]
        assert all(any(s < point <= t for point in points) for s, t in pairs)
        apart: list[tuple[int, int]] = []  # as many as need a point each
        for s, t in sorted(pairs, key=lambda each: each[1]):
            if not apart or s >= apart[-1][1]:
                apart.append((s, t))
        assert len(apart) == len(points)
