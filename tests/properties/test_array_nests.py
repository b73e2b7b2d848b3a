"""Drawn whole-array statements in hostile orders: what they leave is NumPy's, types and warnings too."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.canonical_order import small_shapes
from tests.effort import share
from tests.fuzz import draw
from tests.fuzz.campaign import Limits, run_campaign
from tests.launchers import AdversarialLauncher

KIND = 10  # of `tests.fuzz.draw`
NEVER = 10**9  # terms: sums of floats keep their order


def in_a_kernel(function: Callable[..., Any]) -> Any:
    return autopar.parallel(function, backend="cpu", cache=False)


@pytest.mark.parametrize("seed", [1, 2])
def test_array_statements_in_hostile_orders(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = itertools.cycle(ORDERS.values())
    launcher: Callable[..., object] = lambda *_: AdversarialLauncher(next(orders))  # noqa: E731
    monkeypatch.setattr(machine.MACHINE, "launcher", launcher)
    monkeypatch.setattr(draw, "_SHARES", [int(n == KIND) for n in range(len(draw._SHARES))])
    monkeypatch.setattr(draw, "_SPLIT", 0)
    with small_shapes(fewest=NEVER):
        limits = Limits(seconds=120, programs=share(45), shrink_s=10)
        tally = run_campaign(seed, limits, in_a_kernel, tmp_path)
    assert 0 == tally.mismatches
    assert tally.entered > share(6), tally
