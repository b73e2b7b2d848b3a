"""Loops that note only the place of an extremum: reductions where nothing else is done with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.canonical_order import small_shapes
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, same


def first_least(a):
    k = 0
    for i in range(1, len(a)):
        if a[i] < a[k]:
            k = i
    return k


def last_greatest(a, k):
    for i in range(len(a)):
        if a[k] <= a[i]:
            k = i
    return k


def nearest_unseen(d, seen, u):
    for v in range(len(d)):
        if not seen[v] and d[v] < d[u]:
            u = v
    return u


def pivots(a, out):
    for c in range(a.shape[1]):
        p = c
        for r in range(c + 1, a.shape[0]):
            if abs(a[r, c]) > abs(a[p, c]):
                p = r
        out[c] = p


def by_way_of_others(a, order):
    k = order[0]
    for i in range(len(order)):
        if a[order[i]] > a[k]:
            k = order[i]
    return k


def nested(a, b, t):
    k = 0
    s = 0
    for i in range(len(a)):
        if b[i] > t:
            s += 1
            if -a[i] > -a[k]:
                k = i
    return k, s


# ------------------------------------------------------------------------- what does more


def written_there(a):
    k = 0
    for i in range(1, len(a)):
        if a[i] < a[k]:
            k = i
        a[i] = i
    return k


def stored_beside(a, b):
    k = 0
    for i in range(1, len(a)):
        if a[i] < a[k]:
            k = i
        b[i] = 100.0 - i
    return k


def used_on_the_way(a, b):
    k = 0
    for i in range(1, len(a)):
        if a[i] < a[k]:
            k = i
        b[i] = k
    return k


def set_elsewhere(a, b):
    k = 0
    for i in range(1, len(a)):
        if a[i] < a[k]:
            k = i
        if b[i] > 3:
            k = 2
    return k


def of_another(a, b):
    k = 0
    for i in range(1, len(a)):
        if a[i] < b[k]:
            k = i
    return k


def values(n=400, dtype=np.float64):
    return np.random.default_rng(n).integers(-9, 9, n).astype(dtype)


def with_nans(n=400):
    found = values(n)
    found[::7] = np.nan
    return found


Arguments = Callable[[], tuple[Any, ...]]
Cases = dict[str, tuple[Callable[..., Any], Arguments]]
REDUCED: Cases = {
    "first": (first_least, lambda: (values(),)),
    "first of integers": (first_least, lambda: (values(dtype=np.int8),)),
    "first, NaN before": (first_least, lambda: (with_nans(),)),
    "first, NaN on the way": (first_least, lambda: (with_nans()[1:],)),
    "first of zeros": (first_least, lambda: (np.array([0.0, -0.0] * 90),)),
    "first of a list": (first_least, lambda: (values().tolist(),)),
    "last": (last_greatest, lambda: (values(), 7)),
    "last, counted from the end": (last_greatest, lambda: (values(), -1)),
    "last, NaN": (last_greatest, lambda: (with_nans(), 3)),
    "unseen": (nearest_unseen, lambda: (values(), values() > 2, 3)),
    "pivots": (pivots, lambda: (values(400).reshape(20, 20), np.zeros(20, int))),
    "others": (by_way_of_others, lambda: (values(), np.arange(400)[::-3].copy())),
    "nested": (nested, lambda: (values(), values(400)[::-1].copy(), 2.0)),
}
OTHERS: Cases = {
    "written": (written_there, lambda: (values(),)),
    "used": (used_on_the_way, lambda: (values(), values())),
    "beside": (stored_beside, lambda: (values(), values())),
    "elsewhere": (set_elsewhere, lambda: (values(), values())),
    "another": (of_another, lambda: (values(), values())),
}


@pytest.mark.parametrize("name", REDUCED)
def test_places_in_hostile_orders(name, monkeypatch):
    orders = itertools.cycle(ORDERS.values())
    launcher: Callable[..., object] = lambda *_: AdversarialLauncher(next(orders))  # noqa: E731
    monkeypatch.setattr(machine.MACHINE, "launcher", launcher)
    function, arguments = REDUCED[name]
    with small_shapes():
        decorated = same(function, arguments, cache=False)
    loop = loops_of(decorated.last_run)[-1]
    assert (loop["verdict"], loop["ran"]["backend"]) == ("reduction", "cpu")
    places = [each for each in loop["reductions"] if not each.startswith("+")]
    assert all(each.startswith(("argmin into ", "argmax into ")) for each in places)
    assert len(places) == 1


@pytest.mark.parametrize("name", OTHERS)
def test_what_does_more_keeps_its_order(name):
    function, arguments = OTHERS[name]
    decorated = same(function, arguments)
    assert loops_of(decorated.last_run)[-1]["verdict"] == "sequential"


def shifted_views():
    base = values(3003)
    return base[1:-2], base[:-3]


def test_what_is_stored_may_be_what_is_compared():
    same(stored_beside, shifted_views)


def test_nothing_to_look_at():
    decorated = autopar.parallel(first_least, backend="cpu")
    assert decorated(np.zeros(0)) == 0
    with pytest.raises(IndexError):
        autopar.parallel(last_greatest, backend="cpu")(values(), 400)


# ------------------------------------------------------- places as subscripts of what is stored


def selection_sort(a):
    for i in range(len(a) - 1):
        m = i
        for j in range(i + 1, len(a)):
            if a[j] < a[m]:
                m = j
        a[i], a[m] = a[m], a[i]


def eliminate(a):
    n = a.shape[0]
    for k in range(n - 1):
        p = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[p, k]):
                p = i
        for j in range(n):
            t = a[k, j]
            a[k, j] = a[p, j]
            a[p, j] = t
        for i in range(k + 1, n):
            f = a[i, k] / a[k, k]
            for j in range(k, n):
                a[i, j] -= f * a[k, j]


def insertion(a):
    for i in range(1, len(a)):
        place = i
        for j in range(i):
            if a[j] > a[i] and place == i:
                place = j
        a[place] = a[i]


def beyond(a, b):
    for i in range(len(a)):
        m = i
        if b[i] > 0:
            m = i + 1
        a[m] = a[i] + a[m]


PLACES: Cases = {
    "selection": (selection_sort, lambda: (values(60),)),
    "selection of a list": (selection_sort, lambda: (values(60).tolist(),)),
    "elimination": (
        eliminate,
        lambda: (np.random.default_rng(1).random((12, 12)) + 12 * np.eye(12)[::-1],),
    ),
    "insertion": (insertion, lambda: (values(60),)),
}


@pytest.mark.parametrize("name", PLACES)
def test_places_that_are_in_range_are_no_obstacle(name):
    function, arguments = PLACES[name]
    decorated = same(function, arguments, ran="cpu")
    assert loops_of(decorated.last_run)[0]["ran"]["note"] is None


@pytest.mark.parametrize("last", [-1.0, 1.0])
def test_places_that_may_be_out_of_range_are_looked_at(last):
    same(beyond, lambda: (values(60), np.append(values(59), last)))
