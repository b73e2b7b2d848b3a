"""Drawn nests that use what they accumulate on the way, in tiny blocks and hostile orders: what they leave is the interpreter's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autopar
from autopar import machine
from autopar.codegen import halos
from tests.adversary import ORDERS
from tests.canonical_order import small_shapes
from tests.fuzz import draw
from tests.fuzz.campaign import Limits, run_campaign
from tests.launchers import AdversarialLauncher

KIND = 9  # of `tests.fuzz.draw`


def in_a_kernel(function: Callable[..., Any]) -> Any:
    # Sums of floats have another order by right, but for this.
    return autopar.parallel(function, backend="cpu", cache=False, strict=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_scans_in_hostile_orders(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = itertools.cycle(ORDERS.values())
    launcher: Callable[..., object] = lambda *_: AdversarialLauncher(next(orders))  # noqa: E731
    monkeypatch.setattr(machine.MACHINE, "launcher", launcher)
    monkeypatch.setattr(draw, "_SHARES", [int(n == KIND) for n in range(len(draw._SHARES))])
    monkeypatch.setattr(draw, "_SPLIT", 0)
    monkeypatch.setattr(halos, "BLOCK", 4)
    monkeypatch.setattr(halos, "NESTED_BLOCK", 2)
    monkeypatch.setattr(halos, "_SHARE", 1)
    with small_shapes(fewest=0):
        limits = Limits(seconds=120, programs=25, shrink_s=10)
        tally = run_campaign(seed, limits, in_a_kernel, tmp_path)
    assert 0 == tally.mismatches
    assert tally.entered > 5, tally
