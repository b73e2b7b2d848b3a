"""Drawn nests whose arrays change places, and drawn nests over attributes: the interpreter's results."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
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

NEVER = 10**9  # terms: sums of floats keep their order


def in_a_kernel(function: Callable[..., Any]) -> Any:
    return autopar.parallel(function, backend="cpu", cache=False)


@pytest.mark.parametrize(
    ("kinds", "over_attributes"),
    [((8,), 0.3), (range(8), 1.0)],
    ids=["moved", "over attributes"],
)
def test_drawn_programs_in_hostile_orders(
    kinds: Collection[int],
    over_attributes: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders = itertools.cycle(ORDERS.values())
    launcher: Callable[..., object] = lambda *_: AdversarialLauncher(next(orders))  # noqa: E731
    monkeypatch.setattr(machine.MACHINE, "launcher", launcher)
    monkeypatch.setattr(draw, "_SHARES", [int(n in kinds) for n in range(len(draw._SHARES))])
    monkeypatch.setattr(draw, "_SPLIT", 0)
    monkeypatch.setattr(draw, "_OVER_ATTRIBUTES", over_attributes)
    with small_shapes(fewest=NEVER):
        limits = Limits(seconds=120, programs=share(24), shrink_s=10)
        tally = run_campaign(7, limits, in_a_kernel, tmp_path)
    assert 0 == tally.mismatches
    assert tally.entered > share(4), tally
