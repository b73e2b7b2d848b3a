"""Loops that only overwrite run in parallel blocks, and leave what the interpreter leaves."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from autopar.codegen import halos
from tests.adversary import ORDERS
from tests.canonical_order import small_shapes
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, same


def shift(a, b):
    for i in range(len(a) - 1):
        a[i] = a[i + 1] + b[i]


def far(a):
    for i in range(len(a) - 5):
        a[i] = a[i + 5] * 2 + a[i + 2]


def falling(a):
    for i in range(len(a) - 1, 2, -1):
        a[i] = a[i - 3] - a[i - 1]


def strided(a):
    for i in range(0, len(a) - 6, 2):
        a[i] = a[i + 2] + a[i + 6] * a[i]


def by_way_of_scalars(a, b, c):
    for i in range(len(a) - 2):
        t = a[i + 1] + c[i]
        if t > 0:
            b[i] = t
        else:
            b[i] = a[i + 2]
        a[i] = t
    return t


def sometimes(a, c):
    for i in range(len(a) - 1):
        if c[i] > 0:
            a[i] = a[i + 1]


def two_arrays(a, b):
    for i in range(1, len(a) - 1):
        a[i] = b[i + 1] + a[i + 1]
        b[i - 1] = a[i + 1] - 1


def rows(u):
    for i in range(u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            u[i, j] = u[i + 1, j - 1] + u[i + 1, j + 1] + u[i, j]


def corners(u):
    for i in range(u.shape[0] - 1):
        for j in range(u.shape[1] - 2, 0, -1):
            u[i, j] = u[i + 1, j + 1] + u[i, j + 1]


def rows_of_rows(u):
    for i in range(u.shape[0] - 1):
        for j in range(u.shape[1] - 2, 0, -1):
            u[i, j] = u[i + 1, j + 1] + u[i, j - 1]


def steps(a):
    for _ in range(4):
        for i in range(len(a) - 1):
            a[i] = a[i + 1] + 1
        a[len(a) - 1] = a[0]


def written_twice(a):
    for i in range(len(a) - 2):
        a[i] = a[i + 1] + 1
        a[i + 1] = 0


def new_value(a, b):
    for i in range(len(a) - 2):
        a[i] = b[i]
        b[i] = a[i] + a[i + 1]


def both_overwritten(a, b, c):
    for i in range(len(a) - 1):
        a[i] = b[i] + c[i]
        b[i] = c[i] - b[i]
        a[i + 1] = b[i] + a[i + 1] * c[i]


def stored_twice(a, b, c):
    for i in range(len(a) - 1):
        a[i + 1] = b[i]
        a[i] = c[i]


def stored_far_ahead(a, b):
    for i in range(len(a) - 5):
        a[i] = b[i]
        a[i + 5] = b[i] * 2
        a[i + 2] = b[i + 1] - 1


def stored_while_falling(a, b):
    for i in range(len(a) - 1, 2, -2):
        a[i - 2] = b[i] - 1
        a[i] = b[i - 1] * 3


def stored_under_a_test(a, b):
    for i in range(len(a) - 1):
        if b[i] > 0:
            a[i + 1] = b[i]
        a[i] = b[i] * 2


def rows_stored_twice(u, v):
    for i in range(u.shape[0] - 1):
        for j in range(u.shape[1]):
            u[i, j] = v[i, j]
            u[i + 1, j] = v[i, j] - u[i + 1, j]


# ---------------------------------------------------------------- what is carried in another way


def both_ways(a):
    for i in range(1, len(a) - 1):
        a[i] = a[i + 1] + a[i - 1]


def overwritten_now_and_then(a, b):
    for i in range(len(a) - 1):
        a[i + 1] = b[i]
        if b[i] > 0:
            a[i] = b[i] * 2


def overwritten_in_places(a, b):
    for i in range(len(a) - 8):
        a[i + 4] = b[i]
        if i % 2 == 0:
            a[i] = b[i] * 2


def read_in_between(a, b):
    for i in range(len(a) - 1):
        a[i + 1] = b[i]
        b[i] = a[i + 1] + 1
        a[i] = b[i]


def old_or_new(a, b):
    for i in range(len(a) - 9):
        if i < 20:
            a[i + 1] = b[i]
        b[i] = a[i + 1]
        a[i] = b[i]


def very_far(a):
    for i in range(len(a) - 100):
        a[i] = a[i + 100] + 1


def mirrored(a):
    for i in range(len(a) // 2):
        a[i] = a[len(a) - 1 - i] + 1


NUMBERS = np.random.default_rng(8).integers(-4, 5, 60)
TABLE = np.random.default_rng(9).integers(-4, 5, (12, 7))
Arguments = Callable[[], tuple[Any, ...]]
Cases = dict[str, tuple[Callable[..., Any], Arguments]]
OVERWRITING: Cases = {
    "shift": (shift, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "shift of floats": (shift, lambda: (NUMBERS * 0.1, NUMBERS * 0.7)),
    "far": (far, lambda: (NUMBERS.copy(),)),
    "far in a view": (far, lambda: (NUMBERS.repeat(2)[::2],)),
    "falling": (falling, lambda: (NUMBERS.copy(),)),
    "strided": (strided, lambda: (NUMBERS.copy(),)),
    "scalars": (by_way_of_scalars, lambda: (NUMBERS * 0.5, np.zeros(60), NUMBERS * 0.3)),
    "sometimes": (sometimes, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "two arrays": (two_arrays, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "rows": (rows, lambda: (TABLE.copy(),)),
    "rows of Fortran": (rows, lambda: (np.asfortranarray(TABLE),)),
    "rows of rows": (rows_of_rows, lambda: (TABLE.copy(),)),
    "steps": (steps, lambda: (NUMBERS.copy(),)),
    "written twice": (written_twice, lambda: (NUMBERS.copy(),)),
    "new value": (new_value, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "both": (both_overwritten, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy(), NUMBERS * 2)),
    "stored twice": (stored_twice, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy(), NUMBERS * 2)),
    "stored far": (stored_far_ahead, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "short last block": (stored_far_ahead, lambda: (NUMBERS[:58].copy(), NUMBERS[::-1].copy())),
    "stored falling": (stored_while_falling, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "stored under a test": (stored_under_a_test, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "rows stored twice": (rows_stored_twice, lambda: (TABLE.copy(), TABLE[::-1].copy())),
}
OTHERS: Cases = {
    "both ways": (both_ways, lambda: (NUMBERS.copy(),)),
    "now and then": (overwritten_now_and_then, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "in places": (overwritten_in_places, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "in between": (read_in_between, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "old or new": (old_or_new, lambda: (NUMBERS.copy(), NUMBERS[::-1].copy())),
    "very far": (very_far, lambda: (NUMBERS.repeat(3),)),
    "mirrored": (mirrored, lambda: (NUMBERS.copy(),)),
    "corners": (corners, lambda: (TABLE.copy(),)),
    "shift of one array": (shift, lambda: (*[NUMBERS.copy()] * 2,)),
}


@pytest.fixture
def _hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = itertools.cycle(ORDERS.values())
    launcher: Callable[..., object] = lambda *_: AdversarialLauncher(next(orders))  # noqa: E731
    monkeypatch.setattr(machine.MACHINE, "launcher", launcher)
    monkeypatch.setattr(halos, "BLOCK", 4)
    monkeypatch.setattr(halos, "NESTED_BLOCK", 2)
    monkeypatch.setattr(halos, "_SHARE", 1)


@pytest.mark.usefixtures("_hostile")
@pytest.mark.parametrize("name", OVERWRITING)
def test_blocks_in_hostile_orders(name):
    function, arguments = OVERWRITING[name]
    with small_shapes():
        decorated = same(function, arguments, cache=False)
    assert any("rename" in each["transform"] for each in loops_of(decorated.last_run))
    sources = "".join(decorated.inspect_source().values())
    assert "_old[" in sources or "_new[" in sources, sources


@pytest.mark.usefixtures("_hostile")
@pytest.mark.parametrize("name", OTHERS)
def test_what_carries_more_runs_in_order(name):
    function, arguments = OTHERS[name]
    with small_shapes():
        decorated = same(function, arguments, cache=False)
    sources = "".join(decorated.inspect_source().values())
    assert "_old[" not in sources
    assert "_new[" not in sources


def test_long_loops_as_they_come():
    same(shift, lambda: (np.arange(100_000.0) % 7, np.arange(100_000.0)), ran="cpu")


def test_verdict_stays_sequential():
    (loop,) = loops_of(autopar.parallel(shift).explain())
    assert ("sequential", "AP402", ["rename"]) == (
        loop["verdict"], loop["code"], loop["transform"]
    )  # fmt: skip
