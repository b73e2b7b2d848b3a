"""Nests of the families with parts of them in functions do what they do in the interpreter."""

from __future__ import annotations

import random

import autopar
from tests.fuzz.draw import draw_call
from tests.fuzz.trial import Trial, run_trial
from tests.outlined_nests import draw_outlined_nest
from tests.strategies import RandomChoices


def test_functions_inside_a_kernel_are_put_in_place(tmp_path):
    entered = 0
    for seed in range(12):
        generator = random.Random(seed)
        program = draw_outlined_nest(RandomChoices(generator))
        trial = Trial(source=program.source, calls=(draw_call(program, generator),))
        result = run_trial(trial, autopar.parallel(backend="cpu"), tmp_path)
        assert result.difference is None, (seed, program.source, result.difference)
        entered += result.has_entered
    assert entered > 3
