"""Sentences about contents, evaluated."""

from __future__ import annotations

import numpy as np
import pytest

from tests.contents import NotEvaluable, evaluated, is_sentence


@pytest.mark.parametrize(("perm", "holds"), [([2, 1, 0, 0], True), ([1, 1, 0, 2], False)])
def test_distinct_in_the_domain_only(perm: list[int], holds: bool) -> None:
    text = "perm[i] distinct for 0 <= i < n"
    assert is_sentence(text)
    assert evaluated(text, {"perm": np.array(perm), "n": 3}) == holds


@pytest.mark.parametrize(("m", "holds"), [(0, False), (3, True)])
def test_elements_met_twice_are_those_of_different_iterations(m: int, holds: bool) -> None:
    text = "n > 0 and no element met twice through a[i + m] and a[idx[i]] for 0 <= i < n"
    assert evaluated(text, {"idx": np.array([1, 1, 0]), "n": 3, "m": m}, {"a[idx[i]]"}) == holds
    assert not evaluated(text, {"idx": np.array([1, 1, 0]), "n": 3, "m": m})


def test_a_variable_without_a_domain_is_refused() -> None:
    text = "no element met twice through A[i, j] and A[k, idx[t]] for 0 <= j < 3"
    with pytest.raises(NotEvaluable):
        evaluated(text, {"idx": np.array([0])})
