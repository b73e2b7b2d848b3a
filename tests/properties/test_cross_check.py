"""Two primed copies of an instance, intersected, agree with what is claimed; planted faults show that they can disagree."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.answers import Asked
from tests.cross_check import Outcome, opinion
from tests.exactness import drawn
from tests.oracle import loops_of
from tests.primed import conflicts
from tests.textual import nest_of

SHIFT = """
def kernel(a, n, k):
    for i in range(n):
        a[i + k] = a[i]
"""


@pytest.mark.parametrize(
    ("generator", "is_affine"), [("first", False), ("second", False), ("second", True)]
)
def test_the_check_by_primed_copies_agrees(generator: str, is_affine: bool) -> None:
    counts: Counter[Outcome] = Counter()
    for seed in range(3000, 3040):
        source = drawn(seed, generator, is_affine=is_affine).source
        for claim in Asked(source).static.values():
            found = opinion(source, claim)
            counts[found.outcome] += 1
            assert found.outcome not in {"contradicts", "more is possible"}, (found, claim, source)
    assert counts["agrees"] >= 25, counts


def test_a_wrong_condition_is_contradicted_and_a_narrow_one_is_noticed() -> None:
    (claim,) = Asked(SHIFT).static.values()
    assert claim.condition == "k == 0 or k >= n or k <= -n"
    assert opinion(SHIFT, claim).outcome == "agrees"
    wrong = replace(claim, condition="k == 0 or k >= n - 1 or k <= -n")
    assert opinion(SHIFT, wrong).outcome == "contradicts"
    narrow = replace(claim, condition="k == 0 or k > n or k <= -n")
    assert opinion(SHIFT, narrow).outcome == "more is possible"
    bold = replace(claim, verdict="parallel", condition=None)
    assert opinion(SHIFT, bold).outcome == "contradicts"
    excused = replace(bold, private=frozenset({"a"}))
    assert opinion(SHIFT, excused).outcome == "excused"


def test_conflicts_of_triangles_strides_and_tests() -> None:
    source = """
def kernel(a, b, u, n, m):
    for i in range(n - 1, -1, -2):
        for j in range(max(0, i), min(n, m)):
            if i < j:
                u[i // 2, j % 3] = b[-1]
            b[j] = 0
    for i in range(n):
        a[2 * i] = a[2 * i + 1]
"""
    outer, inner, last = (nest_of(source, loop) for loop in loops_of(source))
    assert outer is not None
    assert inner is not None
    assert last is not None
    assert not conflicts(outer)["b"].is_empty()
    assert not conflicts(inner)["u"].is_empty()  # j and j + 3
    assert not conflicts(inner)["b"].is_empty()  # the last element is read
    assert conflicts(last)["a"].is_empty()
