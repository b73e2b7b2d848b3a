"""What the analysis claims of nests with the values of a call put in, held against what they do there."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.effort import some
from tests.judgement import Case, faults, judge
from tests.program import Program
from tests.strategies import DrawnChoices, RandomChoices
from tests.valued_nests import VALUED_BOX, draw_valued_nest

patient = settings(suppress_health_check=list(HealthCheck))


@st.composite
def valued_nests(draw: st.DrawFn) -> Program:
    return draw_valued_nest(DrawnChoices(draw))


@patient
@given(valued_nests())
def test_every_claim_is_true_at_every_point(program: Program) -> None:
    case = Case.of(program, VALUED_BOX[::2])
    assert [] == list(faults(case))
    assert [] == [each for each in judge(case) if each.claim == "deferred" and each.is_too_narrow]


@pytest.mark.parametrize("seed", some(range(0, 600, 60)))
def test_every_claim_is_true_for_seeded_nests(seed: int) -> None:
    classes: Counter[str] = Counter()
    for number in range(seed, seed + 15):
        case = Case.of(draw_valued_nest(RandomChoices(random.Random(number))), VALUED_BOX)
        assert [] == list(faults(case)), number
        for each in judge(case):
            if each.claim == "deferred":
                assert not each.is_too_narrow, (number, each)
                classes[each.truth] += 1
    assert classes["parallel"] + classes["conditional"]
    assert classes["sequential"] + classes["conditional"]
