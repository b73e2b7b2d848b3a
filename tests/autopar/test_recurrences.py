"""Linear recurrences of floats run in passes over blocks where `fastmath` allows another rounding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.canonical_order import small_shapes
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, same

FEWEST = 32768  # iterations; fewer run in order


def smoothed(a, b, y, k):
    y[0] = a[0]
    for i in range(1, y.shape[0]):
        y[i] = k * a[i] + (1.0 - k) * y[i - 1]


def varying(a, b, y, k):
    for i in range(1, y.shape[0]):
        y[i] = a[i] * y[i - 1] + b[i]


def scalar(a, b, y, k):
    s = 0.0
    for i in range(y.shape[0]):
        s = s + k * (a[i] - s)
        y[i] = s
    return s


def backwards(a, b, y, k):
    for i in range(y.shape[0] - 2, -1, -1):
        y[i] = (b[i] - a[i] * y[i + 1]) / 2.0


def updated(a, b, y, k):
    s = k
    for i in range(y.shape[0]):
        y[i] = s - a[i]
        s -= 0.5 * s - b[i]
        y[i] += s
    return s


def negated(a, b, y, k):
    for i in range(1, y.shape[0]):
        y[i] = -(y[i - 1] / (1.0 + a[i])) - k


def pair(a, b, y, k):
    s = 1.0
    for i in range(1, y.shape[0]):
        s = s * k + b[i]
        y[i] = a[i] * y[i - 1] + 0.5
    return s


LINEAR = (smoothed, varying, scalar, backwards, updated, negated, pair)


def second_order(a, b, y, k):
    for i in range(2, y.shape[0]):
        y[i] = 0.5 * y[i - 1] - 0.2 * y[i - 2] + a[i]


def squared(a, b, y, k):
    for i in range(1, y.shape[0]):
        y[i] = 0.1 * y[i - 1] * y[i - 1] + a[i]


def sometimes(a, b, y, k):
    s = 0.0
    for i in range(y.shape[0]):
        if a[i] > 0.5:
            s = 0.5 * s + a[i]
        y[i] = s


def coupled(a, b, y, k):
    s, t = 1.0, 0.0
    for i in range(y.shape[0]):
        s = 0.5 * s + 0.3 * t
        t = 0.4 * t + 0.1 * s + a[i]
        y[i] = s + t


def below(a, b, y, k):
    for i in range(1, y.shape[0]):
        y[i] = a[i] / (2.0 + y[i - 1])


OTHERS = (second_order, squared, sometimes, coupled, below)


def arguments(n=FEWEST + 70, dtype="float64"):
    rng = np.random.default_rng(n)
    return rng.random(n).astype(dtype), rng.random(n).astype(dtype), np.ones(n, dtype), 0.25


def fast(function, made, backend="cpu", **options):
    """Return `function` decorated, after it left about what the plain one leaves."""
    decorated = autopar.parallel(function, backend=backend, fastmath=True, cache=False, **options)
    plain, run = made(), made()
    with np.errstate(all="ignore"):
        expected, actual = function(*plain), decorated(*run)
    tolerance = 1e-12 if plain[0].dtype == np.float64 else 1e-4
    for one, other in zip((*plain, expected), (*run, actual), strict=True):
        assert type(one) is type(other)
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    return decorated


def has_passes(decorated):
    return "_factors" in "".join(decorated.inspect_source().values())


@pytest.mark.parametrize("function", LINEAR, ids=lambda each: each.__name__)
def test_blocks_of_a_linear_recurrence_run_at_the_same_time(function):
    decorated = fast(function, arguments)
    assert has_passes(decorated)
    assert [["scan"]] == [each["transform"] for each in loops_of(decorated.last_run)]


def test_blocks_in_hostile_orders(monkeypatch):
    orders = itertools.cycle(ORDERS.values())
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: AdversarialLauncher(next(orders)))
    for function in LINEAR:
        with small_shapes():
            assert has_passes(fast(function, lambda: arguments(43)))


@pytest.mark.parametrize("function", LINEAR, ids=lambda each: each.__name__)
def test_few_blocks_are_enough(function, backend):
    with small_shapes():
        assert has_passes(fast(function, lambda: arguments(43), backend))


def test_on_the_simulator(on_simulator):
    on_simulator(__file__)


@pytest.mark.parametrize("function", [varying, scalar], ids=lambda each: each.__name__)
def test_without_fastmath_every_bit_is_the_interpreters(function):
    for decorated in (
        same(function, arguments, cache=False),
        fast(function, arguments, strict=True),
    ):
        assert not has_passes(decorated)
        assert [[]] == [each["transform"] for each in loops_of(decorated.last_run)]


@pytest.mark.parametrize("function", OTHERS, ids=lambda each: each.__name__)
def test_what_is_no_linear_recurrence_runs_in_order(function):
    assert not has_passes(fast(function, arguments))


def test_integers_stay_as_they_are():
    def whole(a, b, y, k):
        for i in range(1, y.shape[0]):
            y[i] = a[i] * y[i - 1] + b[i]

    made = lambda: (*arguments(dtype="int64")[:3], 1)  # noqa: E731
    assert not has_passes(same(whole, made, fastmath=True, cache=False))


def test_blocks_end_where_the_loop_ends():
    decorated = autopar.parallel(varying, backend="cpu", fastmath=True, cache=False)
    for n in (0, 1, 5, *(FEWEST + each for each in (-1, 0, 1, 2, 63, 64, 65, 66, 130))):
        plain, run = arguments(n), arguments(n)
        varying(*plain)
        decorated(*run)
        np.testing.assert_allclose(plain[2], run[2], rtol=1e-12, err_msg=str(n))
    assert has_passes(decorated)


def test_single_precision_has_its_own_factors():
    assert has_passes(fast(varying, lambda: arguments(dtype="float32")))


@pytest.mark.parametrize("factor", [1e200, -3.0])
def test_what_outgrows_floats_runs_in_order(factor):
    def growing():
        a, b, y, k = arguments()
        a[:] = 0.5
        a[9000:9600] = factor
        y[0], b[:20_000] = 0.0, 0.0  # of which every product is zero
        return a, b, y, k

    assert has_passes(fast(varying, growing))
