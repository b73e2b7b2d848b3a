"""Arrays of random numbers, choices and keywords: drawn first, in the interpreter's order."""

from __future__ import annotations

import random

import numpy as np
import pytest

import autopar
from tests.autopar.test_random_numbers import compared
from tests.sameness import loops_of, notes, places

# mypy: disable-error-code="no-untyped-def"


def means(out, rng, n):
    for r in range(len(out)):
        out[r] = rng.normal(0.0, 2.0, n).mean() + np.sum(rng.random(n) < 0.3)


def named(out, rng, n):
    for r in range(len(out)):
        e = rng.normal(size=n, loc=1.0)
        s = rng.uniform(low=0.0, high=1)
        for v in e:
            s += v * v
        e[0] = 5.0
        out[r] = s / len(e) + e[0] * e[-1] + np.max(e)


def of_module(out):
    for r in range(len(out)):
        p = np.random.rand(3)
        k = np.random.randint(0, 10, size=2)
        out[r] = p[0] + p[1] * p[2] - k[0] * k[1] + random.random()


def bootstrap(out, rng, data):
    for r in range(len(out)):
        sample = rng.choice(data, size=len(data))
        out[r] = sample.mean()


def without_replacement(out, rng, data):
    for r in range(len(out)):
        some = rng.choice(data, 3, replace=False)
        out[r] = some[0] * some[1] - some[2]


def walk(out, n):
    for i in range(1, n):
        out[i] = out[i - 1] + random.choice([-1, 1]) * np.random.choice([0.5, 2.0])


def chosen(out, xs, weights):
    for i in range(len(out)):
        out[i] = np.random.choice(xs, p=weights) + random.choice(xs)


def spelt_out(out, rng):
    for i in range(len(out)):
        out[i] = rng.normal(scale=2.0) if i > 9 else rng.uniform(low=1.0, high=3)


def sums(out, rng, n):
    for i in range(len(out)):
        out[i] = sum(rng.random() < 0.5 for _ in range(n))


def from_itself(out, rng):
    for i in range(len(out)):
        out[i] = rng.choice(out)


def kept(out, rng, n):
    for i in range(len(out)):
        e = rng.normal(size=n)
        out[i] = e[0]
    return e


def before(out, rng, n):
    e = np.zeros(n)
    for i in range(len(out)):
        out[i] = e[0]
        e = rng.normal(size=n)
        out[i] += e[1]


def growing(out, rng):
    for i in range(len(out)):
        out[i] = rng.normal(size=i + 1).sum()


def of_rows(out, rng, n):
    for i in range(len(out)):
        out[i] = rng.normal(size=n)


TAKEN = {
    "means": (means, lambda rng: (np.zeros(20), rng, 9)),
    "named": (named, lambda rng: (np.zeros(20), rng, 9)),
    "of modules": (of_module, lambda _: (np.zeros(20),)),
    "bootstrap": (bootstrap, lambda rng: (np.zeros(20), rng, np.linspace(0, 1, 9))),
    "bootstrap of ints": (bootstrap, lambda rng: (np.zeros(20), rng, np.arange(9.0))),
    "without replacement": (without_replacement, lambda rng: (np.zeros(20), rng, [1, 2, 5, 7])),
    "walk": (walk, lambda _: (np.zeros(20), 20)),
    "chosen": (chosen, lambda _: (np.zeros(20), [1.0, 2.0, 5.0], [0.5, 0.2, 0.3])),
    "sums": (sums, lambda rng: (np.zeros(20), rng, 9)),
}
LEFT = {
    "from itself": (from_itself, lambda rng: (np.linspace(0, 1, 20), rng)),
    "nothing": (named, lambda rng: (np.zeros(20), rng, 0)),
    "less than nothing": (named, lambda rng: (np.zeros(20), rng, -1)),
    "many axes": (named, lambda rng: (np.zeros(20), rng, (2, 3))),
    "an array that lives on": (kept, lambda rng: (np.zeros(20), rng, 3)),
    "read before it is drawn": (before, lambda rng: (np.zeros(20), rng, 3)),
    "as many as turns": (growing, lambda rng: (np.zeros(20), rng)),
    "an array for a number": (of_rows, lambda rng: (np.zeros(20), rng, 3)),
    "probabilities of more": (chosen, lambda _: (np.zeros(20), [1.0, 2.0], [0.5, 0.2, 0.3])),
    "words": (chosen, lambda _: (np.zeros(20), ["a", "b", "c"], [0.5, 0.2, 0.3])),
    "sometimes": (spelt_out, lambda rng: (np.zeros(20), rng)),
    "numbers of two kinds": (chosen, lambda _: (np.zeros(20), [1.0, 2, 5], [0.5, 0.2, 0.3])),
}


@pytest.mark.parametrize("name", TAKEN)
def test_numbers_and_state_are_those_of_the_interpreter(name):
    for generator in (np.random.default_rng, np.random.RandomState):
        compared(*TAKEN[name], generator, "cpu")


@pytest.mark.parametrize("name", LEFT)
def test_what_cannot_be_drawn_first_is_left(name):
    decorated = compared(*LEFT[name], np.random.default_rng)
    assert "cpu" not in places(decorated), notes(decorated)


def test_generators_of_python_draw_no_arrays():
    compared(means, lambda rng: (np.zeros(20), rng, 9), random.Random)


@pytest.mark.parametrize("function", [kept, growing, before, spelt_out])
def test_arrays_that_cannot_be_drawn_first_say_so(function):
    outermost = loops_of(autopar.explain(function))[0]
    assert ("unsupported", "AP219") == (outermost["verdict"], outermost["code"])
