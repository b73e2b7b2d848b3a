"""Arrays that keep the value of the last iteration that wrote an element, whichever that was."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import numpy as np
import pytest

from autopar import machine
from autopar.codegen import combine, heaps
from autopar.codegen.pool import Pool
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, same


def copies(*arguments: Any) -> tuple[Any, ...]:
    return tuple(each.copy("K") if isinstance(each, np.ndarray) else each for each in arguments)


def triangle(t, x, y):
    for i in range(x.shape[0]):
        for j in range(i, x.shape[0]):
            t[j] = 2 * x[i, j]
        for j in range(i, x.shape[0]):
            y[i, j] = t[j] - t[i]


def descending(t, x, y):
    for i in range(x.shape[0] - 1, -1, -1):
        for j in range(i + 1):
            t[j] = x[i, j]
        y[i, 0] = t[i] + t[0]


def where_it_is_large(t, x, y, limit):
    for i in range(x.shape[0]):
        if x[i, 0] > limit:
            for j in range(x.shape[1]):
                t[j] = x[i, j]
            for j in range(x.shape[1]):
                y[i, j] = t[j] + t[0]


def beside_old_elements(t, x, y):
    for i in range(x.shape[0]):
        t[i % 2] = x[i, 0]
        y[i, 0] = t[i % 2] + t[5]


def two_elements(t, x, y, limit):
    for i in range(x.shape[0]):
        if x[i, 1] > limit:
            t[0] = x[i, 1]
            t[-1] = i
        y[i, 1] = x[i, 0]


def windows(t, x, width):
    for i in range(x.shape[0]):
        for j in range(width):
            t[i + j] = x[i, j]


def planes(t, x, limit):
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if x[i, j] > limit:
                t[j % 3, i // 4] = x[i, j]


def last_of_each(last, when, k, v, limit):
    for i in range(k.shape[0]):
        if v[i] > limit:
            last[k[i]] = v[i]
        when[k[i]] = i


def with_a_count(last, k, v, n):
    best = -1
    for i in range(k.shape[0]):
        last[k[i]] = v[i]
        if v[i] > 0.5:
            n += 1
            best = i
    return n, best


def seen(flags, k):
    for i in range(k.shape[0]):
        flags[k[i]] = True


RNG = np.random.default_rng(24)
X = RNG.random((23, 23))
K, V = RNG.integers(-9, 9, 200), RNG.random(200)
ROW = np.arange(40.0)
CASES: dict[str, tuple[Any, ...]] = {
    "triangle": (triangle, ROW[:23], X, X),
    "in one direction or the other": (descending, ROW[::-1][:23], X, X.T),
    "under a condition": (where_it_is_large, ROW, X, X, 0.7),
    "never": (where_it_is_large, ROW, X, X, 2.0),
    "beside elements that stay": (beside_old_elements, ROW[:23], X, X),
    "two of them": (two_elements, ROW[:23], X, X, 0.6),
    "windows": (windows, ROW[:25], X, 3),
    "in Fortran's order": (planes, np.asfortranarray(np.zeros((3, 6), "f4")), X, 0.5),
    "strided": (planes, np.zeros((6, 12), complex)[::2, ::2], X, 0.5),
    "scattered": (last_of_each, np.zeros(9), np.full(9, -1), K, V, 0.8),
    "beside reductions": (with_a_count, np.full(9, np.nan), K, V, 5),
    "truth values": (seen, np.zeros(12, bool), K),
    "empty": (last_of_each, np.zeros(9), np.full(9, -1), K[:0], V[:0], 0.8),
}


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make copies whatever they cost; return how many sets of them there were for each loop."""
    found: list[int] = []

    def counting(*arguments: Any) -> Any:
        own = heaps.own_arguments(*arguments)
        found.append(len(own))
        return own

    monkeypatch.setattr(heaps, "_BYTE_COST", 0)
    monkeypatch.setattr(combine, "own_arguments", counting)
    return found


@pytest.mark.parametrize("case", CASES)
def test_parts_in_any_order_leave_the_last_values(case, copied, monkeypatch):
    orders = itertools.cycle(ORDERS.values())
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: AdversarialLauncher(next(orders)))
    function, *arguments = CASES[case]
    same(function, partial(copies, *arguments), ran="cpu", cache=False)
    assert max(copied, default=0) > 1 or case == "empty"


@pytest.mark.parametrize("threads", [2, 5])
def test_on_threads(threads, copied, monkeypatch):
    pool = Pool(threads, inline_ns=0)
    monkeypatch.setattr(Pool, "workers", lambda *_: threads)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: pool)
    for case in ("triangle", "scattered", "strided"):
        function, *arguments = CASES[case]
        for _ in range(3):
            same(function, partial(copies, *arguments), ran="cpu", cache=False)
    assert max(copied) > 2
    assert pool.shared


def test_without_room_for_copies_loops_inside_are_shared_out(copied, monkeypatch):
    monkeypatch.setattr(heaps, "MOST_COPIED_BYTES", 100)
    pool = Pool(2, inline_ns=0)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: pool)
    same(triangle, partial(copies, ROW[:23], X, X), ran="cpu", cache=False)
    assert not any(copied)
    assert pool.shared


def test_an_index_out_of_range_raises_where_the_interpreter_does(copied, monkeypatch):
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: Pool(2, inline_ns=0))
    wild = K.copy()
    wild[150] = 9
    same(last_of_each, partial(copies, np.zeros(9), np.zeros(9), wild, V, 0.8), cache=False)
    assert not copied


def test_what_is_said_of_them():
    decorated = same(triangle, partial(copies, ROW[:23], X, X), cache=False)
    (outer, *_) = loops_of(decorated.explain())
    assert ("parallel", ["t"]) == (outer["verdict"], outer["private"])
    assert "privatize" in outer["transform"]
    decorated = same(seen, partial(copies, np.zeros(12, bool), K), cache=False)
    (loop,) = loops_of(decorated.explain())
    assert ("conditional", []) == (loop["verdict"], loop["private"])


def test_on_every_target(backend):
    for case in ("triangle", "under a condition", "scattered"):
        function, *arguments = CASES[case]
        same(function, partial(copies, *arguments), backend, cache=False)


def test_on_the_simulator(on_simulator):
    on_simulator(__file__)
