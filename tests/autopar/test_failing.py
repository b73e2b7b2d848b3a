"""Guards that keep failing: calls like those before are left to the interpreter at a glance."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.codegen.canonical import FEWEST_TERMS
from autopar.codegen.rates import CURRENT, DEFAULTS
from autopar.dispatch import Region
from autopar.failing import ASKED_OF, MOST_FAILED, Failing, limit_ns


@pytest.fixture(autouse=True)
def _rates_of_the_reference(monkeypatch):
    monkeypatch.setattr(CURRENT, "rates", DEFAULTS)


@pytest.fixture
def asked(monkeypatch):
    """The calls that a guard was asked about in full."""
    found, original = [], Region._enter_in_full

    def noting(self, values):
        found.append(values)
        return original(self, values)

    monkeypatch.setattr(Region, "_enter_in_full", noting)
    return found


class Own(np.ndarray):
    """An array that may do anything."""


def halved(a, n):
    for i in range(n):
        a[i] = a[i] * 0.5 + 1.0


def shifted(a, n):
    for i in range(n):
        a[i] = a[i + 1] * 0.5


def summed(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i]
    return s


def ran(decorated) -> dict[str, Any]:
    found: dict[str, Any] = decorated.last_run.to_dict()["functions"][0]["loops"][0]["ran"]
    return found


def called(decorated, count, make, *others):
    """Call again and again, each time as the interpreter would."""
    for _ in range(count):
        one, other = make(), make()
        assert repr(decorated(one, *others)) == repr(decorated.__wrapped__(other, *others))
        assert repr(one) == repr(other)


STRANGE = {
    "subclass": lambda: np.arange(20.0).view(Own),
    "masked": lambda: np.ma.masked_less(np.arange(20.0), 3.0),
    "dict": lambda: dict.fromkeys(range(20), 3.0),
    "list": lambda: [3.0] * 20,
}


@pytest.mark.parametrize("name", STRANGE)
def test_classes_that_are_refused_are_not_asked_about_any_more(name, asked):
    decorated = autopar.parallel(halved, cache=False)
    called(decorated, 2 * MOST_FAILED, STRANGE[name], 20)
    before = len(asked)
    called(decorated, 50, STRANGE[name], 20)
    assert len(asked) - before <= (5 if name == "list" else 0)
    assert "interpreter" == ran(decorated)["backend"]
    assert ("AP602" if name == "list" else "AP506") in ran(decorated)["note"]
    # Other classes are asked about at once, and may be long.
    n = 3_000_000
    a = np.ones(n)
    decorated(a, n)
    assert "cpu" == ran(decorated)["backend"]
    assert (a == 1.5).all()
    called(decorated, 3, STRANGE[name], 20)


def test_types_that_no_kernel_takes_are_asked_about_now_and_then(asked):
    decorated = autopar.parallel(halved, cache=False)

    def objects():
        return np.full(900, 3.0, dtype=object)

    compiled = int(DEFAULTS.compile / 100e3)  # calls after which a kernel is wanted, and more
    for _ in range(compiled + MOST_FAILED):
        decorated(objects(), 900)
    before = len(asked)
    called(decorated, 2 * ASKED_OF, objects, 900)
    assert len(asked) - before <= 3
    n = 3_000_000
    decorated(np.ones(n), n)  # long: asked about at once
    assert "cpu" == ran(decorated)["backend"]


def test_a_condition_that_keeps_failing_raises_what_it_raises():
    decorated = autopar.parallel(shifted, cache=False)
    for _ in range(3 * MOST_FAILED):
        a, b = np.arange(30.0), np.arange(30.0)
        with pytest.raises(IndexError, match="index 30 is out of bounds"):
            decorated(a, 30)
        with pytest.raises(IndexError, match="index 30 is out of bounds"):
            shifted(b, 30)
        assert a.tolist() == b.tolist()
    called(decorated, 10, lambda: np.arange(31.0), 30)


def test_a_long_sum_is_asked_about_each_time():
    decorated = autopar.parallel(summed, cache=False)
    n = FEWEST_TERMS + 5
    values = np.random.default_rng(2).uniform(-1.0, 1.0, n)
    expected = autopar.parallel(summed, cache=False)(values)
    assert expected != summed(values)
    strange = values.view(Own)
    for _ in range(2 * MOST_FAILED):
        assert summed(values) == decorated(strange)
        with pytest.raises(IndexError):
            decorated(np.float64(3.0))
    assert expected == decorated(values)


def test_a_backend_that_is_named_is_asked_each_time(asked):
    decorated = autopar.parallel(halved, backend="cpu", cache=False)
    for _ in range(2 * MOST_FAILED):
        decorated(STRANGE["subclass"](), 20)
    assert len(asked) == 2 * MOST_FAILED


def failing(predicted, *, is_long=False) -> Failing:
    rest: Any = SimpleNamespace(
        predict=lambda *_: predicted, sums=SimpleNamespace(may_be_long=lambda _: is_long)
    )
    return Failing(rest=rest)


@pytest.mark.parametrize(
    ("predicted", "is_long", "answered"),
    [(10, False, ASKED_OF - 1), (10, True, 0), (None, False, 0), (10**9, False, 0)],
)
def test_only_short_calls_without_long_sums_go_unasked(predicted, is_long, answered):
    reason: Any = object()
    one = failing(predicted, is_long=is_long)
    for _ in range(MOST_FAILED):
        assert one.answer((1,)) is None
        one.note(reason)
    assert answered == sum(one.answer((1,)) is reason for _ in range(ASKED_OF))
    one.failed = 0
    assert one.answer((1,)) is None
    assert limit_ns() > 100_000


def test_kinds_are_few():
    reason: Any = object()
    one = failing(None)
    for kind in range(40):
        values = (type(f"Kind{kind}", (), {})(),)
        for _ in range(MOST_FAILED):
            one.note_kinds(values, reason)
        assert one.kinds[tuple(map(type, values))] is reason
    assert len(one.kinds) <= 8
