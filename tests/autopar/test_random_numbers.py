"""Loops that draw random numbers: the same numbers, and the same state of the generator after."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

import autopar
from autopar import drawing
from tests.sameness import loops_of, notes, observe, places, same


def circle(rng, n):
    count = 0
    for _ in range(n):
        x = rng.random()
        y = rng.random()
        if x * x + y * y < 1.0:
            count += 1
    return 4.0 * count / n


def grid(a, rng, mu, s):
    for i in range(a.shape[0]):
        for j in range(1, a.shape[1], 2):
            a[i, j] = math.exp(rng.normal(mu, s)) / (1.0 + rng.random())


def path(x, n):
    for t in range(1, n):
        x[t] = x[t - 1] + random.gauss(0.0, 1.0)


def of_module(out, n):
    for i in range(n):
        out[i] = np.random.randint(0, 10) + np.random.normal(1.0, 2.0) * i


def chance(rng, weights, p):
    hits = 0
    for i, w in enumerate(weights):
        if rng.random() < p * w:
            hits += i
    return hits


def inverse(out, rng, n):
    for i in range(n):
        out[i] = 6 / (rng.integers(0, 3) + i - 7)


def inverse_of_ints(out, n):
    for i in range(n):
        out[i] = 1 / (random.randint(0, 3) + i - 7)


def past_the_end(out, rng, n):
    for i in range(n):
        out[i] = rng.random() + 1.0


def sometimes(a, rng):
    for i in range(len(a)):
        if a[i] > 0.5:
            a[i] = rng.random()


def of_itself(a, rng):
    for i in range(len(a)):
        a[i] = rng.normal(a[i], 1.0)


def either(a, rng):
    for i in range(len(a)):
        a[i] = a[i] > 0.5 and rng.random()


def until(a, rng):
    for i in range(len(a)):
        a[i] = rng.random()
        if a[i] > 0.8:
            break


def inner_until(a, rng):
    for i in range(len(a)):
        for _ in range(5):
            x = rng.random()
            if x > 0.5:
                break
        a[i] = x


def with_state(function, make, generator):
    """Return a function of nothing but the seed, which hands out the state of a generator too."""

    def run(seed):
        rng = generator(seed)
        random.seed(seed)
        np.random.seed(seed)
        arguments = make(rng)
        try:
            result = function(*arguments)
        finally:
            states.append(state(rng))
        return result, [each for each in arguments if isinstance(each, np.ndarray)]

    states: list[object] = []

    def state(rng):
        own = (
            rng.getstate() if isinstance(rng, random.Random) else drawing._flat(drawing._state(rng))
        )
        return repr((own, random.getstate(), drawing._flat(np.random.get_state(legacy=False))))

    return run, states


def kind_of(error):
    """Return class and message of what was raised."""
    return error and error[:2]


def compared(function, make, generator, ran=None):
    """Return the decorated function, after both did the same twice."""
    decorated = autopar.parallel(function, backend="cpu")
    for seed in (3, 4):
        (plain, expected), (ours, actual) = (
            with_state(each, make, generator) for each in (function, decorated)
        )
        left, right = observe(plain, (seed,)), observe(ours, (seed,))
        assert (left.result, left.warnings) == (right.result, right.warnings)
        assert kind_of(left.error) == kind_of(right.error)
        assert expected == actual
    if ran is not None:
        assert ran == places(decorated)[0], notes(decorated)
    return decorated


GENERATORS = [
    np.random.default_rng,
    lambda seed: np.random.Generator(np.random.MT19937(seed)),
    np.random.RandomState,
    random.Random,
]


@pytest.mark.parametrize("generator", GENERATORS)
def test_numbers_and_state_are_those_of_the_interpreter(generator):
    compared(circle, lambda rng: (rng, 200), generator, "cpu")
    compared(chance, lambda rng: (rng, np.linspace(0, 1, 99), 0.7), generator, "cpu")


@pytest.mark.parametrize(
    ("function", "make"),
    [
        (grid, lambda rng: (np.zeros((7, 8)), rng, 0.5, 2.0)),
        (path, lambda _: (np.zeros(50), 50)),
        (of_module, lambda _: (np.zeros(50), 50)),
        (past_the_end, lambda rng: (np.zeros(20), rng, 20)),
    ],
)
def test_draws_of_several_kinds(function, make):
    compared(function, make, np.random.default_rng, "cpu")


def test_loop_that_draws_nothing_stays_in_the_interpreter():
    compared(grid, lambda rng: (np.zeros((7, 0)), rng, 0.5, 2.0), np.random.default_rng)


@pytest.mark.parametrize(
    ("function", "make"),
    [
        (inverse, lambda rng: (np.zeros(50), rng, 50)),
        (inverse_of_ints, lambda _: (np.zeros(50), 50)),
        (past_the_end, lambda rng: (np.zeros(20), rng, 25)),
        (grid, lambda rng: (np.zeros((7, 8)), rng, 0.5, -2.0)),
        (grid, lambda rng: (np.zeros((7, 8)), rng, "mu", 2.0)),
        (sometimes, lambda rng: (np.linspace(0, 1, 20), rng)),
        (of_itself, lambda rng: (np.linspace(0, 1, 20), rng)),
        (either, lambda rng: (np.linspace(0, 1, 20), rng)),
        (until, lambda rng: (np.linspace(0, 1, 20), rng)),
        (inner_until, lambda rng: (np.linspace(0, 1, 20), rng)),
    ],
)
def test_generator_is_where_the_interpreter_leaves_it(function, make):
    compared(function, make, np.random.default_rng)


@pytest.mark.parametrize("function", [sometimes, of_itself, either])
def test_draws_that_cannot_be_first_say_so(function):
    outermost = loops_of(autopar.explain(function))[0]
    assert ("unsupported", "AP219") == (outermost["verdict"], outermost["code"])


class Counting(random.Random):
    """A generator of the user."""

    calls = 0

    def random(self):
        self.calls += 1
        return super().random()


def test_generator_of_the_user_is_left_alone():
    decorated = compared(circle, lambda rng: (rng, 20), Counting)
    assert "AP520" in notes(decorated)[0]


def test_method_that_was_replaced_in_its_class_is_called(monkeypatch):
    seen = []

    def gauss(self, mu, s):
        seen.append(mu)
        return mu + s

    monkeypatch.setattr(random.Random, "gauss", gauss)
    rng = random.Random(3)

    def loop(rng, x, n):
        for t in range(1, n):
            x[t] = rng.gauss(0.0, 1.0) * 2.0

    autopar.parallel(loop, backend="cpu")(rng, np.zeros(9), 12 - 3)
    assert [0.0] * 8 == seen


def test_method_that_was_replaced_is_called(monkeypatch):
    monkeypatch.setattr(random, "gauss", lambda mu, s: mu + s)
    same(path, lambda: (np.zeros(9), 9))


@pytest.mark.parametrize("generator", GENERATORS[:3])
def test_one_call_draws_what_many_calls_draw(generator):
    is_new = isinstance(generator(1), np.random.Generator)
    methods = {
        "random": (), "standard_normal": (), "normal": (1.0, 2.0), "uniform": (1.0, 3.0),
        "exponential": (2.0,), "poisson": (3.0,), "integers" if is_new else "randint": (0, 10),
        "gamma": (2.0, 1.0), "binomial": (10, 0.3),
    }  # fmt: skip
    for method, arguments in methods.items():
        rng = generator(1)
        getattr(rng, method)(*arguments)  # half a word, half a pair, may be kept
        call = drawing._Call(generator=rng, method=method, arguments=arguments)
        assert drawing._are_alike(call), method


def test_one_call_that_draws_other_numbers_is_not_used(monkeypatch):
    monkeypatch.setattr(drawing, "_many", lambda generator, call, count: [0.5] * count)
    monkeypatch.setattr(drawing, "_ALIKE", {})
    call = drawing._Call(generator=np.random.default_rng(1), method="random", arguments=())
    assert not drawing._are_alike(call)


def noisy():
    x = np.random.rand()
    return x * x + 1.0


def stepped(x):
    return x + random.gauss(0.0, 1.0)


def point():
    return random.random(), random.random()


def shifted(mu):
    return np.random.normal(mu, 1.0)


def of_a_helper(out):
    for i in range(len(out)):
        out[i] = 2.0 * noisy()


def of_elements(out):
    for i in range(len(out)):
        out[i] = stepped(out[i])


def of_two_values(out):
    hits = 0
    for _ in range(len(out)):
        x, y = point()
        if x * x + y * y < 1.0:
            hits += 1
    return hits


def before_a_helper(out):
    for i in range(len(out)):
        out[i] = np.random.rand() - noisy()


def twice(out):
    for i in range(len(out)):
        out[i] = noisy() - 3.0 * noisy()


def at_times(out):
    for i in range(len(out)):
        if i % 2:
            out[i] = noisy()


def by_an_argument(out):
    for i in range(len(out)):
        out[i] = shifted(float(i))


def rebound(out):
    random = np.random  # another one
    for i in range(len(out)):
        out[i] = stepped(out[i])


def seeded(function):
    """Return `function`, begun with the same state, and where the state is afterwards."""

    def called(out):
        np.random.seed(4)
        random.seed(4)
        found = function(out)
        return found, out, np.random.rand(), random.random()

    return called


HELPED = (of_a_helper, of_elements, of_two_values)
UNHELPED = (before_a_helper, twice, at_times, by_an_argument, rebound)


@pytest.mark.parametrize("function", [*HELPED, *UNHELPED])
def test_functions_draw_the_numbers_of_the_interpreter(function):
    decorated = autopar.parallel(function, backend="cpu")
    for _ in range(2):
        expected = seeded(function)(np.zeros(200))
        found = seeded(decorated)(np.zeros(200))
        assert repr(expected) == repr(found)
    assert (function in HELPED) == ("cpu" in places(decorated))
