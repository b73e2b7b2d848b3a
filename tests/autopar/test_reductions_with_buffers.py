"""Reductions beside arrays of which every iteration needs its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from autopar.codegen.pool import Pool
from tests.adversary import ORDERS
from tests.canonical_order import reordered, small_shapes
from tests.launchers import AdversarialLauncher, SerialLauncher
from tests.sameness import freeze, same


def largest_step(a, row, m):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            row[j] = 2 * a[i, j]
        for j in range(1, a.shape[1]):
            m = max(m, row[j] - row[j - 1])
    return m


def sum_of_rows(a, row, s):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            row[j] = a[i, j] * 0.5
        for j in range(a.shape[1]):
            s += row[j] * row[j]
    return s


def counted_rows(a, row, h):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            row[j] = a[i, j] % 5
        h[row[0]] += 1
        h[row[1]] += 2


def own_row(a, m, at):
    for i in range(a.shape[0]):
        row = np.zeros(a.shape[1])
        for j in range(a.shape[1]):
            row[j] = a[i, j] - a[i, 0]
        t = 0.0
        for j in range(a.shape[1]):
            t += row[j]
        if t > m:
            m = t
            at = i
    return m, at


LAUNCHERS: dict[str, Callable[[], Any]] = {
    "one call": SerialLauncher,
    **{f"{threads} threads": partial(Pool, threads) for threads in (1, 2, 3)},
    **{name: partial(AdversarialLauncher, order) for name, order in ORDERS.items()},
}


def copies(*arguments: Any) -> tuple[Any, ...]:
    return tuple(each.copy() if isinstance(each, np.ndarray) else each for each in arguments)


@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS.keys())
def test_buffers_end_as_the_last_iteration_leaves_them(launcher, monkeypatch):
    made = launcher()
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: made)
    monkeypatch.setattr("autopar.codegen.heaps._BYTE_COST", 0)
    a = np.random.default_rng(1).standard_normal((23, 7))
    whole = np.arange(161).reshape(23, 7)[::-1].copy()
    with small_shapes():
        row = np.full(9, 3.5)
        found = same(largest_step, partial(copies, a, row, np.float64(-9)), ran="cpu", cache=False)
        assert "private=(" in str(found.inspect_source())
        found = same(own_row, partial(copies, a, -1e9, -1), ran="cpu", cache=False)
        assert "private=(" in str(found.inspect_source())
        counts = np.zeros(5, "int64")
        for n in (23, 1, 0):
            arguments = (whole[:n], np.full(9, 3), counts)
            same(counted_rows, partial(copies, *arguments), cache=False)


@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS.keys())
def test_a_sum_beside_a_buffer_has_the_canonical_order(launcher, monkeypatch):
    made = launcher()
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: made)
    a = np.random.default_rng(1).standard_normal((300, 310))

    def grown(s, i):
        for j in range(310):
            s = s + (a[i, j] * 0.5) * (a[i, j] * 0.5)
        return s

    from autopar.codegen.canonical import NESTED

    start = np.float64(0.5)
    wanted = reordered(start, 300, grown, lambda x, y: x + y, np.float64(-0.0), NESTED)
    row, function = np.zeros(310), autopar.parallel(sum_of_rows, backend="cpu", cache=False)
    assert freeze(wanted) == freeze(function(a, row, start))
    assert freeze(a[-1] * 0.5) == freeze(row)


def test_without_room_for_copies_all_runs_in_order(monkeypatch):
    monkeypatch.setattr("autopar.codegen.copies.MOST_COPIED_BYTES", 10)
    a = np.random.default_rng(1).standard_normal((2000, 70))
    same(largest_step, partial(copies, a, np.zeros(70), np.float64(-9)), ran="cpu", cache=False)
