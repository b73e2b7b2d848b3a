"""Both generators of the fuzzer for some seconds, in all modes, from a seed that is printed: another one each time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import SEED_VARIABLE
from tests.effort import share
from tests.fuzz.__main__ import autopar_decorator
from tests.fuzz.campaign import Limits, run_campaign

SECONDS = 20
# Of the programs drawn, in percent: few programs may be unlucky ones.
LEAST_ENTERED = 25
COMPILED = 1 / 4  # of the programs; the kernels of the others are read


@pytest.mark.parametrize("generator", ["first", "second"])
def test_programs_drawn_anew_do_what_the_interpreter_does(
    generator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path / "cache"))
    seed = int(os.environ.get(SEED_VARIABLE, "0"))
    limits = Limits(
        seconds=share(SECONDS), shrink_s=20, generator=generator, mode="any", compiled=COMPILED
    )
    tally = run_campaign(seed, limits, autopar_decorator("cpu"), tmp_path)
    print(tally)
    assert not tally.mismatches, f"python -m tests.fuzz --generator {generator} --seed {seed}"
    assert tally.entered >= tally.programs * LEAST_ENTERED / 100 or tally.programs < 20
