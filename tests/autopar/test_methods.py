"""Loops that call methods: found through the class at a call, put in place as functions are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, notes, observe


class Flow:
    scale = 3.0

    def __init__(self, n):
        self.u = np.random.default_rng(3).random(n)
        self.v = np.zeros(n)
        self.k = 0.25

    def flux(self, i):
        return self.k * (self.u[i + 1] - self.u[i])

    def limited(self, i, top=1.0):
        f = self.flux(i)
        if f > top:
            return top + 0.0 * f
        return f * self.scaled(2.0)

    def scaled(self, x):
        return x / 3.0

    def put(self, i, x):
        self.v[i] = x + self.scaled(x)

    def counted(self, x):
        self.k = self.k + 1.0
        return x

    def step(self, n):
        for i in range(n):
            self.v[i] = self.flux(i)

    def nested(self, n):
        s = 0.0
        for i in range(n):
            s += self.limited(i, top=0.1) + self.limited(i)
        return s

    def stored(self, n):
        for i in range(n):
            self.put(i, self.u[i])

    def changing(self, n):
        for i in range(n):
            self.v[i] = self.counted(self.u[i])

    def recursive(self, x):
        return 0.0 if x < 0 else self.recursive(x - 1.0)

    def recursed(self, n):
        for i in range(n):
            self.v[i] = self.recursive(self.u[i])


class Doubled(Flow):
    def scaled(self, x):
        return 2.0 * x


class Slotted:
    __slots__ = ("k", "u", "v")
    flux, step = Flow.flux, Flow.step

    def __init__(self, n):
        self.u, self.v, self.k = np.arange(float(n)), np.zeros(n), 0.5


TAKEN = [
    (Flow.step, lambda: (Flow(30), 29)),
    (Flow.nested, lambda: (Flow(30), 29)),
    (Flow.nested, lambda: (Doubled(30), 29)),
    (Flow.stored, lambda: (Flow(30), 30)),
    (Flow.stored, lambda: (Doubled(30), 30)),
    (Flow.step, lambda: (Slotted(30), 29)),
]
LEFT = [
    (Flow.step, lambda: (Flow(30), 31)),  # IndexError in the method
    (Flow.stored, lambda: (Flow(30), 31)),
    (Flow.changing, lambda: (Flow(30), 30)),
    (Flow.recursed, lambda: (Flow(30), 30)),
]


def seen(function, arguments):
    """Return what a call did, with what its first argument holds then."""
    first, *_ = arguments
    observed = observe(function, arguments)
    held = observe(lambda: (first.u, first.v, first.k), ())
    return observed, held.result


@pytest.mark.parametrize(("method", "arguments"), TAKEN)
def test_methods_are_put_in_place(method, arguments):
    decorated = autopar.parallel(backend="cpu")(method)
    for _ in range(2):
        assert repr(seen(method, arguments())[1]) == repr(seen(decorated, arguments())[1])
    assert "cpu" == loops_of(decorated.last_run)[0]["ran"]["backend"], notes(decorated)


@pytest.mark.parametrize(("method", "arguments"), LEFT)
def test_what_is_no_function_of_numbers_is_left(method, arguments):
    decorated = autopar.parallel(backend="cpu")(method)
    for _ in range(2):
        expected, found = seen(method, arguments()), seen(decorated, arguments())
        assert repr(expected[1]) == repr(found[1])
        assert expected[0].error == found[0].error
    assert "interpreter" == loops_of(decorated.last_run)[0]["ran"]["backend"]


def rebound_in_class(flow, cls):
    cls.scaled = lambda self, x: x - 7.0


def rebound_in_instance(flow, cls):
    flow.scaled = lambda x: x - 8.0


def rebound_further_in(flow, cls):
    flow.flux = lambda i: 0.5


def made_a_property(flow, cls):
    cls.scaled = property(lambda self: lambda x: x - 9.0)


def made_static(flow, cls):
    cls.scaled = staticmethod(lambda x: x - 10.0)


def given_other_code(flow, cls):
    def other(self, x):
        return x * 11.0

    cls.scaled.__code__ = other.__code__


def given_a_lookup(flow, cls):
    def looked_up(self, name):
        if name == "scaled":
            return lambda x: x + 12.0
        return object.__getattribute__(self, name)

    cls.__getattribute__ = looked_up


def turned_into(flow, cls):
    flow.__class__ = type("Other", (cls,), {"scaled": lambda self, x: x + 13.0})


@pytest.mark.parametrize(
    "change",
    [
        rebound_in_class, rebound_in_instance, rebound_further_in, made_a_property, made_static,
        given_other_code, given_a_lookup, turned_into,
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["nested", "stored"])
def test_what_is_called_is_looked_up_at_each_call(change, method):
    results = []
    for is_ours in (False, True):

        class Own(Flow):
            def scaled(self, x):
                return x * 2.0

        function: Any = getattr(Flow, method)
        if is_ours:
            function = autopar.parallel(backend="cpu")(function)
        flow = Own(30)
        found = [function(flow, 29), flow.v.tolist()]
        change(flow, Own)
        found += [function(flow, 29), object.__getattribute__(flow, "v").tolist()]
        results.append(found)
    assert results[0] == results[1]


def test_a_class_that_is_never_taken_is_not_analysed_again():
    decorated: Any = autopar.parallel(backend="cpu")(Flow.changing)
    flow = Flow(30)
    for _ in range(40):
        decorated(flow, 30)
    (note,) = notes(decorated)
    assert "AP214" in note
