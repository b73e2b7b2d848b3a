"""Histograms in loops that store something else too, and may find at last that order matters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import same


def counts_and_overwrites(h, k, w, a):
    for i in range(k.shape[0]):
        h[k[i]] += w[i]
        a[i] = a[i] + 1


def counts_and_stores(h, k, w, a, b):
    for i in range(k.shape[0]):
        h[k[i]] += w[i]
        b[i] = a[i] + 1


def counts_and_takes(h, k, w, a):
    for i in range(k.shape[0]):
        h[k[i]] += w[i]
        w[i] = a[i]


def counts_under_a_test_and_takes(h, k, w, a):
    for i in range(k.shape[0]):
        if w[i] > 1:
            h[k[i]] += w[i]
        w[i] = a[i]


@pytest.fixture(autouse=True)
def _hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = itertools.cycle(ORDERS.values())
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: AdversarialLauncher(next(orders)))


@pytest.mark.parametrize("weight", [3, 2**62])
@pytest.mark.parametrize("is_shared", [False, True])
def test_what_is_stored_beside_is_stored_once(weight, is_shared):
    rng = np.random.default_rng(3)
    k, w = rng.integers(0, 8, 5000), rng.integers(0, 9, 5000)
    w[:4] = weight  # the elements may wrap, as far as their sum tells, and never do

    def overwriting():
        return np.zeros(8, int), k.copy(), w.copy(), np.zeros(5000)

    def storing():
        a = np.zeros(5000)
        return np.zeros(8, int), k.copy(), w.copy(), a, a if is_shared else np.zeros(5000)

    same(counts_and_overwrites, overwriting, ran="cpu", cache=False)
    same(counts_and_stores, storing, ran="cpu", cache=False)


@pytest.mark.parametrize("function", [counts_and_takes, counts_under_a_test_and_takes])
@pytest.mark.parametrize("weight", [3, 2**62])
def test_what_was_added_is_not_overwritten_before_it_is_added_again(function, weight):
    def taking():
        k = np.arange(5000) % 8
        w = np.full(5000, 2)
        w[:4] = weight
        return np.zeros(8, int), k, w, np.zeros(5000, int)

    same(function, taking, cache=False)
