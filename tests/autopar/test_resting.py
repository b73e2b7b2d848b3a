"""Regions that keep being too short are asked in short, and in full as soon as a call is long."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import autopar
from autopar import resting
from autopar.codegen.canonical import FEWEST_TERMS
from autopar.codegen.rates import CURRENT, DEFAULTS
from autopar.dispatch import Region
from autopar.machine import inline_ns


@pytest.fixture(autouse=True)
def _rates_of_the_reference(monkeypatch):
    monkeypatch.setattr(CURRENT, "rates", DEFAULTS)


def scaled(x, out, n):
    for i in range(n):
        out[i] = 2.0 * x[i]


def summed(x):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i]
    return s


def added(g, k):
    for i in range(k):
        g.values[i] = g.values[i] + 1.0


def region_of(function) -> Region:
    (region,) = function._prepare().regions
    assert isinstance(region, Region)
    return region


def rested(function, *arguments):
    """`function` decorated and called until it rests."""
    decorated = autopar.parallel(function)
    for _ in range(resting.MOST_SHORT + 2):
        decorated(*arguments)
    rest = region_of(decorated).patience.rest
    assert rest is not None
    assert rest.holds((*arguments, 0.0)[: len(region_of(decorated).arguments)])
    return decorated, rest


def ran(decorated):
    (loop,) = decorated.last_run.to_dict()["functions"][0]["loops"]
    return loop["ran"]


def test_short_calls_rest_and_are_still_recorded() -> None:
    x, out = np.arange(5.0), np.zeros(5)
    decorated, _ = rested(scaled, x, out, 5)
    out[:] = 0.0
    decorated(x, out, 5)
    assert (2.0 * x).tolist() == out.tolist()
    assert "interpreter" == ran(decorated)["backend"]
    assert "AP602" in ran(decorated)["note"]


def test_a_long_call_is_compiled_at_once() -> None:
    decorated, rest = rested(scaled, np.arange(5.0), np.zeros(5), 5)
    n = 8_000_000
    x, out = np.ones(n), np.zeros(n)
    decorated(x, out, n)
    assert "cpu" == ran(decorated)["backend"]
    assert (2.0 * x == out).all()
    assert 0 == rest.short


def test_resting_asks_nothing_of_a_call(monkeypatch) -> None:
    arguments = np.arange(5.0), np.zeros(5), 5
    decorated, _ = rested(scaled, *arguments)

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(Region, "_enter_in_full", never)
    decorated(*arguments)
    with pytest.raises(AssertionError):
        decorated(arguments[0], arguments[1], 10**9)


class Peculiar:
    """No array, and none of our business."""

    asked = 0

    @property
    def shape(self):
        Peculiar.asked += 1
        return (3,)

    def __getitem__(self, index):
        return 1.0


@pytest.mark.parametrize(
    "x", [Peculiar(), [1.0] * 5, np.ma.zeros(5), np.ones((5, 1))], ids=lambda x: type(x).__name__
)
def test_other_arguments_are_not_looked_at(x) -> None:
    decorated, rest = rested(scaled, np.arange(5.0), np.zeros(5), 5)
    assert not rest.holds((x, np.zeros(5), 5)) or isinstance(x, np.ndarray)
    assert not rest.holds((np.arange(5.0), np.zeros(5), 5.0))
    assert 0 == Peculiar.asked
    expected, out = np.zeros((5, 1)), np.zeros((5, 1))
    scaled(x, expected, 3)
    decorated(x, out, 3)
    assert expected.tolist() == out.tolist()


def test_a_long_sum_never_rests() -> None:
    decorated, rest = rested(summed, np.ones(4))
    rest.limit_ns = float("inf")
    x = np.random.default_rng(1).random(FEWEST_TERMS)
    assert rest.holds((x[:-1], 0.0))
    rest.short = resting.MOST_SHORT
    assert not rest.holds((x, 0.0))
    fresh = autopar.parallel(summed, backend="cpu")
    assert fresh(x) == decorated(x)


def test_attributes_rest_too() -> None:
    g = SimpleNamespace(values=np.zeros(4))
    decorated = autopar.parallel(added)
    for _ in range(resting.MOST_SHORT + 5):
        decorated(g, 4)
    assert [resting.MOST_SHORT + 5.0] * 4 == g.values.tolist()


def test_the_limit_of_a_pool_follows_the_cost_of_a_hop() -> None:
    assert inline_ns(DEFAULTS) < inline_ns(replace(DEFAULTS, hop=10 * DEFAULTS.hop))
    assert inline_ns(replace(DEFAULTS, hop=1.0)) > 0
