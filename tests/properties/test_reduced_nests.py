"""Drawn nests that accumulate, or whose scalars live on, in tiny blocks and hostile orders: what they leave is the interpreter's."""

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
from tests.fuzz import draw
from tests.fuzz.campaign import Limits, run_campaign
from tests.launchers import AdversarialLauncher

# Which kind of `tests.fuzz.draw`, how many programs, seed.
KINDS = {
    "reduced": (4, 15, 1),
    "reduced again": (4, 15, 2),
    "lasting": (5, 25, 1),
}
NEVER = 10**9  # terms: sums of floats keep their order


def in_a_kernel(function: Callable[..., Any]) -> Any:
    return autopar.parallel(function, backend="cpu", cache=False)


@pytest.mark.parametrize(("kind", "programs", "seed"), KINDS.values(), ids=KINDS)
def test_nests_in_hostile_orders(
    kind: int, programs: int, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = itertools.cycle(ORDERS.values())
    launcher: Callable[..., object] = lambda *_: AdversarialLauncher(next(orders))  # noqa: E731
    monkeypatch.setattr(machine.MACHINE, "launcher", launcher)
    monkeypatch.setattr("autopar.codegen.heaps._BYTE_COST", 0)
    monkeypatch.setattr(draw, "_SHARES", [int(n == kind) for n in range(len(draw._SHARES))])
    monkeypatch.setattr(draw, "_SPLIT", 0)
    with small_shapes(fewest=NEVER):
        limits = Limits(seconds=120, programs=programs, shrink_s=10)
        tally = run_campaign(seed, limits, in_a_kernel, tmp_path)
    assert 0 == tally.mismatches
    assert tally.entered > 5, tally
